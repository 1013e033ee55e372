//! Where the advice is to ask `doctor`, doctor tells what is wrong; and nothing when it is mended.

use dynoxide::actions::delete_table::DeleteTableRequest;
use stand_ins::embedded::FAILURES;
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::Action;
use stand_ins::world::mogile::{DeviceId, DeviceStatus};

use super::printed::{command, commands};
use super::session::Session;
use crate::cli::{mogile2s3, text};

impl Session {
    /// A migration fails for this reason, and the doctor that its advice names says these words.
    async fn is_diagnosed(&self, reason: &str, words: &[&str]) {
        let migrated = self.run(&["migrate", "--wait", "2s"]).await;
        assert!(migrated.contains(reason), "no {reason}: {migrated}");
        let doctor = self.run(&[&command(&migrated, "doctor")]).await;
        assert!(doctor.contains("checks are not good"), "{doctor}");
        for words in words {
            assert!(doctor.contains(words), "no `{words}` in: {doctor}");
        }
    }

    /// It is mended: the doctor has nothing to say, and the migration goes on to its end.
    async fn is_healthy(&self) {
        let doctor = self.said(&["doctor"], 0).await;
        assert!(doctor.contains("checks are good"), "{doctor}");
        self.said(&["migrate"], 0).await;
        self.is_content();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_which_tracker_is_away() {
    let mut session = Session::new(81, 4).await;
    // They list the index where there is no database.
    session.set("MOGILE_DATABASE_URL", "");
    session.set("MOGILE_TRACKERS", "127.0.0.1:1");
    session.is_diagnosed("index-unreadable", &["OUT  tracker 127.0.0.1:1"]).await;
    session.reset("MOGILE_TRACKERS");
    session.reset("MOGILE_DATABASE_URL");
    session.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_that_a_storage_node_is_away() {
    let session = Session::new(82, 4).await;
    session.strike(Service::StorageNode, Fault::RequestLost);
    session.is_diagnosed("replicas-unreachable", &["not checked: a replica on it can be"]).await;
    session.mend();
    session.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_that_trackers_refuse() {
    let session = Session::new(83, 4).await;
    let refuse = Fault::Refuse { status: 400, code: "no_devices".to_owned() };
    let operation = Some("get_paths".to_owned());
    let rule = Rule { operation, ..Rule::always(Service::Tracker, refuse) };
    session.stage.world.faults.add(rule);
    session
        .is_diagnosed("source-refused", &["the trackers know replicas of them", "no_devices"])
        .await;
    session.mend();
    session.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_which_storage_node_is_down() {
    let session = Session::new(94, 40).await;
    // A node has two devices.
    for device in ["/dev1/", "/dev2/"] {
        let lost = Rule::always(Service::StorageNode, Fault::RequestLost);
        session.stage.world.faults.add(Rule { target: Some(device.to_owned()), ..lost });
    }
    let said = session.said(&["doctor"], 3).await;
    let out = "OUT  storage node 127.0.0.1:";
    assert!(said.contains(out) && said.contains("ok   storage node 127.0.0.1:"), "{said}");
    session.mend();
    let said = session.said(&["doctor"], 0).await;
    let nodes = said.lines().filter(|line| line.starts_with("ok   storage node 127.0.0.1:"));
    assert_eq!(nodes.count(), session.stage.world.mogile.listed_host_rows().len(), "{said}");
}

/// A tracker names no replica on a device that is down, so that no file of the sample shows it.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_which_storage_node_no_tracker_names() {
    let session = Session::new(95, 40).await;
    let mogile = &session.stage.world.mogile;
    let good = session.said(&["doctor"], 0).await;
    assert!(!good.contains("files of the sample are on it"), "{good}");
    // It takes connections, and its devices are down.
    let (host, down) = mogile.listed_host_rows()[0];
    let of_host = |device: &&DeviceId| mogile.host_of(**device) == Some(host);
    for device in session.stage.world.devices.iter().filter(of_host) {
        mogile.set_device_status(*device, DeviceStatus::Down);
    }
    let said = session.said(&["doctor"], 0).await;
    let words = format!("!    storage node {down}: does not hold: files of the sample are on it");
    assert!(said.contains(&words) && said.contains("look at its devices"), "{said}");
    // It takes none.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let away = listener.local_addr().expect("an address");
    drop(listener);
    mogile.add_device(mogile.add_host(away.ip(), away.port()));
    let said = session.said(&["doctor"], 3).await;
    let words = format!("OUT  storage node {away}: not checked: files of the sample are on it");
    assert!(said.contains(&words), "{said}");
}

/// The failure itself names the setting.
#[tokio::test(flavor = "multi_thread")]
async fn storage_nodes_that_may_not_be_asked_name_the_setting() {
    let mut session = Session::new(89, 4).await;
    session.set("MOGILE_STORAGE_HOSTS", "10.0.0.0/8");
    let said = session.said(&["migrate"], 1).await;
    let words = "only where MOGILE_STORAGE_HOSTS names it: add it there";
    assert!(said.contains("source-refused") && said.contains(words), "{said}");
    let doctor = session.said(&["doctor"], 1).await;
    let fact =
        "BAD  storage nodes: does not hold: every host that MogileFS reads from may be asked";
    assert!(doctor.contains(fact) && doctor.contains("`store1` (alive) at 127.0.0.1:"), "{doctor}");
    assert!(doctor.contains(words), "{doctor}");
    session.set("MOGILE_STORAGE_HOSTS", "10.0.0.0/8,127.0.0.1");
    session.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_how_many_storage_nodes_there_are_and_who_says_so() {
    let mut session = Session::new(90, 4).await;
    let hosts = session.stage.world.mogile.listed_host_rows().len();
    let says = async |session: &Session, origin: &str| {
        let said = session.said(&["doctor"], 0).await;
        let words = format!("({hosts} hosts with {hosts} addresses and ports, by {origin}");
        assert!(said.contains(&words), "{words}: {said}");
    };
    says(&session, "the table `host` of `127.0.0.1:").await;
    session.set("MOGILE_DATABASE_URL", "");
    let tracker = session.environment()["MOGILE_TRACKERS"].clone();
    says(&session, &format!("`get_hosts` of the trackers {tracker})")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_that_the_database_is_another_stores() {
    let mut session = Session::new(92, 4).await;
    let words = "storage nodes: the database registers those that the trackers do (the same";
    let said = session.said(&["doctor"], 0).await;
    assert!(said.contains(words), "{said}");
    let other = Session::new(93, 4).await;
    session.set("MOGILE_DATABASE_URL", other.environment()["MOGILE_DATABASE_URL"].clone());
    let said = session.said(&["doctor"], 1).await;
    let words = "BAD  storage nodes: does not hold: the database registers those that the trackers \
                 do\n     only in the database: 127.0.0.1:";
    assert!(said.contains(words), "{said}");
}

/// It is an outage: no file is lost by it, and the doctor names it.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_that_the_storage_nodes_cannot_be_listed() {
    let mut session = Session::new(91, 4).await;
    // By the database first, then by the trackers.
    for (service, operation, origin) in [
        (Service::Mysql, "SELECT host", "/mogilefs` cannot be reached"),
        (Service::Tracker, "get_hosts", "get_hosts"),
    ] {
        let operation = Some(operation.to_owned());
        let rule = Rule { operation, ..Rule::always(service, Fault::RequestLost) };
        session.stage.world.faults.add(rule);
        session.is_diagnosed("source-unreachable", &["OUT  storage nodes", origin]).await;
        session.mend();
        session.set("MOGILE_DATABASE_URL", "");
    }
    session.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_which_permission_is_missing() {
    let session = Session::new(84, 4).await;
    for action in [Action::ListBucket, Action::PutObject] {
        session.stage.world.s3.configure(|options| options.deny(action));
        session.is_diagnosed("s3-denied", &["bucket corpus-prod", "denied"]).await;
        session.stage.world.s3.configure(|options| options.denials.clear());
    }
    session.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_that_the_database_is_away() {
    let mut session = Session::new(85, 4).await;
    session.set("MOGILE_DATABASE_URL", "mysql://reader:secret@127.0.0.1:1/mogile");
    session.is_diagnosed("index-unreadable", &["OUT  index", "127.0.0.1:1/mogile"]).await;
    session.reset("MOGILE_DATABASE_URL");
    session.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_which_table_is_missing() {
    let mut session = Session::new(86, 4).await;
    for (setting, subject) in
        [("DYNAMODB_TABLE", "ledger"), ("DYNAMODB_FAILURES_TABLE", "failures")]
    {
        session.set(setting, "nowhere");
        session.is_diagnosed("ledger-unavailable", &[&format!("BAD  {subject}"), "nowhere"]).await;
        session.reset(setting);
    }
    session.is_healthy().await;
}

/// What a run cannot write there is lost, and no migration shows it.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_that_the_failures_table_takes_nothing() {
    let session = Session::new(88, 4).await;
    for operation in ["UpdateItem", "DeleteItem", "Scan"] {
        let refuse = Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned() };
        let operation = Some(operation.to_owned());
        session
            .stage
            .world
            .faults
            .add(Rule { operation, ..Rule::always(Service::DynamoDb, refuse) });
        let said = session.said(&["doctor"], 1).await;
        let words = "BAD  failures: does not hold: records can be written, taken away and scanned";
        assert!(said.contains(words), "{said}");
        session.said(&["doctor", "--read-only"], 0).await;
        session.mend();
    }
    assert_eq!(session.failures(), Vec::new(), "the canary is gone");
    session.is_healthy().await;
    assert_eq!(session.failures(), Vec::new(), "the canary is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_as_printed_makes_a_table_that_is_missing() {
    let session = Session::new(87, 4).await;
    let request = DeleteTableRequest { table_name: FAILURES.to_owned() };
    session.stage.world.database.delete_table(request).expect("it was there");
    let said = session.said(&["migrate"], 2).await;
    // It asks who may read the buckets, and says which answers there are.
    let asked = session.follow(&said, "provision", 2).await;
    assert!(asked.contains("\n  private "), "{asked}");
    let profile = ["--access-profile", "private"];
    let made = session.run(&[&["provision"], &profile[..]].concat()).await;
    assert!(made.contains(&format!("table {FAILURES}: made")), "{made}");
    session.is_healthy().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn provision_changes_access_by_the_printed_flag() {
    let session = Session::migrated(88, 4).await;
    let provision = ["provision", "--buckets-only", "--access-profile", "public-policy"];
    let said = session.said(&provision, 1).await;
    let [flag, _] = super::printed::flag(&said, "--change-access");
    let said = session.said(&[&provision[..], &[&flag]].concat(), 0).await;
    assert!(commands(&said).is_empty() && said.contains("changed"), "{said}");
    let again = session.said(&provision, 0).await;
    assert!(again.contains("nothing was changed"), "{again}");
}

/// Without progress on the screen a command would wait in silence.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_answer_is_named_while_a_command_waits_for_it() {
    let mut session = Session::new(92, 4).await;
    session.set("REQUEST_TIMEOUT_SECONDS", "9");
    for service in [Service::Mysql, Service::Sqs] {
        session.strike(service, Fault::Hang);
    }
    let commands = [["plan", "--json"], ["status", "--queue-only"]];
    let [plan, status] = commands.map(|command| {
        let environment = session.environment().clone();
        async move { mogile2s3(&environment, &command).await }
    });
    let (plan, status) = tokio::join!(plan, status);
    for (output, words) in [(plan, "waiting for MySQL: "), (status, "waiting for SQS: ")] {
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        let told = said.find(words).unwrap_or_else(|| panic!("no `{words}`: {said}"));
        assert!(said.find("error: ").is_none_or(|ended| told < ended), "{said}");
    }
}
