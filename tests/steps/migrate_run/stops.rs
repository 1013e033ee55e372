//! Runs that end before their end: told to, after too many failures, or killed.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::content::SourceContent;
use domain::engine::{Quiet, RunPlan, Stop, migrate_run, never};
use domain::ports::{Clock, Replica, SourceFiles};
use domain::{Fid, IntermediaryForm, SourceError, SourceFile, Stopped, Summary, limits};
use futures_util::future::{Either, select};
use futures_util::{StreamExt, stream};
use stand_ins::port::{Call, PortFault};

use super::{files, plan, records, run, tally};
use crate::common::World;

/// A run that is told these things so long after its begin.
fn told(world: &World, plan: &RunPlan, stops: &[(u64, Stop)]) -> Summary {
    told_with(world, plan, stops, &world.port.ports())
}

fn told_with(
    world: &World,
    plan: &RunPlan,
    stops: &[(u64, Stop)],
    ports: &domain::ports::Ports,
) -> Summary {
    let clock = &world.port.clock;
    let stops = stream::iter(stops.to_vec()).then(|(millis, stop)| async move {
        clock.sleep(Duration::from_millis(millis)).await;
        stop
    });
    let stops = pin!(stops.chain(stream::pending()));
    let summary = world.run(migrate_run(ports, plan, stops, &Quiet));
    assert!(summary.adds_up(), "{summary:?}");
    summary
}

#[test]
fn a_run_that_is_told_to_stop_finishes_what_is_under_way_and_no_more() {
    for millis in [1, 300, 700, 1_500] {
        let world = World::paced(millis);
        files(&world, 300, None);
        let run_plan = RunPlan { concurrency: 8, ..plan() };
        let summary = told(&world, &run_plan, &[(millis, Stop::Drain)]);
        assert_eq!(summary.stopped, Some(Stopped::Interrupted));
        assert_eq!((summary.abandoned, summary.ends.failures()), (0, 0));
        let done = summary.ends.by_mogile.files;
        assert!(done < 300, "{done} files in {millis} ms");
        assert_eq!(records(&world).len() as u64, done, "all that is proven is recorded");

        let next = run(&world, &plan());
        assert_eq!(next.intake.proven_before, tally(done));
        assert_eq!((next.ends.already_there, next.ends.by_mogile), (tally(0), tally(300 - done)));
        assert!(next.is_clean());
    }
}

#[test]
fn told_again_it_abandons_what_is_under_way_and_records_what_is_proven() {
    let (mut abandoned, mut perhaps_left) = (0, 0);
    for seed in 0..10 {
        let world = World::paced(seed);
        files(&world, 300, None);
        let run_plan = RunPlan { concurrency: 8, ..plan() };
        let summary =
            told(&world, &run_plan, &[(700 + seed * 13, Stop::Drain), (1, Stop::Abandon)]);
        assert_eq!(summary.stopped, Some(Stopped::Interrupted));
        assert!(summary.abandoned <= 8, "{summary:?}");
        abandoned += summary.abandoned;
        // Of those that were being written it is said; no other has left anything.
        let named = summary.ends.findings.get("perhaps-left").map_or(0, |of| of.files);
        assert!(named <= summary.abandoned, "{summary:?}");
        perhaps_left += named;
        assert_eq!(records(&world).len() as u64, summary.ends.by_mogile.files);
        let next = run(&world, &plan());
        assert!(next.ends.already_there.files <= named, "{named}: {next:?}");
        assert!(next.is_clean(), "{next:?}");
    }
    assert!(0 < perhaps_left && perhaps_left < abandoned, "{perhaps_left} of {abandoned}");
}

#[test]
fn a_run_that_is_stopped_before_it_began_says_so() {
    let world = World::paced(1);
    files(&world, 3, None);
    let summary = told(&world, &plan(), &[(0, Stop::Drain)]);
    let expected = Summary { stopped: Some(Stopped::Interrupted), ..Summary::default() };
    assert_eq!(summary, expected);
}

/// Trackers that never answer.
struct Silent;

#[async_trait]
impl SourceFiles for Silent {
    async fn replicas(
        &self,
        _file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        pending().await
    }

    async fn replicas_anew(
        &self,
        _fid: Fid,
        _key: &str,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        pending().await
    }

    async fn fid_of(&self, _key: &str) -> Result<Option<Fid>, SourceError> {
        pending().await
    }

    async fn devices_of(&self, _key: &str) -> Result<Option<Vec<u64>>, SourceError> {
        pending().await
    }

    async fn open(&self, _replica: &Replica) -> Result<SourceContent, SourceError> {
        pending().await
    }

    async fn delete(&self, _key: &str) -> Result<(), SourceError> {
        pending().await
    }

    async fn rename(&self, _from: &str, _to: &str) -> Result<(), SourceError> {
        pending().await
    }
}

#[test]
fn what_hangs_is_abandoned_when_its_time_is_over() {
    let world = World::instant();
    files(&world, 10, Some(IntermediaryForm::Plain));
    files(&world, 10, None);
    let mut ports = world.port.ports();
    ports.files = Arc::new(Silent);
    let begun = world.port.clock.now().0;
    let run_plan = RunPlan { concurrency: 4, ..plan() };
    let summary = told_with(&world, &run_plan, &[(5_000, Stop::Drain)], &ports);
    let took = world.port.clock.now().0 - begun;
    assert_eq!(u128::from(took), 5_000 + limits::STOPPING_TIME.as_millis());
    assert_eq!((summary.ends.by_copy, summary.abandoned, summary.not_begun), (tally(10), 4, 6));
    assert_eq!(records(&world).len(), 10);
}

#[test]
fn so_many_failures_and_no_more() {
    for (most, concurrency) in [(1, 1), (5, 1), (5, 8)] {
        let world = World::instant();
        for file in files(&world, 100, None).iter().skip(20) {
            world.holders(file).into_iter().for_each(|device| world.spoil(file, device, b"other"));
        }
        let run_plan = RunPlan { concurrency, max_failures: Some(most), ..plan() };
        let summary = run(&world, &run_plan);
        assert!(matches!(summary.stopped, Some(Stopped::Failures(_))), "{summary:?}");
        let failures = summary.ends.failures();
        assert!((most..most + concurrency as u64).contains(&failures), "{failures}");
        assert_eq!(summary.ends.by_mogile.files + failures + summary.not_begun, 100);
        assert!(summary.ends.by_mogile.files >= 20, "{summary:?}");
    }
    let world = World::instant();
    files(&world, 5, None);
    let summary = run(&world, &RunPlan { max_failures: Some(1), ..plan() });
    assert!(summary.is_clean(), "no failure, no stop");
}

/// The bound that a kill may cost, proven by kills at any moment: slow ledgers, lost answers.
#[test]
fn a_kill_costs_what_was_under_way_and_unrecorded_at_most_twice_the_concurrency() {
    let (mut dearest, kills) = (0, 60);
    for seed in 0..kills {
        let concurrency = [1, 4, 16][usize::try_from(seed % 3).expect("small")];
        let world = World::paced(seed);
        files(&world, 200, Some(IntermediaryForm::Plain));
        // The ledger answers late now and then, so that proven files pile up; yet it takes all.
        let faults = u32::try_from(seed % u64::from(limits::ATTEMPTS)).expect("small");
        world.port.faults.strike(Call::Record, "", PortFault::RequestLost, faults);
        let run_plan = RunPlan { concurrency, ..plan() };
        let after = Duration::from_millis(200 + seed * 97 % 3_000);
        let (ports, clock) = (world.port.ports(), &world.port.clock);
        let killed = {
            let whole = pin!(migrate_run(&ports, &run_plan, never(), &Quiet));
            let kill = pin!(clock.sleep(after));
            matches!(world.run(select(whole, kill)), Either::Right(_))
        };
        if !killed {
            continue;
        }
        world.port.faults.clear();

        let next = run(&world, &run_plan);
        let (twice, most) = (next.ends.already_there.files, 2 * concurrency as u64);
        assert!(twice <= most, "seed {seed}: {twice} files are proven again, {most} at most");
        assert!(next.is_clean(), "seed {seed}: {next:?}");
        if concurrency == 16 {
            dearest = dearest.max(twice);
        }
    }
    assert!(dearest > 20, "{dearest}: kills too kind to tell");
}

/// A container is killed half a minute after its stop signal: the summary must be printed before.
#[test]
fn tables_that_hang_do_not_keep_a_run_that_is_told_to_stop() {
    for seed in 0..4 {
        let world = World::paced(seed);
        files(&world, 30, None);
        world.port.faults.strike(Call::Record, "", PortFault::RequestLost, u32::MAX);
        let run_plan = RunPlan { concurrency: 8, ..plan() };
        let begun = world.port.clock.now();
        let summary = told(&world, &run_plan, &[(2_000, Stop::Drain)]);
        let took = begun.until(world.port.clock.now());
        assert!(took < Duration::from_secs(31), "{seed}: {took:?}");
        let failed = summary.ends.failed.get("ledger-unavailable").map_or(0, |of| of.files);
        assert!(failed > 0, "{seed}: {summary:?}");
    }
}
