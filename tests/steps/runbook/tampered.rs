//! What somebody has done to a journal who knows how it is made.

use domain::digest::Sha256;
use domain::journal::{Entry, Head};
use domain::runbook::RestoreTrouble;
use stand_ins::world::dynamodb::Fields;

use super::restore::{change, head, item, items, restored, rewrite, written};
use super::*;

/// Rewrites these entries, one behind the other, so that each continues the one before it.
fn rewrite_in_a_row(stage: &Stage, first: u64, last: u64) -> Head {
    let mut hash = rewrite(stage, first);
    for sequence in first + 1..=last {
        let item = item(stage, sequence);
        let line = Fields(&item).the_text("line").expect("a line").replace("ann", "eve");
        let entry = Entry { previous: Some(hash), ..Entry::parse(&line).expect("an entry") };
        let line = serde_json::to_string(&entry).expect("JSON");
        hash = Sha256::of(line.as_bytes());
        change(stage, sequence, [text("line", &line), text("hash", &hash.to_string())]);
    }
    Head { sequence: last, hash }
}

fn name_as_last(stage: &Stage, head: &Head) {
    let attributes = [number("last", head.sequence), text("hash", &head.hash.to_string())];
    change(stage, 0, attributes);
}

#[test]
fn entries_that_were_rewritten_to_fit_each_other_are_put_back() {
    // The head goes with the last case.
    for (first, last, exported, is_headless) in
        [(2, 3, 4, false), (3, 4, 4, false), (1, 4, 5, false), (4, 5, 5, false), (4, 5, 5, true)]
    {
        let stage = Stage::new();
        stage.run(async {
            let before = written(&stage).await;
            rewrite_in_a_row(&stage, first, last);
            if is_headless {
                stage.remove(&[0]);
            }
            let done = restored(&stage, &before[..exported], false).await;
            let done = done.unwrap_or_else(|error| panic!("{first} to {last}: {error}"));
            assert_eq!((done.entries, done.left), (last - first + 1, 0), "{done:?}");
            assert_eq!(done.may_lack_entries, is_headless);
            assert_eq!(stage.entries().await[..5], before);
        });
    }
}

/// Then nothing says which of the two was changed.
#[test]
fn entries_that_were_rewritten_to_the_end_are_another_history() {
    for first in 2..=5 {
        let stage = Stage::new();
        stage.run(async {
            let before = written(&stage).await;
            let head = rewrite_in_a_row(&stage, first, 5);
            name_as_last(&stage, &head);
            // A hash beside an entry is no part of the chain.
            change(&stage, 5, [text("hash", &"0".repeat(64))]);
            let there = items(&stage);
            let stopped = restored(&stage, &before, false).await.expect_err("another history");
            let RestoreTrouble::OtherHistory { sequence } = stopped.why else {
                panic!("{stopped:?}")
            };
            assert_eq!((sequence, items(&stage)), (first, there));
        });
    }
}

/// Entries behind those that are left may be gone as well, whether the head is gone or was set back.
#[test]
fn a_head_that_is_not_right_leaves_doubt_about_entries_behind_the_last_one() {
    for (exported, gone, set_back_to) in [(3, &[0, 5][..], None), (4, &[3, 4, 5], Some(2))] {
        let stage = Stage::new();
        stage.run(async {
            let before = written(&stage).await;
            stage.remove(gone);
            if let Some(last) = set_back_to {
                name_as_last(&stage, &head(&before[last - 1]));
            }
            let done = restored(&stage, &before[..exported], false).await.expect("repaired");
            assert_eq!((done.may_lack_entries, done.left), (true, 0), "{done:?}");
        });
    }
}

/// The journal alone cannot show it: only that its head is gone.
#[test]
fn a_last_entry_that_was_rewritten_and_lost_its_head_is_seen_beside_an_export() {
    let stage = Stage::new();
    stage.run(async {
        let before = written(&stage).await;
        let lie = rewrite(&stage, 5);
        stage.remove(&[0]);
        let dry = restored(&stage, &before, true).await.expect("repairable");
        assert_eq!(dry.first, ["entry 5 has other words"]);
        assert!(dry.may_lack_entries);
        let done = restored(&stage, &before, false).await.expect("repaired");
        assert_eq!((done.entries, done.written.len()), (1, 1));
        let after = stage.entries().await;
        assert_eq!(after[..5], before);
        // What stood there is not lost, and the journal names it.
        let Content::Restored { entries, kept_as, .. } = content(&after[5]) else { panic!() };
        assert_eq!(entries[0].found, Some(lie));
        assert_eq!(kept_as.as_deref(), done.kept_as.first().map(String::as_str));
    });
}

fn content(entry: &StoredEntry) -> Content {
    Entry::parse(&entry.line).expect("an entry").content
}

fn kept(stage: &Stage, kept_as: &str, sequence: u64) -> Item {
    let is_it = |item: &Item| {
        let fields = Fields(item);
        fields.text("migration") == Ok(Some(kept_as))
            && fields.number("sequence") == Ok(Some(sequence))
    };
    items(stage).into_iter().find(is_it).expect("it is kept")
}

/// Whatever it is, `runbook note` stops there, and no export has it.
#[test]
fn what_somebody_put_behind_the_end_is_replaced_and_kept() {
    let entry = |line: &str| [text("line", line), text("hash", &"0".repeat(64))].to_vec();
    let other = SealedEntry::new("ledger", None, domain::Timestamp(0), ("eve", 1), note("I am"));
    let other = other.expect("small");
    for (numbers, attributes) in [
        (&[6][..], vec![]),
        (&[6], entry("{}")),
        (&[6], entry(&other.line)),
        (&[6, 7, 8], entry("no JSON")),
    ] {
        let stage = Stage::new();
        stage.run(async {
            let before = written(&stage).await;
            for sequence in numbers {
                let key = [text("migration", "ledger"), number("sequence", *sequence)];
                let item = key.into_iter().chain(attributes.clone()).collect();
                dynamodb::put(&stage.database, TABLE, item).expect("planted");
            }
            // Beside damage that needs an entry, too.
            rewrite(&stage, 2);
            assert!(stage.open("bob").await.is_err(), "it is continued");
            let there = items(&stage);
            let many = numbers.len() as u64;
            let dry = restored(&stage, &before[..3], true).await.expect("repairable");
            assert_eq!((dry.strays, dry.entries, items(&stage)), (many, 1, there));
            let done = restored(&stage, &before[..3], false).await.expect("repaired");
            assert_eq!((done.strays, done.added, done.entries, done.left), (many, 2, 1, 0));
            let after = stage.entries().await;
            assert_eq!((&after[..5], after.len()), (&before[..], 5 + numbers.len()));
            for (at, kept_as) in done.kept_as.iter().enumerate() {
                let kept = kept(&stage, kept_as, 6 + at as u64);
                let line = Fields(&kept).text("line").expect("a text").unwrap_or_default();
                let Content::Restored { instead_of, .. } = content(&after[5 + at]) else {
                    panic!("{after:?}")
                };
                assert_eq!(instead_of, Some(Sha256::of(line.as_bytes())));
                assert!(attributes.is_empty() || !line.is_empty(), "{kept:?}");
            }
            assert_eq!(done.kept_as.len(), numbers.len());
            stage.writer("bob").await.append(note("goes on")).await.expect("written");
        });
    }
}

#[test]
fn what_stands_far_behind_the_end_is_named() {
    let stage = Stage::new();
    stage.run(async {
        let before = written(&stage).await;
        let item = [text("migration", "ledger"), number("sequence", 9), text("line", "{}")];
        dynamodb::put(&stage.database, TABLE, item.into()).expect("planted");
        let there = items(&stage);
        for dry_run in [true, false] {
            let stopped = restored(&stage, &before, dry_run).await.expect_err("far behind");
            let RestoreTrouble::Astray { sequence: 9, last: 5 } = stopped.why else {
                panic!("{stopped:?}")
            };
        }
        assert_eq!(items(&stage), there);
    });
}

#[test]
fn a_head_that_is_replaced_is_kept() {
    let hash = "0".repeat(64);
    for attributes in [
        vec![text("last", "five"), text("why", "eve")],
        vec![number("last", 5), text("hash", &hash)],
        vec![number("last", 2)],
    ] {
        let stage = Stage::new();
        stage.run(async {
            let before = written(&stage).await;
            change(&stage, 0, attributes.clone());
            let lie = item(&stage, 0);
            let done = restored(&stage, &before, false).await.expect("repaired");
            let [kept_as] = &done.kept_as[..] else { panic!("{done:?}") };
            let kept = kept(&stage, kept_as, 0);
            let without_key = |item: &Item| -> Item {
                item.clone().into_iter().filter(|(name, _)| name != "migration").collect()
            };
            assert_eq!(without_key(&kept), without_key(&lie));
            let after = stage.entries().await;
            let Content::Restored { kept_as: named, .. } = content(&after[5]) else { panic!() };
            assert_eq!(named.as_ref(), Some(kept_as));
        });
    }
}

#[test]
fn a_repair_that_stops_says_what_it_has_done() {
    let stage = Stage::new();
    stage.run(async {
        let mut ann = stage.writer("ann").await;
        for number in 0..100 {
            ann.append(note(&format!("note {number}"))).await.expect("written");
        }
        let before = stage.entries().await;
        stage.remove(&(0..=90).collect::<Vec<_>>());
        stage.faults.strike(Call::RestoreJournal, "102", PortFault::RequestLost, 50);
        let stopped = restored(&stage, &before, false).await.expect_err("no answer");
        assert!(matches!(stopped.why, RestoreTrouble::Write(_)), "{stopped:?}");
        let done = stopped.done;
        assert_eq!((done.entries, done.left, done.written.len()), (40, 50, 1), "{done:?}");
        assert_eq!(done.first.len(), 40);
        assert!(done.head_fault.is_some_and(|fault| fault.contains("missing")));
        stage.faults.clear();
        let rest = restored(&stage, &before, false).await.expect("repaired");
        assert_eq!((rest.entries, rest.left, rest.written.len()), (50, 0, 2), "{rest:?}");
        assert_eq!(stage.entries().await.len(), 103);
    });
}
