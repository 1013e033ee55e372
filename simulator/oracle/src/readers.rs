//! Reads content the way the applications read it: a row of rhino names a bucket, a key and a uuid,
//! contentrepo's row with these names the content, and the store has the bytes under that name.

use std::collections::{BTreeMap, BTreeSet};

use sha1::{Digest, Sha1};

use crate::state::{EndState, MogileState, Replica};

/// The rows of both applications, their bucket names as the databases have them.
#[derive(Debug, Clone, Default)]
pub struct ClientRows {
    /// rhino's table `articleFile`.
    pub files: Vec<ArticleFile>,
    /// contentrepo's table `objects`, each row with the name of its bucket.
    pub objects: Vec<RepoObject>,
}

/// A row of rhino's table `articleFile`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArticleFile {
    /// `bucketName`.
    pub bucket: String,
    /// `crepoKey`.
    pub key: String,
    /// `crepoUuid`.
    pub uuid: String,
}

/// A row of contentrepo's table `objects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoObject {
    /// The name in the table `buckets`.
    pub bucket: String,
    /// `objkey`.
    pub key: String,
    /// `uuid`.
    pub uuid: String,
    /// `checksum`: the SHA-1 of the content in hex.
    pub sha1: String,
    /// `size` in bytes.
    pub size: u64,
    /// Whether its status is 2. contentrepo has no content for it.
    pub is_purged: bool,
}

/// The store that contentrepo reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The object `{sha1}` in the S3 bucket of the row's name.
    S3,
    /// The key `{sha1}-{bucket}` in the MogileFS domain of this number.
    MogileFs {
        /// The domain's number.
        domain: u64,
    },
}

/// What the applications can read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readings {
    /// The rows of both applications that were read.
    pub rows: u64,
    /// One text for each row whose content cannot be read.
    pub problems: Vec<String>,
}

/// Reads the content of every row of both applications, except of buckets that are `left_behind`.
#[must_use]
pub fn read_all(
    clients: &ClientRows,
    store: Store,
    found: &EndState,
    left_behind: &BTreeSet<String>,
) -> Readings {
    let mut readings = Readings::default();
    let name =
        |object: &RepoObject| (object.bucket.clone(), object.key.clone(), object.uuid.clone());
    let objects: BTreeMap<_, _> =
        clients.objects.iter().map(|object| (name(object), object)).collect();
    for object in objects.values().filter(|it| !it.is_purged) {
        if !left_behind.contains(&object.bucket) {
            readings.rows += 1;
            let what = format!("contentrepo `{}/{}`", object.bucket, object.key);
            readings.problems.extend(unreadable(object, store, found).map(|why| what + ": " + why));
        }
    }
    for file in clients.files.iter().filter(|file| !left_behind.contains(&file.bucket)) {
        readings.rows += 1;
        let place = (file.bucket.clone(), file.key.clone(), file.uuid.clone());
        if objects.get(&place).is_none_or(|object| object.is_purged) {
            let text = format!("rhino `{}/{}`: contentrepo has no such object", place.0, place.1);
            readings.problems.push(text);
        }
    }
    readings
}

/// Why contentrepo cannot read the content of a row, if it cannot.
fn unreadable(object: &RepoObject, store: Store, found: &EndState) -> Option<&'static str> {
    let content = match store {
        Store::S3 => match found.buckets.get(&object.bucket) {
            Some(Ok(bucket)) => bucket.objects.get(&object.sha1).map(|it| it.content.to_vec()),
            Some(Err(_)) | None => return Some("the store has no such bucket"),
        },
        Store::MogileFs { domain } => of_mogile(object, domain, &found.mogile),
    };
    let Some(content) = content else { return Some("the store does not have its content") };
    if data_encoding::HEXLOWER.encode(&Sha1::digest(&content)) != object.sha1 {
        return Some("its content has another SHA-1");
    }
    (content.len() as u64 != object.size).then_some("its content has another length")
}

fn of_mogile(object: &RepoObject, domain: u64, mogile: &MogileState) -> Option<Vec<u8>> {
    let key = format!("{}-{}", object.sha1, object.bucket);
    let is_it = |row: &crate::state::Row| row.domain == domain && row.key.as_ref() == Some(&key);
    let (fid, row) = mogile.rows.iter().find(|(_, row)| is_it(row))?;
    let replica = row.devices.iter().find_map(|device| mogile.replicas.get(&(*fid, *device)))?;
    match replica {
        Replica::Bytes(bytes) => Some(bytes.to_vec()),
        Replica::File { path, length } => {
            let mut bytes = std::fs::read(path).ok()?;
            bytes.truncate(usize::try_from(*length).ok()?);
            Some(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::state::{Bucket, Object, Row};

    const CONTENT: &[u8] = b"content";

    fn sha1() -> String {
        data_encoding::HEXLOWER.encode(&Sha1::digest(CONTENT))
    }

    /// One file of rhino, its object, and both stores with its content: in S3 under the new name, in
    /// MogileFS under the old one.
    fn whole(bucket: &str) -> (ClientRows, EndState) {
        let (bucket, key, uuid) = (bucket.to_owned(), "10.1371/1".to_owned(), "uuid".to_owned());
        let file = ArticleFile { bucket: bucket.clone(), key: key.clone(), uuid: uuid.clone() };
        let (sha1, size) = (sha1(), CONTENT.len() as u64);
        let object = RepoObject { bucket, key, uuid, sha1: sha1.clone(), size, is_purged: false };
        let stored = Object {
            content: Bytes::from_static(CONTENT),
            etag: String::new(),
            headers: crate::state::Headers::default(),
            details: String::new(),
        };
        let in_s3 = Bucket { objects: [(sha1.clone(), stored)].into(), uploads: 0 };
        let (key, length) = (Some(format!("{sha1}-old")), Some(size));
        let row = Row { domain: 1, key, length, class: 0, devices: vec![8, 9] };
        let replicas = [((7, 9), Replica::Bytes(Bytes::from_static(CONTENT)))].into();
        let mogile = MogileState { rows: [(7, row)].into(), replicas };
        let buckets = [("new".to_owned(), Ok(in_s3))].into();
        let state = EndState { buckets, ledger: Ok(Vec::new()), mogile };
        (ClientRows { files: vec![file], objects: vec![object] }, state)
    }

    fn problems(clients: &ClientRows, store: Store, state: &EndState) -> Vec<String> {
        let readings = read_all(clients, store, state, &["scratch".to_owned()].into());
        assert!(readings.rows > 0 || readings.problems.is_empty());
        readings.problems
    }

    const MOGILE: Store = Store::MogileFs { domain: 1 };

    #[test]
    fn names_and_store_must_belong_together() {
        for (name, store, is_readable) in [
            ("new", Store::S3, true),
            ("old", MOGILE, true),
            ("old", Store::S3, false),
            ("new", MOGILE, false),
            ("old", Store::MogileFs { domain: 2 }, false),
            ("scratch", Store::S3, true),
        ] {
            let (clients, state) = whole(name);
            assert_eq!(
                problems(&clients, store, &state).is_empty(),
                is_readable,
                "{name} {store:?}"
            );
        }
    }

    #[test]
    fn each_link_of_the_chain_is_missed() {
        type Harm = fn(&mut ClientRows, &mut EndState);
        let harms: [(&str, Harm); 6] = [
            ("contentrepo has no such object", |clients, _| clients.files[0].uuid.clear()),
            ("contentrepo has no such object", |clients, _| clients.objects[0].is_purged = true),
            ("another SHA-1", |_, state| {
                let bucket = state.buckets.get_mut("new").expect("one").as_mut().expect("read");
                let object = bucket.objects.get_mut(&sha1()).expect("one");
                object.content = Bytes::from_static(b"CONTENT");
            }),
            ("another length", |clients, _| clients.objects[0].size += 1),
            ("does not have its content", |_, state| {
                state.buckets.insert("new".to_owned(), Ok(Bucket::default()));
            }),
            ("no such bucket", |_, state| state.buckets.clear()),
        ];
        for (words, harm) in harms {
            let (mut clients, mut state) = whole("new");
            harm(&mut clients, &mut state);
            let found = problems(&clients, Store::S3, &state);
            assert!(found.iter().any(|problem| problem.ends_with(words)), "{words}: {found:?}");
        }
    }
}
