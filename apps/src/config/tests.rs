//! Settings that are refused before anything is asked.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Only {
    #[command(flatten)]
    source: SourceSettings,
}

fn trackers(text: &str) -> Result<Vec<String>, String> {
    let only = Only::try_parse_from(["mogile2s3", "--trackers", text]).expect("a list");
    only.source.trackers().map_err(|error| error.0)
}

#[test]
fn trackers_are_hosts_with_ports() {
    for good in ["10.0.0.5:7001", "tracker-1.example:7001", "[fc00::7]:7001", "a:1, b:2,"] {
        assert!(trackers(good).is_ok(), "{good}");
    }
    for bad in [
        "http://10.0.0.5:7001",
        "mogile://tracker1:7001",
        ":7001",
        "tracker1",
        "tracker1:",
        "tracker1:0",
        "tracker1:70001",
        "fc00::7:7001",
        "[tracker1]:7001",
        "tracker1:7001/x",
        "tracker 1:7001",
        "10.0.0.5:7001,:7001",
    ] {
        let why = trackers(bad).expect_err(bad);
        assert!(why.contains("not HOST:PORT (commonly port 7001)"), "{bad}: {why}");
    }
}

#[test]
fn what_may_be_a_password_among_the_trackers_is_not_repeated() {
    for bad in ["ann:s3cret@tracker1:7001", "http://ann:s3cret@tracker1:7001", "s3cret@t:7001"] {
        let why = trackers(bad).expect_err(bad);
        assert!(why.contains("MOGILE_TRACKERS") && !why.contains("s3cret"), "{why}");
    }
}
