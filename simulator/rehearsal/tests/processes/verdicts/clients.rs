//! What doctor says of contentrepo's and rhino's databases.

use stand_ins::embedded::IGNORED_BUCKET;
use stand_ins::fault::{Fault, Rule, Service};

use super::session::Session;

const CONTENT_REPO: &str = "CONTENTREPO_DATABASE_URL";
const RHINO: &str = "RHINO_DATABASE_URL";

/// The world's password, which nobody is to read.
const PASSWORD: &str = "rehearsal-password";

impl Session {
    /// The doctor ends with this exit code, says these words, and never the password.
    async fn doctor_says(&self, code: i32, words: &[&str]) -> String {
        let said = self.said(&["doctor", "--read-only"], code).await;
        for words in words {
            assert!(said.contains(words), "no `{words}` in: {said}");
        }
        assert!(!said.contains(PASSWORD), "a secret: {said}");
        said
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_looks_at_the_clients_databases_where_they_are_named() {
    let mut session = Session::new(95, 4).await;
    let well = [
        "ok   contentrepo's database: its server answers (127.0.0.1:",
        "/contentrepo, version 8.4.0-rehearsal; the account may do more than read: ALL PRIVILEGES)",
        "`buckets`.`bucketName` is latin1_swedish_ci: `a` and `A` are one name",
        "(2 are mapped, 1 ignored, 0 have their new names)",
        "ok   rhino's database: its server answers (127.0.0.1:",
        "`articleFile`.`bucketName` is utf8_bin: `a` and `A` are two names",
        "ok   rhino's database: its rows can be read",
        "checks are good",
    ];
    let said = session.doctor_says(0, &well).await;
    assert!(!said.contains("not looked at"), "{said}");
    let counts = session.stage.world.faults.counts();
    let asked = |operation: &str| counts.contains_key(&(Service::Mysql, operation.to_owned()));
    assert!(asked("SELECT buckets") && asked("SELECT articleFile"), "{counts:?}");
    assert!(!asked("SELECT objects"), "the large table is left alone: {counts:?}");

    session.set(RHINO, "");
    let words = ["ok   contentrepo's database", "not looked at, for want of RHINO_DATABASE_URL;"];
    session.doctor_says(0, &words).await;
    session.set(CONTENT_REPO, " ");
    for url in ["CONTENTREPO_DATABASE_WRITE_URL", "RHINO_DATABASE_WRITE_URL"] {
        session.set(url, "");
    }
    let both = "not looked at, for want of CONTENTREPO_DATABASE_URL, RHINO_DATABASE_URL;";
    let said = session.doctor_says(0, &[both, "checks are good"]).await;
    assert!(!said.contains("contentrepo's database"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_which_buckets_of_contentrepo_go_nowhere() {
    let mut session = Session::new(96, 4).await;
    let planted = session.stage.world.databases.plant(|planting| {
        planting.bucket("stray one")?;
        planting.bucket("Corpus-prod").map(drop)
    });
    planted.expect("planted");
    let words = [
        "BAD  contentrepo's database: does not hold: each of its buckets is in BUCKETS or IGNORE",
        "1 of 5 are in neither: `Corpus-prod`",
        "or BUCKETS and IGNORE_BUCKETS",
    ];
    session.doctor_says(1, &words).await;
    session.set("IGNORE_BUCKETS", format!("{IGNORED_BUCKET},Corpus-prod"));
    // No setting can name it.
    let words = [
        "!    contentrepo's database: does not hold: each of its buckets has a name",
        "`stray one`",
    ];
    session.doctor_says(0, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_what_is_wrong_with_the_url_of_a_client() {
    let mut session = Session::new(97, 4).await;
    let right = session.environment()[CONTENT_REPO].clone();
    session.set(CONTENT_REPO, session.environment()[RHINO].clone());
    let words =
        ["/rhino` has no table `buckets`, table `objects`", "→ correct CONTENTREPO_DATABASE_URL"];
    session.doctor_says(1, &words).await;
    session.set(CONTENT_REPO, right.replace("/contentrepo", "/nowhere"));
    session.doctor_says(1, &["BAD  contentrepo's database", "correct the database's name"]).await;
    session.set(CONTENT_REPO, right.replace("//rehearsal:", "//nobody:"));
    session.doctor_says(1, &["BAD  contentrepo's database", "correct user and password"]).await;
    session.set(CONTENT_REPO, "mysql://ann:rehearsal-password@127.0.0.1:1/contentrepo");
    session.doctor_says(3, &["OUT  contentrepo's database", "127.0.0.1:1/contentrepo"]).await;
    session.set(CONTENT_REPO, "rehearsal-password");
    session.doctor_says(2, &["CONTENTREPO_DATABASE_URL: it is not a URL"]).await;
    session.set(CONTENT_REPO, right);
    session.set(RHINO, "mysql://ann:rehearsal-password@/rhino");
    session.doctor_says(2, &["RHINO_DATABASE_URL: it is not a URL"]).await;
    let help = session.said(&["doctor", "--help"], 0).await;
    assert!(help.contains(CONTENT_REPO) && !help.contains(PASSWORD), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_a_client_whose_server_refuses() {
    let session = Session::new(98, 4).await;
    for (operation, number, code, words) in [
        ("SELECT buckets", 1142, 1, "grant SELECT on the tables `buckets` and `objects`"),
        ("SELECT articleFile", 1142, 1, "grant SELECT on the table `articleFile`"),
        ("SELECT articleFile", 1040, 3, "OUT  rhino's database: not checked: its rows can be read"),
        ("SHOW", 1142, 0, "the account's rights are not known"),
    ] {
        let refuse = Fault::Refuse { status: number, code: "by the script".to_owned() };
        let operation = Some(operation.to_owned());
        session.stage.world.faults.add(Rule { operation, ..Rule::always(Service::Mysql, refuse) });
        session.doctor_says(code, &[words]).await;
        session.mend();
    }
}
