use super::examine::not_seen;
use crate::Check;
use crate::journal::ClientDatabase;
use crate::ports::{DatabaseSurvey, SurveyedDatabase};

/// The subject of checks on contentrepo's database as one that is changed.
pub const CONTENT_REPO_CHANGES: &str = "contentrepo's database for changes";

/// The subject of checks on rhino's database as one that is changed.
pub const RHINO_CHANGES: &str = "rhino's database for changes";

/// Checks whether the account that is to carry out the cut-over of this database may do so. It asks for the account's
/// rights alone, and writes nothing.
pub async fn examine_client_changes(
    of: ClientDatabase,
    database: &(dyn SurveyedDatabase + Sync),
) -> Check {
    let (subject, table) = match of {
        ClientDatabase::Contentrepo => (CONTENT_REPO_CHANGES, "buckets"),
        ClientDatabase::Rhino => (RHINO_CHANGES, "articleFile"),
    };
    let fact = "its account may make the cut-over";
    let DatabaseSurvey { at, lacking, lacking_beside, .. } = match database.survey().await {
        Ok(survey) => survey,
        Err(error) => return not_seen(subject, fact, &error),
    };
    let Some(lacking) = lacking else {
        let detail = format!(
            "`{at}`: its rights are not known, because they come from a role or SHOW GRANTS does not say them. \
             `cutover {of}` without --execute names each right on `{table}` that it lacks"
        );
        return Check::caution(subject, fact, detail);
    };
    let reading = lacking_beside.reading.into_iter().map(|table| ("SELECT".to_owned(), table));
    let on_table = Some((lacking.join(", "), table.to_owned())).filter(|_| !lacking.is_empty());
    let all: Vec<_> = on_table.into_iter().chain(reading).collect();
    if !all.is_empty() {
        let lacks: Vec<_> = all.iter().map(|(what, on)| format!("{what} on `{on}`")).collect();
        let grants: Vec<_> =
            all.iter().map(|(what, on)| format!("GRANT {what} ON the table `{on}`")).collect();
        let detail = format!(
            "`{at}`: it lacks {}. Until then `cutover {of} --execute` is refused or cannot read. {}",
            lacks.join(" and "),
            grants.join("; ")
        );
        return Check::bad(subject, fact, detail);
    }
    if lacking_beside.sessions {
        let detail = format!(
            "`{at}`: it has all rights on the tables, and lacks PROCESS. Where another session holds `{table}`, \
             `cutover {of}` waits and cannot name that session. GRANT PROCESS ON *.*"
        );
        return Check::caution(subject, fact, detail);
    }
    let detail = format!("`{at}`: it has all rights on `{table}`; nothing was written");
    Check::good(subject, fact, detail)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::ports::{AccountRights, DatabaseError, LackingBeside};
    use crate::{Health, Timestamp};

    /// What the account lacks; an error where the server is away.
    struct Account(Result<Option<Vec<&'static str>>, ()>, LackingBeside);

    #[async_trait]
    impl SurveyedDatabase for Account {
        async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
            let (at, version) = ("db:3306/rhino".to_owned(), "8.4.3".to_owned());
            let away = |()| DatabaseError::Unavailable { at: at.clone(), cause: "away".into() };
            let lacking = self.0.clone().map_err(away)?;
            let lacking = lacking.map(|all| all.into_iter().map(str::to_owned).collect());
            let (columns, rights) = (BTreeMap::new(), AccountRights::Unknown);
            let lacking_beside = self.1.clone();
            Ok(DatabaseSurvey { at, version, columns, rights, lacking, lacking_beside })
        }

        async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
            unreachable!("rights have no time")
        }
    }

    #[test]
    fn an_account_without_the_rights_of_the_cut_over_is_named() {
        let beside = |reading: &[&str], sessions| {
            let reading = reading.iter().map(|&table| table.to_owned()).collect();
            LackingBeside { reading, sessions }
        };
        for (lacking, beside, health, words) in [
            (Ok(Some(vec![])), beside(&[], false), Health::Good, "all rights on `articleFile`"),
            (
                Ok(Some(vec!["INDEX", "TRIGGER"])),
                beside(&[], true),
                Health::Bad,
                "it lacks INDEX, TRIGGER on `articleFile`.",
            ),
            (
                Ok(Some(vec!["UPDATE"])),
                beside(&["objects"], true),
                Health::Bad,
                "it lacks UPDATE on `articleFile` and SELECT on `objects`",
            ),
            (
                Ok(Some(vec![])),
                beside(&["objects"], false),
                Health::Bad,
                "GRANT SELECT ON the table `objects`",
            ),
            (Ok(Some(vec![])), beside(&[], true), Health::Caution, "GRANT PROCESS ON *.*"),
            (Ok(None), beside(&[], false), Health::Caution, "its rights are not known"),
            (Err(()), beside(&[], false), Health::Unreachable, "away"),
        ] {
            let account = Account(lacking, beside);
            let check = examine_client_changes(ClientDatabase::Rhino, &account).now_or_never();
            let check = check.expect("nothing to wait for");
            assert_eq!(
                (check.subject.as_str(), check.health),
                (RHINO_CHANGES, health),
                "{check:?}"
            );
            assert!(check.detail.contains(words), "{check:?}");
        }
    }
}
