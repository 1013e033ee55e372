//! Files that no replica gives any more, accepted by name: what every command says of them before and
//! after, and what ends an acceptance.

use std::sync::Arc;

use adapters::clock::SystemClock;
use domain::journal::Content as Entry;
use domain::ports::Clock;
use domain::runbook::JournalWriter;
use serde_json::Value;
use stand_ins::embedded::{BUCKETS, DOMAIN, FAILURES, JOURNAL, LEDGER};
use stand_ins::port::{PortFaults, PortJournal};
use stand_ins::world::dynamodb::{Fields, Item, number, text};
use stand_ins::world::mogile::{Content, DeviceStatus, Fid};

use super::printed::command;
use super::session::{Session, Taken};

const ACCEPT: [&str; 6] = ["audit", "accept", "--operator", "ann", "--reason", "disks died"];
const AUDIT: [&str; 2] = ["audit", "--no-run"];

/// A session with this many files whose replicas are all gone, and with a stray row. Everything else is
/// migrated.
async fn with_lost(seed: u64, files: usize) -> (Session, Vec<Taken>, Fid) {
    let session = Session::new(seed, 20).await;
    let taken = session.take_replicas(files);
    let world = &session.stage.world;
    let bytes = Content::from(b"stray".to_vec());
    let stray = world.mogile.store(world.dmid, "test", &bytes, &world.devices[..2]);
    session.said(&["migrate"], 1).await;
    (session, taken, stray)
}

/// The fids of the taken files and more, as a flag takes them.
fn list(taken: &[Taken], more: &[Fid]) -> String {
    let mut fids: Vec<_> = taken.iter().map(|(fid, ..)| fid.0).collect();
    fids.extend(more.iter().map(|fid| fid.0));
    fids.sort_unstable();
    fids.dedup();
    fids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

async fn accept(session: &Session, fids: &str, more: &[&str], code: i32) -> String {
    session.said(&[&ACCEPT[..], &["--fids", fids], more].concat(), code).await
}

fn accepted(told: &Value) -> (&Value, &Value) {
    (&told["accepted"]["files"]["files"], &told["accepted"]["rejected"]["files"])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_blocks_nothing_and_is_counted_everywhere() {
    let (session, taken, stray) = with_lost(171, 2).await;
    session.said(&AUDIT, 1).await;
    let fids = list(&taken, &[stray]);
    let entries = session.items(JOURNAL).len();
    let said = accept(&session, &fids, &[], 0).await;
    assert!(said.contains("3 files may be accepted") && said.contains("404"), "{said}");
    assert_eq!(session.items(JOURNAL).len(), entries, "a dry run");
    session.said(&AUDIT, 1).await;
    let said = accept(&session, &fids, &["--execute"], 0).await;
    assert!(said.contains("3 files are accepted"), "{said}");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.tsv").display().to_string();
    let told = session.told(&[&AUDIT[..], &["--list", &path]].concat(), 0).await;
    assert_eq!(accepted(&told), (&2.into(), &1.into()), "{told}");
    let lines = std::fs::read_to_string(&path).expect("the list");
    assert_eq!(lines.lines().filter(|line| line.starts_with("~\t")).count(), 3, "{lines}");
    let said = session.said(&AUDIT, 0).await;
    assert!(said.contains("Accepted by name") && said.contains("disks died"), "{said}");
    let told = session.told(&["verify"], 0).await;
    assert_eq!((&told["accepted"]["files"], &told["accepted_rows"]), (&2.into(), &1.into()));
    let told = session.told(&["migrate"], 0).await;
    assert_eq!((&told["accepted"]["files"], &told["accepted_rows"]), (&2.into(), &1.into()));
    for command in [&["enqueue", "migrate"][..], &["enqueue", "verify", "--run", "first"]] {
        let told = session.told(command, 0).await;
        assert_eq!(told["accepted_rows"], 3, "{told}");
    }
    session.said(&["work", "--until-empty"], 0).await;
    session.said(&["audit", "--run", "first"], 0).await;

    // Once more: the journal has them. Another domain's journal has none of these.
    let entries = session.items(JOURNAL).len();
    let said = accept(&session, &fids, &["--execute"], 0).await;
    assert!(said.contains("the journal has all of them"), "{said}");
    assert_eq!(session.items(JOURNAL).len(), entries);
    let said = session.said(&["audit", "accept", "--list"], 0).await;
    assert!(
        said.contains("disks died") && said.contains("`test`, not-content-addressed"),
        "{said}"
    );
    session.said(&["runbook", "check"], 0).await;
    // Without the ledger's name `verify` knows no journal.
    let mut alone = session;
    alone.set("DYNAMODB_TABLE", "");
    let told = alone.told(&["verify"], 1).await;
    assert_eq!(told["different"]["missing"]["files"], 2, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_or_a_replica_that_is_back_ends_an_acceptance() {
    let (mut session, taken, stray) = with_lost(172, 2).await;
    let fids = list(&taken, &[stray]);
    accept(&session, &fids, &["--execute"], 0).await;
    session.said(&AUDIT, 0).await;

    let rename = |session: &Session, from: &str, to: &str| {
        assert!(session.stage.world.mogile.change_key(stray, Some(from), to));
    };
    rename(&session, "test", "Test");
    let said = session.said(&AUDIT, 1).await;
    assert!(said.contains("acceptance-ended") && said.contains("`Test`"), "{said}");
    session.said(&["migrate"], 1).await;
    rename(&session, "Test", "test");
    session.said(&AUDIT, 0).await;

    // Without the trackers it is not known whether a replica is back.
    session.set("MOGILE_TRACKERS", "");
    let said = session.said(&AUDIT, 3).await;
    assert!(said.contains("NOT TRIED AGAIN") && said.contains("MOGILE_TRACKERS"), "{said}");
    session.reset("MOGILE_TRACKERS");

    let first = taken[0].0;
    let (back, still): (Vec<_>, Vec<_>) = taken.into_iter().partition(|(fid, ..)| *fid == first);
    session.put_back(back);
    let said = session.said(&AUDIT, 1).await;
    assert!(said.contains("gives its content again"), "{said}");
    let said = accept(&session, &first.to_string(), &[], 0).await;
    assert!(said.contains("the journal has all of them"), "{said}");
    let said = session.said(&AUDIT, 1).await;
    session.follow(&said, "migrate --fids", 0).await;
    let told = session.told(&AUDIT, 0).await;
    assert_eq!(accepted(&told), (&1.into(), &1.into()), "{told}");
    // A proof ends an acceptance: the file is verified like any other.
    let told = session.told(&["enqueue", "verify", "--run", "first"], 0).await;
    assert_eq!(told["accepted_rows"], 2, "{told}");
    session.said(&["work", "--until-empty"], 0).await;
    session.said(&["audit", "--run", "first"], 0).await;
    let said = accept(&session, &first.to_string(), &[], 1).await;
    assert!(said.contains("the ledger proves that"), "{said}");
    let said = session.said(&["audit", "accept", "--list"], 0).await;
    assert!(said.contains("OVER: the ledger has proven its content since"), "{said}");
    // Gone from S3 again and found so, it is no accepted file.
    let lost = session.files().iter().find(|file| file.fid == first.0).expect("planted");
    session.lose(lost);
    session.plant_failure(lost, "verify", "missing");
    let said = session.said(&AUDIT, 1).await;
    assert!(said.contains("the ledger has proven its content since it was accepted"), "{said}");
    session.said(&["verify"], 1).await;
    session.follow(&said, "migrate --fids", 0).await;
    let said = session.said(&AUDIT, 0).await;
    let end = command(&said, "audit accept --end");
    session.follow_with(&end, &["--operator", "ann"], 0).await;
    let told = session.told(&AUDIT, 0).await;
    assert_eq!(told["acceptance_proven"]["files"], 0, "{told}");

    let still = still[0].0.to_string();
    let end = ["audit", "accept", "--end", "--reason", "found", "--operator", "bob", "--fids"];
    session.said(&[&end[..], &[&still]].concat(), 0).await;
    session.said(&AUDIT, 0).await;
    session.said(&[&end[..], &[&still, "--execute"]].concat(), 0).await;
    let told = session.told(&AUDIT, 1).await;
    assert_eq!(accepted(&told), (&0.into(), &1.into()), "{told}");
    let said = session.said(&[&end[..], &[&still, "--execute"]].concat(), 1).await;
    assert!(said.contains("not-accepted"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_still_be_saved_is_refused_and_nothing_is_written() {
    let (session, taken, stray) = with_lost(173, 1).await;
    let lost = taken[0].0;
    // Proven in S3, no row, not a list of names.
    let whole = session.plain().find(|file| file.fid != lost.0).expect("another file").fid;
    let all = format!("{lost},{whole},999999");
    let said = accept(&session, &all, &["--execute"], 1).await;
    for words in ["proven", "no-row", "NOTHING IS ACCEPTED"] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    for fids in ["1-9", "none", ""] {
        accept(&session, fids, &[], 2).await;
    }
    session.said(&["audit", "accept", "--fids", "1"], 2).await;
    session.said(&["audit", "accept", "--fids", "1", "--reason", " "], 2).await;

    // The replicas are of other content, and the one on a device that is down may be the good one.
    let device = taken[0].1;
    let world = &session.stage.world;
    for (fid, device, content) in &taken {
        let other: Vec<u8> = content.read().expect("bytes").iter().map(|byte| byte ^ 1).collect();
        world.mogile.set_replica(*fid, *device, Content::from(other));
    }
    world.mogile.set_device_status(device, DeviceStatus::Down);
    let one = lost.to_string();
    let entries = session.items(JOURNAL).len();
    let said = accept(&session, &one, &["--execute"], 1).await;
    let words = ["replica-not-asked", &format!("device {device}"), "--with-unreachable"];
    for words in words {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    assert_eq!(session.items(JOURNAL).len(), entries);
    accept(&session, &list(&[], &[lost, stray]), &["--execute", "--with-unreachable"], 0).await;
    session.said(&AUDIT, 0).await;
    let said = session.said(&["runbook", "export"], 0).await;
    assert!(said.contains("files-accepted") && said.contains("not-asked"), "{said}");

    // It comes back, and the printed command takes it.
    world.mogile.set_device_status(device, DeviceStatus::Alive);
    session.put_back(taken);
    let end = ["audit", "accept", "--end", "--reason", "up", "--operator", "ann", "--execute"];
    session.said(&[&end[..], &["--fids", &one]].concat(), 0).await;
    let said = accept(&session, &one, &["--execute"], 1).await;
    assert!(said.contains("good-replica"), "{said}");
    session.follow(&said, "migrate --fids", 0).await;
    session.said(&AUDIT, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_was_changed_decides_nothing() {
    let (session, taken, stray) = with_lost(174, 1).await;
    let fids = list(&taken, &[stray]);
    accept(&session, &fids, &["--execute"], 0).await;
    let items = session.items(JOURNAL);
    let has_reason =
        |item: &Item| Fields(item).the_text("line").is_ok_and(|line| line.contains("disks died"));
    let mut item = items.into_iter().find(has_reason).expect("the entry of the acceptance");
    let line = Fields(&item).the_text("line").expect("a line").replace("disks died", "disks lied");
    item.insert("line".to_owned(), text("line", &line).1);
    session.put(JOURNAL, item);
    for command in [&AUDIT[..], &["verify"], &["migrate"], &["enqueue", "migrate"]] {
        let said = session.said(command, 4).await;
        assert!(said.contains("entry 2 was changed"), "{command:?}: {said}");
    }
    accept(&session, &fids, &[], 4).await;
    session.said(&["audit", "accept", "--list"], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_record_that_nobody_can_read_may_be_a_doubt() {
    let session = Session::migrated(175, 8).await;
    session.said(&AUDIT, 0).await;
    let fid = session.files()[0].fid;
    session.put(FAILURES, [number("fid", fid), text("attempt", "first")].into());
    let said = session.said(&AUDIT, 3).await;
    assert!(said.contains("FAILURE RECORDS THAT CANNOT BE READ"), "{said}");
    session.follow(&said, "migrate", 0).await;
    assert!(session.failures().is_empty(), "cleared with the proof");
    session.said(&AUDIT, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_objects_are_written_with_an_end_and_not_behind_the_cut_over() {
    let mut session = Session::migrated(176, 8).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let audit = |path: &str| [AUDIT[0], AUDIT[1], "--withdrawn", path].map(str::to_owned);
    // A file that contentrepo never had.
    let (world, devices) = (&session.stage.world, &session.stage.world.devices[..2]);
    let sha1 = domain::Sha1::of(b"withdrawn");
    let key = format!("{sha1}-{}", BUCKETS[0].0);
    let bytes = Content::from(b"withdrawn".to_vec());
    let fid = world.mogile.store(world.dmid, &key, &bytes, devices);
    session.said(&["migrate"], 0).await;
    session.stage.world.mogile.delete(DOMAIN, &key).expect("it is there");

    // Rows of another domain name the same content, and then they do not.
    let world = &session.stage.world;
    let other = world.mogile.add_domain("another");
    let row = world.mogile.store(other, &key, &Content::from(b"withdrawn".to_vec()), devices);
    let file = path("of-two-domains.tsv");
    let told = session.told(&[AUDIT[0], AUDIT[1], "--withdrawn", &file], 0).await;
    assert_eq!(told["withdrawn"]["objects"], 0, "{told}");
    assert_eq!(told["without_row"]["content_of_another_domain"], 1, "{told}");
    assert!(session.stage.world.mogile.change_key(row, Some(&key), "another key"));
    let file = path("withdrawn.tsv");
    let words = audit(&file);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let said = session.said(&words, 0).await;
    assert!(said.contains("rows of other MogileFS domains were looked at, too"), "{said}");
    let lines = std::fs::read_to_string(&file).expect("the file");
    let line = format!("{}/{sha1}\t{fid}\t{sha1}", BUCKETS[0].1);
    assert_eq!(lines.lines().collect::<Vec<_>>(), [&*line, "# complete: 1 objects"]);
    session.said(&words, 2).await;

    session.set("CONTENTREPO_DATABASE_URL", "");
    let file = path("nobody.tsv");
    let said = session.said(&[AUDIT[0], AUDIT[1], "--withdrawn", &file], 2).await;
    assert!(said.contains("CONTENTREPO_DATABASE_URL is not set"), "{said}");
    session.set("CONTENTREPO_DATABASE_URL", "mysql://reader:secret@127.0.0.1:1/repo");
    let said = session.said(&[AUDIT[0], AUDIT[1], "--withdrawn", &file], 3).await;
    assert!(said.contains("IS NOT COMPLETE"), "{said}");
    let lines = std::fs::read_to_string(&file).expect("the file");
    assert!(lines.lines().last().is_some_and(|line| line.starts_with("# NOT COMPLETE")), "{lines}");
    session.reset("CONTENTREPO_DATABASE_URL");

    let database = session.stage.world.database.clone();
    let faults = Arc::new(PortFaults::instant());
    let journal = PortJournal::new(database, JOURNAL.to_owned(), LEDGER.to_owned(), faults);
    let clock = Arc::new(SystemClock) as Arc<dyn Clock>;
    let writer = JournalWriter::open(Arc::new(journal), clock, ("ann".to_owned(), 1)).await;
    let step = Entry::StepDone { step: "cutover-contentrepo".to_owned() };
    writer.expect("a writer").append(step).await.expect("written");
    let file = path("late.tsv");
    let said = session.said(&[AUDIT[0], AUDIT[1], "--withdrawn", &file], 4).await;
    assert!(said.contains("of the journal completes a step of the cut-over"), "{said}");
    assert!(!std::path::Path::new(&file).exists());
    session.said(&AUDIT, 0).await;
}
