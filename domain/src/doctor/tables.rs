use super::examine::not_seen;
use crate::Check;
use crate::blueprint::{Advice, TableBlueprint, TableNames, Thing, tables};
use crate::ports::Site;

/// What makes a missing table, or mends one.
const PROVISION: &str = "`mogile2s3 provision`, which needs --access-profile,";

/// Looks at the keys and the settings of the tables. That the ledger or the failures table is missing, is
/// left to the checks that read them.
pub async fn examine_tables(site: &dyn Site, names: TableNames) -> Vec<Check> {
    let mut checks = Vec::new();
    // In the order of `tables`.
    let uses = [
        ("ledger", None),
        ("failures", None),
        ("verifications", Some("`enqueue verify` and workers")),
        ("journal", Some("`runbook` and `tmp`")),
    ];
    for ((subject, needed_by), wanted) in uses.into_iter().zip(tables(names)) {
        checks.extend(examine_table(site, subject, needed_by, &wanted).await);
    }
    checks
}

async fn examine_table(
    site: &dyn Site,
    subject: &str,
    needed_by: Option<&str>,
    wanted: &TableBlueprint,
) -> Vec<Check> {
    let name = &wanted.name;
    let found = match site.table(name).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            let missing = |commands: &str| {
                let detail = format!(
                    "there is no table `{name}`, and {commands} need it: {PROVISION} makes it"
                );
                Check::caution(subject, "its table is there", detail)
            };
            return needed_by.map(missing).into_iter().collect();
        }
        Err(error) => {
            return vec![not_seen(subject, "the settings of its table can be read", &error)];
        }
    };
    let (mut checks, mut lacking) = (Vec::new(), Vec::new());
    for verdict in wanted.judge(&found) {
        match verdict.advice {
            Advice::Keep(how) if verdict.setting == KEY => {
                checks.push(Check::good(subject, TABLE_KEY, how));
            }
            Advice::Leave(why) if verdict.setting == KEY => {
                checks.push(Check::bad(subject, TABLE_KEY, format!("`{name}` has the key {why}")));
            }
            Advice::Keep(_) => {}
            Advice::Leave(why) => lacking.push(format!("{} is {why}", verdict.setting)),
            Advice::Change { from, .. } => {
                lacking.push(format!("{} is {from}: {PROVISION} turns it on", verdict.setting));
            }
        }
    }
    if !lacking.is_empty() {
        let fact = "its table is paid by request, and protected";
        checks.push(Check::caution(subject, fact, lacking.join("; ")));
    }
    checks
}

const KEY: &str = "key";

/// The fact that a table has the key that its records need.
pub const TABLE_KEY: &str = "its table has the key that is needed";
