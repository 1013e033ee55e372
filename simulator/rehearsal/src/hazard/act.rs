//! What hazards are put together from.

/// One thing that is done to a file's world. A hazard is some of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The intermediary is laid like this.
    Raw(Raw),
    /// The replica that the tracker names first is damaged.
    First(Damage),
    /// Every replica is damaged.
    Every(Damage),
    /// The file is stored at such a place.
    Stored(Place),
    /// The key names another content's SHA-1.
    Misaddressed,
    /// The row is written like this.
    Row(RowState),
    /// The file is deleted in the moment in which its paths are asked for.
    Purged,
    /// The file gets another key in that moment.
    Renamed,
    /// The trackers' memcached has an old answer about the file.
    Cached(Stale),
    /// An object lies at the final key.
    AtKey(Occupant),
    /// The ledger has an item.
    Recorded(Recorded),
    /// The next `times` requests of one kind are struck; [`Act::ALWAYS`] for every one.
    Strike(Request, RequestFault, u32),
}

impl Act {
    /// For [`Act::Strike`]: no end.
    pub const ALWAYS: u32 = stand_ins::fault::Rule::ALWAYS;
}

/// How an intermediary lies in the bucket, when not as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    /// With one wrong byte.
    Corrupt,
    /// Without its end.
    Truncated,
    /// Without any byte.
    Empty,
    /// Under a key with a leading slash.
    LeadingSlash,
    /// Under both forms of its key.
    BothForms,
    /// With a checksum of its parts' checksums.
    InParts,
    /// Where it may not be read.
    Denied,
}

/// What is wrong with a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// One wrong byte.
    Corrupt,
    /// No end.
    Short,
    /// Not on its device.
    Missing,
    /// Other content, whole and of another length.
    Other,
}

/// What a tracker's memcached has of a file, that was true once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// The one device that had the file then, and has it no longer.
    Device,
    /// The fid that the key had before.
    Fid,
}

/// Where a file's replicas are, when not on two living devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first one on a device that is down, where other bytes are.
    FirstOnDown,
    /// The only one on a device that is down, and whole.
    OnlyOnDown,
    /// The first one at an address that nobody may ask.
    FirstForeign,
    /// On no device at all.
    Nowhere,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// Another length than the content's.
    WrongLength,
    /// The length is NULL.
    NoLength,
    /// The key is NULL.
    NoKey,
    /// The SHA-1 in the key is in upper case.
    UpperCaseKey,
    /// The key is no SHA-1 at all.
    OddKey,
    /// The key's bucket is in no setting.
    UnmappedBucket,
}

/// What lies at a final key before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupant {
    /// The right content and its SHA-1.
    RightWithSha1,
    /// The right content, and no checksum.
    Right,
    /// The right content, and a checksum of its parts' checksums.
    RightInParts,
    /// Other content, and no checksum.
    Other,
    /// Other content and its SHA-1.
    OtherWithSha1,
}

/// What the ledger has of a file before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// What s3migrate wrote: a claim without a proof.
    Claim,
    /// What no version wrote.
    Garbage,
    /// What an earlier run of ours wrote.
    Proof,
    /// The same, of another bucket.
    ProofElsewhere,
    /// The same, of another content: the fid is used again.
    ProofOfOther,
}

/// The requests that can be struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// The tracker is asked for the file's paths.
    Paths,
    /// The storage node is asked for the first replica.
    First,
    /// A storage node is asked for any replica.
    Every,
    /// The object is written in one request.
    Put,
    /// The intermediary is copied.
    Copy,
    /// A multipart upload is begun.
    Create,
    /// A part of it is sent.
    Part,
    /// It is put together.
    Complete,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFault {
    /// It is lost.
    RequestLost,
    /// It takes effect, and its answer is lost.
    AnswerLost,
    /// It takes effect, and its answer never comes.
    Silent,
    /// It is refused with this status and code.
    Refused(u16, &'static str),
    /// It is answered with 200 and an error, and was not carried out.
    ErrorInside200,
    /// It is answered with 200 and an error, and was carried out.
    DoneAndErrorInside200,
    /// The answer's body hangs half-way.
    Hangs,
    /// The answer's body breaks off half-way.
    BreaksOff,
    /// The answer's body comes byte by byte.
    Trickles,
    /// The answer's head announces so many bytes.
    Announces(u64),
}
