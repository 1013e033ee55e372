//! Puts a corpus into a world as years of ingest would have, with whatever is wrong with it, and
//! keeps what must come of every file.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::corpus::CorpusFile;
use crate::embedded::{BUCKETS, DOMAIN, EmbeddedWorld, IGNORED_BUCKET, SINGLE_REQUEST_BYTES};
use crate::fault::{Fault, Rule, Service};
use crate::world::bucket::{Attributes, Content as ObjectContent, Object};
use crate::world::mogile::{Content, DeviceId, Fid, PathOptions, parse_fid_path};

/// Something that is wrong with one file or one request about it. The migration is to heal each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hazard {
    /// The intermediary has the right length and one wrong byte.
    CorruptIntermediary,
    /// The replica that the tracker names first has one wrong byte.
    CorruptFirstReplica,
    /// The answer to the file's PUT is lost after it took effect.
    PutAnswerLost,
    /// The intermediary's key has a leading slash. Nothing is wrong with it.
    LeadingSlash,
}

/// Hazards that are dealt out in turn, one to each tenth file of the kind it needs.
const OF_COPIED: [Hazard; 2] = [Hazard::CorruptIntermediary, Hazard::LeadingSlash];
const OF_STREAMED: [Hazard; 2] = [Hazard::CorruptFirstReplica, Hazard::PutAnswerLost];
const EVERY: usize = 10;

/// Where a file's content must end up.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The file's number.
    pub fid: u64,
    /// The S3 bucket.
    pub bucket: &'static str,
    /// The content, whose SHA-1 is the key.
    pub file: CorpusFile,
    /// What is wrong with it.
    pub hazard: Option<Hazard>,
    /// Whether an intermediary of it, good or bad, is in the bucket.
    pub synced: bool,
}

impl Expected {
    /// Whether one request cannot write it: it goes in parts, and never by copy.
    #[must_use]
    pub fn goes_in_parts(&self) -> bool {
        self.file.content.length() > SINGLE_REQUEST_BYTES
    }
}

/// All that was planted.
#[derive(Debug, Default)]
pub struct Planted {
    /// Files that must be in S3 at the end.
    pub expected: Vec<Expected>,
    /// Intermediaries, as they were laid into the buckets: they must stay as they are.
    pub intermediaries: BTreeMap<(&'static str, String), ObjectContent>,
    /// `{uuid}.tmp` rows.
    pub temporary: usize,
    /// Rows of the ignored bucket.
    pub ignored: usize,
    /// Rows of another domain.
    pub other_domain: usize,
}

impl Planted {
    /// How many files have each hazard.
    #[must_use]
    pub fn hazards(&self) -> BTreeMap<Hazard, usize> {
        let mut counts = BTreeMap::new();
        for hazard in self.expected.iter().filter_map(|expected| expected.hazard) {
            *counts.entry(hazard).or_default() += 1;
        }
        counts
    }

    /// Bytes of all expected files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.expected.iter().map(|expected| expected.file.content.length()).sum()
    }
}

/// Plants the corpus: files alternate between the buckets, every second one is synced already,
/// some content is in both buckets, and the odds and ends of a real store lie between.
pub fn plant(world: &EmbeddedWorld, corpus: Vec<CorpusFile>, seed: u64) -> io::Result<Planted> {
    let mut gardener = Gardener {
        world,
        rng: ChaCha8Rng::seed_from_u64(seed ^ 0x706c_616e_7469_6e67),
        planted: Planted::default(),
        copied: 0,
        streamed: 0,
    };
    let last = corpus.len().saturating_sub(1);
    for (number, file) in corpus.into_iter().enumerate() {
        if number == last {
            gardener.go_beyond_ten_digits();
        }
        let (mogile, s3) = BUCKETS[number % BUCKETS.len()];
        if number % 50 == 7 {
            gardener.plant_odds_and_ends(&file.content);
        }
        if number % 25 == 3 {
            let (mogile, s3) = BUCKETS[(number + 1) % BUCKETS.len()];
            gardener.plant_file(file.clone(), mogile, s3)?;
        }
        gardener.plant_file(file, mogile, s3)?;
    }
    Ok(gardener.planted)
}

struct Gardener<'a> {
    world: &'a EmbeddedWorld,
    rng: ChaCha8Rng,
    planted: Planted,
    copied: usize,
    streamed: usize,
}

impl Gardener<'_> {
    fn plant_file(
        &mut self,
        file: CorpusFile,
        mogile: &str,
        bucket: &'static str,
    ) -> io::Result<()> {
        // Uploads that came to nothing burn fids.
        self.world.mogile.skip_fids(self.rng.random_range(0..3));
        let key = format!("{}-{mogile}", file.sha1);
        let devices = self.two_devices();
        let fid = self.world.mogile.store(self.world.dmid, &key, &file.content, &devices);

        let synced = self.planted.expected.len().is_multiple_of(2);
        // An empty file has no byte to be wrong; the requests of one in parts are others.
        let plain = (1..=SINGLE_REQUEST_BYTES).contains(&file.content.length());
        let hazard = self.next_hazard(synced).filter(|_| plain);
        if synced {
            self.sync(fid, bucket, &file.content, hazard)?;
        } else {
            self.damage(fid, &key, bucket, &file, hazard)?;
        }
        self.planted.expected.push(Expected { fid: fid.0, bucket, file, hazard, synced });
        Ok(())
    }

    fn next_hazard(&mut self, synced: bool) -> Option<Hazard> {
        let (hazards, count) =
            if synced { (OF_COPIED, &mut self.copied) } else { (OF_STREAMED, &mut self.streamed) };
        *count += 1;
        (*count % EVERY == 0).then(|| hazards[*count / EVERY % hazards.len()])
    }

    /// The next fid has eleven digits, as in a store that is very old.
    fn go_beyond_ten_digits(&self) {
        let newest =
            self.world.mogile.rows_after(Fid(0), usize::MAX).last().map_or(0, |row| row.fid.0);
        self.world.mogile.skip_fids(12_345_678_900_u64.saturating_sub(newest));
    }

    /// Lays the file's raw copy into the bucket.
    fn sync(
        &mut self,
        fid: Fid,
        bucket: &'static str,
        content: &Content,
        hazard: Option<Hazard>,
    ) -> io::Result<()> {
        let mut bytes = content.read()?;
        if hazard == Some(Hazard::CorruptIntermediary) {
            bytes = with_one_wrong_byte(&bytes, &mut self.rng);
        }
        let slash = if hazard == Some(Hazard::LeadingSlash) { "/" } else { "" };
        let digits = format!("{:010}", fid.0);
        let key =
            format!("{slash}{}/{}/{}/{digits}.fid", &digits[..1], &digits[1..4], &digits[4..7]);
        let content = ObjectContent::of(bytes);
        let now = std::time::SystemTime::now();
        let object = Object::new(content.clone(), Attributes::default(), now);
        self.world.s3.plant(bucket, &key, object).map_err(io::Error::other)?;
        self.planted.intermediaries.insert((bucket, key), content);
        Ok(())
    }

    fn damage(
        &mut self,
        fid: Fid,
        key: &str,
        bucket: &str,
        file: &CorpusFile,
        hazard: Option<Hazard>,
    ) -> io::Result<()> {
        match hazard {
            Some(Hazard::CorruptFirstReplica) => {
                let wrong = with_one_wrong_byte(&file.content.read()?, &mut self.rng);
                let device = self.first_device(key)?;
                self.world.mogile.set_replica(fid, device, Content::Bytes(wrong));
            }
            Some(Hazard::PutAnswerLost) => {
                let target = format!("/{bucket}/{}", file.sha1);
                self.world.faults.add(Rule::once(Service::S3, "PUT", &target, Fault::AnswerLost));
            }
            Some(Hazard::CorruptIntermediary | Hazard::LeadingSlash) | None => {}
        }
        Ok(())
    }

    /// The device of the replica that the tracker names first.
    fn first_device(&self, key: &str) -> io::Result<DeviceId> {
        let options = PathOptions { noverify: true, pathcount: 2 };
        let paths = self.world.mogile.get_paths(DOMAIN, key, options).map_err(io::Error::other)?;
        let first = paths.first().and_then(|url| {
            let path = url.splitn(4, '/').nth(3)?;
            parse_fid_path(&format!("/{path}"))
        });
        first.map(|(device, _)| device).ok_or_else(|| io::Error::other("a file without a replica"))
    }

    /// One device of each of two nodes.
    fn two_devices(&mut self) -> Vec<DeviceId> {
        let (first, second) = self.world.devices.split_at(self.world.devices.len() / 2);
        let mut any = |devices: &[DeviceId]| devices[self.rng.random_range(0..devices.len())];
        vec![any(first), any(second)]
    }

    /// What lies in a real store beside the files that are to be migrated.
    fn plant_odds_and_ends(&mut self, content: &Content) {
        let devices = self.two_devices();
        let mogile = &self.world.mogile;
        let mut uuid = [0; 16];
        self.rng.fill_bytes(&mut uuid);
        let uuid = uuid::Builder::from_random_bytes(uuid).into_uuid();
        mogile.store(self.world.dmid, &format!("{uuid}.tmp"), content, &devices);
        self.planted.temporary += 1;
        let scrap = Bytes::from(uuid.to_string());
        let key = format!("{}-{IGNORED_BUCKET}", crate::corpus::of_bytes(scrap.clone()).sha1);
        mogile.store(self.world.dmid, &key, &Content::Bytes(scrap), &devices);
        self.planted.ignored += 1;
        mogile.store(self.world.other_dmid, &format!("{uuid}.bin"), content, &devices);
        self.planted.other_domain += 1;
    }
}

fn with_one_wrong_byte(bytes: &Bytes, rng: &mut ChaCha8Rng) -> Bytes {
    let mut bytes = bytes.to_vec();
    let at = rng.random_range(0..bytes.len());
    bytes[at] ^= 0x20;
    Bytes::from(bytes)
}
