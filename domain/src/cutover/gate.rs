//! What must hold before names in a client's database are changed. Pure decisions: what they rest on was read
//! before.

use std::collections::BTreeSet;

use super::check::FreezeCheck;
use super::held::{ClientsHeld, LeftBehind, UnmappedBucket};
use super::standing::{Cutovers, Phase};
use crate::BucketMap;
use crate::journal::{ClientDatabase, Direction};

/// A gate, and what was found at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Nothing changes while names do.
    Freeze(Box<FreezeSeen>),
    /// No bucket that the settings do not know is left.
    Unmapped(Vec<UnmappedBucket>),
    /// No content becomes unreadable that the operator has not named.
    LeftBehind(LeftBehindSeen),
    /// The other database comes first.
    Order(OrderSeen),
    /// No content was ingested since the cut-over, or it is listed.
    Ingested(IngestedSeen),
}

/// How a freeze was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeSeen {
    /// What was found.
    pub check: FreezeCheck,
    /// Whether every row was read, or the last ones only.
    pub is_full: bool,
}

/// The buckets whose content becomes unreadable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftBehindSeen {
    /// The operator has not named them.
    pub unnamed: Vec<LeftBehind>,
    /// The operator has named them.
    pub named: Vec<LeftBehind>,
}

/// Where a change of one database stands in the order of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderSeen {
    /// It is its turn.
    InTurn,
    /// rhino's cut-over comes behind contentrepo's.
    ContentrepoFirst,
    /// contentrepo's way back comes behind rhino's.
    RhinoFirst(Phase),
    /// The journal knows nothing of rhino's cut-over, and this number of rhino's rows bear new names.
    RhinoHasNewNames(u64),
    /// The way back of this database was begun, and comes to its end first.
    UnderWayBack,
}

/// Content that came behind a cut-over. Behind the way back it is readable from S3 only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestedSeen {
    /// The number of contentrepo's objects.
    pub objects: u64,
    /// The number of rhino's rows above the highest one of before.
    pub files: u64,
    /// Whether the operator has them listed in a file.
    pub is_listed: bool,
}

impl Gate {
    /// The gate's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Freeze(_) => "freeze",
            Self::Unmapped(_) => "unmapped",
            Self::LeftBehind(_) => "left-behind",
            Self::Order(_) => "order",
            Self::Ingested(_) => "ingested",
        }
    }

    /// Whether it lets the change go on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Freeze(seen) => seen.check.holds(),
            Self::Unmapped(all) => all.is_empty(),
            Self::LeftBehind(seen) => seen.unnamed.is_empty(),
            Self::Order(seen) => *seen == OrderSeen::InTurn,
            Self::Ingested(seen) => seen.is_listed || (seen.objects == 0 && seen.files == 0),
        }
    }
}

/// The gates of a cut-over. `named` are the ignored buckets whose content the operator leaves behind.
#[must_use]
pub fn cutover_gates(
    database: ClientDatabase,
    cutovers: &Cutovers,
    freeze: FreezeSeen,
    held: &ClientsHeld,
    (map, named): (&BucketMap, &BTreeSet<String>),
) -> Vec<Gate> {
    let left = held.left_behind(map).into_iter().partition(|it| named.contains(&it.bucket));
    let (named, unnamed) = left;
    vec![
        Gate::Order(order(database, Direction::ToS3, cutovers, 0)),
        Gate::Freeze(Box::new(freeze)),
        Gate::Unmapped(held.unmapped(map)),
        Gate::LeftBehind(LeftBehindSeen { unnamed, named }),
    ]
}

/// The gates of a way back. `renamed` is the number of rhino's rows with new names.
#[must_use]
pub fn revert_gates(
    database: ClientDatabase,
    cutovers: &Cutovers,
    renamed: u64,
    ingested: IngestedSeen,
) -> Vec<Gate> {
    vec![
        Gate::Order(order(database, Direction::ToMogile, cutovers, renamed)),
        Gate::Ingested(ingested),
    ]
}

/// Whether it is a change's turn: contentrepo before rhino, and back the other way round.
fn order(
    database: ClientDatabase,
    direction: Direction,
    cutovers: &Cutovers,
    renamed: u64,
) -> OrderSeen {
    let phase = |database| cutovers.of(database).phase();
    let (contentrepo, rhino) = (phase(ClientDatabase::Contentrepo), phase(ClientDatabase::Rhino));
    match (direction, database) {
        (Direction::ToS3, _) if phase(database) == Phase::UnderWayBack => OrderSeen::UnderWayBack,
        (Direction::ToS3, ClientDatabase::Rhino) if contentrepo != Phase::CutOver => {
            OrderSeen::ContentrepoFirst
        }
        (Direction::ToMogile, ClientDatabase::Contentrepo) if rhino != Phase::Before => {
            OrderSeen::RhinoFirst(rhino)
        }
        (Direction::ToMogile, ClientDatabase::Contentrepo)
            if cutovers.rhino.taken_back.is_none() && renamed > 0 =>
        {
            OrderSeen::RhinoHasNewNames(renamed)
        }
        (Direction::ToS3 | Direction::ToMogile, _) => OrderSeen::InTurn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::cutover::standing::{Run, Standing};
    use crate::journal::{CutoverBegun, NamesBefore};
    use crate::ports::{RepoBucket, RowId};

    /// `.` nothing was done, `?` the cut-over is under way, `x` it is done, `<` the way back is under way, `-`
    /// it is done.
    fn standing(what: char, database: ClientDatabase) -> Standing {
        let names = NamesBefore {
            renames: Vec::new(),
            rows: [].into(),
            nameless: 0,
            last: None,
            index: None,
            create_table: None,
            kept: None,
        };
        let begun = CutoverBegun {
            database,
            direction: Direction::ToS3,
            server: String::new(),
            freeze: None,
            takes_back: None,
            names,
            backup: None,
            left_behind: Vec::new(),
            ingested: None,
        };
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
        let objects = |objects| crate::cutover::HeldObjects {
            objects,
            bytes: 10 * objects,
            of_unknown_size: 0,
        };
        ClientsHeld {
            buckets: vec![
                bucket(1, "repo"),
                bucket(2, "trash"),
                bucket(3, "empty"),
                bucket(4, "Repo"),
            ],
            objects: [
                (Some(RowId(1)), objects(5)),
                (Some(RowId(2)), objects(2)),
                (None, objects(2)),
            ]
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
            let freeze = FreezeSeen { check: FreezeCheck::None, is_full: true };
            let gates = cutover_gates(
                ClientDatabase::Contentrepo,
                &Cutovers::default(),
                freeze,
                &held(),
                (&map, &names),
            );
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
}
