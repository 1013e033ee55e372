/// What a stock contentrepo does otherwise behind the cut-over than before it, a line each.
#[must_use]
pub fn refused_afterwards() -> &'static [&'static str] {
    &[
        "refuses an object whose fields have more than 2 KB together, or a character that is not ASCII (`Zürich.pdf`): \
         it sends them all as metadata, which S3 does not take",
        "refuses a new bucket by its API: S3 does not take the public ACL that it asks for. Make the bucket with \
         `mogile2s3 provision`, then INSERT its name into contentrepo's table `buckets`",
        "really deletes an empty bucket of S3 on `DELETE /buckets/NAME`: give its keys no s3:DeleteBucket",
    ]
}
