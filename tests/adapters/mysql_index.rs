//! The index's MySQL client on the stand-in's socket: whatever becomes of a connection or an answer, a
//! page is whole or an error, and the error says whether to ask again.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use adapters::mysql::MysqlIndex;
use domain::Fid;
use domain::ports::{IndexError, SourceIndex};
use domain::retry::{Classed, ErrorClass};
use stand_ins::embedded::{DOMAIN, EmbeddedWorld};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::mogile::Content;

const FILES: usize = 40;
const PAGE: &str = "SELECT file";

async fn world() -> EmbeddedWorld {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    for number in 0..FILES {
        let key = format!("{number:040x}-mogilefs-prod-repo");
        world.mogile.store(world.dmid, &key, &Content::from("x"), &world.devices[..1]);
    }
    world
}

fn url(world: &EmbeddedWorld) -> &str {
    &world.environment()["MOGILE_DATABASE_URL"]
}

fn index_of(url: &str) -> MysqlIndex {
    let index = MysqlIndex::new(url.parse().expect("a URL"), DOMAIN.to_owned(), Arc::default());
    index.with_time(Duration::from_millis(500))
}

/// An index whose session is open already.
async fn open_index(world: &EmbeddedWorld) -> MysqlIndex {
    let index = index_of(url(world));
    index.domains().await.expect("the server answers");
    index
}

fn refuse(status: u16) -> Fault {
    Fault::Refuse { status, code: "by the script".to_owned() }
}

/// What an error and its causes say.
fn said(error: &IndexError) -> String {
    let mut said = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        said = format!("{said} {cause}");
        next = cause.source();
    }
    said
}

#[tokio::test]
async fn an_answer_that_is_cut_at_any_byte_is_never_a_short_page() {
    let world = world().await;
    let mut failed = 0;
    for bytes in (0..6_000).step_by(37) {
        // A new session each: a kept one would be replaced without an error.
        let index = index_of(url(&world));
        index.row(Fid(1)).await.expect("the domain's number is known");
        let cut = Fault::TruncateBody(bytes);
        world.faults.add(Rule { times: 2, ..Rule::once(Service::Mysql, PAGE, "LIMIT", cut) });
        match index.page(Fid(0), FILES).await {
            Ok(page) => assert_eq!(page.rows.len(), FILES, "cut behind {bytes} bytes"),
            Err(error) => {
                failed += 1;
                assert_eq!(error.class(), ErrorClass::Retry, "behind {bytes}: {}", said(&error));
            }
        }
        world.faults.clear();
        let page = index.page(Fid(0), FILES).await.expect("a whole page");
        assert_eq!(page.rows.len(), FILES, "after a cut behind {bytes} bytes");
    }
    assert!(failed > 60, "{failed} answers were cut");
}

#[tokio::test]
async fn a_kept_session_that_is_lost_is_replaced_without_an_error() {
    let world = world().await;
    for fault in [Fault::RequestLost, Fault::AnswerLost, refuse(1205), refuse(1213), refuse(1317)] {
        let index = open_index(&world).await;
        world.faults.add(Rule::once(Service::Mysql, PAGE, "", fault.clone()));
        let page = index.page(Fid(0), FILES).await;
        let page = page.unwrap_or_else(|error| panic!("{fault:?}: {}", said(&error)));
        assert_eq!(page.rows.len(), FILES, "{fault:?}");
        assert!(world.faults.unspent().is_empty(), "{fault:?} met nobody");
    }
}

#[tokio::test]
async fn errors_say_whether_to_ask_again() {
    let world = world().await;
    for (operation, fault, class) in [
        ("CONNECT", refuse(1040), ErrorClass::Retry),
        ("CONNECT", Fault::RequestLost, ErrorClass::Retry),
        ("CONNECT", Fault::Hang, ErrorClass::Retry),
        ("SET", refuse(1317), ErrorClass::Retry),
        ("PREPARE", refuse(1142), ErrorClass::GiveUp),
        (PAGE, Fault::Hang, ErrorClass::Retry),
        (PAGE, refuse(1205), ErrorClass::Retry),
        (PAGE, refuse(1213), ErrorClass::Retry),
        (PAGE, refuse(1317), ErrorClass::Retry),
        (PAGE, refuse(1146), ErrorClass::GiveUp),
        (PAGE, Fault::Delay(Duration::from_secs(1)), ErrorClass::Retry),
        (PAGE, Fault::Trickle(Duration::from_millis(5)), ErrorClass::Retry),
    ] {
        let index = index_of(url(&world));
        let always = Rule {
            times: Rule::ALWAYS,
            ..Rule::once(Service::Mysql, operation, "", fault.clone())
        };
        world.faults.add(always);
        let error = index.page(Fid(0), FILES).await.expect_err("it is struck");
        assert_eq!(error.class(), class, "{fault:?} on {operation}: {}", said(&error));
        world.faults.clear();
        let page = index.page(Fid(0), FILES).await.expect("a whole page");
        assert_eq!(page.rows.len(), FILES, "after {fault:?} on {operation}");
    }
}

#[tokio::test]
async fn who_is_not_let_in_learns_what_to_correct() {
    let world = world().await;
    let right = url(&world);
    for (wrong, why) in [
        (right.replace("-password@", "-pass@"), "correct user and password in the URL"),
        (right.replace("//rehearsal:", "//root:"), "correct user and password in the URL"),
        (right.replace("/mogilefs", "/mogile"), "correct the database's name in the URL"),
    ] {
        let error = index_of(&wrong).page(Fid(0), 1).await.expect_err("it is refused");
        assert_eq!(error.class(), ErrorClass::GiveUp);
        let said = said(&error);
        assert!(said.contains(why), "{said}");
        assert!(!said.contains("rehearsal-pass"), "a secret: {said}");
    }
}
