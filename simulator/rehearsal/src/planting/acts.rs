//! Carries out what hazards are put together from.

use anyhow::{Context, anyhow};
use bytes::Bytes;
use rand::Rng;
use stand_ins::embedded::IGNORED_BUCKET;
use stand_ins::world::bucket::{Action, Condition, Content as ObjectContent, Denial};
use stand_ins::world::bucket::{Attributes, Object, StoredChecksum};
use stand_ins::world::dynamodb::{Item, text};
use stand_ins::world::mogile::{Content, DeviceId, Fid, FileRow};

use super::planter::{Planter, claim, intermediary_key, prove};
use crate::corpus::CorpusFile;
use crate::hazard::{Act, Damage, Occupant, Place, Raw, Recorded, RowState, Stale};

/// A file that is stored, for what is to be done to it.
pub(super) struct StoredFile {
    pub(super) fid: Fid,
    /// Its MogileFS key.
    pub(super) key: String,
    /// Its S3 bucket.
    pub(super) bucket: &'static str,
    pub(super) file: CorpusFile,
}

impl StoredFile {
    fn bytes(&self) -> anyhow::Result<Bytes> {
        Ok(self.file.content.read()?)
    }

    /// The target of requests about the final key.
    pub(super) fn target(&self) -> String {
        format!("/{}/{}", self.bucket, self.file.sha1)
    }
}

impl Planter<'_> {
    /// Lays the file's raw copy into the bucket.
    pub(super) fn sync(&mut self, stored: &StoredFile, acts: &[Act]) -> anyhow::Result<()> {
        let raw =
            acts.iter().find_map(|act| if let Act::Raw(raw) = act { Some(*raw) } else { None });
        let (bucket, bytes) = (stored.bucket, stored.bytes()?);
        let key = intermediary_key(stored.fid);
        match raw {
            None => self.lay(bucket, key, bytes),
            Some(Raw::Corrupt) => {
                let wrong = self.with_one_wrong_byte(&bytes);
                self.lay(bucket, key, wrong)
            }
            Some(Raw::Truncated) => self.lay(bucket, key, half(&bytes)),
            Some(Raw::Empty) => self.lay(bucket, key, Bytes::new()),
            Some(Raw::LeadingSlash) => self.lay(bucket, format!("/{key}"), bytes),
            Some(Raw::BothForms) => {
                self.lay(bucket, format!("/{key}"), bytes.clone())?;
                self.lay(bucket, key, bytes)
            }
            Some(Raw::InParts) => {
                self.world.s3.plant_multipart(bucket, &key, bytes, 3)?;
                self.keep(bucket, key)
            }
            Some(Raw::Denied) => {
                self.lay(bucket, key.clone(), bytes)?;
                let denial = Denial { action: Some(Action::GetObject), key_prefix: key };
                self.world.s3.configure(|options| options.denials.push(denial));
                Ok(())
            }
        }
    }

    /// Does one thing to a file that is stored, and synced if it is to be.
    pub(super) fn carry_out(&mut self, stored: &StoredFile, act: Act) -> anyhow::Result<()> {
        match act {
            // Done when it was stored or synced.
            Act::Raw(_) | Act::Misaddressed => Ok(()),
            Act::First(damage) => {
                let first = self.devices_of(&stored.key)?.into_iter().next();
                self.damage(stored, first.context("a file without a replica")?, damage)
            }
            Act::Every(damage) => {
                let devices = self.devices_of(&stored.key)?;
                devices.into_iter().try_for_each(|device| self.damage(stored, device, damage))
            }
            Act::Stored(place) => self.store_at(stored, place),
            Act::Row(state) => self.write_row(stored, state),
            Act::Purged => {
                self.world.mogile.delete_at_next_lookup(stored.fid);
                Ok(())
            }
            Act::Renamed => {
                self.rename(stored);
                Ok(())
            }
            Act::Cached(stale) => self.cache(stored, stale),
            Act::AtKey(occupant) => self.occupy(stored, occupant),
            Act::Recorded(recorded) => self.record(stored.fid, item(stored, recorded)),
            Act::Strike(request, fault, times) => self.strike(stored, request, fault, times),
        }
    }

    fn damage(
        &mut self,
        stored: &StoredFile,
        device: DeviceId,
        damage: Damage,
    ) -> anyhow::Result<()> {
        let bytes = stored.bytes()?;
        let bytes = match damage {
            Damage::Corrupt => self.with_one_wrong_byte(&bytes),
            Damage::Short => half(&bytes),
            Damage::Other => Bytes::from(format!("what once had another key than {}", stored.key)),
            Damage::Missing => {
                self.world.mogile.remove_replica(stored.fid, device);
                return Ok(());
            }
        };
        self.world.mogile.set_replica(stored.fid, device, Content::Bytes(bytes));
        Ok(())
    }

    fn store_at(&mut self, stored: &StoredFile, place: Place) -> anyhow::Result<()> {
        let mut left = self.devices_of(&stored.key)?;
        let second = left.pop().context("a file without a replica")?;
        let right = &stored.file.content;
        let devices = match place {
            Place::FirstOnDown => {
                let wrong = self.with_one_wrong_byte(&stored.bytes()?);
                self.world.mogile.set_replica(stored.fid, self.down, Content::Bytes(wrong));
                vec![self.down, second]
            }
            Place::OnlyOnDown => {
                self.world.mogile.set_replica(stored.fid, self.down, right.clone());
                left.push(second);
                vec![self.down]
            }
            Place::FirstForeign => return self.store_first_abroad(stored, second, &left),
            Place::Nowhere => {
                left.push(second);
                Vec::new()
            }
        };
        self.write_devices(stored, devices, &left)
    }

    /// The order of a file's devices is the tracker's: of all foreign ones some device comes first.
    fn store_first_abroad(
        &mut self,
        stored: &StoredFile,
        home: DeviceId,
        left: &[DeviceId],
    ) -> anyhow::Result<()> {
        for device in self.foreign.clone() {
            self.write_devices(stored, vec![device, home], left)?;
            if self.devices_of(&stored.key)?.first() == Some(&device) {
                return Ok(());
            }
        }
        Err(anyhow!("no foreign device comes before device {home}"))
    }

    fn write_devices(
        &self,
        stored: &StoredFile,
        devids: Vec<DeviceId>,
        left: &[DeviceId],
    ) -> anyhow::Result<()> {
        for device in left {
            self.world.mogile.remove_replica(stored.fid, *device);
        }
        self.change_row(stored, |row| row.devids = devids)
    }

    fn write_row(&mut self, stored: &StoredFile, state: RowState) -> anyhow::Result<()> {
        let more = self.rng.random_range(1..1000);
        let (sha1, bucket) = stored.key.split_once('-').context("a key without a bucket")?;
        self.change_row(stored, |row| match state {
            RowState::WrongLength => row.length = row.length.map(|length| length + more),
            RowState::NoLength => row.length = None,
            RowState::NoKey => row.dkey = None,
            RowState::UpperCaseKey => row.dkey = Some(format!("{}-{bucket}", sha1.to_uppercase())),
            RowState::OddKey => row.dkey = Some(format!("supplement-{}.pdf", stored.fid)),
            RowState::UnmappedBucket => row.dkey = Some(format!("{sha1}-mogilefs-forgotten")),
        })
    }

    fn change_row(
        &self,
        stored: &StoredFile,
        change: impl FnOnce(&mut FileRow),
    ) -> anyhow::Result<()> {
        let mut row = self.world.mogile.row(stored.fid).context("a file without a row")?;
        change(&mut row);
        self.world.mogile.plant(row);
        Ok(())
    }

    /// In the moment of the look-up it becomes a file of the ignored bucket.
    fn rename(&mut self, stored: &StoredFile) {
        let key = format!("{}-{IGNORED_BUCKET}", stored.file.sha1);
        self.world.mogile.rename_at_next_lookup(stored.fid, &key);
        self.planted.renamed.insert(stored.fid.0, key);
    }

    fn cache(&mut self, stored: &StoredFile, stale: Stale) -> anyhow::Result<()> {
        let now = self.devices_of(&stored.key)?;
        let (fid, devices) = match stale {
            Stale::Device => {
                let other = self.world.devices.iter().find(|device| !now.contains(device));
                (stored.fid, other.copied().into_iter().collect())
            }
            // Whatever that fid was: its paths are no paths of this file.
            Stale::Fid => (Fid(stored.fid.0.saturating_sub(1)), now),
        };
        self.world.mogile.cache_paths(self.world.dmid, &stored.key, fid, &devices);
        Ok(())
    }

    fn occupy(&mut self, stored: &StoredFile, occupant: Occupant) -> anyhow::Result<()> {
        let (s3, bucket, key) = (&self.world.s3, stored.bucket, &stored.file.sha1);
        let other = || Bytes::from(format!("what somebody else wrote to {key}"));
        match occupant {
            Occupant::RightWithSha1 => s3.plant(bucket, key, with_sha1(stored.bytes()?))?,
            Occupant::Right => s3.plant_plain(bucket, key, stored.bytes()?)?,
            Occupant::RightInParts => s3.plant_multipart(bucket, key, stored.bytes()?, 3)?,
            Occupant::Other => s3.plant_plain(bucket, key, other())?,
            Occupant::OtherWithSha1 => s3.plant(bucket, key, with_sha1(other()))?,
        }
        let object = s3.get(bucket, key, &Condition::None)?;
        self.planted.occupants.insert((bucket, key.clone()), object);
        Ok(())
    }
}

fn half(bytes: &Bytes) -> Bytes {
    bytes.slice(..bytes.len() / 2)
}

fn with_sha1(bytes: Bytes) -> Object {
    let content = ObjectContent::of(bytes);
    let checksum = Some(StoredChecksum::sha1_of(&content));
    let written = std::time::SystemTime::now();
    Object { checksum, ..Object::new(content, Attributes::default(), written) }
}

/// A bucket of another map.
const ELSEWHERE: &str = "corpus-of-an-older-map";

/// The SHA-1 of no planted content: of the empty one.
const OTHER_SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

/// An item of the ledger. Of the garbage only the fid can be read.
fn item(stored: &StoredFile, recorded: Recorded) -> Item {
    let mut item = claim(stored.fid, &stored.file, stored.bucket);
    match recorded {
        Recorded::Claim => {}
        Recorded::Garbage => {
            item.extend([text("sha1", "4CB6")]);
            item.remove("bucket");
        }
        Recorded::Proof | Recorded::ProofElsewhere | Recorded::ProofOfOther => {
            match recorded {
                Recorded::ProofElsewhere => item.extend([text("bucket", ELSEWHERE)]),
                Recorded::ProofOfOther => item.extend([text("sha1", OTHER_SHA1)]),
                Recorded::Claim | Recorded::Garbage | Recorded::Proof => {}
            }
            prove(&mut item, &stored.file);
        }
    }
    item
}
