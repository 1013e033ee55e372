//! The runbook from empty buckets to clients that read from S3.

use std::collections::BTreeSet;
use std::sync::Arc;

use rehearsal::hazard::Hazards;
use rehearsal::stage::{Options, Stage};
use stand_ins::embedded::{BUCKETS, QUEUE};
use stand_ins::fault::Service;
use stand_ins::world::bucket::Condition;
use stand_ins::world::content_repo::{ContentRepo, ContentRepoSettings, Signature, Store};
use stand_ins::world::databases::{Collation, Databases};
use stand_ins::world::mogile::Fid;

use super::NAMES;
use super::operator::{Operator, has};
use crate::cli::say;

/// An upload that never got its name.
const UPLOAD: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp";

pub async fn typed() -> BTreeSet<String> {
    let mut operator = store().await;
    counted(&mut operator).await;
    made(&mut operator).await;
    migrated(&mut operator).await;
    cleaned(&mut operator).await;
    journalled(&mut operator).await;
    tried(&mut operator).await;
    frozen_and_verified(&mut operator).await;
    cut_over(&mut operator).await;
    tested(&mut operator).await;
    let judgement = operator.stage.judge_after_any_command();
    let gone = |problem: &&String| !problem.contains("intermediary");
    let others: Vec<_> = judgement.problems.iter().filter(gone).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(judgement.whole, judgement.expected);
    for name in NAMES {
        operator.types(&format!("{name} --help"), 0).await;
    }
    operator.typed
}

/// A store in MogileFS, empty buckets, and two nodes of contentrepo.
async fn store() -> Operator {
    // So few that no row of the ignored bucket is planted, which would be left behind.
    let options = Options { seed: 131, files: 6, folder: None, hazards: Hazards::None };
    let mut stage = Stage::set(&options).await.expect("a world");
    for ((bucket, key), _) in std::mem::take(&mut stage.planted.intermediaries) {
        stage.world.s3.delete(bucket, &key, &Condition::None).expect("deleted");
    }
    stage.planted.expected.iter_mut().for_each(|file| file.synced = false);
    let other_node = stage.world.content_repo.clone();
    let other_node = stage.world.serve_content_repo(other_node).await.expect("a loopback port");
    let first_node = stage.world.content_repo_url.clone();
    let trial = scratch_repo(&mut stage).await;
    let (nodes, rhino) = (format!("{first_node},{other_node}"), stage.world.rhino_url.clone());
    let more = [
        ("CONTENTREPO_URL", nodes.as_str()),
        ("RHINO_URL", rhino.as_str()),
        ("ACCESS_PROFILE", "contentrepo-legacy"),
        ("FREEZE_WINDOW", "1s"),
        ("QUEUE_WINDOW", "1s"),
    ];
    let mut operator = Operator::new(stage, &more);
    operator.reads_as("http://repo1.example.org:8080/v1", &first_node);
    operator.reads_as("http://repo2.example.org:8080/v1", &trial);
    operator.reads_as("http://repo3.example.org:8080/v1", &other_node);
    operator
}

/// A second contentrepo for `--trial`: the buckets of S3, and a scratch database.
async fn scratch_repo(stage: &mut Stage) -> String {
    let databases = Arc::new(Databases::new(Collation::Latin1SwedishCi).expect("a database"));
    databases
        .plant(|rows| BUCKETS.iter().try_for_each(|(_, new)| rows.bucket(new).map(drop)))
        .expect("planted");
    let store = Store::S3 { signs: Signature::V4, has_valid_keys: true };
    let settings = ContentRepoSettings { store, reproxies: false };
    let (mogile, s3) = (stage.world.mogile.clone(), stage.world.s3.clone());
    let repo = ContentRepo::start(databases, mogile, s3, settings).expect("it starts");
    stage.world.serve_content_repo(Arc::new(repo)).await.expect("a loopback port")
}

async fn counted(operator: &mut Operator) {
    operator.page("mogile2s3 plan", 0).await;
    operator.writes("FILE", include_str!("../../../../../domain/prices.json"));
    operator.page("mogile2s3 plan --prices FILE", 0).await;
    operator.page("mogile2s3 plan --window", 0).await;
}

async fn made(operator: &mut Operator) {
    let provision = "mogile2s3 provision --access-profile public-policy";
    operator.page(&format!("{provision} --buckets-only --dry-run"), 0).await;
    operator.page(&format!("{provision} --buckets-only"), 0).await;
    operator.page(&format!("{provision} | tee -a .env"), 0).await;
    // A stock contentrepo needs more.
    operator
        .types("mogile2s3 provision --access-profile contentrepo-legacy --change-access", 0)
        .await;
    operator.goes_to("second");
    // It starts `doctor`.
    operator.page("mogile2s3 runbook run", 0).await;
    operator.page("mogile2s3 doctor", 0).await;
}

async fn migrated(operator: &mut Operator) {
    operator.page("mogile2s3 sync", 0).await;
    operator.page("mogile2s3 plan --list-buckets", 0).await;
    operator.page("mogile2s3 plan --list-buckets --json > plan.json", 0).await;
    operator.page("mogile2s3 migrate --json > run.json", 0).await;
    operator.page("mogile2s3 plan --compare plan.json run.json", 0).await;
    operator.page("mogile2s3 migrate", 0).await;
    operator.page("mogile2s3 enqueue migrate", 0).await;
    operator.page("mogile2s3 status", 0).await;
    let asked = |stage: &Stage| -> u64 {
        let counts = stage.world.faults.counts();
        counts.iter().filter(|((of, _), _)| *of == Service::Sqs).map(|(_, count)| *count).sum()
    };
    // The first one changes nothing, and may be killed.
    for (command, code) in [("mogile2s3 status --watch", None), ("mogile2s3 work", Some(0))] {
        let before = asked(&operator.stage);
        operator.page_until(command, |stage| asked(stage) > before, code).await;
    }
    operator.page("mogile2s3 fids", 0).await;
    let counted = operator.page("mogile2s3 fids | wc -l", 0).await;
    let files = operator.stage.planted.expected.len().to_string();
    assert_eq!(counted.trim(), files);
}

/// An unfinished upload is listed, a day passes, and it is deleted.
async fn cleaned(operator: &mut Operator) {
    let world = &operator.stage.world;
    let content = operator.stage.planted.expected[0].file.content.clone();
    let upload = world.mogile.store(world.dmid, UPLOAD, &content, &world.devices[..2]);
    let is_there = |stage: &Stage, fid: Fid| stage.world.mogile.row(fid).is_some();
    operator.page("mogile2s3 tmp list", 0).await;
    operator.stage.a_day_passes().await.expect("a night");
    operator.page("mogile2s3 tmp delete", 0).await;
    assert!(is_there(&operator.stage, upload), "a dry run has deleted it");
    operator.page("mogile2s3 tmp delete --execute", 0).await;
    assert!(!is_there(&operator.stage, upload), "it is still there");
    operator.stage.world.mogile.run_delete_worker();
    let condemned =
        "mogile2s3 runbook export | jq -c 'select(.kind == \"temporary-condemned\") | .files[]'";
    let deleted = "mogile2s3 runbook export | jq -c 'select(.kind == \"temporary-deleted\")'";
    if has("jq") {
        assert!(operator.page(condemned, 0).await.contains(UPLOAD));
        assert!(operator.page(deleted, 0).await.contains("temporary-deleted"));
    } else {
        say("SKIPPED: two lines of docs/OPERATING.md need jq, and it is not on this machine");
        assert!(std::env::var_os("REQUIRE_JQ").is_none_or(|it| it != "1"), "REQUIRE_JQ=1");
        operator.typed.extend([condemned, deleted].map(str::to_owned));
    }
}

async fn journalled(operator: &mut Operator) {
    operator.page("mogile2s3 runbook status", 0).await;
    operator.page("mogile2s3 runbook next", 0).await;
    operator.page("mogile2s3 runbook note \"storage node 7 was exchanged\"", 0).await;
    operator.page("mogile2s3 runbook export > journal.jsonl", 0).await;
    operator.page("mogile2s3 runbook check", 0).await;
    operator.page("mogile2s3 runbook check --file journal.jsonl", 0).await;
    operator.page("mogile2s3 runbook check --against journal.jsonl", 0).await;
    let exported = operator.page("mogile2s3 runbook export", 0).await;
    assert_eq!(exported, operator.reads("journal.jsonl"));
}

/// Days before the window.
async fn tried(operator: &mut Operator) {
    let printed = operator.page("mogile2s3 config", 0).await;
    assert!(printed.contains("repo/objectStore"), "{printed}");
    operator.page("mogile2s3 smoke --shadow", 0).await;
    operator.page("mogile2s3 smoke --trial http://repo2.example.org:8080/v1", 0).await;
}

async fn frozen_and_verified(operator: &mut Operator) {
    operator
        .page("mogile2s3 freeze --means \"ingest is off in crontab, rhino is read-only\"", 0)
        .await;
    operator.page("mogile2s3 freeze check", 0).await;
    let done = "mogile2s3 runbook done 5 --note \"ingest is off on all nodes, ticket 4711\"";
    operator.page(done, 0).await;
    operator.types("mogile2s3 migrate", 0).await;
    operator.page("mogile2s3 enqueue verify --run 2026-11-28", 0).await;
    let is_worked_off =
        |stage: &Stage| stage.world.sqs.messages(QUEUE).is_ok_and(|all| all.is_empty());
    operator.page_until("mogile2s3 work", is_worked_off, Some(0)).await;
    operator.page("mogile2s3 audit --run 2026-11-28 --list audit.tsv", 0).await;
    operator.page("mogile2s3 audit --run 2026-11-28 --withdrawn withdrawn.tsv", 0).await;
    let verify = "mogile2s3 verify --state verify.state --list verified.tsv --failures differs.tsv";
    operator.page(verify, 0).await;
    operator.page("mogile2s3 verify", 0).await;
    let witness = "mogile2s3 audit manifest --out witness --upload-to s3://publisher-audit/audit \
                   --role-arn arn:aws:iam::123456789012:role/publisher-audit";
    operator.page(witness, 0).await;
    let fid = operator.stage.planted.expected[0].fid;
    operator.goes_to("third");
    operator.writes("FILE", &format!("{fid}\n"));
    let again =
        "mogile2s3 audit manifest --fids @FILE --out again --upload-to s3://publisher-audit/audit";
    operator.page(again, 0).await;
    operator.types("mogile2s3 enqueue verify --run NAME", 0).await;
    operator.types("mogile2s3 work --until-empty", 0).await;
    operator.page("mogile2s3 audit --run NAME", 0).await;
}

async fn cut_over(operator: &mut Operator) {
    let config = operator.json("mogile2s3 config --json", 0).await;
    let resource = config["texts"]["resource"].as_str().expect("a resource").to_owned();
    let resource = resource.replace("THE-", "the-real-");
    operator.writes("context.xml", &format!("<Context>{resource}</Context>"));
    let [corpus, editorial] = BUCKETS.map(|(_, new)| new);
    let rhino = format!(
        "contentRepo:\n  corpus:\n    bucket: {corpus}\n  editorial:\n    bucket: {editorial}\n"
    );
    operator.writes("rhino.yaml", &rhino);
    operator.page("mogile2s3 config --check context.xml --check rhino.yaml", 0).await;
    operator.types("mogile2s3 runbook done 8 --note 'both files are on every node'", 0).await;
    operator.page("mogile2s3 cutover contentrepo", 0).await;
    let backup = "mogile2s3 cutover contentrepo --execute --backup contentrepo-names.gz";
    operator.page(backup, 0).await;
    operator.page("mogile2s3 cutover rhino", 0).await;
    operator.page("mogile2s3 cutover rhino --execute --backup rhino-names.gz", 0).await;
    operator.stage.clients_start(true).expect("they start");
    operator.page("mogile2s3 config --check-url", 0).await;
}

async fn tested(operator: &mut Operator) {
    let nodes = "http://repo1.example.org:8080/v1,http://repo3.example.org:8080/v1";
    operator.page(&format!("mogile2s3 smoke --contentrepo-url {nodes}"), 0).await;
    operator.page("mogile2s3 intermediaries delete --list what-goes.tsv", 0).await;
    operator.page("mogile2s3 intermediaries delete --execute", 0).await;
    for (step, note) in [(10, "MogileFS stays readable until March"), (12, "ingest is on again")] {
        operator.types(&format!("mogile2s3 runbook done {step} --note '{note}'"), 0).await;
    }
    let list = operator.json("mogile2s3 runbook status --json", 0).await;
    let steps = list["steps"].as_array().expect("steps").iter();
    let open: Vec<_> =
        steps.filter(|it| it["state"] != "done" && it["state"] != "skipped").collect();
    assert!(open.is_empty(), "{open:#?}");
}
