//! The MogileFS key of content: `{sha1}-{bucket}`.

use std::fmt;
use std::sync::Arc;

use crate::Sha1;

/// A bucket's name in MogileFS keys: what follows the SHA-1 and its hyphen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MogileBucket(Arc<str>);

impl MogileBucket {
    /// Takes a name of one character or more. [`None`] for an empty name, and for one with white
    /// space or control characters: MogileFS's collation ignores white space at the end of a name,
    /// and S3 does not.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let plain =
            !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
        plain.then(|| Self(name.into()))
    }

    /// Returns the bucket's name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MogileBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A MogileFS key that names its content by SHA-1. The expected SHA-1 of every proof comes from
/// here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dkey {
    /// SHA-1 of the content.
    pub sha1: Sha1,
    /// The bucket the content belongs to.
    pub bucket: MogileBucket,
}

impl Dkey {
    /// Parses `{sha1}-{bucket}`; [`None`] when the text is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sha1, rest) = text.split_at_checked(40)?;
        let bucket = MogileBucket::new(rest.strip_prefix('-')?)?;
        Some(Self { sha1: Sha1::from_hex(sha1).ok()?, bucket })
    }
}

impl fmt::Display for Dkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.sha1, self.bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHA1: &str = "4cb62c588ecdb941e92cbb85cdcb282f0fec0c77";

    #[test]
    fn texts_that_are_no_dkeys() {
        for text in [
            String::new(),
            "README".to_owned(),
            SHA1.to_owned(),
            format!("{SHA1}-"),
            format!("{SHA1}_prod"),
            format!("{SHA1}-prod "),
            format!("{}-prod", SHA1.to_uppercase()),
            format!("{}é-prod", &SHA1[..39]),
            format!(" {SHA1}-prod"),
        ] {
            assert_eq!(Dkey::parse(&text), None, "`{text}`");
        }
    }

    proptest! {
        #[test]
        fn every_dkey_comes_back_from_its_text(bytes: [u8; 20], name in "[!-~]{1,64}") {
            let bucket = MogileBucket::new(&name).expect("printable ASCII is a name");
            let dkey = Dkey { sha1: Sha1::from_bytes(bytes), bucket };
            prop_assert_eq!(Dkey::parse(&dkey.to_string()), Some(dkey));
        }

        #[test]
        fn any_text_is_refused_or_comes_back_to_the_letter(text in "\\PC{0,64}|[0-9a-f]{40}-\\PC{0,9}") {
            if let Some(dkey) = Dkey::parse(&text) {
                prop_assert_eq!(dkey.to_string(), text);
            }
        }
    }
}
