//! What a publisher has: contents to be planted, made from a seed or taken from a folder.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bytes::Bytes;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha1::{Digest, Sha1};
use stand_ins::embedded::SINGLE_REQUEST_BYTES;
use stand_ins::world::mogile::Content;

/// One content, with what is known of it from here alone.
#[derive(Debug, Clone)]
pub struct CorpusFile {
    /// The bytes, or where they lie.
    pub content: Content,
    /// SHA-1 of all bytes, lower-case hex.
    pub sha1: String,
    /// MD5 of all bytes, lower-case hex.
    pub md5: String,
}

/// So many contents from a seed, no two alike: from empty to 30 MiB, most of them small, and some
/// that one request cannot write. A small corpus has no large ones, and a large one has smaller
/// ones, so that it fits in memory.
#[must_use]
pub fn seeded(seed: u64, files: usize) -> Vec<CorpusFile> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut made = BTreeSet::new();
    let mut corpus = Vec::with_capacity(files);
    while corpus.len() < files {
        let length = length(&mut rng, corpus.len(), files);
        let file = of_bytes(bytes(&mut rng, length));
        if made.insert(file.sha1.clone()) {
            corpus.push(file);
        }
    }
    corpus
}

/// The corners, and the one that is larger than all others.
const CORNERS: [usize; 6] = [0, 1, 65_535, 65_536, 65_537, 5 * 1024 * 1024];
const LARGEST: usize = 30 * 1024 * 1024;

/// A corpus of so many files has contents that go in parts, and one of so many the largest.
const FILES_WITH_PARTS: usize = 200;
const FILES_WITH_LARGEST: usize = 1000;

/// Contents that go in parts.
const IN_PARTS: usize = 10;

/// Above so many files contents are of some KiB at most.
const LARGE_CORPUS: usize = 20_000;

/// The corners first; then sizes of which each power of two is as likely as the next, and spread
/// among them a few that go in parts.
fn length(rng: &mut ChaCha8Rng, number: usize, files: usize) -> usize {
    if let Some(corner) = CORNERS.get(number) {
        return *corner;
    }
    if files >= FILES_WITH_LARGEST && number == files / 2 {
        return LARGEST;
    }
    if files >= FILES_WITH_PARTS && number.is_multiple_of(files / (IN_PARTS + 1)) {
        let above = rng.random_range(1..1024 * 1024);
        return usize::try_from(SINGLE_REQUEST_BYTES).unwrap_or(LARGEST) + above;
    }
    let powers = if files > LARGE_CORPUS { 6..12 } else { 7..17 };
    let power = rng.random_range(powers);
    rng.random_range(1 << power..2 << power)
}

/// Bytes that are drawn are bytes that take time: the larger ones are a block over and over, with
/// its number in it.
fn bytes(rng: &mut ChaCha8Rng, length: usize) -> Bytes {
    const BLOCK: usize = 256 * 1024;
    let mut block = vec![0; length.min(BLOCK)];
    rng.fill_bytes(&mut block);
    if length <= BLOCK {
        return block.into();
    }
    let mut bytes = Vec::with_capacity(length);
    for number in 0_u64.. {
        let left = length - bytes.len();
        if left == 0 {
            break;
        }
        bytes.extend_from_slice(&number.to_le_bytes()[..left.min(8)]);
        bytes.extend_from_slice(&block[..(left - left.min(8)).min(BLOCK)]);
    }
    bytes.into()
}

/// The files of a folder and all folders below it, in the order of their paths. Symbolic links are
/// not followed. Of files with the same content the first is taken: content has one key.
pub fn of_folder(folder: &Path) -> anyhow::Result<Vec<CorpusFile>> {
    let mut paths = Vec::new();
    walk(folder, &mut paths).with_context(|| format!("reading folder `{}`", folder.display()))?;
    paths.sort();
    let mut seen = BTreeSet::new();
    let mut corpus = Vec::new();
    for path in paths {
        let file = of_path(&path).with_context(|| format!("reading `{}`", path.display()))?;
        if seen.insert(file.sha1.clone()) {
            corpus.push(file);
        }
    }
    ensure!(!corpus.is_empty(), "folder `{}` has no files", folder.display());
    Ok(corpus)
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// Content that is in memory.
#[must_use]
pub fn of_bytes(bytes: Bytes) -> CorpusFile {
    let (sha1, md5) = (Sha1::digest(&bytes), md5::Md5::digest(&bytes));
    CorpusFile { content: Content::Bytes(bytes), sha1: hex(&sha1), md5: hex(&md5) }
}

fn of_path(path: &Path) -> io::Result<CorpusFile> {
    let content = Content::file(path)?;
    let (mut sha1, mut md5) = (Sha1::new(), md5::Md5::new());
    for chunk in content.chunks(0..content.length())? {
        let chunk = chunk?;
        sha1.update(&chunk);
        md5.update(&chunk);
    }
    Ok(CorpusFile { content, sha1: hex(&sha1.finalize()), md5: hex(&md5.finalize()) })
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_corpus() {
        let names = |seed| -> Vec<_> { seeded(seed, 40).into_iter().map(|f| f.sha1).collect() };
        assert_eq!(names(7), names(7));
        assert_ne!(names(7), names(8));
        assert_eq!(names(7)[0], "da39a3ee5e6b4b0d3255bfef95601890afd80709", "the empty file");
    }

    #[test]
    fn sizes_are_a_publishers() {
        let sizes = |files| -> Vec<usize> {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            (0..files).map(|number| length(&mut rng, number, files)).collect()
        };
        let whole = sizes(1000);
        assert_eq!((whole.iter().min(), whole.iter().max()), (Some(&0), Some(&(30 << 20))));
        for sizes in [&whole, &sizes(200)] {
            let in_parts = |size: &&usize| **size as u64 > SINGLE_REQUEST_BYTES;
            let in_parts = sizes.iter().filter(in_parts).count();
            assert!((10..=14).contains(&in_parts), "{in_parts}");
        }
        assert!(whole.iter().filter(|size| **size < 200_000).count() > 980, "most are small");
        let total: usize = sizes(200_000).iter().sum();
        assert!(total < 1 << 30, "{total}");
    }

    #[test]
    fn a_folder_is_walked_and_content_counts_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("below")).expect("made");
        std::fs::write(path("a"), b"abc").expect("written");
        std::fs::write(path("below/b"), b"abc").expect("written");
        std::fs::write(path("below/c"), b"").expect("written");
        let corpus = of_folder(folder.path()).expect("readable");
        let sha1s: Vec<_> = corpus.iter().map(|file| file.sha1.as_str()).collect();
        assert_eq!(
            sha1s,
            [
                "a9993e364706816aba3e25717850c26c9cd0d89d",
                "da39a3ee5e6b4b0d3255bfef95601890afd80709"
            ]
        );
        assert!(of_folder(&path("nowhere")).is_err());
    }
}
