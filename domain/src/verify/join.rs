//! The comparison of a range's rows with a bucket's listing, both in the order of their keys.

use std::iter::Peekable;
use std::slice::Iter;

use serde::{Deserialize, Serialize};

use crate::{ByteCount, Fid, ListedObject, ObjectKey, Sha1};

/// A file that must be in a bucket, as small as possible: a range keeps all of its files in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ExpectedFile {
    /// The SHA-1 that its key names.
    pub(super) sha1: Sha1,
    /// Its number in MogileFS.
    pub(super) fid: Fid,
    /// The length in the index.
    pub(super) length: ByteCount,
}

/// What the comparison says of a file or of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Joined {
    /// No object is at the file's key.
    Missing(ExpectedFile),
    /// The file has this object.
    Found(ExpectedFile, ListedObject),
    /// The object's key names content, and no file has it.
    Extra(ListedObject, Sha1),
    /// The object is the intermediary of a file.
    Intermediary(ListedObject),
    /// The object's key names neither.
    OtherKey(ListedObject),
}

/// The files of a range and a bucket, sorted, and how far their comparison is.
pub(super) struct Join<'a> {
    files: Peekable<Iter<'a, ExpectedFile>>,
}

impl<'a> Join<'a> {
    /// Compares these files, which ascend, with the objects that [`object`](Self::object) is given.
    pub(super) fn new(files: &'a [ExpectedFile]) -> Self {
        debug_assert!(files.is_sorted(), "files ascend");
        Self { files: files.iter().peekable() }
    }

    /// Takes the next object, ascending by key.
    pub(super) fn object(&mut self, object: ListedObject, out: &mut Vec<Joined>) {
        let Some(sha1) = object.key.as_content() else {
            out.push(other(object));
            return;
        };
        // The order of keys is that of their digests: both are compared digit by digit.
        while let Some(file) = self.files.next_if(|file| file.sha1 < sha1) {
            out.push(Joined::Missing(*file));
        }
        let mut is_named = false;
        while let Some(file) = self.files.next_if(|file| file.sha1 == sha1) {
            is_named = true;
            out.push(Joined::Found(*file, object.clone()));
        }
        if !is_named {
            out.push(Joined::Extra(object, sha1));
        }
    }

    /// The range has no more objects.
    pub(super) fn finish(self, out: &mut Vec<Joined>) {
        out.extend(self.files.copied().map(Joined::Missing));
    }
}

fn other(object: ListedObject) -> Joined {
    match object.key.as_intermediary() {
        Some(_) => Joined::Intermediary(object),
        None => Joined::OtherKey(object),
    }
}

impl ExpectedFile {
    /// Its key in S3.
    pub(super) fn key(&self) -> ObjectKey {
        ObjectKey::of_content(&self.sha1)
    }
}
