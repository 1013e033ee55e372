//! What becomes of an index when something fails while it is dropped or made.

use tests::cut_connections::{Cut, cut_at};

use super::*;

fn alter(target: &str, fault: Fault) -> Rule {
    Rule::once(Service::Mysql, "ALTER articleFile", target, fault)
}

/// Drops the index or makes it again.
async fn change(session: &mut dyn RhinoSession, adds: bool) -> Result<IndexChange, ChangeError> {
    let index = IndexDefinition(INDEX.to_owned());
    if adds { session.add_index(&index).await } else { session.drop_index().await }
}

#[tokio::test]
async fn an_index_whose_change_is_not_answered_is_looked_for() {
    let world = World::new(Collation::Utf8Bin).await;
    let index = IndexDefinition(INDEX.to_owned());
    let alter = |fault| Rule::once(Service::Mysql, "ALTER articleFile", "", fault);
    for fault in [Fault::RequestLost, Fault::AnswerLost, Fault::Hang] {
        for adds in [false, true] {
            world.faults.add(alter(fault.clone()));
            let changes = world.rhino().with_times(short_times());
            let mut session = changes.lock().await.expect("the lock");
            let change =
                if adds { session.add_index(&index).await } else { session.drop_index().await };
            let error = change.expect_err("it is not answered");
            assert!(matches!(error, ChangeError::Uncertain { .. }), "{error:?}");
            drop(session);
            let mut writer = world.writer("rhino").await;
            settled(&mut writer).await;
            drop(writer);
            let was_made = fault != Fault::RequestLost;
            let facts = changes.facts().await.expect("an answer");
            assert_eq!(facts.index.is_some(), adds == was_made, "{fault:?}");
            let mut session = changes.lock().await.expect("the lock");
            let again =
                if adds { session.add_index(&index).await } else { session.drop_index().await };
            let wanted = if was_made { IndexChange::AlreadySo } else { IndexChange::Made };
            assert_eq!(again.expect("an answer"), wanted, "{fault:?}");
            drop(session);
        }
    }
    // A table that is held is not changed, and what the server says is passed on.
    let text = "Lock wait timeout exceeded".to_owned();
    world.faults.add(alter(Fault::Refuse { status: 1205, code: text }));
    let mut session = world.rhino().lock().await.expect("the lock");
    let error = session.drop_index().await.expect_err("it is held");
    assert!(matches!(error, ChangeError::Blocked { .. }), "{error:?}");
    assert!(error.to_string().contains("Lock wait timeout exceeded (error 1205)"), "{error}");
    assert_eq!(session.drop_index().await.expect("an answer"), IndexChange::Made);
}

/// The server's end of the connection goes, and the client's never learns of it: as behind a firewall
/// that forgets a connection on which nothing is sent for long.
#[tokio::test]
async fn a_session_that_ends_unnoticed_while_an_index_is_made_is_missed() {
    let world = World::new(Collation::Utf8Bin).await;
    let relay = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = relay.local_addr().expect("an address").port();
    let server = world.address;
    let relayed = tokio::spawn(cut_at(relay, server, b"ALTER TABLE", Cut::Server));
    let url = format!("mysql://writer:s3cret@127.0.0.1:{port}/rhino");
    let changes = MysqlRhinoChanges::new(url.parse().expect("a URL"), Arc::default());
    let changes = changes.with_times(watched_each(Duration::from_millis(50)));
    let mut session = changes.lock().await.expect("the lock");
    let change = tokio::time::timeout(Duration::from_secs(20), session.drop_index()).await;
    let error = change.expect("noticed long before the time limit").expect_err("it is lost");
    assert!(matches!(error, ChangeError::Uncertain { .. }), "{error:?}");
    assert!(error.to_string().contains("no session"), "{error}");
    let lost = session.drop_index().await.expect_err("the lock is gone");
    assert!(matches!(lost, ChangeError::SessionLost { .. }), "{lost:?}");
    relayed.abort();
}

/// As a server answers that dropped the index of such a table online before.
#[tokio::test]
async fn an_index_that_cannot_be_made_online_is_made_all_the_same() {
    let world = World::new(Collation::Utf8Bin).await;
    let mut session = world.rhino().lock().await.expect("the lock");
    for number in [1845, 1846, 1847] {
        for adds in [false, true] {
            let text = "ALGORITHM=INPLACE is not supported".to_owned();
            let refused = alter("ALGORITHM", Fault::Refuse { status: number, code: text });
            world.faults.add(Rule { times: Rule::ALWAYS, ..refused });
            let changed = change(session.as_mut(), adds).await.expect("an answer");
            assert_eq!(changed, IndexChange::Made, "{number}");
            world.faults.clear();
        }
    }
    // Another refusal stays one.
    let full = Fault::Refuse { status: 1114, code: "The table is full".to_owned() };
    world.faults.add(alter("", full));
    let error = session.drop_index().await.expect_err("it is full");
    assert!(matches!(error, ChangeError::Refused { .. }), "{error:?}");
    assert_eq!(session.drop_index().await.expect("an answer"), IndexChange::Made);
}

#[tokio::test]
async fn an_error_behind_the_change_does_not_hide_it() {
    let world = World::new(Collation::Utf8Bin).await;
    let error = |carried_out| Fault::RefuseInside200 { code: "in doubt".to_owned(), carried_out };
    for adds in [false, true] {
        let mut session = world.rhino().lock().await.expect("the lock");
        world.faults.add(alter("", error(false)));
        let failed = change(session.as_mut(), adds).await.expect_err("it is not made");
        assert!(matches!(failed, ChangeError::Unavailable { .. }), "{failed:?}");
        world.faults.add(alter("", error(true)));
        let changed = change(session.as_mut(), adds).await.expect("it is made");
        assert_eq!(changed, IndexChange::Made);
        // Where nobody can look, nobody knows.
        let back = change(session.as_mut(), !adds).await.expect("an answer");
        assert_eq!(back, IndexChange::Made);
        world.faults.add(alter("", error(true)));
        let look = Rule::once(Service::Mysql, "SHOW", "CREATE TABLE", Fault::RequestLost);
        world.faults.add(Rule { skip: 1, ..look });
        let unknown = change(session.as_mut(), adds).await.expect_err("nobody can look");
        assert!(matches!(unknown, ChangeError::Uncertain { .. }), "{unknown:?}");
        drop(session);
        settled(&mut world.writer("rhino").await).await;
        let facts = world.rhino().facts().await.expect("an answer");
        assert_eq!(facts.index.is_some(), adds);
    }
}

/// Those who wait for the table have taken all connections, for example.
#[tokio::test]
async fn a_server_that_lets_nobody_in_has_not_lost_our_session() {
    let world = World::new(Collation::Utf8Bin).await;
    let changes = world.rhino().with_times(watched_each(Duration::from_millis(20)));
    let mut session = changes.lock().await.expect("the lock");
    world.faults.add(alter("", Fault::Delay(Duration::from_millis(500))));
    let full = Fault::Refuse { status: 1040, code: "Too many connections".to_owned() };
    let full = Rule::once(Service::Mysql, "CONNECT", "", full);
    world.faults.add(Rule { times: Rule::ALWAYS, ..full });
    assert_eq!(session.drop_index().await.expect("it is made"), IndexChange::Made);
    world.faults.clear();
    assert_eq!(change(session.as_mut(), true).await.expect("an answer"), IndexChange::Made);
}
