//! The rehearsal as a whole, in a process of its own.

use std::collections::BTreeSet;
use std::process::Output;
use std::sync::Mutex;

use rehearsal::hazard::Hazard;
use serde_json::Value;

use crate::cli::{json, rehearse, text};

/// Files of a corpus that has room for every hazard, and that a debug build takes in its stride.
const FILES: &str = "220";

fn rehearsed(arguments: &[&str]) -> Output {
    rehearse().args(arguments).output().expect("started")
}

fn told(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn three_seeds_end_well_and_plant_every_hazard() {
    let seeds = Mutex::new(1..=3);
    let next = || seeds.lock().expect("no seed fails").next();
    // Most of a rehearsal is waiting for what hangs.
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    check_seed(&seed.to_string());
                }
            });
        }
    });
}

fn check_seed(seed: &str) {
    let output = rehearsed(&["--files", FILES, "--seed", seed, "--by", "migrate", "--json"]);
    let report = json(&output);
    assert!(output.status.success(), "seed {seed}: {:#}", report["problems"]);
    let planted = report["planted"]["hazards"].as_array().expect("a list");
    let planted: BTreeSet<_> = planted.iter().filter_map(|line| line["hazard"].as_str()).collect();
    for hazard in Hazard::ALL {
        assert!(planted.contains(hazard.name().as_str()), "seed {seed} plants no {hazard:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_report_but_for_time_memory_and_requests() {
    let report = || {
        let mut report = json(&rehearsed(&["--files", "120", "--seed", "3", "--json"]));
        // They tell of a busy machine.
        report.as_object_mut().expect("a report").remove("notes");
        for pass in report["passes"].as_array_mut().expect("passes") {
            let pass = pass.as_object_mut().expect("a pass");
            pass.retain(|name, _| !["seconds", "peak_rss_bytes", "requests"].contains(&&**name));
        }
        for scenario in report["scenarios"].as_array_mut().expect("scenarios") {
            scenario.as_object_mut().expect("a scenario").remove("seconds");
        }
        for story in report["runbook"].as_array_mut().expect("stories") {
            let story = story.as_object_mut().expect("a story");
            story.remove("seconds");
            for typed in story["commands"].as_array_mut().expect("commands") {
                typed.as_object_mut().expect("a command").remove("seconds");
            }
        }
        for queued in report["through_the_queue"].as_array_mut().expect("ways") {
            for scenario in queued["scenarios"].as_array_mut().expect("scenarios") {
                scenario.as_object_mut().expect("a scenario").remove("seconds");
            }
            for pass in queued["passes"].as_array_mut().expect("passes") {
                let pass = pass.as_object_mut().expect("a pass");
                pass.retain(|name, _| !["seconds", "cold_starts", "requests"].contains(&&**name));
            }
        }
        report
    };
    // Most of a rehearsal is waiting for what hangs.
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(report);
        (report(), second.join().expect("it ends"))
    });
    assert_eq!(first, second);
    assert_eq!(first["problems"], Value::Array(vec![]));
}

#[test]
fn the_report_says_what_was_planted_what_came_of_it_and_what_it_took() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("everything.txt");
    let path = file.to_str().expect("a path");
    let output = rehearsed(&["--files", FILES, "--seed", "7", "--report", path]);
    assert!(output.status.success(), "{}", told(&output));
    let screen = text(&output.stdout);
    for words in [
        "PLANTED by seed 7",
        "intermediaries in the bucket",
        "an object is deleted, one overwritten: found and mended",
        "database freezes: `migrate` says so, waits, goes on",
        "trackers know no key of the index: stopped after 1,000 files",
        "database freezes: `work` says so, waits, goes on",
        "an outage makes no dead letter, however often it fails",
        "poison and a job that kills its workers are dead letters, no other",
        "VERIFIED AFTERWARDS",
        "files are whole under their own SHA-1",
        "back again: both databases and MogileFS serve as before",
        "12  done       enable ingest again",
        "All is well",
        "All ways are good.",
        path,
    ] {
        assert!(screen.contains(words), "nothing of `{words}`: {screen}");
    }
    let lines = screen.lines().count();
    // The check-list of the runbook is a screen of its own.
    assert!(lines <= 49 + 23, "{lines} lines are no two screens: {screen}");
    let report = std::fs::read_to_string(&file).expect("everything is written there");
    for words in [
        "PLANTED by seed 7",
        "PUT's answer is lost after it took effect",
        "migrated from MogileFS",
        "(budget ",
        "MOGILE_DOMAIN or BUCKETS is wrong: refused",
        "tracker's cache has its former device",
        "an object is deleted, one overwritten: found and mended",
        "peak memory",
        "files are whole under their own SHA-1",
        "All is well",
        "ENQUEUE → SQS → mogile2s3 work",
        "ENQUEUE → SQS → LAMBDA, BATCHES OF 100",
        "requests a file to AWS",
        "ALL WAYS ARE GOOD.",
    ] {
        assert!(report.contains(words), "nothing of `{words}`: {report}");
    }
    let fits = |line: &str| line.chars().count() <= 100 && line == line.trim_end();
    assert!(report.lines().all(fits), "{report}");
    assert!(screen.lines().all(fits), "{screen}");
}

#[test]
fn a_store_with_which_nothing_is_wrong_costs_what_it_must() {
    for hazards in ["none", "mild"] {
        let output =
            rehearsed(&["--files", "60", "--hazards", hazards, "--by", "migrate", "--json"]);
        let report = json(&output);
        assert!(output.status.success(), "{hazards}: {report:#}");
        let again = report["passes"][1]["requests"].as_object().expect("requests");
        // It looks how the buckets are set up.
        let of_files = |kind: &&String| {
            kind.contains("node") || kind.starts_with("S3") && !kind.starts_with("S3 GET_")
        };
        let of_files = again.keys().filter(of_files);
        assert_eq!(of_files.count(), 0, "the second run asks for nothing: {again:?}");
        // All verifications are green, and count the same.
        let verified = &report["verified"];
        let due = &verified["due"];
        assert_eq!((&due["not_whole"], &due["rejected"]), (&0.into(), &0.into()), "{due}");
        let by = verified["by"].as_array().expect("verifications");
        assert_eq!(by.len(), 3, "{verified}");
        for verification in by {
            assert_eq!(verification["exit_code"], 0, "{verification}");
            for count in ["rows", "whole", "not_whole", "rejected", "temporary", "ignored"] {
                assert_eq!(verification["counts"][count], due[count], "{hazards} {verification}");
            }
        }
    }
}

#[test]
fn a_folder_can_be_the_corpus() {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..30_u8 {
        let path = folder.path().join(number.to_string());
        std::fs::write(path, vec![number; usize::from(number) * 1000]).expect("written");
    }
    let path = folder.path().to_str().expect("a path");
    let report =
        json(&rehearsed(&["--corpus", path, "--hazards", "mild", "--by", "migrate", "--json"]));
    assert_eq!(report["problems"], Value::Array(vec![]), "{report:#}");
    assert!(report["judgement"]["whole"].as_u64() >= Some(30), "{report:#}");
    let replay = report["replay"].as_str().expect("a command");
    assert!(replay.contains(path) && replay.contains("--seed 1"), "{replay}");
}

#[test]
fn usage_that_is_wrong_is_told() {
    for arguments in [&["--hazards", "some"][..], &["--files", "many"], &["--corpus", "/nowhere"]] {
        let output = rehearsed(arguments);
        let code = output.status.code();
        assert!(code == Some(2) || code == Some(3), "{arguments:?}: {}", told(&output));
        assert!(text(&output.stderr).contains(arguments[1]), "{arguments:?}: {}", told(&output));
    }
}
