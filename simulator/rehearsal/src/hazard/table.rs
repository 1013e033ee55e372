//! The table of hazards.

use oracle::Left;
use oracle::Outcome::{
    self, AlreadyThere, ByCopy, Failed, FromMogile, Gone, ProvenBefore, Rejected,
};
use serde::{Serialize, Serializer};

use super::Act::{
    self, AtKey, Cached, Every, First, Misaddressed, Purged, Recorded, Renamed, Row, Stored, Strike,
};
use super::Damage::{Corrupt, Missing, Other, Short};
use super::Needs::{Streamed, StreamedInParts, Synced, SyncedInParts};
use super::RequestFault::{
    Announces, AnswerLost, BreaksOff, DoneAndErrorInside200, ErrorInside200, Hangs, Refused,
    RequestLost, Silent, Trickles,
};
use super::{Occupant, Place, Raw, Request, RowState, Spec, Stale};

const BAD_INTERMEDIARY: &[&str] = &["bad-intermediary"];
const BAD_REPLICA: &[&str] = &["bad-replica"];
const REPLACED: &[&str] = &["replaced-object"];

const COPIED_THEN_STREAMED: &str = "COPY, paths, open, write";
const SECOND_REPLICA: &str = "paths, open 2, write 2";
const SECOND_REPLICA_UNSENT: &str = "paths, open 2, write";

const fn failed(reason: &'static str) -> Outcome {
    Failed { reason, left: Left::Nothing }
}

const fn raw(raw: Raw) -> Act {
    Act::Raw(raw)
}

/// Behind `@ "subject";` the hazards of that subject, each as
/// `Name "told" Needs [acts] => outcome, [findings], "requests", at most`
macro_rules! hazards {
    ($(@ $subject:literal; $($name:ident $label:literal $needs:ident $acts:tt
        => $outcome:expr, $findings:expr, $requests:expr, $most:literal;)*)*) => {
        /// Something that is wrong with one file, or with the requests about it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Hazard {
            $($(#[doc = $label] $name,)*)*
        }

        impl Hazard {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($(Self::$name),*),*];

            const SPECS: &'static [Spec] = &[$($(Spec {
                subject: $subject,
                label: $label,
                needs: $needs,
                acts: &$acts,
                outcome: $outcome,
                findings: $findings,
                requests: $requests,
                most: $most,
            }),*),*];

            const NAMES: &'static [&'static str] = &[$($(stringify!($name)),*),*];
        }
    };
}

hazards! {
    @ "intermediaries in the bucket";
    CorruptIntermediary "intermediary has one wrong byte" Synced [raw(Raw::Corrupt)]
        => FromMogile, BAD_INTERMEDIARY, COPIED_THEN_STREAMED, 12;
    TruncatedIntermediary "intermediary is cut short" Synced [raw(Raw::Truncated)]
        => FromMogile, BAD_INTERMEDIARY, COPIED_THEN_STREAMED, 12;
    EmptyIntermediary "intermediary is empty" Synced [raw(Raw::Empty)]
        => FromMogile, BAD_INTERMEDIARY, COPIED_THEN_STREAMED, 12;
    LeadingSlash "intermediary's key has a leading slash" Synced [raw(Raw::LeadingSlash)]
        => ByCopy, &[], "COPY", 12;
    BothForms "intermediary is under both forms of its key" Synced [raw(Raw::BothForms)]
        => ByCopy, &[], "COPY", 12;
    IntermediaryInParts "intermediary has a checksum of its parts" Synced [raw(Raw::InParts)]
        => ByCopy, &[], "COPY", 12;
    IntermediaryTooLarge "intermediary is larger than one COPY takes" SyncedInParts []
        => FromMogile, &[], "paths, open, write", 99;
    IntermediaryDenied "intermediary may not be read" Synced [raw(Raw::Denied)]
        => FromMogile, &["copy-refused"], COPIED_THEN_STREAMED, 3;
    IntermediaryVanished "intermediary is listed, then away" Synced
        [Strike(Request::Copy, Refused(404, "NoSuchKey"), 1)]
        => FromMogile, &[], COPIED_THEN_STREAMED, 12;
    CorruptCopyAnswerLost "corrupt intermediary, COPY's answer lost" Synced
        [raw(Raw::Corrupt), Strike(Request::Copy, AnswerLost, 1)]
        => FromMogile, REPLACED, "COPY, HEAD, paths, open, write", 12;
    CorruptWithoutReplica "intermediary and replicas are all bad" Synced
        [raw(Raw::Corrupt), Every(Corrupt), First(Missing)]
        => failed("wrong-content"), BAD_INTERMEDIARY, "COPY, paths 2, open 2, write 2, DELETE", 12;
    GoodIntermediaryAlone "replicas are all bad, intermediary is good" Synced
        [Every(Corrupt), First(Short)]
        => ByCopy, &[], "COPY", 12;

    @ "replicas on storage nodes";
    CorruptFirstReplica "first replica has one wrong byte" Streamed [First(Corrupt)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA, 12;
    ShortFirstReplica "first replica is cut short" Streamed [First(Short)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA, 12;
    MissingFirstReplica "first replica is not on its device" Streamed [First(Missing)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA_UNSENT, 12;
    FirstReplicaDown "first replica is on a device that is down" Streamed
        [Stored(Place::FirstOnDown)]
        => FromMogile, &[], "paths, open, write", 12;
    OnlyReplicaDown "only replica is on a device that is down" Streamed
        [Stored(Place::OnlyOnDown)]
        => FromMogile, &[], "paths, open, write", 12;
    FirstReplicaForeign "first replica is on a host that is no node" Streamed
        [Stored(Place::FirstForeign)]
        => FromMogile, BAD_REPLICA, "paths, open, write", 12;
    FirstReplicaHangs "first replica hangs half-way" Streamed
        [Strike(Request::First, Hangs, 1)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA, 2;
    FirstReplicaTrickles "first replica trickles" Streamed
        [Strike(Request::First, Trickles, 1)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA, 2;
    FirstReplicaSilent "first replica's node says nothing" Streamed
        [Strike(Request::First, Silent, 1)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA_UNSENT, 2;
    FirstReplicaBreaksOff "first replica breaks off half-way" Streamed
        [Strike(Request::First, BreaksOff, 1)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA, 12;
    FirstReplicaRefused "first replica's node is out of order (500)" Streamed
        [Strike(Request::First, Refused(500, "Internal Server Error"), 1)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA_UNSENT, 12;
    FirstReplicaRedirects "first replica's node redirects (302)" Streamed
        [Strike(Request::First, Refused(302, "Found"), 1)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA_UNSENT, 12;
    FirstReplicaCut "first replica's node closes connections" Streamed
        [Strike(Request::First, RequestLost, Act::ALWAYS)]
        => FromMogile, BAD_REPLICA, "paths, open 3, write", 12;
    FirstReplicaAnnounces "first replica announces ten petabytes" Streamed
        [Strike(Request::First, Announces(9_999_999_999_999_999), 1)]
        => FromMogile, BAD_REPLICA, SECOND_REPLICA_UNSENT, 12;
    CachedDevice "tracker's cache has its former device" Streamed [Cached(Stale::Device)]
        => FromMogile, BAD_REPLICA, "paths 2, open 2, write", 12;
    CachedFid "tracker's cache has a former file's fid" Streamed [Cached(Stale::Fid)]
        => FromMogile, &[], "paths 2, open, write", 12;
    OtherContent "replicas are there, and have other content" Streamed [Every(Other)]
        => failed("wrong-content"), &[], "paths 2, open 2, write 2, HEAD", 12;
    NoGoodReplica "replicas are all bad" Streamed [Every(Corrupt), First(Missing)]
        => failed("wrong-content"), &[], "paths 2, open 2, write 2, HEAD", 12;
    NoReplica "row is on no device" Streamed [Stored(Place::Nowhere)]
        => failed("no-replica"), &[], "paths 2, HEAD", 12;
    ReplicasUnreachable "nodes close every connection for it" Streamed
        [Strike(Request::Every, RequestLost, Act::ALWAYS)]
        => failed("replicas-unreachable"), &[], "paths 6, open 24, HEAD 3", 2;
    Misaddressed "key is not the content's SHA-1" Streamed [Misaddressed]
        => failed("wrong-content"), &[], "paths 2, open 2, write 2, HEAD", 12;
    MisaddressedSynced "key is not the SHA-1, and synced anyway" Synced [Misaddressed]
        => failed("wrong-content"), BAD_INTERMEDIARY, "COPY, paths 2, open 2, write 2, DELETE", 12;

    @ "rows of the index";
    WrongIndexLength "index tells another length" Streamed [Row(RowState::WrongLength)]
        => FromMogile, &["index-length"], "paths, open, write", 12;
    WrongIndexLengthSynced "index tells another length, and synced"
        Synced [Row(RowState::WrongLength)] => ByCopy, &["index-length"], "COPY", 12;
    NoIndexLength "index tells no length" Streamed [Row(RowState::NoLength)]
        => Rejected("no-length"), &[], "", 12;
    NoKey "row has no key" Streamed [Row(RowState::NoKey)]
        => Rejected("no-key"), &[], "", 12;
    UpperCaseKey "key is in upper case" Streamed [Row(RowState::UpperCaseKey)]
        => Rejected("not-content-addressed"), &[], "", 12;
    OddKey "key is no SHA-1" Streamed [Row(RowState::OddKey)]
        => Rejected("not-content-addressed"), &[], "", 12;
    UnmappedBucket "bucket is in no setting" Streamed [Row(RowState::UnmappedBucket)]
        => Rejected("unmapped-bucket"), &[], "", 12;
    UnknownKey "trackers do not know the key, row stands" Streamed
        [Strike(Request::Paths, Refused(0, "unknown_key"), Act::ALWAYS)]
        => failed("key-unknown"), &[], "paths 2, row, HEAD", 12;
    Purged "file is deleted behind the pager's back" Streamed [Purged]
        => Gone, &[], "paths 2, row", 12;
    Renamed "file is renamed behind the pager's back" Streamed [Renamed]
        => Gone, &[], "paths 2, row", 12;

    @ "objects at the final key";
    OccupiedByRight "final key has the content, with its SHA-1" Streamed
        [AtKey(Occupant::RightWithSha1)]
        => AlreadyThere, &[], "paths, open, write, HEAD", 12;
    OccupiedByPlain "final key has the content, and no checksum" Synced [AtKey(Occupant::Right)]
        => AlreadyThere, &[], "COPY, HEAD, GET", 12;
    OccupiedByParts "final key has the content, stored in parts" Streamed
        [AtKey(Occupant::RightInParts)]
        => AlreadyThere, &[], "paths, open, write, HEAD, GET", 12;
    OccupiedByOther "final key has other content" Synced [AtKey(Occupant::Other)]
        => FromMogile, REPLACED, "COPY, HEAD, GET, paths, open, write", 12;
    OccupiedByOtherWithSha1 "final key has other content, with its SHA-1" Streamed
        [AtKey(Occupant::OtherWithSha1)]
        => FromMogile, REPLACED, "HEAD, paths 2, open 2, write 2", 12;
    OccupiedWithoutReplica "final key has other content, bad replicas" Streamed
        [AtKey(Occupant::Other), Every(Corrupt), First(Missing)]
        => Failed { reason: "wrong-object", left: Left::Theirs }, &[],
        "paths 2, open 2, write 2, HEAD, GET", 12;
    RightWithoutReplica "final key has the content, replicas are bad" Streamed
        [AtKey(Occupant::RightWithSha1), Every(Corrupt), First(Short)]
        => AlreadyThere, &[], "paths 2, open 2, write 2, HEAD", 12;

    @ "records in the ledger";
    TrueClaim "s3migrate's record is true" Synced
        [Recorded(super::Recorded::Claim), AtKey(Occupant::Right)]
        => AlreadyThere, &[], "HEAD, GET", 12;
    FalseClaim "s3migrate's record is of other content" Streamed
        [Recorded(super::Recorded::Claim), AtKey(Occupant::Other)]
        => FromMogile, REPLACED, "HEAD, GET, paths, open, write", 12;
    EmptyClaim "s3migrate's record is of no object" Synced [Recorded(super::Recorded::Claim)]
        => ByCopy, &[], "HEAD, COPY", 12;
    GarbageRecord "ledger's record cannot be read" Streamed [Recorded(super::Recorded::Garbage)]
        => FromMogile, &[], "paths, open, write", 12;
    ProvenElsewhere "ledger's proof is of another bucket" Streamed
        [Recorded(super::Recorded::ProofElsewhere)]
        => FromMogile, &[], "paths, open, write", 1;
    ProvenOther "ledger's proof is of another content" Streamed
        [Recorded(super::Recorded::ProofOfOther)]
        => FromMogile, &[], "paths, open, write", 12;
    ProvenBefore "file was proven by an earlier run" Streamed
        [Recorded(super::Recorded::Proof), AtKey(Occupant::RightWithSha1)]
        => ProvenBefore, &[], "", 12;

    @ "requests to S3";
    PutRequestLost "PUT is lost" Streamed [Strike(Request::Put, RequestLost, 1)]
        => FromMogile, &[], "paths 2, open 2, write 2, HEAD", 12;
    PutAnswerLost "PUT's answer is lost after it took effect" Streamed
        [Strike(Request::Put, AnswerLost, 1)]
        => FromMogile, &[], "paths, open, write, HEAD", 12;
    PutSlowDown "PUT is refused twice with 503" Streamed
        [Strike(Request::Put, Refused(503, "SlowDown"), 2)]
        => FromMogile, &[], "paths, open 3, write 3", 12;
    PutInternalError "PUT is refused with 500" Streamed
        [Strike(Request::Put, Refused(500, "InternalError"), 1)]
        => FromMogile, &[], "paths 2, open 2, write 2, HEAD", 12;
    PutBadDigest "PUT arrives damaged, says S3 (400)" Streamed
        [Strike(Request::Put, Refused(400, "BadDigest"), 1)]
        => FromMogile, &[], "paths, open 2, write 2", 12;
    CopyRequestLost "COPY is lost" Synced [Strike(Request::Copy, RequestLost, 1)]
        => ByCopy, &[], "COPY 2, HEAD", 12;
    CopyAnswerLost "COPY's answer is lost after it took effect" Synced
        [Strike(Request::Copy, AnswerLost, 1)]
        => ByCopy, &[], "COPY, HEAD", 12;
    CopySilent "COPY is never answered, and took effect" Synced
        [Strike(Request::Copy, Silent, 1)]
        => ByCopy, &[], "COPY, HEAD", 2;
    CopySlowDown "COPY is refused twice with 503" Synced
        [Strike(Request::Copy, Refused(503, "SlowDown"), 2)]
        => ByCopy, &[], "COPY 3", 12;
    CopyInternalError "COPY is refused with 500" Synced
        [Strike(Request::Copy, Refused(500, "InternalError"), 1)]
        => ByCopy, &[], "COPY 2, HEAD", 12;
    CopyErrorInside200 "COPY fails inside a 200" Synced
        [Strike(Request::Copy, ErrorInside200, 1)]
        => ByCopy, &[], "COPY 2, HEAD", 12;
    CopyDoneErrorInside200 "COPY fails inside a 200, and took effect" Synced
        [Strike(Request::Copy, DoneAndErrorInside200, 1)]
        => ByCopy, &[], "COPY, HEAD", 12;

    @ "uploads in parts";
    CorruptFirstReplicaInParts "first replica is corrupt, and goes in parts" StreamedInParts
        [First(Corrupt)]
        => FromMogile, BAD_REPLICA, "paths, open 2, write 2, ABORT", 1;
    CreateAnswerLost "upload is begun and the answer lost" StreamedInParts
        [Strike(Request::Create, AnswerLost, 1)]
        => FromMogile, &[], "paths 2, open 2, write, CREATE, HEAD", 1;
    PartSlowDown "part is refused twice with 503" StreamedInParts
        [Strike(Request::Part, Refused(503, "SlowDown"), 2)]
        => FromMogile, &[], "paths, open, write, PART 2", 1;
    CompleteErrorInside200 "upload's end fails inside a 200" StreamedInParts
        [Strike(Request::Complete, ErrorInside200, 1)]
        => FromMogile, &[], "paths 2, open 2, write 2, ABORT, HEAD", 1;
    CompleteAnswerLost "upload is put together and the answer lost" StreamedInParts
        [Strike(Request::Complete, AnswerLost, 1)]
        => FromMogile, &[], "paths, open, write, ABORT, HEAD, GET", 1;
}

impl Hazard {
    /// Its line of the table.
    #[must_use]
    pub const fn spec(self) -> &'static Spec {
        &Self::SPECS[self as usize]
    }

    /// Its name in kebab case.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in Self::NAMES[self as usize].chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }
}

impl Serialize for Hazard {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.name())
    }
}
