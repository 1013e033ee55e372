//! The contract of [`domain::ports::SourceIndex`], kept by the port face of the world and by both
//! adapters over its wire face: the trackers' and MySQL's. And that of [`domain::ports::KeyRanges`],
//! which the trackers keep only with their rows sorted on disk. `containers/mysql_index` has real servers.

use std::sync::Arc;
use std::time::Duration;

use adapters::calls::{Calls, System};
use adapters::clock::SystemClock;
use adapters::mogile::{TrackerIndex, Trackers};
use adapters::mysql::MysqlIndex;
use adapters::row_sorter::DiskRowSorters;
use domain::verify::{All, sort_rows};
use stand_ins::fault::Faults;
use stand_ins::port::{PortFaults, PortIndex, VirtualClock};
use stand_ins::wire::mysql::{self, MysqlServer};
use stand_ins::wire::tracker;
use stand_ins::world::mogile::MogileFs;
use tests::contract::key_ranges;
use tests::contract::source_index::{Tells, holds};
use tests::planted::{self, DOMAIN, Fate, PlantedRow};
use tokio::net::TcpListener;

#[test]
fn the_port_face_keeps_the_contract() {
    let (mogile, rows) = (Arc::new(MogileFs::default()), planted::rows_with_long_fids());
    planted::plant(&mogile, &rows);
    let index = PortIndex::new(mogile, DOMAIN.to_owned(), Arc::new(PortFaults::instant()));
    let checked = async {
        holds(&index, &rows, Tells { empty_keys: true, count: true, class_names: false }).await;
        key_ranges::holds(&index, &rows).await;
    };
    VirtualClock::default().run(checked).expect("nothing to wait for");
}

#[tokio::test]
async fn the_trackers_index_keeps_the_contract() {
    let (mogile, rows) = (Arc::new(MogileFs::default()), planted::rows_with_long_fids());
    planted::plant(&mogile, &rows);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let tracker = tokio::spawn(tracker::serve(listener, mogile, Arc::new(Faults::default())));
    let trackers = Arc::new(Trackers::new(&[address], 1, Arc::new(Calls::default())));
    let index = TrackerIndex::new(trackers, DOMAIN.to_owned());
    holds(&index, &rows, Tells { empty_keys: false, count: false, class_names: true }).await;
    let sorters = DiskRowSorters::new(std::env::temp_dir()).sorting_at_once(1_000);
    let sorted =
        sort_rows(&index, &sorters, (&SystemClock, Duration::ZERO), &All(Vec::new())).await;
    let sorted = sorted.expect("room on the disk");
    // A tracker does not say whether a key is empty or absent.
    let known = |key: Option<String>| key.filter(|key| !key.is_empty());
    let rows = rows.into_iter().map(|row| PlantedRow { dkey: known(row.dkey.clone()), ..row });
    let rows: Vec<_> = rows.collect();
    assert_eq!(sorted.count, rows.iter().filter(|row| row.fate != Fate::Foreign).count() as u64);
    key_ranges::holds(&*sorted.rows, &rows).await;
    tracker.abort();
}

#[tokio::test]
async fn the_mysql_index_keeps_the_contract() {
    let (mogile, rows) = (Arc::new(MogileFs::default()), planted::rows_with_long_fids());
    planted::plant(&mogile, &rows);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = Arc::new(MysqlServer::new(mogile, "reader", "s3cr%t/p@ss"));
    let task = tokio::spawn(mysql::serve(listener, server, Arc::new(Faults::default())));
    let url = format!("mysql://reader:s3cr%25t%2Fp%40ss@{address}/{}", mysql::DATABASE);
    let calls = Arc::new(Calls::default());
    let index = MysqlIndex::new(url.parse().expect("a URL"), DOMAIN.to_owned(), calls.clone());
    holds(&index, &rows, Tells { empty_keys: true, count: true, class_names: false }).await;
    key_ranges::holds(&index, &rows).await;

    let calls = calls.all();
    // Once for its number, and once for the names.
    assert_eq!(calls[&(System::Mysql, "domain")].ok, 2);
    assert_eq!(calls[&(System::Mysql, "count")].ok, 1);
    assert_eq!(calls[&(System::Mysql, "class")].ok, 1);
    assert!(calls[&(System::Mysql, "page")].ok > 2_000);
    assert!(calls.values().all(|outcomes| outcomes.failed == 0), "{calls:?}");
    task.abort();
}
