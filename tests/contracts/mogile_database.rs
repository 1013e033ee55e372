//! The contract of [`domain::ports::MogileDatabase`], kept by its adapter over the wire face of the world.
//! `containers/mogile_database` has real servers.

use std::sync::Arc;

use adapters::calls::{Calls, System};
use adapters::mysql::MysqlIndex;
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use stand_ins::fault::Faults;
use stand_ins::wire::mysql::{self, MysqlServer};
use stand_ins::world::databases::{Collation, Databases};
use stand_ins::world::mogile::{Dmid, Fid, MogileFs};
use tests::contract::mogile_database::{
    mogile_database_holds, mogile_is_described, two_uploads_are_seen,
};
use tests::planted::{self, DOMAIN};
use tokio::net::TcpListener;

#[tokio::test]
async fn the_tables_are_described_as_a_server_describes_them() {
    let (mogile, rows) = (Arc::new(MogileFs::default()), planted::rows_with_long_fids());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let databases = Databases::new(Collation::Utf8Bin).expect("a folder");
    let server = MysqlServer::new(mogile.clone(), "reader", "s3cret");
    let server = Arc::new(server.with_databases(Arc::new(databases)));
    let task = tokio::spawn(mysql::serve(listener, server.clone(), Arc::new(Faults::default())));
    let url = format!("mysql://reader:s3cret@{address}/{}", mysql::DATABASE);
    let mut session = MySqlConnection::connect(&url).await.expect("a session");
    let blind = Collation::Latin1SwedishCi.name();
    mogile_is_described(&mut session, blind).await;

    let calls = Arc::new(Calls::default());
    let database = MysqlIndex::new(url.parse().expect("a URL"), DOMAIN.to_owned(), calls.clone());
    mogile_database_holds(&database, None, "bigint unsigned", Some(blind)).await;
    planted::plant(&mogile, &rows);
    let highest = rows.iter().map(|row| row.fid).max();
    mogile_database_holds(&database, highest, "bigint unsigned", Some(blind)).await;
    server.configure(|options| options.narrow_fids = true);
    mogile_database_holds(&database, highest, "int unsigned", Some(blind)).await;
    for (fid, dmid) in [(12, 1), (7, 2)] {
        mogile.plant_upload(Fid(fid), Dmid(dmid));
    }
    two_uploads_are_seen(&database).await;
    let calls = calls.all();
    for name in ["version", "columns", "grants", "clock", "highest fid"] {
        assert_eq!(calls[&(System::Mysql, name)].ok, 3, "{name}: {calls:?}");
    }
    task.abort();
}
