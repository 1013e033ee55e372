//! What a publisher has: contents to be planted, made from a seed or taken from a folder.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use bytes::Bytes;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha1::{Digest, Sha1};

use crate::world::mogile::Content;

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

/// So many contents from a seed: from empty to some MiB, most of them small, no two alike.
#[must_use]
pub fn seeded(seed: u64, files: usize) -> Vec<CorpusFile> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut made = BTreeSet::new();
    let mut corpus = Vec::with_capacity(files);
    while corpus.len() < files {
        let mut bytes = vec![0; size(&mut rng, corpus.len())];
        rng.fill_bytes(&mut bytes);
        let file = of_bytes(Bytes::from(bytes));
        if made.insert(file.sha1.clone()) {
            corpus.push(file);
        }
    }
    corpus
}

/// The corners first, then sizes of which each power of two is as likely as the next.
fn size(rng: &mut ChaCha8Rng, number: usize) -> usize {
    const CORNERS: [usize; 6] = [0, 1, 65_535, 65_536, 65_537, 5 * 1024 * 1024];
    CORNERS.get(number).copied().unwrap_or_else(|| {
        let power = rng.random_range(7..17);
        rng.random_range(1 << power..2 << power)
    })
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
