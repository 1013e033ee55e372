//! Whatever a client that has logged in sends: an answer, and never a panic.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;

fn server() -> &'static MysqlServer {
    static SERVER: OnceLock<MysqlServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mogile = Arc::new(MogileFs::default());
        mogile.add_domain("plos_repo");
        mogile.store(Dmid(1), "a", &Content::from("abc"), &[DeviceId(1)]);
        let databases = Databases::new(Collation::Utf8Bin).expect("a folder");
        MysqlServer::new(mogile, USER, PASSWORD).with_databases(Arc::new(databases))
    })
}

/// A command of any kind with anything behind it, or with pieces of statements.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let code = prop::sample::select(vec![
        0x00, 0x02, 0x03, 0x04, 0x0e, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1c, 0x1f,
    ]);
    let pieces = prop::sample::select(vec![
        "SELECT ",
        "* ",
        "COUNT(*) ",
        "MIN(fid) ",
        "FROM ",
        "file ",
        "contentrepo.buckets ",
        "WHERE ",
        "bucketId ",
        "fid ",
        "= ",
        "< ",
        "? ",
        "1 ",
        "-1 ",
        "NULL ",
        "IS ",
        "BETWEEN ",
        "AND ",
        "GROUP BY ",
        "ORDER BY ",
        "LIMIT ",
        "INSERT INTO ",
        "(bucketName) ",
        "VALUES ",
        "('a') ",
        "UPDATE ",
        "SET ",
        "DELETE ",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "autocommit ",
        "ALTER TABLE rhino.articleFile ",
        "DROP INDEX ",
        "ADD INDEX ",
        "bucketName_index ",
        "SHOW CREATE TABLE ",
        "99999999999999999999 ",
        "'\\",
        "\"",
        "`",
        "\u{e9}",
        "/*!50000 ",
    ]);
    let sql = prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat().into_bytes());
    let rest = prop_oneof![prop::collection::vec(any::<u8>(), 0..40), sql];
    (code, rest).prop_map(|(code, rest)| [vec![code], rest].concat())
}

proptest! {
    #[test]
    fn whatever_is_asked_is_answered(payloads in prop::collection::vec(payload(), 1..12)) {
        let login = Login {
            user: USER.to_owned(),
            scramble: Vec::new(),
            database: Some(DATABASE.to_owned()),
            plugin: None,
            deprecate_eof: false,
        };
        let mut session = Session::new(server(), 1, login).expect("the database is there");
        for payload in payloads {
            let Ok(command) = Command::read(&payload) else { continue };
            session.classify(&command);
            if let Some(answer) = session.carry_out(command) {
                prop_assert!(answer.write(session.context(), 1).len() > 4);
            }
        }
    }
}
