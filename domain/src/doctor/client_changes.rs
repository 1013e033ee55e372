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
    let DatabaseSurvey { at, lacking, .. } = match database.survey().await {
        Ok(survey) => survey,
        Err(error) => return not_seen(subject, fact, &error),
    };
    match lacking.as_deref() {
        Some([]) => {
            let detail = format!("`{at}`: it has all rights on `{table}`; nothing was written");
            Check::good(subject, fact, detail)
        }
        Some(lacking) => {
            let lacking = lacking.join(", ");
            let detail = format!(
                "`{at}`: it lacks {lacking} on `{table}`. Until then `cutover {of} --execute` is refused. GRANT \
                 {lacking} ON the table `{table}`"
            );
            Check::bad(subject, fact, detail)
        }
        None => {
            let detail = format!(
                "`{at}`: its rights are not known, because they come from a role or SHOW GRANTS does not say them. \
                 `cutover {of}` without --execute names each right on `{table}` that it lacks"
            );
            Check::caution(subject, fact, detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::ports::{AccountRights, DatabaseError};
    use crate::{Health, Timestamp};

    /// What the account lacks; an error where the server is away.
    struct Account(Result<Option<Vec<&'static str>>, ()>);

    #[async_trait]
    impl SurveyedDatabase for Account {
        async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
            let (at, version) = ("db:3306/rhino".to_owned(), "8.4.3".to_owned());
            let away = |()| DatabaseError::Unavailable { at: at.clone(), cause: "away".into() };
            let lacking = self.0.clone().map_err(away)?;
            let lacking = lacking.map(|all| all.into_iter().map(str::to_owned).collect());
            let (columns, rights) = (BTreeMap::new(), AccountRights::Unknown);
            Ok(DatabaseSurvey { at, version, columns, rights, lacking })
        }

        async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
            unreachable!("rights have no time")
        }
    }

    #[test]
    fn an_account_without_the_rights_of_the_cut_over_is_named() {
        for (lacking, health, words) in [
            (Ok(Some(vec![])), Health::Good, "all rights on `articleFile`"),
            (Ok(Some(vec!["INDEX", "TRIGGER"])), Health::Bad, "it lacks INDEX, TRIGGER on"),
            (Ok(None), Health::Caution, "its rights are not known"),
            (Err(()), Health::Unreachable, "away"),
        ] {
            let account = Account(lacking);
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
