//! Names of buckets are data: which rows get which, and what a plan says of them.

use domain::cleanup::never;
use domain::cutover::rhino::{
    Conduct, RevertFrom, RhinoEnd, RhinoPlan, RhinoRefusal, RhinoTrouble, plan_rhino,
    plan_rhino_revert,
};
use domain::ports::ArticleFile;
use sqlx::Executor;

use tests::rhino_cutover::{Stage, buckets, odd_names, rows};

async fn plan(stage: &Stage) -> RhinoPlan {
    let step = stage.unharmed();
    let pace = step.pace.clone();
    let conduct = Conduct { pace, progress: &|_| {}, stop: never(), salt: 7 };
    let cutovers = stage.cutovers().await;
    plan_rhino(&step.ports(), &buckets(), &cutovers, false, &conduct).await.expect("a plan")
}

/// A row with a name that is not in the usual rows.
fn with_name(name: &str) -> Vec<ArticleFile> {
    let mut rows = rows(false);
    rows[0].bucket = Some(name.to_owned());
    rows
}

#[tokio::test]
async fn every_mapped_name_is_changed_and_no_other() {
    let stage = Stage::usual().await;
    let [odd, long] = odd_names();
    let old = ["repo", &odd, &long, "trash", "same"];
    let new = ["corpus-prod", "odd-prod", "long-prod", "trash", "same"];
    let mut before = Vec::new();
    for name in old {
        before.push(stage.ids_of(name).await);
    }
    assert!(before.iter().all(|ids| ids.len() >= 6), "{before:?}");
    let end = stage.unharmed().cut_over().await.expect("not ended").expect("cut over");
    let RhinoEnd::Done { renamed, verified, .. } = end else { panic!("{end:?}") };
    let to_rename: usize = before[..3].iter().map(Vec::len).sum();
    assert_eq!(renamed, to_rename as u64);
    assert!(verified.is_exact());
    for (name, ids) in new.iter().zip(&before) {
        assert_eq!(stage.ids_of(name).await, *ids, "{name}");
    }
}

/// A plan says the rows, and the statements as an operator would type them.
#[tokio::test]
async fn a_plan_says_what_it_is_about_to_do() {
    let plan = plan(&Stage::usual().await).await;
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.ignored, [("trash".to_owned(), 7)].into());
    assert_eq!((plan.rows_to_rename(), plan.rows_kept()), (20, 0));
    let first =
        "ALTER TABLE articleFile DROP INDEX `bucketName_index`, ALGORITHM=INPLACE, LOCK=NONE";
    assert_eq!(plan.statements.first().map(String::as_str), Some(first));
    let odd = "UPDATE articleFile SET bucketName = 'odd-prod' \
               WHERE fileId >= 1 AND fileId <= 9223372036854775806 AND \
               CAST(CONVERT(bucketName USING utf8mb4) AS BINARY) = \
               CAST('it''s\"q\\\\u%_' AS BINARY)";
    assert!(plan.statements.iter().any(|sql| sql == odd), "{:#?}", plan.statements);
    assert_eq!(plan.statements.len(), 7, "{:#?}", plan.statements);
}

/// Names that a collation may take for a mapped one are names of their own.
#[tokio::test]
async fn a_name_that_no_setting_has_is_refused_byte_by_byte() {
    for (name, has_setting) in
        [("Repo", true), ("corpus-Prod", true), ("nowhere", true), ("repo ", false), ("", false)]
    {
        let stage = Stage::new(&with_name(name)).await;
        let named = [(name.to_owned(), 1)].into();
        let refusal =
            if has_setting { RhinoRefusal::Unmapped(named) } else { RhinoRefusal::NoNames(named) };
        assert_eq!(plan(&stage).await.refusals, [refusal], "{name:?}");
    }
}

#[tokio::test]
async fn all_that_hinders_is_said_at_once() {
    let mut files = with_name("corpus-prod");
    files[1].bucket = Some("nowhere".to_owned());
    let mut stage = Stage::new(&files).await;
    stage.lose_journal();
    stage.server.configure(|options| {
        options.grants = vec!["GRANT SELECT, UPDATE ON `rhino`.* TO `w`@`%`".to_owned()];
    });
    let refusals = plan(&stage).await.refusals;
    let is = |wanted: fn(&RhinoRefusal) -> bool| refusals.iter().any(wanted);
    assert!(is(|it| matches!(it, RhinoRefusal::TriggersUnseen)), "{refusals:?}");
    assert!(is(|it| matches!(it, RhinoRefusal::Privileges(all) if all.len() == 5)), "{refusals:?}");
    assert!(is(|it| matches!(it, RhinoRefusal::ContentrepoFirst)), "{refusals:?}");
    assert!(is(|it| matches!(it, RhinoRefusal::Unmapped(_))), "{refusals:?}");
    assert!(is(|it| matches!(it, RhinoRefusal::NewNames(_))), "{refusals:?}");
    assert_eq!(refusals.len(), 5, "{refusals:?}");
    assert!(refusals.iter().all(|refusal| refusal.to_string().len() > 40));
}

#[tokio::test]
async fn another_database_or_bucket_map_than_the_run_under_way_is_refused() {
    let stage = Stage::usual().await;
    let watch = tests::rhino_cutover::Watch::killing(6, true);
    assert!(stage.step(watch).cut_over().await.is_none());
    let step = stage.unharmed();
    let conduct = Conduct { pace: step.pace.clone(), progress: &|_| {}, stop: never(), salt: 7 };
    let (mut ports, cutovers) = (step.ports(), stage.cutovers().await);
    ports.server = "elsewhere:3306/rhino".to_owned();
    let map = domain::BucketMap::parse("repo:corpus-prod,same:same", "trash").expect("good");
    let plan = plan_rhino(&ports, &map, &cutovers, false, &conduct).await.expect("a plan");
    let has = |wanted: fn(&RhinoRefusal) -> bool| plan.refusals.iter().any(wanted);
    assert!(has(|it| matches!(it, RhinoRefusal::OtherServer { .. })), "{:?}", plan.refusals);
    assert!(has(|it| matches!(it, RhinoRefusal::OtherMap { .. })), "{:?}", plan.refusals);
    let back = plan_rhino_revert(&ports, &cutovers, RevertFrom::Journal, None, &conduct).await;
    let refusals = back.expect("a plan").refusals;
    assert!(matches!(&refusals[..], [RhinoRefusal::OtherServer { .. }]), "{refusals:?}");
}

/// A backup of the same database and the same migration, made when other rows were there.
#[tokio::test]
async fn a_backup_with_other_names_than_the_journal_is_refused() {
    let (stage, other) = (Stage::usual().await, Stage::new(&with_name("same")).await);
    for each in [&stage, &other] {
        each.unharmed().cut_over().await.expect("not ended").expect("cut over");
    }
    let step = stage.unharmed();
    let conduct = Conduct { pace: step.pace.clone(), progress: &|_| {}, stop: never(), salt: 7 };
    let (ports, cutovers) = (step.ports(), stage.cutovers().await);
    for (of, is_other) in [(&stage, false), (&other, true)] {
        let backups = of.unharmed().backups();
        let from = RevertFrom::Backup(&backups);
        let plan = plan_rhino_revert(&ports, &cutovers, from, None, &conduct).await;
        let refusals = plan.expect("a plan").refusals;
        if is_other {
            assert!(matches!(&refusals[..], [RhinoRefusal::OtherBackup(_)]), "{refusals:?}");
            assert!(refusals[0].to_string().contains("are others"), "{refusals:?}");
        } else {
            assert_eq!(refusals, []);
        }
    }
}

/// Rows that came behind the cut-over keep their names; rows that others renamed are named.
#[tokio::test]
async fn a_way_back_leaves_what_came_later_and_names_what_others_changed() {
    let stage = Stage::usual().await;
    let before = stage.dump().await;
    stage.unharmed().cut_over().await.expect("not ended").expect("cut over");
    let mut session = stage.session().await;
    let insert = "INSERT INTO articleFile (fileId, ingestionId, bucketName, crepoKey, crepoUuid, \
                  fileSize, ingestedFileName) VALUES (9223372036854775807, 999, 'corpus-prod', 'k', \
                  'u', 1, 'a.pdf')";
    session.execute(insert).await.expect("inserted");
    let update = "UPDATE articleFile SET bucketName = 'elsewhere' WHERE fileId = 1";
    session.execute(update).await.expect("updated");
    drop(session);
    let step = stage.unharmed();
    let conduct = Conduct { pace: step.pace.clone(), progress: &|_| {}, stop: never(), salt: 7 };
    let cutovers = stage.cutovers().await;
    let plan =
        plan_rhino_revert(&step.ports(), &cutovers, RevertFrom::Journal, None, &conduct).await;
    let plan = plan.expect("a plan");
    assert_eq!((plan.rows_ingested(), plan.rows_to_rename()), (1, 19));
    assert_eq!(plan.strangers, [(Some("elsewhere".to_owned()), 1)].into());
    assert_eq!(plan.last().to_string(), "9223372036854775806");
    let end = step.revert(true).await.expect("not ended").expect("taken back");
    let RhinoEnd::Done { verified, .. } = end else { panic!("{end:?}") };
    assert_eq!((verified.counts.len(), verified.other_rows), (2, 1), "{verified:?}");
    assert_eq!(stage.ids_of("corpus-prod").await, [i64::MAX]);
    assert_eq!(stage.ids_of("elsewhere").await, [1]);
    let now = stage.dump().await;
    let same = before.lines().filter(|line| now.lines().any(|other| other == *line)).count();
    assert_eq!(before.lines().count() - same, 1, "all other rows are as before");
}

/// Another program changes a row while rows are renamed: the counts at the end show it, and the change has no end.
#[tokio::test]
async fn rows_that_others_add_meanwhile_are_counted() {
    use std::sync::Arc;
    use tests::rhino_cutover::Watch;
    let stage = Arc::new(Stage::usual().await);
    let (sender, mut added) = tokio::sync::mpsc::unbounded_channel();
    let before = move |what: &str| {
        if what == "journal: add index" {
            sender.send(()).expect("listened to");
        }
    };
    let watch = Watch::seeing(before);
    let mut session = stage.session().await;
    let step = stage.step(watch);
    let other = async {
        added.recv().await.expect("sent");
        let update = "UPDATE articleFile SET bucketName = 'repo' WHERE fileId = 2";
        let inserted = session.execute(update).await;
        drop(session);
        inserted.expect("updated")
    };
    let (end, _) = tokio::join!(step.cut_over(), other);
    let trouble = end.expect("not ended").expect_err("miscounted");
    assert!(matches!(trouble.reason(), RhinoTrouble::Miscounted { .. }), "{trouble}");
    assert!(trouble.to_string().contains("--revert"), "{trouble}");
    let phase = stage.cutovers().await.rhino.phase();
    assert_eq!(phase, domain::cutover::Phase::UnderWay);
}
