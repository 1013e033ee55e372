//! The contracts of [`domain::ports::ContentRepoDatabase`] and [`domain::ports::RhinoDatabase`], kept by
//! their adapters over the wire face of the world. `containers/client_databases` has real servers.

use std::sync::Arc;

use adapters::calls::Calls;
use adapters::mysql::{DatabaseUrl, MysqlContentRepo, MysqlRhino};
use domain::limits::ATTEMPTS;
use domain::ports::{ContentRepoDatabase, RhinoDatabase};
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use stand_ins::fault::{Fault, Faults, Rule, Service};
use stand_ins::wire::mysql::{self, MysqlServer};
use stand_ins::world::databases::{Collation, Databases};
use stand_ins::world::mogile::MogileFs;
use tests::containers::client_tables::{plant_content_repo, plant_rhino};
use tests::contract::client_databases::{
    content_repo_holds, empty_content_repo_holds, empty_rhino_holds, rhino_holds,
};
use tests::contract::client_schemas::{content_repo_is_whole, rhino_is_whole};
use tests::contract::locks::locks_hold;
use tests::planted_clients::{ContentRepoRows, article_files};
use tokio::net::TcpListener;

#[tokio::test]
async fn the_contracts_are_kept_with_every_collation() {
    for collation in [Collation::Latin1SwedishCi, Collation::Utf8GeneralCi, Collation::Utf8Bin] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let databases = Arc::new(Databases::new(collation).expect("a folder"));
        let server = MysqlServer::new(Arc::new(MogileFs::default()), "writer", "s3cret");
        let server = Arc::new(server.with_databases(databases));
        let task = tokio::spawn(mysql::serve(listener, server, Arc::new(Faults::default())));
        let url = |database: &str| format!("mysql://writer:s3cret@{address}/{database}");
        let parsed = |database| url(database).parse::<DatabaseUrl>().expect("a URL");
        let calls = Arc::new(Calls::default());

        let database = MysqlContentRepo::new(parsed("contentrepo"), calls.clone());
        empty_content_repo_holds(&database).await;
        let mut writer = MySqlConnection::connect(&url("contentrepo")).await.expect("a session");
        content_repo_is_whole(&mut writer, collation.name()).await;
        let rows = ContentRepoRows::new();
        plant_content_repo(&mut writer, &rows).await.expect("planted");
        content_repo_holds(&database, &rows).await;

        let database = MysqlRhino::new(parsed("rhino"), calls.clone());
        empty_rhino_holds(&database).await;
        let mut writer = MySqlConnection::connect(&url("rhino")).await.expect("a session");
        rhino_is_whole(&mut writer).await;
        plant_rhino(&mut writer, &article_files()).await.expect("planted");
        rhino_holds(&database).await;
        let another = MySqlConnection::connect(&url("contentrepo")).await.expect("a session");
        locks_hold(another, &mut writer).await;
        let calls = calls.all();
        assert!(calls.values().all(|outcomes| outcomes.failed == 0), "{collation:?}: {calls:?}");
        task.abort();
    }
}

/// A server that goes away for a while in the middle of a count: both counts go on where they were.
#[tokio::test]
async fn a_count_goes_on_behind_an_outage() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let databases = Arc::new(Databases::new(Collation::Utf8Bin).expect("a folder"));
    let server = MysqlServer::new(Arc::new(MogileFs::default()), "writer", "s3cret");
    let server = Arc::new(server.with_databases(databases));
    let faults = Arc::new(Faults::default());
    let task = tokio::spawn(mysql::serve(listener, server, Arc::clone(&faults)));
    let url = |database: &str| format!("mysql://writer:s3cret@{address}/{database}");
    let parsed = |database| url(database).parse::<DatabaseUrl>().expect("a URL");

    let mut writer = MySqlConnection::connect(&url("contentrepo")).await.expect("a session");
    let rows = ContentRepoRows::new();
    plant_content_repo(&mut writer, &rows).await.expect("planted");
    let mut writer = MySqlConnection::connect(&url("rhino")).await.expect("a session");
    plant_rhino(&mut writer, &article_files()).await.expect("planted");

    // Behind the second window. The first lost request takes the kept session, and is sent again at once.
    let outage = |failures: u32| Rule {
        service: Service::Mysql,
        operation: None,
        target: Some("COUNT(*)".to_owned()),
        skip: 2,
        times: failures + 1,
        fault: Fault::RequestLost,
    };
    let calls = Arc::new(Calls::default());
    faults.add(outage(1));
    let counted = MysqlContentRepo::new(parsed("contentrepo"), calls.clone()).extent().await;
    assert_eq!(counted.expect("it goes on"), rows.extent());
    // More failures than any other request has tries.
    faults.add(outage(ATTEMPTS + 1));
    let counted = MysqlRhino::new(parsed("rhino"), calls.clone()).rows_by_bucket().await;
    let counted: u64 = counted.expect("it goes on").values().sum();
    assert_eq!(counted, article_files().len() as u64);
    let failed: u64 = calls.all().values().map(|outcomes| outcomes.failed).sum();
    assert_eq!(failed, 1 + u64::from(ATTEMPTS) + 1);
    task.abort();
}
