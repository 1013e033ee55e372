use std::fmt;

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
