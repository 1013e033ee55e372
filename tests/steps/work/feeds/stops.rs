//! Stops and kills at any moment.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use domain::engine::Stop;
use domain::ports::Clock;
use futures_util::future::{Either, select};
use stand_ins::port::{Call, PortFault};

use super::{FEEDS, Feed, stage};

#[test]
fn told_to_stop_it_loses_nothing_that_is_proven() {
    for feed in FEEDS {
        for seed in 0..6 {
            let (stage, _) = stage(seed, 150, 150);
            let time = Duration::from_millis(700 + seed * 211);
            let came = stage.world.run(feed.feed(&stage, &[(time, Stop::Drain)]));
            assert_eq!((came.failed.len(), came.stopped), (0, None), "{feed:?}: {came:?}");
            assert_eq!(stage.records().len() as u64, came.proven, "what counts is recorded");
            assert!(feed == Feed::Batch || came.left > 0, "{feed:?}: a test of nothing");
            let again = feed.completes(&stage, 300);
            let most = if feed == Feed::Batch { 2 * 8 } else { 0 };
            assert!(again <= most, "{feed:?}: {again} files are proven again");
        }
    }
}

#[test]
fn told_twice_it_abandons_what_is_under_way() {
    for feed in [Feed::Index, Feed::Queue] {
        for seed in 0..6 {
            let (stage, _) = stage(seed, 150, 150);
            let first = Duration::from_millis(700 + seed * 211);
            let stops = [(first, Stop::Drain), (Duration::from_millis(1), Stop::Abandon)];
            let came = stage.world.run(feed.feed(&stage, &stops));
            assert_eq!(stage.records().len() as u64, came.proven, "{feed:?}: {came:?}");
            let again = feed.completes(&stage, 300);
            assert!(again <= 8, "{feed:?}: {again} files are proven again");
        }
    }
}

#[test]
fn a_kill_at_any_moment_costs_no_more_than_twice_the_concurrency() {
    let mut dearest = BTreeMap::new();
    for feed in FEEDS {
        for seed in 0..24 {
            let (stage, _) = stage(seed, 150, 50);
            let faults = u32::try_from(seed % 5).expect("small");
            stage.world.port.faults.strike(Call::Record, "", PortFault::RequestLost, faults);
            let clock = &stage.world.port.clock;
            let whole = pin!(feed.feed(&stage, &[]));
            let kill = pin!(clock.sleep(Duration::from_millis(300 + seed * 97 % 3_000)));
            let killed = matches!(stage.world.run(select(whole, kill)), Either::Right(_));
            if killed {
                let again = feed.completes(&stage, 200);
                assert!(again <= 2 * 8, "{feed:?} {seed}: {again} files are proven again");
                let most = dearest.entry(format!("{feed:?}")).or_insert(0);
                *most = again.max(*most);
            }
        }
    }
    assert!(dearest.len() == 3 && dearest.values().all(|most| *most > 4), "{dearest:?}");
}
