//! Planting file by file, and what lies in a real store beside the files.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stand_ins::embedded::{BUCKETS, DOMAIN, EmbeddedWorld, IGNORED_BUCKET, LEDGER};
use stand_ins::world::dynamodb::{self, Item, number, text};
use stand_ins::world::mogile::{
    Content, DeviceId, DeviceStatus, Fid, PathOptions, fid_path, parse_fid_path,
};

use super::acts::StoredFile;
use super::deal::Slot;
use super::{Expected, Headers, Planted, Trouble};
use crate::corpus::{CorpusFile, of_bytes};
use crate::hazard::{Act, requests};

/// Plants files, and keeps what it planted.
pub(super) struct Planter<'a> {
    pub(super) world: &'a EmbeddedWorld,
    pub(super) rng: ChaCha8Rng,
    pub(super) planted: Planted,
    /// A device that the tracker believes to be down, though its node serves it.
    pub(super) down: DeviceId,
    /// Devices of a host that MogileFS does not register, and that nobody may ask.
    pub(super) foreign: Vec<DeviceId>,
}

/// Where no storage node is, and a client that follows the tracker blindly still stays on this
/// machine. `get_hosts` does not list it, and the world's `MOGILE_STORAGE_HOSTS` leaves it out.
const FOREIGN_HOST: [u8; 4] = [127, 0, 0, 2];

/// Of so many devices one comes first for some fid, most likely.
const FOREIGN_DEVICES: usize = 12;

impl<'a> Planter<'a> {
    pub(super) fn new(world: &'a EmbeddedWorld, seed: u64) -> Self {
        let mogile = &world.mogile;
        let foreign = mogile.add_host(FOREIGN_HOST.into(), 80);
        mogile.unlist_host(foreign);
        let foreign: Vec<_> = (0..FOREIGN_DEVICES).map(|_| mogile.add_device(foreign)).collect();
        // Nothing new goes there.
        for device in &foreign {
            mogile.set_device_status(*device, DeviceStatus::Readonly);
        }
        let down = world.devices.first().and_then(|device| mogile.host_of(*device));
        let down = mogile.add_device(down.unwrap_or_default());
        mogile.set_device_status(down, DeviceStatus::Down);
        let rng = ChaCha8Rng::seed_from_u64(seed ^ 0x706c_616e_7469_6e67);
        Self { world, rng, planted: Planted::default(), down, foreign }
    }

    pub(super) fn plant_slot(&mut self, slot: Slot) -> anyhow::Result<()> {
        let Slot { mut file, bucket, synced, hazard } = slot;
        let (mogile, bucket) = BUCKETS[bucket];
        let acts = hazard.map_or(&[][..], |hazard| hazard.spec().acts);
        if acts.contains(&Act::Misaddressed) {
            file.sha1 = self.another_sha1();
        }
        // Uploads that came to nothing burn fids.
        self.world.mogile.skip_fids(self.rng.random_range(0..3));
        let key = format!("{}-{mogile}", file.sha1);
        let devices = self.two_devices();
        let fid = self.world.mogile.store(self.world.dmid, &key, &file.content, &devices);

        let stored = StoredFile { fid, key, bucket, file };
        if synced {
            self.sync(&stored, acts)?;
        }
        for act in acts {
            self.carry_out(&stored, *act)
                .with_context(|| format!("planting {hazard:?} on fid {fid}"))?;
        }
        let StoredFile { file, .. } = stored;
        let headers = Headers::default();
        self.planted.expected.push(Expected { fid: fid.0, bucket, file, hazard, synced, headers });
        Ok(())
    }

    /// The next fid has eleven digits, as in a store that is very old.
    pub(super) fn skip_to_eleven_digits(&self) {
        let newest = self.planted.expected.last().map_or(0, |expected| expected.fid);
        self.world.mogile.skip_fids(12_345_678_900_u64.saturating_sub(newest));
    }

    /// What lies in a real store beside the files that are to be migrated.
    pub(super) fn plant_other_rows(&mut self, content: &Content) {
        let devices = self.two_devices();
        let uuid = self.uuid();
        let mogile = &self.world.mogile;
        mogile.store(self.world.dmid, &format!("{uuid}.tmp"), content, &devices);
        self.planted.temporary += 1;
        let scrap = of_bytes(Bytes::from(uuid.to_string()));
        let key = format!("{}-{IGNORED_BUCKET}", scrap.sha1);
        mogile.store(self.world.dmid, &key, &scrap.content, &devices);
        self.planted.ignored += 1;
        mogile.store(self.world.other_dmid, &format!("{uuid}.bin"), content, &devices);
        self.planted.other_domain += 1;
    }

    /// An intermediary and a ledger record of a file that was deleted since: nobody's business.
    pub(super) fn plant_stray(&mut self) -> anyhow::Result<()> {
        let scrap = of_bytes(Bytes::from(self.uuid().to_string()));
        let fid = self.world.mogile.store(self.world.dmid, "stray", &scrap.content, &[]);
        self.world.mogile.drop_row(fid);
        let (_, bucket) = BUCKETS[0];
        self.lay(bucket, intermediary_key(fid), scrap.content.read()?)?;
        self.record(fid, claim(fid, &scrap, bucket))?;
        self.planted.strays += 1;
        Ok(())
    }

    /// Lays a raw copy into a bucket, as it is.
    pub(super) fn lay(
        &mut self,
        bucket: &'static str,
        key: String,
        bytes: Bytes,
    ) -> anyhow::Result<()> {
        self.world.s3.plant_plain(bucket, &key, bytes)?;
        self.keep(bucket, key)
    }

    /// Keeps in mind what lies at an intermediary's key.
    pub(super) fn keep(&mut self, bucket: &'static str, key: String) -> anyhow::Result<()> {
        let object = self.world.s3.get(bucket, &key, &stand_ins::world::bucket::Condition::None)?;
        self.planted.intermediaries.insert((bucket, key), object.content);
        Ok(())
    }

    /// Puts an item into the ledger.
    pub(super) fn record(&mut self, fid: Fid, item: Item) -> anyhow::Result<()> {
        dynamodb::put(&self.world.database, LEDGER, item.clone())?;
        self.planted.records.insert(fid.0, item);
        Ok(())
    }

    /// The devices of a file's replicas, in the tracker's order.
    pub(super) fn devices_of(&self, key: &str) -> anyhow::Result<Vec<DeviceId>> {
        let options = PathOptions { noverify: true, pathcount: 10 };
        let paths = self.world.mogile.get_paths(DOMAIN, key, options);
        let paths = paths.map_err(|refusal| anyhow!("the paths of `{key}`: {refusal:?}"))?;
        let device = |url: &String| {
            let path = url.splitn(4, '/').nth(3)?;
            parse_fid_path(&format!("/{path}")).map(|(device, _)| device)
        };
        Ok(paths.iter().filter_map(device).collect())
    }

    /// One device of each of two nodes.
    pub(super) fn two_devices(&mut self) -> Vec<DeviceId> {
        let (first, second) = self.world.devices.split_at(self.world.devices.len() / 2);
        let mut any = |devices: &[DeviceId]| devices[self.rng.random_range(0..devices.len())];
        vec![any(first), any(second)]
    }

    pub(super) fn with_one_wrong_byte(&mut self, bytes: &Bytes) -> Bytes {
        let mut bytes = bytes.to_vec();
        let at = self.rng.random_range(0..bytes.len());
        bytes[at] ^= 0x20;
        bytes.into()
    }

    /// What is wrong with whole services, for a while.
    pub(super) fn add_troubles(&mut self) {
        let mut asked = BTreeMap::<&str, u64>::new();
        for (name, count) in self.planted.expected.iter().flat_map(|file| requests(file.requests()))
        {
            *asked.entry(name).or_default() += count;
        }
        let is_met = |trouble: &Trouble| {
            let of = |name: &str| asked.get(name).copied().unwrap_or_default();
            trouble.needs().is_none_or(|(name, least)| of(name) >= least)
        };
        for trouble in Trouble::ALL.into_iter().filter(is_met) {
            // The others come before the first pass, this one before its own.
            if let Some(rule) = trouble.rule().filter(|_| !trouble.is_of_listings()) {
                self.world.faults.add(rule);
            }
            self.planted.troubles.push(trouble);
        }
    }

    fn uuid(&mut self) -> uuid::Uuid {
        let mut uuid = [0; 16];
        self.rng.fill_bytes(&mut uuid);
        uuid::Builder::from_random_bytes(uuid).into_uuid()
    }

    fn another_sha1(&mut self) -> String {
        let mut sha1 = [0; 20];
        self.rng.fill_bytes(&mut sha1);
        data_encoding::HEXLOWER.encode(&sha1)
    }
}

/// The key of a fid's intermediary: its path without the device.
pub(super) fn intermediary_key(fid: Fid) -> String {
    let path = fid_path(DeviceId(0), fid);
    path.strip_prefix("/dev0/").unwrap_or(&path).to_owned()
}

/// A record as s3migrate wrote it: attribute by attribute, for it stays as it is when our own records
/// change.
pub(super) fn claim(fid: Fid, file: &CorpusFile, bucket: &str) -> Item {
    Item::from([
        number("fid", fid.0),
        text("sha1", &file.sha1),
        text("md5", &file.md5),
        text("bucket", bucket),
    ])
}

/// Makes a claim a proven record, as an earlier run wrote it after a PUT.
pub(super) fn prove(claim: &mut Item, file: &CorpusFile) {
    claim.extend([
        text("proof", "put"),
        text("route", "mogile"),
        number("length", file.content.length()),
        number("migrated_at", 1_700_000_000_000),
    ]);
}
