//! Raw copies brought to the buckets by `sync`, and what a migration makes of them.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use domain::engine::{Quiet, RunPlan, never, sync_run};
use domain::migrate::{Among, Selection};
use domain::ports::Clock;
use domain::{IntermediaryForm, ObjectKey, Outcomes, RowCounts, SourceFile, Summary};
use futures_util::future::{Either, select};

use super::{LENGTH, failed, files, plan, read, records, rows, run, tally};
use crate::common::{World, content};

fn sync(world: &World, plan: &RunPlan) -> Summary {
    let summary = world.run(sync_run(&world.port.ports(), plan, never(), &Quiet));
    assert!(summary.adds_up(), "{summary:?}");
    summary
}

fn key(file: &SourceFile) -> ObjectKey {
    ObjectKey::intermediary(file.fid, IntermediaryForm::Plain)
}

/// Every file is taken again.
fn again() -> RunPlan {
    RunPlan { selection: Selection { among: Among::Again, ..Selection::default() }, ..plan() }
}

#[test]
fn what_is_synced_is_copied_without_a_read_from_mogilefs() {
    let world = World::instant();
    let all = files(&world, 30, None);

    let synced = sync(&world, &plan());
    assert_eq!(
        world.calls(),
        "page 2, count 1, domains 1, replicas 30, open 30, put 30, list 2, scan 4, scanfailures 1"
    );
    assert_eq!(synced, Summary { ends: by_mogile(30), ..read(30) });
    for (salt, file) in all.iter().enumerate() {
        assert_eq!(world.at(&key(file)), Some(Bytes::from(content(salt as u64, LENGTH))));
        assert_eq!(world.at(&file.address().key), None, "nothing is at the final key yet");
    }
    assert!(records(&world).is_empty(), "an intermediary is no proof");

    let next = sync(&world, &plan());
    assert_eq!(world.calls(), "page 2, count 1, domains 1, list 2, scan 4, scanfailures 1");
    let ends = Outcomes { already_there: tally(30), ..Outcomes::default() };
    assert_eq!(next, Summary { ends, ..read(30) });

    let migrated = run(&world, &plan());
    assert_eq!(migrated.ends, Outcomes { by_copy: tally(30), ..Outcomes::default() });
    assert_eq!(
        world.calls(),
        "page 2, count 1, domains 1, copy 30, list 2, record 30, scan 4, scanfailures 1"
    );
    // What is proven needs no raw copy any more.
    let last = sync(&world, &plan());
    let intake = RowCounts { proven_before: tally(30), ..rows(30) };
    assert_eq!(last, Summary { intake, ..read(30) });
}

fn by_mogile(files: u64) -> Outcomes {
    Outcomes { by_mogile: tally(files), ..Outcomes::default() }
}

#[test]
fn a_kill_at_any_moment_costs_what_was_under_way() {
    for seed in 0..10 {
        let world = World::paced(seed);
        let all = files(&world, 120, None);
        let run_plan = RunPlan { concurrency: 8, ..plan() };
        let ports = world.port.ports();
        let mut kills = 0;
        loop {
            let whole = pin!(sync_run(&ports, &run_plan, never(), &Quiet));
            let kill = pin!(world.port.clock.sleep(Duration::from_millis(400 + seed * 70)));
            match world.run(select(whole, kill)) {
                Either::Left((summary, _)) => break assert!(summary.is_clean(), "{summary:?}"),
                Either::Right(_) => kills += 1,
            }
            assert!(kills < 100, "it goes on from where it was killed");
        }
        assert!(kills > 0, "seed {seed}");
        for file in &all {
            let there = world.at(&key(file)).expect("it is there");
            assert_eq!(domain::ContentHasher::of(&there).sha1, file.dkey.sha1);
        }
        world.calls();
        let migrated = run(&world, &plan());
        assert_eq!(migrated.ends.by_copy, tally(120), "seed {seed}");
        assert!(!world.calls().contains("open"), "seed {seed}");
    }
}

#[test]
fn what_lies_at_the_key_is_judged_where_its_length_is_wrong_or_where_that_is_asked_for() {
    let world = World::instant();
    let all = files(&world, 5, None);
    let bytes = |at: usize| content(at as u64, LENGTH);
    // Good ones, of both forms.
    world.plant(&key(&all[0]), &bytes(0));
    world.plant(&ObjectKey::intermediary(all[1].fid, IntermediaryForm::LeadingSlash), &bytes(1));
    // Cut short, and another content of the right length.
    world.plant(&key(&all[2]), &bytes(2)[..50]);
    world.plant(&key(&all[3]), &content(99, LENGTH));

    let synced = sync(&world, &plan());
    let ends = &synced.ends;
    assert_eq!((ends.by_mogile, ends.already_there), (tally(2), tally(3)));
    assert_eq!(ends.findings["replaced-object"].first_fids, [all[2].fid]);
    assert_eq!(world.at(&key(&all[2])), Some(Bytes::from(bytes(2))));
    assert_eq!(world.at(&key(&all[3])), Some(Bytes::from(content(99, LENGTH))), "only listed");

    let judged = sync(&world, &again());
    let ends = &judged.ends;
    assert_eq!((ends.by_mogile, ends.already_there), (tally(1), tally(4)), "{judged:?}");
    assert_eq!(ends.findings["replaced-object"].first_fids, [all[3].fid]);
    for (at, file) in all.iter().enumerate().filter(|(at, _)| *at != 1) {
        assert_eq!(world.at(&key(file)), Some(Bytes::from(bytes(at))), "{at}");
    }
    assert_eq!(world.at(&key(&all[1])), None, "its copy under the other form is whole");
}

#[test]
fn what_no_replica_gives_fails_and_what_no_copy_takes_is_left_out() {
    let world = World::instant();
    let all = files(&world, 4, None);
    world.spoil(&all[0], world.holders(&all[0])[0], b"other");
    for device in world.holders(&all[1]) {
        world.spoil(&all[1], device, b"other");
    }
    let large = world.store(&content(7, LENGTH + 1));
    let run_plan = RunPlan { single_request_bytes: LENGTH as u64, ..plan() };

    let synced = sync(&world, &run_plan);
    assert_eq!(failed(&synced), [("wrong-content", 1)].into());
    assert_eq!(synced.ends.by_mogile, tally(3));
    assert_eq!((synced.ends.too_large.files, synced.ends.too_large.bytes), (1, large.length.0));
    assert_eq!(synced.ends.findings["bad-replica"].first_fids, [all[0].fid]);
    assert_eq!((world.at(&key(&all[1])), world.at(&key(&large))), (None, None));
    assert!(!synced.is_clean());
}
