//! What lies at the final key, what its intermediary is and what MogileFS has: a world of one file
//! for each of them together.

use domain::migrate::{FileEnd, FileOutcome, FilePlan, Writing, migrate_file};
use domain::{IntermediaryForm, ObjectKey, Proof, Route, SourceFile};
use stand_ins::world::bucket::{Attributes, Content, Object, StoredChecksum};
use stand_ins::world::mogile;

use crate::common::{BUCKET, World, content};

/// What lies at the final key before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Free,
    /// The right content, with its SHA-1.
    Right,
    /// The right content, without a checksum.
    Plain,
    /// The right content, with a checksum of its parts.
    Multipart,
    /// Other content, without a checksum.
    Foreign,
    /// Other content, with its SHA-1.
    ForeignSha1,
}

/// What the plan's intermediary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    Unplanned,
    Good,
    /// Of the right length, with other bytes.
    Corrupt,
    /// Listed, and away by now.
    Away,
}

/// What MogileFS has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Good,
    /// The first replica has other bytes.
    FirstCorrupt,
    /// The first replica has lost its second half.
    FirstShort,
    /// The first replica is away.
    FirstMissing,
    /// Every replica has other bytes.
    AllBad,
    /// The trackers do not find the key, and the index has its row.
    KeyUnknown,
    /// The fid has another key by now.
    Renamed,
    /// The file was deleted.
    Gone,
    /// The route leaves MogileFS out.
    LeftOut,
}

pub const KEYS: [Key; 6] =
    [Key::Free, Key::Right, Key::Plain, Key::Multipart, Key::Foreign, Key::ForeignSha1];
pub const RAWS: [Raw; 4] = [Raw::Unplanned, Raw::Good, Raw::Corrupt, Raw::Away];
pub const SOURCES: [Source; 9] = [
    Source::Good,
    Source::FirstCorrupt,
    Source::FirstShort,
    Source::FirstMissing,
    Source::AllBad,
    Source::KeyUnknown,
    Source::Renamed,
    Source::Gone,
    Source::LeftOut,
];

/// More than one piece, and no whole number of them.
pub const LENGTH: usize = 300;

/// A world of one file, and the plan for it.
pub struct Case {
    pub world: World,
    pub file: SourceFile,
    pub plan: FilePlan,
}

impl Case {
    pub fn new(key: Key, raw: Raw, source: Source) -> Self {
        Self::within(World::instant(), key, raw, source)
    }

    pub fn within(world: World, key: Key, raw: Raw, source: Source) -> Self {
        let file = world.store(&content(1, LENGTH));
        let plan = FilePlan {
            look_first: false,
            copy_length: None,
            copy_from: (raw != Raw::Unplanned)
                .then(|| ObjectKey::intermediary(file.fid, IntermediaryForm::Plain)),
            mogile: source != Source::LeftOut,
            meta: domain::ObjectMeta::default(),
        };
        let case = Self { world, file, plan };
        case.lay_key(key);
        case.lay_raw(raw);
        case.lay_source(source);
        case
    }

    /// Lays it there whatever was there before.
    pub fn lay_key(&self, key: Key) {
        let s3 = &self.world.port.s3;
        let at = self.key();
        let laid = match key {
            Key::Free => Ok(()),
            Key::Right => s3.plant(BUCKET, at.as_str(), with_sha1(right())),
            Key::Plain => s3.plant_plain(BUCKET, at.as_str(), right()),
            Key::Multipart => s3.plant_multipart(BUCKET, at.as_str(), right(), 3),
            Key::Foreign => s3.plant_plain(BUCKET, at.as_str(), foreign()),
            Key::ForeignSha1 => s3.plant(BUCKET, at.as_str(), with_sha1(foreign())),
        };
        laid.expect("the bucket is there");
    }

    fn lay_raw(&self, raw: Raw) {
        match (raw, &self.plan.copy_from) {
            (Raw::Good, Some(at)) => self.world.plant(at, &right()),
            (Raw::Corrupt, Some(at)) => self.world.plant(at, &corrupt()),
            (Raw::Unplanned | Raw::Good | Raw::Corrupt | Raw::Away, _) => {}
        }
    }

    fn lay_source(&self, source: Source) {
        let mogile = &self.world.port.mogile;
        let holders = self.world.holders(&self.file);
        let key = self.file.dkey.to_string();
        match source {
            Source::Good | Source::LeftOut => {}
            Source::FirstCorrupt => self.world.spoil(&self.file, holders[0], &corrupt()),
            Source::FirstShort => self.world.spoil(&self.file, holders[0], &right()[..LENGTH / 2]),
            Source::FirstMissing => {
                mogile.remove_replica(mogile::Fid(self.file.fid.0), holders[0]);
            }
            Source::AllBad => {
                for device in holders {
                    self.world.spoil(&self.file, device, &corrupt());
                }
            }
            Source::KeyUnknown => mogile.hide_from_lookups(mogile::Fid(self.file.fid.0)),
            Source::Renamed => mogile.rename("plos_repo", &key, "elsewhere").expect("free"),
            Source::Gone => mogile.delete("plos_repo", &key).expect("it is there"),
        }
    }

    pub fn key(&self) -> ObjectKey {
        self.file.address().key
    }

    pub fn run(&self) -> FileOutcome {
        self.world.run(migrate_file(
            &self.world.port.ports(),
            &self.file,
            &self.plan,
            &Writing::default(),
        ))
    }

    /// What is at the final key, by whose content it is.
    pub fn lies_there(&self) -> &'static str {
        match self.world.at(&self.key()) {
            None => "nothing",
            Some(bytes) if bytes == right() => "right",
            Some(bytes) if bytes == foreign() => "foreign",
            Some(bytes) if bytes == corrupt() => "corrupt",
            Some(_) => "something else",
        }
    }

    /// Runs it and tells all that came of it.
    pub fn told(&self) -> String {
        let outcome = self.run();
        let mut told = vec![end_of(&outcome), self.world.calls(), self.lies_there().to_owned()];
        told.extend(outcome.findings.iter().map(|finding| finding.kind.to_string()));
        told.join(" | ")
    }
}

fn right() -> Vec<u8> {
    content(1, LENGTH)
}

fn corrupt() -> Vec<u8> {
    content(2, LENGTH)
}

fn foreign() -> Vec<u8> {
    content(3, LENGTH + 1)
}

fn with_sha1(bytes: Vec<u8>) -> Object {
    let written = std::time::SystemTime::UNIX_EPOCH;
    let mut object = Object::new(Content::of(bytes), Attributes::default(), written);
    object.checksum = Some(StoredChecksum::sha1_of(&object.content));
    object
}

/// `proof, route` of a proven file; `reason, what is left` of one that failed.
pub fn end_of(outcome: &FileOutcome) -> String {
    match &outcome.end {
        FileEnd::Proven(record) => {
            let proof = record.proof.map_or("none", Proof::name);
            format!("{proof}, {}", record.route.map_or("there", Route::name))
        }
        FileEnd::Gone => "gone".to_owned(),
        FileEnd::Failed(failure) => format!("{}, {:?}", failure.reason.kind, failure.left),
    }
}
