//! The reports of `cutover`.

use domain::cutover::{
    FreezeCheck, FreezeSeen, Gate, HeldObjects, IngestedSeen, LeftBehind, LeftBehindSeen,
    OrderSeen, QueueSeen, UnmappedBucket,
};
use domain::digest::Sha256;
use domain::journal::{BackupSeal, ClientDatabase, Direction, IngestedSeal, NameRename};
use serde_json::{Value, json};

use crate::report::cutover::{CutoverOutcome, CutoverReport, Estimate, Overriding};

pub(super) fn reports() -> [(&'static str, Vec<Value>); 2] {
    let of = |database, name| (name, reports_of(database).iter().map(|it| json!(it)).collect());
    [
        of(ClientDatabase::Contentrepo, "cutover contentrepo"),
        of(ClientDatabase::Rhino, "cutover rhino"),
    ]
}

fn gates() -> Vec<Gate> {
    let held = HeldObjects { objects: 2, bytes: 2_000, of_unknown_size: 1 };
    let left = |bucket: &str| LeftBehind { bucket: bucket.to_owned(), held, files: 3 };
    let (bucket, is_in_contentrepo) = ("else".to_owned(), true);
    vec![
        Gate::Order(OrderSeen::ContentrepoFirst),
        Gate::Order(OrderSeen::InTurn),
        Gate::Freeze(Box::new(FreezeSeen { check: FreezeCheck::None, is_full: false })),
        Gate::Unmapped(vec![UnmappedBucket { bucket, is_in_contentrepo, files: 1 }]),
        Gate::LeftBehind(LeftBehindSeen { unnamed: vec![left("a b")], named: vec![left("c")] }),
        Gate::Audit(Box::default()),
        Gate::Queue(QueueSeen::NotNamed),
        Gate::Ingested(IngestedSeen { objects: 7, files: 0, is_listed: false }),
    ]
}

/// One of each kind.
pub(super) fn reports_of(database: ClientDatabase) -> [CutoverReport; 3] {
    let new = |direction, executed, outcome, gates: &[Gate]| {
        let server = "db:3306/name".to_owned();
        CutoverReport::new((database, direction), server, executed, outcome, gates)
    };
    let id = (database == ClientDatabase::Contentrepo).then(|| "7".to_owned());
    let renames = vec![NameRename { id, from: "old".to_owned(), to: "new".to_owned() }];
    let mut refused = new(Direction::ToS3, false, CutoverOutcome::Refused, &gates());
    refused.refusals = vec!["words".to_owned()];
    let (gate, reason) = ("queue", "a reason".to_owned());
    refused.override_gates(&[Overriding { gate, reason, refusal: None }]);
    let mut drawn = new(Direction::ToS3, false, CutoverOutcome::CanBeChanged, &[]);
    drawn.estimate = Some(Estimate { rows: 1, seconds: 2, binlog_bytes: Some(349) });
    drawn.statements = vec!["UPDATE".to_owned()];
    drawn.notes = vec!["a note".to_owned()];
    drawn.renames.clone_from(&renames);
    let mut done = new(Direction::ToMogile, true, CutoverOutcome::Changed, &[]);
    let sha256 = Sha256::of(b"a file");
    done.backup = Some(BackupSeal { file: "names.gz".to_owned(), sha256, rows: 8 });
    done.ingested =
        Some(IngestedSeal { file: "list.tsv".to_owned(), sha256, objects: 7, files: 1 });
    (done.entry, done.renames) = (Some(9), renames);
    [refused, drawn, done.ended(CutoverOutcome::Changed, vec!["a row".to_owned()])]
}
