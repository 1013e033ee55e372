//! How the SHA-1 of an object was seen.

use crate::named::named;

/// Where a SHA-1 of the content *now at the final key* was seen to be the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// S3's answer to a PUT that carried it.
    Put,
    /// S3's answer to a COPY that asked for it.
    Copy,
    /// A stored full-object checksum, read by HEAD.
    Head,
    /// A hash of the bytes that were read back.
    Download,
    /// A multipart upload of which every part and the whole were checked.
    Multipart,
}

named!(Proof {
    Put = "put",
    Copy = "copy",
    Head = "head",
    Download = "download",
    Multipart = "multipart",
});
