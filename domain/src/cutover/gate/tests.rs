//! What opens and closes each gate.

mod evidence;
mod overriding;
mod queue;

use super::*;
use crate::Timestamp;
use crate::cutover::standing::{Run, Standing};
use crate::journal::{CutoverBegun, NamesBefore};
use crate::ports::{RepoBucket, RowId};

/// `.` nothing was done, `?` the cut-over is under way, `x` it is done, `<` the way back is under way, `-`
/// it is done.
fn standing(what: char, database: ClientDatabase) -> Standing {
    let names = NamesBefore::default();
    let begun = CutoverBegun::new(database, Direction::ToS3, "", names);
    let done = (what == 'x').then_some(2);
    let (range, index_dropped) = (None, false);
    let run = |done| Run {
        sequence: 1,
        at: Timestamp(0),
        by: String::new(),
        begun: begun.clone(),
        range: range.clone(),
        index_dropped,
        done,
    };
    match what {
        '.' => Standing::default(),
        '-' => Standing { taken_back: Some(3), ..Standing::default() },
        '<' => Standing { back: Some(run(None)), ..Standing::default() },
        _ => Standing { forth: Some(run(done)), ..Standing::default() },
    }
}

/// contentrepo's standing and rhino's, rhino's rows with new names, the change, and what is found.
#[test]
fn contentrepo_goes_first_and_comes_back_last() {
    use ClientDatabase::{Contentrepo, Rhino};
    use Direction::{ToMogile, ToS3};
    use OrderSeen::{ContentrepoFirst, InTurn, RhinoFirst, RhinoHasNewNames, UnderWayBack};
    for (standings, renamed, database, direction, expected) in [
        ("..", 0, Contentrepo, ToS3, InTurn),
        ("?.", 0, Contentrepo, ToS3, InTurn),
        ("x.", 0, Contentrepo, ToS3, InTurn),
        ("<.", 0, Contentrepo, ToS3, UnderWayBack),
        ("-.", 0, Contentrepo, ToS3, InTurn),
        ("..", 0, Rhino, ToS3, ContentrepoFirst),
        ("?.", 0, Rhino, ToS3, ContentrepoFirst),
        ("-.", 0, Rhino, ToS3, ContentrepoFirst),
        ("x.", 0, Rhino, ToS3, InTurn),
        ("x?", 0, Rhino, ToS3, InTurn),
        ("x<", 0, Rhino, ToS3, UnderWayBack),
        ("xx", 0, Rhino, ToMogile, InTurn),
        ("x?", 9, Rhino, ToMogile, InTurn),
        ("x.", 0, Contentrepo, ToMogile, InTurn),
        ("x-", 9, Contentrepo, ToMogile, InTurn),
        ("?.", 0, Contentrepo, ToMogile, InTurn),
        ("xx", 0, Contentrepo, ToMogile, RhinoFirst(Phase::CutOver)),
        ("x?", 0, Contentrepo, ToMogile, RhinoFirst(Phase::UnderWay)),
        ("x<", 0, Contentrepo, ToMogile, RhinoFirst(Phase::UnderWayBack)),
        // A journal that was lost knows of neither.
        ("..", 9, Contentrepo, ToMogile, RhinoHasNewNames(9)),
        ("..", 0, Contentrepo, ToMogile, InTurn),
    ] {
        let of: Vec<_> = standings.chars().collect();
        let (contentrepo, rhino) = (standing(of[0], Contentrepo), standing(of[1], Rhino));
        let cutovers = Cutovers { contentrepo, rhino, ..Cutovers::default() };
        let found = order(database, direction, &cutovers, renamed);
        assert_eq!(found, expected, "{standings} {database} {direction:?}");
    }
}

fn held() -> ClientsHeld {
    let bucket = |id, name: &str| RepoBucket { id: RowId(id), name: name.to_owned() };
    let objects =
        |objects| crate::cutover::HeldObjects { objects, bytes: 10 * objects, of_unknown_size: 0 };
    ClientsHeld {
        buckets: vec![bucket(1, "repo"), bucket(2, "trash"), bucket(3, "empty"), bucket(4, "Repo")],
        objects: [(Some(RowId(1)), objects(5)), (Some(RowId(2)), objects(2)), (None, objects(2))]
            .into(),
        files: [
            (Some("repo".to_owned()), 5),
            (Some("old".to_owned()), 3),
            (Some("corpus".to_owned()), 1),
            (Some("else".to_owned()), 4),
            (None, 1),
        ]
        .into(),
    }
}

#[test]
fn what_becomes_unreadable_is_named_bucket_by_bucket() {
    let map = BucketMap::parse("repo:corpus", "trash,old,empty").expect("valid");
    let held = held();
    let left: Vec<_> = held
        .left_behind(&map)
        .into_iter()
        .map(|it| (it.bucket, it.held.objects, it.held.bytes, it.files))
        .collect();
    assert_eq!(left, [("old".to_owned(), 0, 0, 3), ("trash".to_owned(), 2, 20, 0)]);
    let unmapped: Vec<_> = held
        .unmapped(&map)
        .into_iter()
        .map(|it| (it.bucket, it.is_in_contentrepo, it.files))
        .collect();
    // Names are compared byte for byte.
    assert_eq!(unmapped, [("Repo".to_owned(), true, 0), ("else".to_owned(), false, 4)]);
    assert_eq!(held.nameless_objects(), 2);
}

#[test]
fn each_bucket_that_is_left_behind_must_be_named() {
    let map = BucketMap::parse("repo:corpus", "trash,old,empty").expect("valid");
    for (named, is_open) in [
        (&[][..], false),
        (&["old"], false),
        (&["trash"], false),
        (&["Old", "trash"], false),
        (&["old", "trash"], true),
        (&["old", "trash", "empty"], true),
    ] {
        let names = named.iter().map(|&name| name.to_owned()).collect();
        let grounds = GateGrounds {
            cutovers: &Cutovers::default(),
            freeze: FreezeSeen { check: FreezeCheck::None, is_full: true },
            held: &held(),
            buckets: &map,
            named: &names,
            evidence: &GateEvidence::default(),
            place: &MigrationPlace::default(),
            queue: QueueSeen::NotNamed,
        };
        let gates = cutover_gates(ClientDatabase::Contentrepo, grounds);
        let is_open_of =
            |name: &str| gates.iter().find(|gate| gate.name() == name).map(Gate::is_open);
        assert_eq!(is_open_of("left-behind"), Some(is_open), "{named:?}");
        assert_eq!(is_open_of("freeze"), Some(false), "there is none");
        assert_eq!(is_open_of("unmapped"), Some(false));
    }
}

#[test]
fn what_came_since_is_listed_before_the_way_back() {
    for (objects, files, is_listed, is_open) in
        [(0, 0, false, true), (1, 0, false, false), (0, 1, false, false), (1, 1, true, true)]
    {
        let seen = IngestedSeen { objects, files, is_listed };
        assert_eq!(Gate::Ingested(seen).is_open(), is_open, "{seen:?}");
    }
}
