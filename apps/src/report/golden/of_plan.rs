//! The reports of `plan`.

use std::collections::BTreeMap;

use domain::doctor::{
    Arrived, BucketArrivals, Candidates, Census, NamedObjects, RequestsNeeded, TypesPlanned,
};
use domain::ports::DatabaseError;
use domain::{BucketMap, Fid, Prices, Reason, ReasonKind};
use serde_json::{Value, json};

use super::reports::{sample, stopped, tally};
use crate::report::plan;

pub(super) fn reports() -> Vec<Value> {
    let tallies = || BTreeMap::from([("*".to_owned(), tally())]);
    let full = Census {
        alike: Candidates::default(),
        rows: 1,
        other_domains: 1,
        source: tallies(),
        temporary: tally(),
        ignored: tally(),
        rejected: BTreeMap::from([("*", sample())]),
        unmapped: tallies(),
        unmapped_others: tally(),
        without_rows: ["repo".to_owned()].into(),
        in_capitals: sample(),
        too_long: sample(),
        without_replica: sample(),
        one_replica: tally(),
        below_mindevcount: Some(sample()),
        unknown_class: sample(),
        classes_unread: Some("refused".to_owned()),
        highest_fid: Some(Fid(7)),
        in_parts: tally(),
        requests_needed: RequestsNeeded { writes: 1, ..RequestsNeeded::default() },
        arrived: Some(Arrived {
            buckets: BTreeMap::from([("*".to_owned(), BucketArrivals::default())]),
            proven_and_absent: sample(),
            requests_left: RequestsNeeded { writes: 1, ..RequestsNeeded::default() },
            ledger_items: Some(1),
            absent_buckets: ["corpus".to_owned()].into(),
            lists: 1,
        }),
        stopped: stopped(),
    };
    let buckets = BucketMap::parse("repo:corpus", "").expect("good settings");
    let report = |census: Census, hazards: Vec<String>, beside| {
        json!(plan::PlanReport::new(census, hazards, &Prices::us_east_1(), &buckets, beside))
    };
    let unmapped_buckets = vec!["scratch".to_owned()];
    let types = TypesPlanned {
        rows: 1,
        rows_read: 1,
        rows_kept: 1,
        spool_bytes: 130,
        unmapped_buckets,
        buckets_of_store: 1,
        long_fields: NamedObjects { objects: 1, first: vec!["a in b".to_owned()] },
        non_ascii_fields: NamedObjects { objects: 1, first: vec!["a in b".to_owned()] },
        without_size: NamedObjects { objects: 1, first: vec!["a in b".to_owned()] },
    };
    let unread = Reason::new(ReasonKind::TypesAndNames, "refused");
    let refused = DatabaseError::Refused { at: "rhino".to_owned(), why: "no".to_owned() };
    vec![
        report(
            full,
            vec!["in words".to_owned()],
            plan::Beside {
                types: Some(Ok(types)),
                alike_unread: Some(unread.clone()),
                cautions: vec!["in words".to_owned()],
                ..plan::Beside::default()
            },
        ),
        report(
            Census::default(),
            Vec::new(),
            plan::Beside {
                types: Some(Err(unread.clone())),
                unlisted: Some(unread),
                window: Some(plan::WindowAsked { ingested: 1, by_trackers: true }),
                rhino: Some(Err(refused)),
                ..plan::Beside::default()
            },
        ),
        report(
            Census { arrived: Some(Arrived::default()), ..Census::default() },
            Vec::new(),
            plan::Beside::default(),
        ),
    ]
}
