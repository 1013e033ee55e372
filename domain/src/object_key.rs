//! Keys in S3: the final one, `{sha1}`, and the two forms of an intermediary's.

use std::fmt;

use crate::{Fid, S3Bucket, Sha1};

/// An object's key in S3.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

/// The form of an intermediary's key: with or without a leading slash. Copies of both forms exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntermediaryForm {
    /// `0/564/879/0564879786.fid`
    Plain,
    /// `/0/564/879/0564879786.fid`
    LeadingSlash,
}

impl IntermediaryForm {
    /// Both forms, the usual one first.
    pub const ALL: [Self; 2] = [Self::Plain, Self::LeadingSlash];

    const fn lead(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::LeadingSlash => "/",
        }
    }

    /// The prefix of all intermediaries in the same folder as this fid's.
    #[must_use]
    pub fn prefix(self, fid: Fid) -> String {
        format!("{}{}", self.lead(), fid.folder())
    }
}

impl ObjectKey {
    /// Wraps a key as S3 lists it.
    #[must_use]
    pub const fn new(key: String) -> Self {
        Self(key)
    }

    /// Returns the final key of content: its SHA-1 in hex.
    #[must_use]
    pub fn of_content(sha1: &Sha1) -> Self {
        Self(sha1.to_string())
    }

    /// Reads the SHA-1 of a final key; [`None`] for any other key.
    #[must_use]
    pub fn as_content(&self) -> Option<Sha1> {
        Sha1::from_hex(&self.0).ok()
    }

    /// Returns the key of a fid's intermediary.
    #[must_use]
    pub fn intermediary(fid: Fid, form: IntermediaryForm) -> Self {
        Self(format!("{}{}", form.lead(), fid.path()))
    }

    /// Reads the fid and the form of an intermediary's key; [`None`] for any other key.
    #[must_use]
    pub fn as_intermediary(&self) -> Option<(Fid, IntermediaryForm)> {
        let (path, form) = match self.0.strip_prefix('/') {
            Some(path) => (path, IntermediaryForm::LeadingSlash),
            None => (self.0.as_str(), IntermediaryForm::Plain),
        };
        Fid::from_path(path).map(|fid| (fid, form))
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key in a bucket, displayed as `s3://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectAddress {
    /// The bucket.
    pub bucket: S3Bucket,
    /// The key in it.
    pub key: ObjectKey,
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn recorded_intermediary_keys() {
        let fid = Fid(564_879_786);
        let key = |form| ObjectKey::intermediary(fid, form).to_string();
        assert_eq!(key(IntermediaryForm::Plain), "0/564/879/0564879786.fid");
        assert_eq!(key(IntermediaryForm::LeadingSlash), "/0/564/879/0564879786.fid");
    }

    proptest! {
        #[test]
        fn fid_and_intermediary_key_are_one_to_one(fid: u64) {
            for form in IntermediaryForm::ALL {
                let key = ObjectKey::intermediary(Fid(fid), form);
                prop_assert_eq!(key.as_intermediary(), Some((Fid(fid), form)));
                prop_assert!(key.as_str().starts_with(&form.prefix(Fid(fid))));
            }
        }

        #[test]
        fn a_final_key_is_never_an_intermediary(bytes: [u8; 20]) {
            let (sha1, fid) = (Sha1::from_bytes(bytes), Fid(u64::from(bytes[0])));
            let key = ObjectKey::of_content(&sha1);
            prop_assert_eq!((key.as_intermediary(), key.as_content()), (None, Some(sha1)));
            for form in IntermediaryForm::ALL {
                prop_assert_eq!(ObjectKey::intermediary(fid, form).as_content(), None);
            }
        }
    }
}
