//! What fails in a migration, and the commands that it prints for that.

use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::mogile::{Content, Fid};

use super::printed::{command, flag, words};
use super::session::Session;

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_line_migrates_what_failed() {
    let session = Session::new(71, 5).await;
    let taken = session.take_replicas(2);
    let said = session.said(&["migrate"], 1).await;
    let fids: Vec<_> = session.plain().take(2).map(|file| file.fid.to_string()).collect();
    let line = command(&said, "migrate");
    assert_eq!(words(&line), ["migrate", "--fids", &fids.join(",")]);
    session.put_back(taken);
    let said = session.follow_with(&line, &[], 0).await;
    assert!(said.contains("Clean"), "{said}");
    session.is_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_lines_migrate_what_failed_however_much_it_is() {
    let session = Session::new(72, 30).await;
    session.strike(Service::StorageNode, Fault::TruncateBody(0));
    let said = session.said(&["migrate"], 1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("what failed");
    let list = list.to_str().expect("a path");
    let [failures, _] = flag(&said, "--failures");
    let said = session.follow_with(&command(&said, "migrate"), &[&failures, list], 1).await;
    session.mend();
    let line = command(&said, "migrate");
    assert_eq!(words(&line), ["migrate", "--fids", &format!("@{list}")]);
    let said = session.follow_with(&line, &[], 0).await;
    assert!(said.contains("Clean"), "{said}");
    session.is_content();
}

/// The files are proven; but the table still says that they failed.
#[tokio::test(flavor = "multi_thread")]
async fn the_printed_line_clears_failure_records_that_could_not_be_taken_away() {
    let session = Session::migrated(79, 5).await;
    let lost = session.plain().next().expect("one");
    session.lose(lost);
    session.plant_failure(lost, "verify", "missing");
    let refuse = Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned() };
    // The first such request writes the ledger's records.
    let rule = Rule::once(Service::DynamoDb, "BatchWriteItem", "", refuse);
    session.stage.world.faults.add(Rule { skip: 1, ..rule });
    let said = session.said(&["migrate"], 1).await;
    assert!(said.contains("1 uncleared: fids "), "{said}");
    assert!(session.has(lost.bucket, lost), "it is migrated all the same");
    assert_eq!(session.failures().len(), 1);
    let line = command(&said, "migrate");
    assert_eq!(words(&line), ["migrate", "--again", "--fids", &lost.fid.to_string()]);
    let said = session.follow_with(&line, &[], 0).await;
    assert!(said.contains("Clean"), "{said}");
    assert_eq!(session.failures(), Vec::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_in_mogilefs_is_left_out_by_the_printed_flag() {
    let session = Session::new(73, 5).await;
    session.take_replicas(1);
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("lost");
    let list = list.to_str().expect("a path");
    let said = session.said(&["migrate", "--failures", list], 1).await;
    let [exclude, _] = flag(&said, "--exclude-file");
    let told = session.told(&["migrate", &exclude, list], 0).await;
    assert_eq!((&told["excluded"], &told["exit_code"]), (&1.into(), &0.into()), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_intermediary_comes_by_the_printed_route() {
    let session = Session::new(74, 5).await;
    let said = session.said(&["migrate", "--route", "copy"], 1).await;
    let [route, way] = flag(&said, "let MogileFS supply these files: --route");
    let (_, route) = route.split_once(": ").expect("a flag");
    let line = command(&said, "migrate").replace(" --route copy", "");
    let said = session.follow_with(&line, &[route, &way], 0).await;
    assert!(said.contains("Clean"), "{said}");
    session.is_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_object_is_replaced_by_the_printed_commands_once_mogilefs_is_restored() {
    for begin in ["migrate", "enqueue migrate"] {
        let session = Session::new(75, 5).await;
        let file = session.plain().next().expect("one");
        let (fid, mogile) = (Fid(file.fid), &session.stage.world.mogile);
        let good = Content::from(file.file.content.read().expect("readable").to_vec());
        let holders = session.holders(file);
        for device in &holders {
            mogile.set_replica(fid, *device, Content::from("spoiled"));
        }
        let wrong = session.stage.world.s3.plant_plain(file.bucket, &file.file.sha1, "other");
        wrong.expect("the bucket is there");
        let said = session.said(&["migrate"], 1).await;
        assert!(said.contains("1 wrong-object: fids"), "{said}");
        for device in holders {
            mogile.set_replica(fid, device, good.clone());
        }
        session.follow(&said, begin, 0).await;
        session.said(&["work", "--until-empty"], 0).await;
        assert!(session.has(file.bucket, file), "{begin}");
        session.said(&["migrate"], 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_flag_allows_what_has_moved() {
    let mut session = Session::migrated(76, 5).await;
    let world = &session.stage.world;
    for bucket in ["new-one", "new-two"] {
        world.s3.create_bucket(bucket).expect("a new one");
    }
    session.set("BUCKETS", "mogilefs-prod-repo:new-one,mogilefs-prod-editorial:new-two");
    let mut said = session.said(&["migrate"], 2).await;
    let mut flags = Vec::new();
    let (_, mut advice) = said.split_once("run this again with ").expect("advice");
    while advice.contains("--moved-from") {
        flags.extend(flag(advice, "--moved-from"));
        (_, advice) = advice.split_once("--moved-from").expect("it is there");
    }
    let arguments: Vec<_> =
        ["migrate"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    said = session.said(&arguments, 0).await;
    assert!(said.contains("Clean"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_as_printed_names_the_buckets_that_no_setting_names() {
    let mut session = Session::new(77, 5).await;
    session.set("BUCKETS", "mogilefs-prod-rpeo:corpus-prod,mogilefs-editorial:editorial-prod");
    let said = session.said(&["migrate"], 2).await;
    let plan = session.follow(&said, "plan", 2).await;
    let (_, named) =
        plan.split_once("that neither BUCKETS nor IGNORE_BUCKETS names:").expect("a list");
    // Those with the most rows first.
    let named: Vec<_> = named.lines().filter_map(|line| line.strip_prefix("  mogilefs")).collect();
    let [repo, editorial] = named[..] else { panic!("{plan}") };
    assert!(editorial.starts_with("-prod-editorial ") && repo.starts_with("-prod-repo "), "{plan}");
    session.reset("BUCKETS");
    session.said(&["migrate"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printed_domain_is_the_right_one() {
    let mut session = Session::new(78, 5).await;
    session.set("MOGILE_DOMAIN", "typo");
    let said = session.said(&["migrate"], 2).await;
    let (_, named) = said.split_once("it has `").expect("names");
    let first = named.split('`').next().expect("a name").to_owned();
    session.set("MOGILE_DOMAIN", first);
    session.said(&["migrate"], 0).await;
    session.is_content();
}

/// As a newcomer does in the world of `rehearse serve`.
#[tokio::test(flavor = "multi_thread")]
async fn the_oracle_of_a_served_world_takes_the_intermediaries_of_sync() {
    let session = Session::new(69, 5).await;
    session.said(&["sync"], 0).await;
    session.said(&["migrate"], 0).await;
    let served = session.stage.judge_after_any_command();
    assert!(served.is_content(), "{:?}", served.problems);
    let strict = session.stage.judge();
    assert!(strict.problems.iter().all(|problem| problem.contains("should not be there")));
    assert!(!strict.is_content(), "sync wrote none");
}
