use std::collections::BTreeMap;

use super::examine::not_seen;
use crate::ports::{
    AccountRights, ContentRepoDatabase, DatabaseSurvey, RepoBucket, RhinoDatabase, RowId,
    SurveyedDatabase,
};
use crate::{BucketMap, Check, Destination, MogileBucket};

/// The subject of checks on contentrepo's database.
pub const CONTENT_REPO: &str = "contentrepo's database";

/// The subject of checks on rhino's database.
pub const RHINO: &str = "rhino's database";

/// A table, and the columns of it that later steps need.
type Needed = (&'static str, &'static [&'static str]);

const CONTENT_REPO_TABLES: [Needed; 2] = [
    ("buckets", &["bucketId", "bucketName", "timestamp"]),
    (
        "objects",
        &[
            "id",
            "bucketId",
            "objkey",
            "checksum",
            "size",
            "contentType",
            "downloadName",
            "status",
            "uuid",
        ],
    ),
];

const RHINO_TABLES: [Needed; 1] =
    [("articleFile", &["fileId", "bucketName", "crepoKey", "crepoUuid", "fileSize"])];

/// Checks contentrepo's database: server, account, tables, and whether each of its buckets is mapped. It
/// reads no more than the server's description and the table `buckets`.
pub async fn examine_content_repo<D>(database: &D, map: &BucketMap) -> Vec<Check>
where
    D: SurveyedDatabase + ContentRepoDatabase + ?Sized,
{
    let names = ("buckets", "bucketName");
    let mut checks = match examine_server(CONTENT_REPO, database, &CONTENT_REPO_TABLES, names).await
    {
        Ok(checks) => checks,
        Err(checks) => return checks,
    };
    let fact = "each of its buckets is in BUCKETS or IGNORE_BUCKETS";
    checks.push(match database.buckets().await {
        Ok(buckets) => mapped(fact, &buckets, map),
        Err(error) => not_seen(CONTENT_REPO, fact, &error),
    });
    checks
}

/// Checks rhino's database: server, account and table. It reads one row.
pub async fn examine_rhino<D>(database: &D) -> Vec<Check>
where
    D: SurveyedDatabase + RhinoDatabase + ?Sized,
{
    let names = ("articleFile", "bucketName");
    let mut checks = match examine_server(RHINO, database, &RHINO_TABLES, names).await {
        Ok(checks) => checks,
        Err(checks) => return checks,
    };
    let fact = "its rows can be read";
    checks.push(match database.files(RowId::START, 1).await {
        Ok(files) if files.is_empty() => {
            Check::bad(RHINO, fact, "`articleFile` is empty: is it the rhino of this store?")
        }
        Ok(_) => Check::good(RHINO, fact, "the first was read"),
        Err(error) => not_seen(RHINO, fact, &error),
    });
    checks
}

/// Checks what the server describes. As an error where nothing else can be looked at.
async fn examine_server<D: SurveyedDatabase + ?Sized>(
    subject: &str,
    database: &D,
    needed: &[Needed],
    names: (&str, &str),
) -> Result<Vec<Check>, Vec<Check>> {
    let fact = "its server answers";
    let survey = match database.survey().await {
        Ok(survey) => survey,
        Err(error) => return Err(vec![not_seen(subject, fact, &error)]),
    };
    let server = format!("{}, version {}; {}", survey.at, survey.version, rights(&survey));
    let mut checks = vec![Check::good(subject, fact, server)];
    let fact = "it has the tables and columns that are needed";
    let missing = missing(&survey, needed);
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let detail = format!(
            "`{}` has no {missing}, or this account may not read them: correct the URL, or grant SELECT",
            survey.at
        );
        checks.push(Check::bad(subject, fact, detail));
        return Err(checks);
    }
    let tables: Vec<_> = needed.iter().map(|(table, _)| format!("`{table}`")).collect();
    checks.push(Check::good(subject, fact, tables.join(", ")));
    let (table, column) = names;
    let collation = named(&survey.columns, table).and_then(|columns| named(columns, column));
    let fact = "the names of buckets have a collation that is known";
    let of = format!("`{table}`.`{column}`");
    checks.push(match collation {
        Some(Some(collation)) => {
            let detail = format!("{of} is {collation}: {}", blindness(collation));
            Check::good(subject, fact, detail)
        }
        // Bytes have none.
        Some(None) | None => Check::good(subject, fact, format!("{of} has none: all bytes differ")),
    });
    Ok(checks)
}

/// What the collation takes for the same name. Its name says it (MySQL reference, "Collation Naming
/// Conventions").
fn blindness(collation: &str) -> &'static str {
    if collation.ends_with("_bin") || collation.ends_with("_cs") {
        "`a` and `A` are two names"
    } else {
        "`a` and `A` are one name"
    }
}

fn rights(survey: &DatabaseSurvey) -> String {
    match &survey.rights {
        AccountRights::ReadOnly => "the account may only read".to_owned(),
        AccountRights::Writes(rights) => {
            format!("the account may do more than read: {}", rights.join(", "))
        }
        AccountRights::Unknown => "the account's rights are not known".to_owned(),
    }
}

/// The tables, or the columns of tables that are there, of which the server says nothing.
fn missing(survey: &DatabaseSurvey, needed: &[Needed]) -> Vec<String> {
    let mut missing = Vec::new();
    for (table, columns) in needed {
        let Some(found) = named(&survey.columns, table) else {
            missing.push(format!("table `{table}`"));
            continue;
        };
        let absent = columns.iter().filter(|name| named(found, name).is_none());
        missing.extend(absent.map(|name| format!("column `{table}`.`{name}`")));
    }
    missing
}

/// What a server has under a name. Columns have no case there, and on some servers tables neither.
fn named<'a, T>(all: &'a BTreeMap<String, T>, name: &str) -> Option<&'a T> {
    all.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, found)| found)
}

/// A bucket that has its new name already is mapped too.
fn mapped(fact: &str, buckets: &[RepoBucket], map: &BucketMap) -> Check {
    let (mut moved, mut ignored, mut renamed, mut unmapped) = (0, 0, 0, Vec::new());
    for RepoBucket { name, .. } in buckets {
        let bucket = MogileBucket::new(name);
        match bucket.as_ref().map_or(Destination::Unmapped, |bucket| map.destination(bucket)) {
            Destination::Bucket(_) => moved += 1,
            Destination::Ignored => ignored += 1,
            Destination::Unmapped if map.pairs().any(|(_, new)| new.as_str() == name) => {
                renamed += 1;
            }
            Destination::Unmapped => unmapped.push(format!("`{name}`")),
        }
    }
    if unmapped.is_empty() {
        let detail =
            format!("{moved} are mapped, {ignored} ignored, {renamed} have their new names");
        if moved + renamed == 0 {
            let detail = format!("{detail}: is it the contentrepo of this store?");
            return Check::bad(CONTENT_REPO, fact, detail);
        }
        return Check::good(CONTENT_REPO, fact, detail);
    }
    let detail =
        format!("{} of {} are in neither: {}", unmapped.len(), buckets.len(), unmapped.join(", "));
    Check::bad(CONTENT_REPO, fact, detail)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::Health;
    use crate::ports::{DatabaseError, RepoExtent, RepoObject};

    /// A database with these buckets, and all columns but these.
    #[derive(Default)]
    struct Fake {
        buckets: Vec<&'static str>,
        without: Vec<&'static str>,
        collation: Option<&'static str>,
        rights: AccountRights,
        is_away: bool,
    }

    #[async_trait]
    impl SurveyedDatabase for Fake {
        async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
            if self.is_away {
                return Err(DatabaseError::Unavailable { at: "db/a".into(), cause: "away".into() });
            }
            let mut columns = BTreeMap::new();
            for (table, names) in CONTENT_REPO_TABLES {
                if self.without.contains(&table) {
                    continue;
                }
                let names = names.iter().filter(|name| !self.without.contains(name));
                let collation = self.collation.map(str::to_owned);
                let names = names.map(|name| ((*name).to_owned(), collation.clone()));
                columns.insert(table.to_owned(), names.collect());
            }
            let (at, version) = ("db/a".to_owned(), "5.6.39".to_owned());
            Ok(DatabaseSurvey { at, version, columns, rights: self.rights.clone() })
        }
    }

    #[async_trait]
    impl ContentRepoDatabase for Fake {
        async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
            let bucket = |name: &&str| RepoBucket { id: RowId(1), name: (*name).to_owned() };
            Ok(self.buckets.iter().map(bucket).collect())
        }

        async fn objects(&self, _: RowId, _: usize) -> Result<Vec<RepoObject>, DatabaseError> {
            unreachable!("there may be millions of them")
        }

        async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
            unreachable!("it reads every row")
        }
    }

    /// The checks as text, a line each.
    fn said(fake: &Fake) -> String {
        let map = BucketMap::parse("prod:corpus-prod", "scratch").unwrap();
        let checks = examine_content_repo(fake, &map).now_or_never().expect("nothing to wait for");
        let line = |check: &Check| {
            assert_eq!(check.subject, CONTENT_REPO);
            let health = match check.health {
                Health::Good => "ok",
                Health::Bad => "BAD",
                Health::Unreachable => "OUT",
            };
            format!("{health} {} ({})", check.fact, check.detail)
        };
        checks.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_bucket_is_mapped_ignored_or_renamed_or_it_is_named() {
        for (buckets, words) in [
            (vec!["prod", "scratch"], "(1 are mapped, 1 ignored, 0 have their new names)"),
            (vec!["corpus-prod"], "(0 are mapped, 0 ignored, 1 have their new names)"),
            (vec!["prod", "Prod", "old one"], "(2 of 3 are in neither: `Prod`, `old one`)"),
            (vec![""], "(1 of 1 are in neither: ``)"),
            (vec!["scratch"], "0 have their new names: is it the contentrepo of this store?)"),
            (vec![], "0 have their new names: is it the contentrepo of this store?)"),
        ] {
            let said = said(&Fake { buckets, ..Fake::default() });
            assert!(said.contains(words), "{words}: {said}");
            let is_bad = words.contains("neither") || words.contains("is it");
            assert_eq!(said.contains("BAD"), is_bad, "{said}");
        }
    }

    #[test]
    fn what_the_server_says_is_told() {
        let writes = || AccountRights::Writes(vec!["INSERT".to_owned(), "DROP".to_owned()]);
        for (collation, rights, words) in [
            (Some("latin1_swedish_ci"), AccountRights::ReadOnly, "`a` and `A` are one name"),
            (Some("utf8mb4_bin"), AccountRights::ReadOnly, "`a` and `A` are two names"),
            (Some("latin1_general_cs"), AccountRights::ReadOnly, "`a` and `A` are two names"),
            (None, AccountRights::ReadOnly, "has none: all bytes differ"),
            (None, AccountRights::ReadOnly, "db/a, version 5.6.39; the account may only read"),
            (None, writes(), "the account may do more than read: INSERT, DROP"),
            (None, AccountRights::Unknown, "rights are not known"),
        ] {
            let said = said(&Fake { buckets: vec!["prod"], collation, rights, ..Fake::default() });
            assert!(said.contains(words) && !said.contains("BAD"), "{words}: {said}");
        }
    }

    #[test]
    fn nothing_more_is_asked_of_what_is_away_or_another_database() {
        for (fake, words) in [
            (Fake { is_away: true, ..Fake::default() }, "OUT its server answers"),
            (Fake { without: vec!["objects"], ..Fake::default() }, "no table `objects`"),
            (Fake { without: vec!["uuid"], ..Fake::default() }, "no column `objects`.`uuid`"),
        ] {
            let said = said(&fake);
            assert!(said.contains(words), "{words}: {said}");
            assert!(!said.contains("IGNORE_BUCKETS"), "{said}");
        }
    }
}
