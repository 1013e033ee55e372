use super::clock::examine_server_clock;
use super::database::{Names, Needed, examine_server};
use super::examine::not_seen;
use crate::ports::{
    Clock, ContentRepoDatabase, DatabaseSurvey, RepoBucket, RhinoDatabase, RowId, SurveyedDatabase,
};
use crate::{BucketMap, Check, MogileBucket, RepoBucketName};

/// The subject of checks on contentrepo's database.
pub const CONTENT_REPO: &str = "contentrepo's database";

/// The subject of checks on rhino's database.
pub const RHINO: &str = "rhino's database";

const BUCKET_NAMES: &str = "the names of buckets have a collation that is known";

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

/// Checks contentrepo's database: server, account, clock, tables, and whether each of its buckets is mapped.
/// It reads no more than the server's description and the table `buckets`.
pub async fn examine_content_repo<D>(database: &D, map: &BucketMap, clock: &dyn Clock) -> Vec<Check>
where
    D: SurveyedDatabase + ContentRepoDatabase + ?Sized,
{
    let names = Names { table: "buckets", column: "bucketName", fact: BUCKET_NAMES, one: "name" };
    let rights = |survey: &DatabaseSurvey| for_the_cut_over(survey, names.table);
    let server = examine_server(CONTENT_REPO, database, &CONTENT_REPO_TABLES, &names, rights).await;
    let mut checks = match server {
        Ok((checks, _)) => checks,
        Err(checks) => return checks,
    };
    checks.push(examine_server_clock(CONTENT_REPO, database, clock).await);
    let fact = "each of its buckets is in BUCKETS or IGNORE_BUCKETS";
    match database.buckets().await {
        Ok(buckets) => {
            checks.push(mapped(fact, &buckets, map));
            checks.extend(unusable(&buckets, map));
        }
        Err(error) => checks.push(not_seen(CONTENT_REPO, fact, &error)),
    }
    checks
}

/// Checks rhino's database: server, account, clock and table. It reads one row.
pub async fn examine_rhino<D>(database: &D, clock: &dyn Clock) -> Vec<Check>
where
    D: SurveyedDatabase + RhinoDatabase + ?Sized,
{
    let names =
        Names { table: "articleFile", column: "bucketName", fact: BUCKET_NAMES, one: "name" };
    let rights = |survey: &DatabaseSurvey| for_the_cut_over(survey, names.table);
    let mut checks = match examine_server(RHINO, database, &RHINO_TABLES, &names, rights).await {
        Ok((checks, _)) => checks,
        Err(checks) => return checks,
    };
    checks.push(examine_server_clock(RHINO, database, clock).await);
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

/// What is needed of the account, said beside what it may do.
fn for_the_cut_over(survey: &DatabaseSurvey, table: &str) -> String {
    match survey.lacking.as_deref() {
        None | Some([]) => String::new(),
        Some(lacking) => {
            format!("; for the cut-over grant {} on `{table}`", lacking.join(", "))
        }
    }
}

/// Buckets with a name that no setting takes, because no key of MogileFS that ends in it can be migrated.
fn unusable(buckets: &[RepoBucket], map: &BucketMap) -> Option<Check> {
    let names = buckets.iter().filter(|bucket| is_unusable(&bucket.name, map));
    let names: Vec<_> = names.map(|bucket| format!("`{}`", bucket.name)).collect();
    if names.is_empty() {
        return None;
    }
    let detail = format!(
        "{}: such a name is empty, or has a blank or a control character in it. No setting takes it, and no \
         MogileFS key of such a bucket can be migrated: `migrate` rejects each by itself. Look whether \
         contentrepo has objects in it",
        names.join(", ")
    );
    let fact = "each of its buckets has a name that a key of MogileFS can have";
    Some(Check::caution(CONTENT_REPO, fact, detail))
}

fn is_unusable(name: &str, map: &BucketMap) -> bool {
    map.repo_bucket(name) == RepoBucketName::Unmapped && MogileBucket::new(name).is_none()
}

/// A bucket that has its new name already is mapped too. One that no setting can name is left out.
fn mapped(fact: &str, buckets: &[RepoBucket], map: &BucketMap) -> Check {
    let (mut moved, mut ignored, mut renamed, mut unmapped) = (0, 0, 0, Vec::new());
    for RepoBucket { name, .. } in buckets {
        match map.repo_bucket(name) {
            RepoBucketName::Mapped(_) => moved += 1,
            RepoBucketName::Renamed(_) => renamed += 1,
            RepoBucketName::Ignored => ignored += 1,
            RepoBucketName::Unmapped if is_unusable(name, map) => {}
            RepoBucketName::Unmapped => unmapped.push(format!("`{name}`")),
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
    use std::collections::BTreeMap;
    use std::time::Duration;

    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::ports::{
        AccountRights, DatabaseError, LackingBeside, RepoExtent, RepoMetadata, RepoObject,
        SurveyedColumn,
    };
    use crate::{Health, Timestamp};

    /// A database with these buckets, and all columns but these.
    #[derive(Default)]
    struct Fake {
        buckets: Vec<&'static str>,
        without: Vec<&'static str>,
        collation: Option<&'static str>,
        rights: AccountRights,
        lacking: Option<Vec<String>>,
        is_away: bool,
        /// Of its server, in milliseconds.
        time: u64,
    }

    /// In the year 1970.
    struct AtOnce;

    #[async_trait]
    impl Clock for AtOnce {
        async fn sleep(&self, _: Duration) {
            unreachable!("it waits for nothing")
        }

        fn now(&self) -> Timestamp {
            Timestamp(0)
        }
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
                let column = SurveyedColumn { kind: "varchar(255)".to_owned(), collation };
                let names = names.map(|name| ((*name).to_owned(), column.clone()));
                columns.insert(table.to_owned(), names.collect());
            }
            let (at, version) = ("db/a".to_owned(), "5.6.39".to_owned());
            Ok(DatabaseSurvey {
                at,
                version,
                columns,
                rights: self.rights.clone(),
                lacking: self.lacking.clone(),
                lacking_beside: LackingBeside::default(),
            })
        }

        async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
            Ok(Timestamp(self.time))
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

        async fn metadata(&self, _: RowId, _: usize) -> Result<Vec<RepoMetadata>, DatabaseError> {
            unreachable!("there may be millions of them")
        }

        async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
            unreachable!("it reads every row")
        }
    }

    /// The checks as text, a line each.
    fn said(fake: &Fake) -> String {
        let map = BucketMap::parse("prod:corpus-prod", "scratch").unwrap();
        let checks = examine_content_repo(fake, &map, &AtOnce).now_or_never();
        let checks = checks.expect("nothing to wait for");
        let line = |check: &Check| {
            assert_eq!(check.subject, CONTENT_REPO);
            let health = match check.health {
                Health::Good => "ok",
                Health::Caution => "!",
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
            (vec!["prod", "Prod", "old"], "(2 of 3 are in neither: `Prod`, `old`)"),
            (vec!["scratch"], "0 have their new names: is it the contentrepo of this store?)"),
            (vec![], "0 have their new names: is it the contentrepo of this store?)"),
        ] {
            let said = said(&Fake { buckets, ..Fake::default() });
            assert!(said.contains(words), "{words}: {said}");
            let is_bad = words.contains("neither") || words.contains("is it");
            assert_eq!(said.contains("BAD"), is_bad, "{said}");
        }
    }

    /// `IGNORE_BUCKETS` refuses such a name, so that nothing could make the check good.
    #[test]
    fn a_bucket_that_no_setting_can_name_is_a_caution() {
        let said = said(&Fake { buckets: vec!["prod", "old one", ""], ..Fake::default() });
        assert!(said.contains("! each of its buckets has a name"), "{said}");
        assert!(said.contains("`old one`, ``: such a name is empty, or has a blank"), "{said}");
        assert!(!said.contains("BAD"), "{said}");
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
    fn what_the_cut_over_lacks_is_said_before_it() {
        let rights = || AccountRights::ReadOnly;
        let lacking = |all: &[&str]| Some(all.iter().map(|&right| right.to_owned()).collect());
        for (lacking, words) in [
            (
                lacking(&["UPDATE", "TRIGGER"]),
                "only read; for the cut-over grant UPDATE, TRIGGER on `buckets`)",
            ),
            (lacking(&[]), "only read)"),
            (None, "only read)"),
        ] {
            let said =
                said(&Fake { buckets: vec!["prod"], rights: rights(), lacking, ..Fake::default() });
            assert!(said.contains(words) && !said.contains("BAD"), "{words}: {said}");
        }
    }

    #[test]
    fn a_server_with_another_time_is_told_from_30_seconds_on() {
        let said = |seconds: u64| {
            said(&Fake { buckets: vec!["prod"], time: seconds * 1_000, ..Fake::default() })
        };
        let fact = "its server has the time of this machine";
        let near = said(29);
        assert!(near.contains(&format!("ok {fact} (within 30 s)")), "{near}");
        let far = said(30);
        assert!(
            far.contains(&format!("! {fact} (this machine is 30 s behind the server")),
            "{far}"
        );
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
