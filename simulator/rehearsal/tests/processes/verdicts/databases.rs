//! What doctor says of MogileFS's own database, of the one that `rekey` changes, and of the servers' clocks.

use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::mogile::{ClassId, Fid, FileRow};

use super::session::Session;

const URL: &str = "MOGILE_DATABASE_URL";
const WRITE_URL: &str = "MOGILE_DATABASE_WRITE_URL";

/// The world's password, which nobody is to read.
const PASSWORD: &str = "rehearsal-password";

impl Session {
    /// The doctor ends with this exit code, says these words, changes no key, and never says the password.
    async fn doctor_tells(&self, code: i32, words: &[&str]) -> String {
        let said = self.said(&["doctor", "--read-only"], code).await;
        for words in words {
            assert!(said.contains(words), "no `{words}` in: {said}");
        }
        assert!(!said.contains(PASSWORD), "a secret: {said}");
        let counts = self.stage.world.faults.counts();
        let writes = |operation: &&String| operation.starts_with("UPDATE");
        let written: Vec<_> =
            counts.keys().map(|(_, operation)| operation).filter(writes).collect();
        assert!(written.is_empty(), "{written:?}");
        said
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_looks_at_mogilefs_own_database() {
    let mut session = Session::new(220, 4).await;
    let well = [
        "ok   MogileFS's database: its server answers (127.0.0.1:",
        "/mogilefs, version 8.4.0-rehearsal; the account may do more than read: ALL PRIVILEGES; SELECT",
        "ok   MogileFS's database: it has the tables and columns that are needed (`domain`, `file`, `host`)",
        "(`file`.`dkey` is latin1_swedish_ci: `a` and `A` are one key)",
        "ok   MogileFS's database: MogileFS can give fids to more files (`file`.`fid` is `bigint unsigned`",
        "ok   MogileFS's database: its own checksums are not relied on (there is no table `checksum`",
        "ok   MogileFS's database for changes: it has the keys of the index under the same fids (",
        "ok   MogileFS's database for changes: a key can be changed there (the account has SELECT",
        "ok   contentrepo's database: its server has the time of this machine (within 1 s)",
        "ok   rhino's database: its server has the time of this machine (within 1 s)",
    ];
    session.doctor_tells(0, &well).await;
    let told = session.told(&["doctor", "--read-only"], 0).await;
    let checks = told["checks"].as_array().expect("a list");
    let fact = "MogileFS can give fids to more files";
    assert!(checks.iter().any(|it| it["fact"] == fact && it["health"] == "good"), "{told}");

    // Neither has a row where its setting is not given.
    session.set(URL, "");
    session.set(WRITE_URL, " ");
    let said = session.doctor_tells(0, &[]).await;
    assert!(!said.contains("MogileFS's database"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fids_that_are_nearly_used_up_are_told_and_stop_nothing() {
    let session = Session::new(221, 4).await;
    let world = &session.stage.world;
    world.mysql.configure(|options| options.narrow_fids = true);
    // Whatever the world has.
    world.mogile.plant(FileRow {
        fid: Fid(20_000_000_000),
        dmid: world.other_dmid,
        dkey: Some("of-another-domain".to_owned()),
        length: Some(1),
        classid: ClassId(0),
        devids: Vec::new(),
    });
    let words = [
        "!    MogileFS's database: does not hold: MogileFS can give fids to more files",
        "`file`.`fid` is `int unsigned`; the highest is 20000000000, 465 % of 4294967295",
        "make the column BIGINT UNSIGNED",
    ];
    session.doctor_tells(0, &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_program_lacks_mogilefs_tables() {
    let mut session = Session::new(222, 4).await;
    session.set(URL, session.environment()["RHINO_DATABASE_URL"].clone());
    let words = [
        "BAD  MogileFS's database: does not hold: it has the tables and columns",
        "/rhino` has no table `domain`, table `file`, table `host`, or this account",
        "→ correct MOGILE_DATABASE_URL or its account",
    ];
    session.doctor_tells(1, &words).await;
    session.reset(URL);
    for (operation, number, code, words) in [
        ("SELECT COLUMNS", 1142, 1, "BAD  MogileFS's database: does not hold: its server answers"),
        ("SELECT COLUMNS", 1040, 3, "OUT  MogileFS's database: not checked: its server answers"),
        ("SHOW", 1142, 0, "the account's rights are not known"),
    ] {
        let refuse = Fault::Refuse { status: number, code: "by the script".to_owned() };
        let operation = Some(operation.to_owned());
        session.stage.world.faults.add(Rule { operation, ..Rule::always(Service::Mysql, refuse) });
        session.set(WRITE_URL, "");
        session.doctor_tells(code, &[words]).await;
        session.mend();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_changed_is_told_before_rekey_needs_it() {
    let mut session = Session::new(223, 4).await;
    // The rights of a cut-over are another matter.
    for url in ["CONTENTREPO_DATABASE_WRITE_URL", "RHINO_DATABASE_WRITE_URL"] {
        session.set(url, String::new());
    }
    let grants = |lines: &[&str]| {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        session.stage.world.mysql.configure(|options| options.grants = lines);
    };
    let subject = "MogileFS's database for changes";
    for (line, lacking) in [
        ("GRANT SELECT ON `mogilefs`.* TO `rehearsal`@`%`", "lacks UPDATE, TRIGGER: grant SELECT,"),
        ("GRANT SELECT, UPDATE ON `mogilefs`.`file` TO `rehearsal`@`%`", "lacks TRIGGER: grant"),
    ] {
        grants(&[line]);
        let fact = format!("!    {subject}: does not hold: a key can be changed there");
        let needs = "Until then `rekey --execute` is refused; with --via-tracker it is not";
        let said = session.doctor_tells(0, &[&fact, lacking, needs]).await;
        assert!(said.contains("its server answers (127.0.0.1"), "{said}");
        assert!(
            said.contains("the account may only read)") == (lacking.contains("UPDATE")),
            "{said}"
        );
    }
    grants(&["GRANT SELECT, UPDATE, TRIGGER ON `mogilefs`.`file` TO `rehearsal`@`%`"]);
    session.doctor_tells(0, &[&format!("ok   {subject}: a key can be changed there")]).await;
    grants(&[]);

    let right = session.environment()[WRITE_URL].clone();
    let other = Session::new(224, 4).await;
    session.set(WRITE_URL, other.environment()[WRITE_URL].clone());
    let bad =
        format!("BAD  {subject}: does not hold: it has the keys of the index under the same fids");
    let words = [bad.as_str(), "keys differ; fid ", "→ correct MOGILE_DATABASE_WRITE_URL"];
    let said = session.doctor_tells(1, &words).await;
    assert!(!said.contains("a key can be changed there"), "{said}");
    for (url, code, words) in [
        (right.replace("//rehearsal:", "//nobody:"), 1, "correct user and password in the URL"),
        (right.replace("/mogilefs", "/rhino"), 1, "is the URL that of another database?"),
        (
            "mysql://ann:rehearsal-password@127.0.0.1:1/mogile".to_owned(),
            3,
            "OUT  MogileFS's database for",
        ),
        ("rehearsal-password".to_owned(), 2, "MOGILE_DATABASE_WRITE_URL: it is not a URL"),
    ] {
        session.set(WRITE_URL, url);
        session.doctor_tells(code, &[words]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_time_is_told_and_stops_nothing() {
    let session = Session::new(225, 4).await;
    let shift = |seconds: i64| {
        session.stage.world.mysql.configure(|options| options.clock_ahead_seconds = seconds);
    };
    let words = |database: &str, words: &str| {
        format!(
            "!    {database}'s database: does not hold: its server has the time of this machine\n     this \
             machine is {words} the server"
        )
    };
    for (seconds, told) in [(3_601, "3600 s behind"), (-3_600, "3600 s ahead of")] {
        shift(seconds);
        let said = session.doctor_tells(0, &["by NTP"]).await;
        let is_told = |database| {
            (3_599..3_603).any(|seconds: u32| {
                said.contains(&words(database, &told.replace("3600", &seconds.to_string())))
            })
        };
        assert!(is_told("contentrepo") && is_told("rhino"), "{said}");
    }
    shift(-20);
    let said = session.doctor_tells(0, &[]).await;
    assert!(!said.contains("this machine is"), "{said}");
}
