//! What is looked at in every database: its server, the account, the tables, and how names compare.

use std::collections::BTreeMap;

use super::examine::not_seen;
use crate::Check;
use crate::ports::{AccountRights, DatabaseSurvey, SurveyedDatabase};

/// A table, and the columns of it that are read.
pub(super) type Needed = (&'static str, &'static [&'static str]);

/// A column of names whose collation matters.
pub(super) struct Names {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    /// The fact that its collation is known.
    pub(super) fact: &'static str,
    /// What one of the names is called.
    pub(super) one: &'static str,
}

/// Checks what the server describes. As an error where nothing else can be looked at. `rights` is said
/// behind what the account may do.
pub(super) async fn examine_server<D: SurveyedDatabase + ?Sized>(
    subject: &str,
    database: &D,
    needed: &[Needed],
    names: &Names,
    rights: impl FnOnce(&DatabaseSurvey) -> String,
) -> Result<(Vec<Check>, DatabaseSurvey), Vec<Check>> {
    let fact = "its server answers";
    let survey = match database.survey().await {
        Ok(survey) => survey,
        Err(error) => return Err(vec![not_seen(subject, fact, &error)]),
    };
    let may = told(&survey.rights) + &rights(&survey);
    let server = format!("{}, version {}; {may}", survey.at, survey.version);
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
    checks.push(examine_names(subject, &survey, names));
    Ok((checks, survey))
}

fn examine_names(subject: &str, survey: &DatabaseSurvey, names: &Names) -> Check {
    let Names { table, column, fact, one } = names;
    let of = format!("`{table}`.`{column}`");
    let found = named(&survey.columns, table).and_then(|columns| named(columns, column));
    let detail = match found.and_then(|column| column.collation.as_deref()) {
        Some(collation) if tells_case_apart(collation) => {
            format!("{of} is {collation}: `a` and `A` are two {one}s")
        }
        Some(collation) => format!("{of} is {collation}: `a` and `A` are one {one}"),
        // Bytes have none.
        None => format!("{of} has none: all bytes differ"),
    };
    Check::good(subject, fact, detail)
}

/// The name of a collation says it (MySQL reference, "Collation Naming Conventions").
fn tells_case_apart(collation: &str) -> bool {
    collation.ends_with("_bin") || collation.ends_with("_cs")
}

fn told(rights: &AccountRights) -> String {
    match rights {
        AccountRights::ReadOnly => "the account may only read".to_owned(),
        AccountRights::Writes(rights) => {
            format!("the account may do more than read: {}", rights.join(", "))
        }
        AccountRights::Unknown => "the account's rights are not known".to_owned(),
    }
}

/// The tables, or the columns of tables that are there, of which the server says nothing.
pub(super) fn missing(survey: &DatabaseSurvey, needed: &[Needed]) -> Vec<String> {
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
pub(super) fn named<'a, T>(all: &'a BTreeMap<String, T>, name: &str) -> Option<&'a T> {
    all.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, found)| found)
}
