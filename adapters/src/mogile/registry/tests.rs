//! The registry over a table that a test changes, in virtual time.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::{advance, sleep};

use super::*;
use crate::mogile::host_table::HostRow;

/// A table that takes a while to read.
struct Table {
    takes: Duration,
    rows: Mutex<Result<Vec<HostRow>, HostTableError>>,
    reads: AtomicUsize,
}

#[async_trait]
impl HostTable for Table {
    async fn rows(&self) -> Result<Vec<HostRow>, HostTableError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        sleep(self.takes).await;
        self.rows.lock().unwrap().clone()
    }

    fn origin(&self) -> String {
        "a test".to_owned()
    }
}

impl Table {
    /// Hosts at these addresses, alive, with port 7500.
    fn of(addresses: &[&str]) -> Arc<Self> {
        Self::taking(Duration::from_secs(1), addresses)
    }

    /// The same, and a read takes this long.
    fn taking(takes: Duration, addresses: &[&str]) -> Arc<Self> {
        let (rows, reads) = (Mutex::new(Ok(Vec::new())), AtomicUsize::new(0));
        let table = Self { takes, rows, reads };
        table.change(Ok(addresses.iter().map(|address| host(address, "alive")).collect()));
        Arc::new(table)
    }

    fn change(&self, rows: Result<Vec<HostRow>, HostTableError>) {
        *self.rows.lock().unwrap() = rows;
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

fn host(address: &str, status: &str) -> HostRow {
    HostRow {
        hostname: Some("store".to_owned()),
        status: Some(status.to_owned()),
        hostip: Some(address.to_owned()),
        http_port: Some("7500".to_owned()),
        ..HostRow::default()
    }
}

fn away() -> HostTableError {
    HostTableError::Unavailable { at: "tracker t".to_owned(), cause: "refused".to_owned() }
}

fn registry(table: &Arc<Table>, allowed: &str) -> NodeRegistry {
    let allowed =
        if allowed.is_empty() { AllowedHosts::default() } else { allowed.parse().unwrap() };
    NodeRegistry::new(table.clone(), allowed, Timeouts::default())
}

/// What the registry says of a node on port 7500.
async fn judge(
    registry: &NodeRegistry,
    address: &str,
) -> Result<Result<(), Unfit>, HostTableError> {
    registry.judge(SocketAddr::new(address.parse().unwrap(), 7500)).await
}

#[tokio::test(start_paused = true)]
async fn a_node_must_be_registered_and_allowed() {
    let table = Table::of(&["10.0.0.7", "10.0.0.8", "8.8.8.8", "127.0.0.1", "169.254.169.254"]);
    let (unset, narrow) =
        (registry(&table, ""), registry(&table, "10.0.0.7,10.0.0.9,169.254.0.0/16"));
    for (registry, address, judged) in [
        (&unset, "10.0.0.7", Ok(())),
        (&unset, "::ffff:10.0.0.7", Ok(())),
        (&unset, "8.8.8.8", Ok(())),
        (&unset, "10.0.0.9", Err(Unfit::NotRegistered)),
        (&unset, "127.0.0.1", Err(Unfit::Loopback)),
        (&unset, "169.254.169.254", Err(Unfit::NeverAsked)),
        (&narrow, "10.0.0.7", Ok(())),
        (&narrow, "10.0.0.8", Err(Unfit::LeftOut)),
        (&narrow, "8.8.8.8", Err(Unfit::LeftOut)),
        (&narrow, "10.0.0.9", Err(Unfit::NotRegistered)),
        (&narrow, "169.254.169.254", Err(Unfit::NeverAsked)),
    ] {
        assert_eq!(judge(registry, address).await, Ok(judged), "{address}");
    }
    let other_port = SocketAddr::new("10.0.0.7".parse().unwrap(), 80);
    assert_eq!(unset.judge(other_port).await, Ok(Err(Unfit::NotRegistered)));
    assert_eq!(table.reads(), 2, "once by each registry");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_node_has_the_table_read_again_and_not_too_often() {
    let table = Table::of(&["10.0.0.7"]);
    let registry = registry(&table, "");
    assert_eq!(judge(&registry, "169.254.169.254").await, Ok(Err(Unfit::NeverAsked)));
    assert_eq!(table.reads(), 0, "no table has an address that is never asked");
    assert_eq!(judge(&registry, "10.0.0.7").await, Ok(Ok(())));
    advance(Duration::from_hours(1)).await;
    assert_eq!(judge(&registry, "10.0.0.7").await, Ok(Ok(())));
    assert_eq!(table.reads(), 1, "it is kept");

    table.change(Ok(vec![host("10.0.0.7", "alive"), host("10.0.0.8", "alive")]));
    assert_eq!(judge(&registry, "10.0.0.8").await, Ok(Ok(())), "added while the migration runs");
    for _ in 0..100 {
        assert_eq!(judge(&registry, "10.0.0.9").await, Ok(Err(Unfit::NotRegistered)));
    }
    assert_eq!(table.reads(), 2, "unknown nodes cost no request a file");
    advance(Timeouts::default().hosts_again).await;
    table.change(Ok(vec![host("10.0.0.9", "alive")]));
    assert_eq!(judge(&registry, "10.0.0.9").await, Ok(Ok(())));
    assert_eq!(judge(&registry, "10.0.0.7").await, Ok(Err(Unfit::NotRegistered)), "taken away");
    assert_eq!(table.reads(), 3);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_share_one_read() {
    let table = Table::of(&["10.0.0.7"]);
    let registry = registry(&table, "");
    let judged = join_all((0..50).map(|_| judge(&registry, "10.0.0.7"))).await;
    assert!(judged.iter().all(|judged| *judged == Ok(Ok(()))), "{judged:?}");
    let judged = join_all((0..50).map(|_| judge(&registry, "10.0.0.9"))).await;
    assert!(judged.iter().all(|judged| *judged == Ok(Err(Unfit::NotRegistered))), "{judged:?}");
    assert_eq!(table.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_read_is_not_repeated_by_each_that_waits_for_it() {
    let slow = Timeouts::default().hosts_again + Duration::from_secs(3);
    let table = Table::taking(slow, &["10.0.0.7"]);
    let registry = registry(&table, "");
    let judged = join_all((0..50).map(|_| judge(&registry, "10.0.0.9"))).await;
    assert!(judged.iter().all(|judged| *judged == Ok(Err(Unfit::NotRegistered))), "{judged:?}");
    assert_eq!(table.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_cannot_be_read_refuses_no_node() {
    let table = Table::of(&["10.0.0.7"]);
    table.change(Err(away()));
    let registry = registry(&table, "");
    let judged = join_all((0..50).map(|_| judge(&registry, "10.0.0.7"))).await;
    assert!(judged.iter().all(|judged| *judged == Err(away())), "{judged:?}");
    assert_eq!(table.reads(), 1, "a failure is shared by those who waited for it");
    advance(Duration::from_millis(1)).await;
    assert_eq!(judge(&registry, "10.0.0.7").await, Err(away()));
    assert_eq!(table.reads(), 2, "a later question reads it again");

    advance(Duration::from_millis(1)).await;
    table.change(Ok(vec![host("10.0.0.7", "alive")]));
    assert_eq!(judge(&registry, "10.0.0.7").await, Ok(Ok(())));
    table.change(Err(away()));
    advance(Timeouts::default().hosts_again).await;
    for _ in 0..50 {
        assert_eq!(judge(&registry, "10.0.0.8").await, Err(away()));
    }
    assert_eq!(table.reads(), 4, "nor is it read for each file that has a replica there");
    advance(FAILED_FOR).await;
    assert_eq!(judge(&registry, "10.0.0.8").await, Err(away()));
    assert_eq!(table.reads(), 5, "but soon again");
    assert_eq!(judge(&registry, "10.0.0.7").await, Ok(Ok(())), "what is known stays known");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_goes_away_leaves_the_turn_to_the_next() {
    let table = Table::of(&["10.0.0.7"]);
    let registry = registry(&table, "");
    let gone = tokio::time::timeout(Duration::from_millis(1), judge(&registry, "10.0.0.7")).await;
    assert!(gone.is_err(), "{gone:?}");
    assert_eq!(judge(&registry, "10.0.0.7").await, Ok(Ok(())));
    assert_eq!(table.reads(), 2);
}

fn readable(node: &str) -> ReadableHost {
    let nodes = BTreeSet::from([node.parse().unwrap()]);
    ReadableHost { name: "`store` (alive)".to_owned(), nodes }
}

#[tokio::test]
async fn a_host_is_reached_where_a_node_of_it_takes_connections() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let host = readable(&address.to_string());
    assert_eq!(host.reach(Timeouts::default()).await.unwrap(), address);
    drop(listener);
    let error = host.reach(Timeouts::default()).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("`{address}` cannot be reached")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_survey_names_the_hosts_that_are_read_from_and_not_asked() {
    let table = Table::of(&[]);
    let no_address = HostRow { hostip: Some("store9".to_owned()), ..host("", "alive") };
    table.change(Ok(vec![
        host("10.0.0.7", "alive"),
        host("10.0.0.8", "readonly"),
        host("10.0.0.9", "dead"),
        // A tracker hands out the get port alone.
        HostRow { http_get_port: Some("7600".to_owned()), ..host("10.0.0.10", "alive") },
        // The other address is one that a tracker may not name to us.
        HostRow { altip: Some("10.0.0.7".to_owned()), ..host("10.1.0.7", "alive") },
        HostRow { altip: Some("?".to_owned()), ..host("10.0.0.7", "alive") },
        no_address,
    ]));
    let survey = registry(&table, "10.0.0.7,10.0.0.10:7500").survey().await.unwrap();
    let add = Unfit::LeftOut.why();
    assert_eq!(
        survey,
        HostSurvey {
            origin: "a test".to_owned(),
            hosts: 7,
            nodes: BTreeSet::from(
                [
                    "10.0.0.7:7500",
                    "10.0.0.8:7500",
                    "10.0.0.9:7500",
                    "10.0.0.10:7500",
                    "10.0.0.10:7600",
                    "10.1.0.7:7500",
                ]
                .map(|node| node.parse().unwrap())
            ),
            unusable: vec![
                "`store` (alive): altip `?` is not an address".to_owned(),
                "`store` (alive): hostip `store9` is not an address, it has no address".to_owned(),
            ],
            left_out: vec![
                format!("`store` (readonly) at 10.0.0.8:7500, {add}"),
                format!("`store` (alive) at 10.0.0.10:7600, {add}"),
                "`store` (alive) hostip `store9` is not an address, it has no address".to_owned(),
            ],
            only_by_altip: vec![format!("`store` (alive) at 10.1.0.7:7500, {add}")],
            // The third is the one with an altip.
            readable: [(); 3].map(|()| readable("10.0.0.7:7500")).into(),
        }
    );
    let error = {
        table.change(Err(away()));
        registry(&table, "").survey().await.unwrap_err()
    };
    assert_eq!(error.to_string(), "`tracker t` cannot be reached: refused");
}
