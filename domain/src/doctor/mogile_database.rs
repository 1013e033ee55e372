use super::database::{Names, Needed, examine_server, missing, named};
use super::examine::not_seen;
use crate::ports::{AccountRights, DatabaseSurvey, MogileDatabase};
use crate::{Check, Fid};

/// The subject of checks on MogileFS's database.
pub const MOGILE: &str = "MogileFS's database";

const TABLES: [Needed; 3] = [
    ("domain", &["dmid", "namespace"]),
    ("file", &["fid", "dmid", "dkey", "length", "classid", "devcount"]),
    ("host", &["hostid", "hostname", "status", "hostip", "altip", "http_port", "http_get_port"]),
];

/// Only `plan` reads it, and counts all else without it.
const CLASSES: Needed = ("class", &["dmid", "classid", "mindevcount"]);

/// Only `freeze` reads it.
const UPLOADS: Needed = ("tempfile", &["fid"]);

const KEYS: Names = Names {
    table: "file",
    column: "dkey",
    fact: "its keys have a collation that is known",
    one: "key",
};

/// Fids above this part of all that the column can hold are worth a word: a tenth is left.
const NEARLY_ALL_PERCENT: u64 = 90;

/// Checks MogileFS's database: server, account, tables, how keys compare, and how many fids are left. It
/// reads no more than the server's description and the highest fid.
pub async fn examine_mogile_database<D>(database: &D) -> Vec<Check>
where
    D: MogileDatabase + ?Sized,
{
    let (mut checks, survey) =
        match examine_server(MOGILE, database, &TABLES, &KEYS, advice_on_rights).await {
            Ok(examined) => examined,
            Err(checks) => return checks,
        };
    let fact = "MogileFS can give fids to more files";
    checks.push(match database.highest_fid().await {
        Ok(highest) => examine_fids(fact, &survey, highest.unwrap_or(Fid(0))),
        Err(error) => not_seen(MOGILE, fact, &error),
    });
    checks.push(examine_classes(&survey));
    checks.push(examine_uploads(&survey));
    checks.push(Check::good(MOGILE, "its own checksums are not relied on", checksums(&survey)));
    checks
}

fn advice_on_rights(survey: &DatabaseSurvey) -> String {
    match survey.rights {
        AccountRights::Writes(_) => "; SELECT alone is enough".to_owned(),
        AccountRights::ReadOnly | AccountRights::Unknown => String::new(),
    }
}

fn examine_fids(fact: &str, survey: &DatabaseSurvey, Fid(highest): Fid) -> Check {
    let kind = named(&survey.columns, "file").and_then(|columns| named(columns, "fid"));
    let kind = kind.map_or("", |column| column.kind.as_str());
    let Some(last) = last_number(kind) else {
        let detail = format!("`file`.`fid` is `{kind}`, no whole number: is it MogileFS's table?");
        return Check::bad(MOGILE, fact, detail);
    };
    let percent = u128::from(highest) * 100 / u128::from(last);
    let found =
        format!("`file`.`fid` is `{kind}`; the highest is {highest}, {percent} % of {last}");
    if percent < u128::from(NEARLY_ALL_PERCENT) {
        return Check::good(MOGILE, fact, found);
    }
    let detail = format!(
        "{found}. Behind that MogileFS stores no new file. No file that is there is lost by it: migrate, \
         or make the column BIGINT UNSIGNED in each of MogileFS's tables that has fids"
    );
    Check::caution(MOGILE, fact, detail)
}

fn examine_classes(survey: &DatabaseSurvey) -> Check {
    let fact = "`plan` can read its storage classes";
    let missing = missing(survey, &[CLASSES]);
    if missing.is_empty() {
        return Check::good(MOGILE, fact, "`class`");
    }
    let detail = format!(
        "`{}` has no {}, or this account may not read them: `plan` does not name files that have fewer \
         replicas than the mindevcount of their class. All else works. Grant SELECT on the table `class`",
        survey.at,
        missing.join(", ")
    );
    Check::caution(MOGILE, fact, detail)
}

fn examine_uploads(survey: &DatabaseSurvey) -> Check {
    let fact = "`freeze` can see uploads under way";
    let missing = missing(survey, &[UPLOADS]);
    if missing.is_empty() {
        return Check::good(MOGILE, fact, "`tempfile`");
    }
    let detail = format!(
        "`{}` has no {}, or this account may not read them: `freeze` fails, and without it no cut-over begins. All \
         else works. Grant SELECT on the table `tempfile`",
        survey.at,
        missing.join(", ")
    );
    Check::caution(MOGILE, fact, detail)
}

/// The last number that a column of this type holds: `int(10) unsigned`, `bigint`.
fn last_number(kind: &str) -> Option<u64> {
    let kind = kind.to_lowercase();
    let name = kind.split(['(', ' ']).next().unwrap_or_default();
    let bits = match name {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" | "integer" => 32,
        "bigint" => 64,
        _ => return None,
    };
    let is_signed = !kind.contains("unsigned");
    Some(u64::MAX >> (64 - bits + u32::from(is_signed)))
}

/// MogileFS keeps them from 2.60 on, where a class asks for it.
fn checksums(survey: &DatabaseSurvey) -> String {
    let there = match named(&survey.columns, "checksum") {
        Some(_) => "a table `checksum` is there",
        None => "there is no table `checksum`, or this account may not read it",
    };
    format!("{there}; each file is proven by the SHA-1 in its key")
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::ports::{
        DatabaseError, LackingBeside, SurveyedColumn, SurveyedDatabase, UploadsUnderWay,
    };
    use crate::{Health, Timestamp};

    struct Fake {
        fid: &'static str,
        highest: Option<u64>,
        collation: Option<&'static str>,
        rights: AccountRights,
        /// A table or a column.
        without: &'static str,
        more: &'static str,
    }

    impl Default for Fake {
        fn default() -> Self {
            let (fid, collation) = ("bigint unsigned", Some("latin1_swedish_ci"));
            let rights = AccountRights::ReadOnly;
            Self { fid, highest: Some(7), collation, rights, without: "", more: "" }
        }
    }

    #[async_trait]
    impl SurveyedDatabase for Fake {
        async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
            let column = |name: &&str| {
                let (kind, collation) = match *name {
                    "fid" => (self.fid, None),
                    _ => ("varchar(255)", self.collation.map(str::to_owned)),
                };
                ((*name).to_owned(), SurveyedColumn { kind: kind.to_owned(), collation })
            };
            let there = |name: &&str| *name != self.without;
            let all =
                TABLES.into_iter().chain([CLASSES, UPLOADS]).filter(|(table, _)| there(table));
            let described = |(table, columns): Needed| {
                let columns = columns.iter().filter(|name| there(name)).map(column);
                (table.to_owned(), columns.collect())
            };
            let mut columns: std::collections::BTreeMap<_, _> = all.map(described).collect();
            columns.entry(self.more.to_owned()).or_default();
            let (at, version) = ("db/mogile".to_owned(), "5.6.39".to_owned());
            Ok(DatabaseSurvey {
                at,
                version,
                columns,
                rights: self.rights.clone(),
                lacking: None,
                lacking_beside: LackingBeside::default(),
            })
        }

        async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
            unreachable!("its rows have no times")
        }
    }

    #[async_trait]
    impl MogileDatabase for Fake {
        async fn highest_fid(&self) -> Result<Option<Fid>, DatabaseError> {
            Ok(self.highest.map(Fid))
        }

        async fn uploads_under_way(&self) -> Result<UploadsUnderWay, DatabaseError> {
            Ok(UploadsUnderWay::default())
        }
    }

    fn checks(fake: &Fake) -> Vec<Check> {
        let checks = examine_mogile_database(fake).now_or_never().expect("nothing to wait for");
        assert!(checks.iter().all(|check| check.subject == MOGILE), "{checks:?}");
        checks
    }

    #[test]
    fn fids_that_are_nearly_used_up_are_told() {
        use Health::{Bad, Caution, Good};
        for (fid, highest, health, words) in [
            ("bigint unsigned", Some(12_345_678_901), Good, "0 % of 18446744073709551615"),
            ("bigint(20)", Some(u64::MAX >> 1), Caution, "100 % of 9223372036854775807"),
            ("int unsigned", None, Good, "the highest is 0, 0 % of 4294967295"),
            ("int(10) unsigned", Some(3_865_470_565), Good, "89 % of 4294967295"),
            ("int(10) unsigned", Some(3_865_470_566), Caution, "make the column BIGINT UNSIGNED"),
            ("INT(11)", Some(2_147_483_647), Caution, "100 % of 2147483647"),
            ("mediumint unsigned", Some(9), Good, "of 16777215"),
            ("decimal(20,0)", Some(9), Bad, "`decimal(20,0)`, no whole number"),
            ("", Some(9), Bad, "no whole number"),
        ] {
            let checks = checks(&Fake { fid, highest, ..Fake::default() });
            let found =
                checks.iter().find(|check| check.fact.contains("fids")).expect("it is made");
            assert_eq!(found.health, health, "{found:?}");
            assert!(found.detail.contains(words), "{words}: {found:?}");
        }
    }

    #[test]
    fn what_the_server_says_is_told() {
        let writes = AccountRights::Writes(vec!["INSERT".to_owned()]);
        for (fake, words) in [
            (Fake::default(), "db/mogile, version 5.6.39; the account may only read"),
            (Fake { rights: writes, ..Fake::default() }, "read: INSERT; SELECT alone is enough"),
            (Fake::default(), "`file`.`dkey` is latin1_swedish_ci: `a` and `A` are one key"),
            (
                Fake { collation: Some("utf8_bin"), ..Fake::default() },
                "utf8_bin: `a` and `A` are two keys",
            ),
            (Fake { collation: None, ..Fake::default() }, "has none: all bytes differ"),
            (Fake::default(), "there is no table `checksum`, or"),
            (Fake { more: "checksum", ..Fake::default() }, "a table `checksum` is there"),
        ] {
            let checks = checks(&fake);
            assert!(checks.iter().all(|check| check.health == Health::Good), "{checks:?}");
            assert!(checks.iter().any(|check| check.detail.contains(words)), "{words}: {checks:?}");
        }
    }

    #[test]
    fn what_another_database_lacks_is_named() {
        for (without, words) in [
            ("host", "has no table `host`"),
            ("devcount", "no column `file`.`devcount`"),
            ("classid", "no column `file`.`classid`"),
        ] {
            let checks = checks(&Fake { without, ..Fake::default() });
            let bad = checks.last().expect("a check");
            assert_eq!(bad.health, Health::Bad, "{checks:?}");
            assert!(bad.detail.contains(words), "{words}: {checks:?}");
        }
    }

    #[test]
    fn a_table_that_one_command_alone_reads_stops_nothing() {
        for (without, health, words) in [
            ("", Health::Good, "`class`"),
            ("class", Health::Caution, "has no table `class`, or this account may not"),
            ("mindevcount", Health::Caution, "no column `class`.`mindevcount`"),
            ("tempfile", Health::Caution, "no table `tempfile`, or this account may not"),
        ] {
            let checks = checks(&Fake { without, ..Fake::default() });
            let fact = if without == "tempfile" { "uploads under way" } else { "storage classes" };
            let found = checks.iter().find(|check| check.fact.contains(fact));
            let found = found.expect("it is made");
            assert_eq!(found.health, health, "{found:?}");
            assert!(found.detail.contains(words), "{words}: {found:?}");
            let others = checks.iter().filter(|check| *check != found);
            assert!(others.into_iter().all(|check| check.health == Health::Good), "{checks:?}");
        }
    }
}
