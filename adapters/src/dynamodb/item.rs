//! Builds and reads items and the values of their attributes.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Fid;

pub(super) type Item = HashMap<String, AttributeValue>;

/// The key of a fid's item in a table whose key is the fid alone.
pub(super) fn key(fid: Fid) -> Item {
    HashMap::from([("fid".to_owned(), number(fid.0))])
}

/// The keys of these fids, without duplicates.
pub(super) fn keys(fids: &[Fid]) -> Vec<Item> {
    let distinct: BTreeSet<_> = fids.iter().copied().collect();
    distinct.into_iter().map(key).collect()
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn text(text: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

pub(super) fn number_of(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(super) fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// Reads the fid of an item. Every item of ours has one.
pub(super) fn fid_of(item: &Item) -> Result<Fid, String> {
    number_of(item, "fid").map(Fid).ok_or_else(|| "an item without a fid".to_owned())
}
