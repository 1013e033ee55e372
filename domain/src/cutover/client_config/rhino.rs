//! rhino's `rhino.yaml`, and what a running rhino says of it.

use serde_json::Value;

use super::{ConfigChecked, ConfigState};
use crate::bucket_map::Destination;
use crate::{BucketMap, MogileBucket, RepoBucketName};

/// The buckets that rhino's configuration names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RhinoConfig {
    /// `contentRepo.corpus.bucket`.
    pub corpus: Option<String>,
    /// `contentRepo.corpus.secondaryBuckets`.
    pub secondary: Vec<String>,
    /// `contentRepo.editorial.bucket`.
    pub editorial: Option<String>,
    /// What is there under one of these names and is no bucket's name.
    pub unreadable: Vec<String>,
}

impl RhinoConfig {
    /// Reads what `rhino.yaml` or a running rhino says, as JSON; [`None`] where it says nothing of contentrepo.
    /// A running rhino leaves the level `contentRepo` out.
    #[must_use]
    pub fn of(document: &Value) -> Option<Self> {
        let all = document.get("contentRepo").unwrap_or(document);
        let (corpus, editorial) = (all.get("corpus"), all.get("editorial"));
        if document.get("contentRepo").is_none() && corpus.is_none() && editorial.is_none() {
            return None;
        }
        let mut config = Self::default();
        let unreadable = &mut config.unreadable;
        config.corpus = bucket_of(corpus, "corpus", unreadable);
        config.editorial = bucket_of(editorial, "editorial", unreadable);
        let secondary = corpus.and_then(|corpus| corpus.get("secondaryBuckets"));
        config.secondary = names_of(secondary, unreadable);
        Some(config)
    }

    /// Each bucket with the place where it stands.
    fn buckets(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let corpus = self.corpus.iter().map(|name| ("contentRepo.corpus.bucket", &**name));
        let secondary = self.secondary.iter();
        let secondary =
            secondary.map(|name| ("contentRepo.corpus.secondaryBuckets", name.as_str()));
        let editorial = self.editorial.iter().map(|name| ("contentRepo.editorial.bucket", &**name));
        corpus.chain(secondary).chain(editorial)
    }
}

/// What one name is.
enum Named<'a> {
    /// A name behind the cut-over.
    New,
    /// A name before it: the new one.
    Old(String),
    /// Neither.
    Neither(&'a str),
}

/// Whether each bucket has its S3 name. Names are compared byte for byte, as rhino sends them.
#[must_use]
pub fn check_rhino(config: &RhinoConfig, buckets: &BucketMap) -> ConfigChecked {
    let (mut new, mut old, mut wrong) = (Vec::new(), Vec::new(), config.unreadable.clone());
    if config.corpus.is_none() {
        wrong.push("`contentRepo.corpus.bucket` is missing".to_owned());
    }
    for (place, name) in config.buckets() {
        match named(name, buckets) {
            Named::New => new.push(format!("`{place}` has `{name}`")),
            Named::Old(new) => {
                old.push(format!("`{place}` has the MogileFS name `{name}`: write `{new}`"));
            }
            Named::Neither(why) => wrong.push(format!("`{place}` has `{name}`, which {why}")),
        }
    }
    if !wrong.is_empty() {
        return ConfigChecked::new(ConfigState::Wrong, wrong.into_iter().chain(old).collect());
    }
    match (new.is_empty(), old.is_empty()) {
        (_, true) => ConfigChecked::new(ConfigState::Done, new),
        (true, false) => ConfigChecked::new(ConfigState::NotYet, old),
        // rhino would find some of its files, and not the others.
        (false, false) => {
            ConfigChecked::new(ConfigState::Wrong, old.into_iter().chain(new).collect())
        }
    }
}

fn named<'a>(name: &str, buckets: &BucketMap) -> Named<'a> {
    match buckets.repo_bucket(name) {
        RepoBucketName::Renamed(_) => Named::New,
        RepoBucketName::Mapped(old) => match new_name(old, buckets) {
            // `x:x`: the name is the same on both sides.
            Some(new) if new == name => Named::New,
            Some(new) => Named::Old(new),
            None => Named::Neither("BUCKETS does not map"),
        },
        RepoBucketName::Ignored => Named::Neither(
            "is in IGNORE_BUCKETS: its content is not in S3, and rhino could not read it. Map the bucket and \
             migrate it, or take it out of rhino's configuration",
        ),
        RepoBucketName::Unmapped => Named::Neither(
            "is neither an old nor a new name of BUCKETS: compare it with BUCKETS, letter by letter",
        ),
    }
}

fn new_name(old: &MogileBucket, buckets: &BucketMap) -> Option<String> {
    match buckets.destination(old) {
        Destination::Bucket(new) => Some(new.to_string()),
        Destination::Ignored | Destination::Unmapped => None,
    }
}

fn bucket_of(of: Option<&Value>, name: &str, unreadable: &mut Vec<String>) -> Option<String> {
    let of = of.filter(|of| !of.is_null())?;
    if let Some(Value::String(bucket)) = of.get("bucket") {
        return Some(bucket.clone());
    }
    unreadable.push(format!("`contentRepo.{name}` has no text `bucket`"));
    None
}

/// The names of a list, or of a set as YAML has it: a mapping without values.
fn names_of(of: Option<&Value>, unreadable: &mut Vec<String>) -> Vec<String> {
    let mut names = Vec::new();
    match of {
        None | Some(Value::Null) => {}
        Some(Value::Array(all)) => {
            for name in all {
                match name.as_str() {
                    Some(name) => names.push(name.to_owned()),
                    None => unreadable.push(format!("{SECONDARY} has `{name}`, which is no text")),
                }
            }
        }
        Some(Value::Object(all)) if all.values().all(Value::is_null) => {
            names.extend(all.keys().cloned());
        }
        Some(_) => unreadable.push(format!("{SECONDARY} is no list")),
    }
    names
}

const SECONDARY: &str = "`contentRepo.corpus.secondaryBuckets`";
