//! A damaged journal, beside an earlier export of it.

use domain::digest::Sha256;
use domain::journal::{Entry, Head};
use domain::runbook::{
    Export, RestoreTrouble, Restored, SurveyTrouble, Unrestored, restore, survey,
};
use stand_ins::world::dynamodb::Fields;

use super::*;

/// What somebody does to the table.
type Damage = fn(&Stage);

/// A journal with entries 1 to 5. The export has the first three or four of them.
pub(super) async fn written(stage: &Stage) -> Vec<StoredEntry> {
    let mut ann = stage.writer("ann").await;
    for words in ["one", "two", "three", "four", "five"] {
        ann.append(note(words)).await.expect("written");
    }
    stage.entries().await
}

pub(super) fn head(entry: &StoredEntry) -> Head {
    Head { sequence: entry.sequence, hash: entry.hash.expect("a hash") }
}

pub(super) fn items(stage: &Stage) -> Vec<Item> {
    dynamodb::items(&stage.database, TABLE).expect("a table")
}

pub(super) fn item(stage: &Stage, sequence: u64) -> Item {
    let is_it = |item: &Item| {
        let fields = Fields(item);
        fields.number("sequence") == Ok(Some(sequence))
            && fields.text("migration") == Ok(Some("ledger"))
    };
    items(stage).into_iter().find(is_it).expect("an item")
}

pub(super) fn change(
    stage: &Stage,
    sequence: u64,
    attributes: impl IntoIterator<Item = Attribute>,
) {
    let item = item(stage, sequence).into_iter().chain(attributes).collect();
    dynamodb::put(&stage.database, TABLE, item).expect("planted");
}

type Attribute = <Item as IntoIterator>::Item;

/// Somebody changes words, and knows how entries are hashed.
pub(super) fn rewrite(stage: &Stage, sequence: u64) -> Sha256 {
    let line =
        Fields(&item(stage, sequence)).the_text("line").expect("a line").replace("ann", "eve");
    let hash = Sha256::of(line.as_bytes());
    change(stage, sequence, [text("line", &line), text("hash", &hash.to_string())]);
    hash
}

pub(super) async fn restored(
    stage: &Stage,
    export: &[StoredEntry],
    dry_run: bool,
) -> Result<Restored, Box<Unrestored>> {
    let head = head(export.last().expect("entries"));
    let entries = export.to_vec();
    let entries =
        move || Box::new(entries.clone().into_iter()) as Box<dyn Iterator<Item = _> + Send>;
    let export = Export { head, entries: &entries };
    restore(&*stage.journal(), &*stage.clock, ("ann", 7), &export, dry_run).await
}

#[test]
fn what_an_export_has_is_put_back_and_the_journal_says_so() {
    let cases: [(Damage, &[&str], Option<&str>); 11] = [
        (|_| (), &[], None),
        (|stage| stage.remove(&[3]), &["entry 3 is missing"], None),
        (
            |stage| stage.remove(&[1, 2, 4]),
            &["entry 1 is missing", "entry 2 is", "entry 4 is"],
            None,
        ),
        (|stage| change(stage, 2, [text("line", "{}")]), &["entry 2 has other words"], None),
        (
            |stage| {
                rewrite(stage, 2);
            },
            &["entry 2 has other words"],
            None,
        ),
        (
            |stage| change(stage, 2, [text("hash", &"0".repeat(64))]),
            &["entry 2 has another hash beside it"],
            None,
        ),
        (
            |stage| {
                let (one, two) = (item(stage, 1), item(stage, 2));
                change(stage, 1, two.into_iter().filter(|(name, _)| name != "sequence"));
                change(stage, 2, one.into_iter().filter(|(name, _)| name != "sequence"));
            },
            &["entry 2 stands in the place of entry 1", "entry 1 stands in the place of entry 2"],
            None,
        ),
        (|stage| stage.remove(&[0]), &[], Some("the journal's head is missing")),
        (
            |stage| change(stage, 0, [text("last", "five")]),
            &[],
            Some("the journal's head is damaged: it has no usable `last`"),
        ),
        (
            |stage| change(stage, 0, [number("last", 2)]),
            &[],
            Some("entry 5 is the last one that is there, and the journal names entry 2"),
        ),
        (
            |stage| {
                stage.remove(&[0, 2]);
                change(stage, 4, [text("line", "")]);
            },
            &["entry 2 is missing", "entry 4 has other words"],
            Some("the journal's head is missing"),
        ),
    ];
    for (damage, entries, head_fault) in cases {
        let stage = Stage::new();
        stage.run(async {
            let before = written(&stage).await;
            damage(&stage);
            let damaged = items(&stage);
            // The last entry came behind the export: it is the table's alone, and stays.
            let export = &before[..4];
            let dry = restored(&stage, export, true).await.expect("repairable");
            assert_eq!(items(&stage), damaged, "a dry run changes nothing");
            let done = restored(&stage, export, false).await.expect("repaired");
            assert_eq!((&dry.first, &dry.head_fault), (&done.first, &done.head_fault));
            assert_eq!(usize::try_from(done.entries), Ok(entries.len()), "{done:?}");
            for (found, expected) in done.first.iter().zip(entries) {
                assert!(found.contains(expected), "no `{expected}` in: {found}");
            }
            let fault = done.head_fault.as_deref().unwrap_or_default();
            assert!(fault.contains(head_fault.unwrap_or_default()), "{fault}");
            assert_eq!((done.head_fault.is_some(), done.added), (head_fault.is_some(), 1));

            // The chain holds, nothing is lost, and one entry says what was done.
            let after = stage.entries().await;
            assert_eq!(after[..5], before);
            let is_damaged = !entries.is_empty() || head_fault.is_some();
            assert_eq!(after.len(), if is_damaged { 6 } else { 5 });
            let said: Vec<_> = after[5..].iter().map(head).collect();
            assert_eq!(done.written, said);
            for entry in &after[5..] {
                let entry = Entry::parse(&entry.line).expect("an entry");
                let Content::Restored { export: of, entries: put_back, .. } = entry.content else {
                    panic!("{entry:?}")
                };
                assert_eq!((of, put_back.len()), (head(&before[3]), entries.len()));
            }
            // Again there is nothing to do, and the journal goes on.
            let again = restored(&stage, export, false).await.expect("whole");
            assert_eq!((again.entries, again.written), (0, vec![]));
            stage.writer("bob").await.append(note("goes on")).await.expect("written");
        });
    }
}

#[test]
fn what_stood_in_the_place_of_an_entry_is_kept() {
    let stage = Stage::new();
    stage.run(async {
        let before = written(&stage).await;
        rewrite(&stage, 2);
        let lie = item(&stage, 2);
        let done = restored(&stage, &before[..3], false).await.expect("repaired");
        let [kept_as] = &done.kept_as[..] else { panic!("{done:?}") };
        assert!(kept_as.starts_with("ledger#replaced-6-"), "{kept_as}");
        let kept: Item = lie.into_iter().chain([text("migration", kept_as)]).collect();
        assert!(items(&stage).contains(&kept));
    });
}

#[test]
fn what_an_export_cannot_mend_is_left_as_it_is() {
    let cases: [(Damage, &str); 7] = [
        (|stage| stage.remove(&[5]), "cannot mend this: entry 5 is missing"),
        (|stage| stage.remove(&[4]), "cannot mend this: entry 4 is missing"),
        (|stage| change(stage, 4, [text("line", "{}")]), "cannot mend this: entry 4 was changed"),
        (
            |stage| {
                rewrite(stage, 4);
            },
            "cannot mend this: entry 5 does not continue entry 4",
        ),
        // Either of the two may be the one that was changed.
        (
            |stage| {
                rewrite(stage, 5);
            },
            "entry 5, the last one, is not the one",
        ),
        (
            |stage| change(stage, 0, [number("last", 9)]),
            "cannot mend this: entries 6 to 9 are missing",
        ),
        // The journal bears out what differs: as if the export were the one that was changed.
        (
            |stage| {
                let hash = rewrite(stage, 5);
                change(stage, 0, [text("hash", &hash.to_string())]);
            },
            "bears it out",
        ),
    ];
    for (damage, words) in cases {
        let stage = Stage::new();
        stage.run(async {
            let before = written(&stage).await;
            damage(&stage);
            // Also beside damage that it could mend.
            stage.remove(&[1]);
            let damaged = items(&stage);
            let export = if words.contains("bears") { &before[..] } else { &before[..3] };
            for dry_run in [true, false] {
                let trouble = restored(&stage, export, dry_run).await.expect_err(words);
                assert!(trouble.to_string().contains(words), "no `{words}` in: {trouble}");
            }
            assert_eq!(items(&stage), damaged, "{words}");
        });
    }
}

/// Two people continued the journal from the same entry, one of them behind a head that was set back.
#[test]
fn another_history_is_not_replaced() {
    let stage = Stage::new();
    stage.run(async {
        let before = written(&stage).await;
        stage.remove(&[4, 5]);
        let hash = before[2].hash.expect("a hash").to_string();
        change(&stage, 0, [number("last", 3), text("hash", &hash)]);
        let mut bob = stage.writer("bob").await;
        // Also while the export has entries that this history does not have.
        for words in ["bob's four", "bob's five"] {
            bob.append(note(words)).await.expect("written");
            let there = items(&stage);
            let trouble = restored(&stage, &before, false).await.expect_err("another history");
            let RestoreTrouble::OtherHistory { sequence: 4 } = &trouble.why else {
                panic!("{trouble:?}")
            };
            assert_eq!(items(&stage), there);
        }
    });
}

#[test]
fn a_repair_that_was_interrupted_goes_on() {
    for fault in [PortFault::RequestLost, PortFault::AnswerLost, PortFault::Busy] {
        let stage = Stage::new();
        stage.run(async {
            let before = {
                let mut ann = stage.writer("ann").await;
                for number in 0..100 {
                    ann.append(note(&format!("note {number}"))).await.expect("written");
                }
                stage.entries().await
            };
            stage.remove(&(0..=90).collect::<Vec<_>>());
            // The first repair is written; the answers to the second one are lost for good.
            stage.faults.strike(Call::RestoreJournal, "101", fault, 2);
            stage.faults.strike(Call::RestoreJournal, "102", fault, 50);
            restored(&stage, &before, false).await.expect_err("no answer");
            stage.faults.clear();
            let done = restored(&stage, &before, false).await.expect("repaired");
            let after = stage.entries().await;
            assert_eq!(after[..100], before);
            // Each repair that was written has its entry, and no entry is there without one.
            assert_eq!(after.len(), 103, "{fault:?}: {done:?}");
            let put_back = |entry: &StoredEntry| {
                let content = Entry::parse(&entry.line).expect("an entry").content;
                let Content::Restored { entries, .. } = content else { panic!("{content:?}") };
                entries.len()
            };
            assert_eq!(after[100..].iter().map(put_back).sum::<usize>(), 90);
        });
    }
}

#[test]
fn an_export_that_changes_while_it_is_read_is_noticed() {
    let stage = Stage::new();
    stage.run(async {
        let before = written(&stage).await;
        let mut other = before.clone();
        other[1].line.push(' ');
        for (entries, head) in [(&before[..2], head(&before[2])), (&other[..3], head(&before[2]))] {
            let entries = entries.to_vec();
            let entries =
                move || Box::new(entries.clone().into_iter()) as Box<dyn Iterator<Item = _> + Send>;
            let export = Export { head, entries: &entries };
            let answer = survey(&*stage.journal(), &*stage.clock, 7, &export).await;
            let compared = answer.map(|survey| (survey.same, survey.differences, survey.beyond));
            match compared {
                Err(SurveyTrouble::ExportChanged) | Ok((2, 1, Some(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    });
}
