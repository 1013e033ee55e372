use std::fmt;

/// What keeps a bucket's objects, or takes them elsewhere, beside what [`BucketState`](super::BucketState) has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketGuards {
    /// Whether the bucket has Object Lock, and what it locks each new object by.
    pub object_lock: Option<ObjectLock>,
    /// The buckets to which a rule copies new objects, as ARNs.
    pub replicas: Vec<String>,
}

/// A lifecycle rule that deletes objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryRule {
    /// Its name.
    pub name: String,
    /// Whether it is for keys of 40 hex digits, which files have.
    pub of_files: bool,
    /// Whether it is for keys of intermediaries.
    pub of_intermediaries: bool,
    /// Whether it is only for objects with certain tags: a COPY may bring some along, and no other
    /// write of ours has any.
    pub of_tagged: bool,
}

impl fmt::Display for ExpiryRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = if self.of_files {
            "for keys of 40 hex digits, which files have"
        } else {
            "for keys of intermediaries"
        };
        write!(f, "lifecycle rule `{}` is {keys}", self.name)?;
        if self.of_tagged {
            f.write_str(", with a tag that a COPY may bring along")?;
        }
        Ok(())
    }
}

/// What Object Lock does to new objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectLock {
    /// Nothing: whoever writes an object may lock it.
    ByRequest,
    /// Locks each, for this time and in this mode: `COMPLIANCE, 30 days`.
    Each(String),
}
