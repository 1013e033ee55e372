//! The whole change of bucket names in rhino's database, and the way back, on a real server.

use domain::cutover::Phase;
use domain::cutover::rhino::{Online, RhinoEnd, RhinoTrouble};
use tests::containers::client_tables::{TEXTS, new_rhino};
use tests::containers::{MysqlServer, engine_answers};
use tests::rhino_cutover::{Stage, Watch, rows};

async fn stage(server: &MysqlServer, name: &str) -> anyhow::Result<Stage> {
    let root = new_rhino(server, name, TEXTS[0]).await?;
    drop(root);
    let url = server.url_of(MysqlServer::USER, MysqlServer::PASSWORD, name)?;
    Ok(Stage::on(url.to_string(), &rows(true)).await)
}

async fn cut_over(stage: &Stage) -> RhinoEnd {
    let mut step = stage.unharmed();
    step.keep_existing = true;
    step.pace.online = Some(Online { threads_running: u64::MAX, ..Online::default() });
    done(step.cut_over().await.expect("not ended"))
}

fn done(end: Result<RhinoEnd, RhinoTrouble>) -> RhinoEnd {
    end.unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// A sample of the calls: before and behind the first and the last range, and the index.
#[tokio::test]
async fn rhino_is_cut_over_and_taken_back_to_the_same_dump_wherever_it_is_ended()
-> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut stage = stage(&server, "rhino").await?;
    let before = stage.dump().await;
    let end = cut_over(&stage).await;
    assert!(matches!(end, RhinoEnd::Done { backup: Some(_), .. }), "{end:?}");
    let behind = stage.dump().await;
    assert_ne!(before, behind);
    let end = done(stage.unharmed().revert(true).await.expect("not ended"));
    assert!(matches!(&end, RhinoEnd::Done { verified, .. } if verified.is_exact()), "{end:?}");
    assert_eq!(stage.dump().await, before);
    // The drop of the index, the first range, the last one, and the index that is made.
    for at in [5, 7, 11, 13] {
        for has_effect in [false, true] {
            for goes_on in [true, false] {
                stage.begin_anew().await;
                let mut step = stage.step(Watch::killing(at, has_effect));
                step.keep_existing = true;
                assert!(step.cut_over().await.is_none(), "{at} is no call");
                assert_eq!(stage.cutovers().await.rhino.phase(), Phase::UnderWay);
                if goes_on {
                    cut_over(&stage).await;
                    assert_eq!(stage.dump().await, behind, "behind {at} {has_effect}");
                }
                let by_backup = at > 7;
                if by_backup {
                    stage.lose_journal();
                }
                done(stage.unharmed().revert(by_backup).await.expect("not ended"));
                assert_eq!(stage.dump().await, before, "back from {at} {has_effect}");
            }
        }
    }
    Ok(())
}
