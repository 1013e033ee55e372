//! Whether files can be read: a sample of them, from each storage node that has some.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::examine::failed;
use super::first_rows::FirstRows;
use crate::ports::{Clock, IndexError, Replica, RowPage, SourceFiles, SourceIndex};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass};
use crate::{BucketMap, Check, Fid, RowClass, SourceError, SourceFile, limits};

/// How the subject of each check on one storage node begins: its address and port follow.
pub const STORAGE_NODE: &str = "storage node ";

/// Files that are looked at from each place in the index.
const FILES_AT_A_PLACE: usize = 10;

/// Places behind the beginning, evenly up to the end of the index.
const PLACES: u64 = 4;

/// Keys that are compared with the trackers', evenly over the sample.
const KEYS_COMPARED: usize = 5;

/// How often the place of the last row is narrowed down: to a thousandth of the fids before it.
const HALVINGS: u32 = 10;

/// Replicas that are tried on a storage node before it counts as bad: single ones may be.
const TRIES: usize = 3;

/// MogileFS, as the checks use it.
#[derive(Clone, Copy)]
pub(super) struct Mogile<'a> {
    pub(super) index: &'a dyn SourceIndex,
    pub(super) files: &'a dyn SourceFiles,
    pub(super) clock: &'a dyn Clock,
}

/// Checks that the trackers know replicas of a sample of files, and that each storage node that holds
/// some of them gives one.
pub(super) async fn examine_replicas(
    ports: Mogile<'_>,
    buckets: &BucketMap,
    first: &FirstRows,
) -> Vec<Check> {
    let FirstRows { files, rows, is_whole_index } = first;
    let mut sample = files[..files.len().min(FILES_AT_A_PLACE)].to_vec();
    let mut checks = Vec::new();
    match files_further_on(ports, buckets, files).await {
        Ok(files) => sample.extend(files),
        Err(error) => checks.push(failed("index", "its rows further on can be read", &error)),
    }
    sample.sort_unstable_by_key(|file| file.fid);
    sample.dedup_by_key(|file| file.fid);
    if sample.is_empty() {
        let (subject, fact) = ("files", "there are some to migrate");
        checks.push(if *is_whole_index {
            let detail = "none of its rows is a file of a bucket in BUCKETS: no replica was tried";
            Check::bad(subject, fact, detail)
        } else {
            let detail = format!(
                "none of the first {rows} rows, nor of a few at other places, is a file of a bucket in \
                 BUCKETS, so that no replica was tried. `mogile2s3 plan` counts the rows of each bucket"
            );
            Check::caution(subject, fact, detail)
        });
        return checks;
    }
    checks.extend(examine_fids(ports, &sample).await);
    let replicas = |file| async move { (file, ports.files.replicas(file).await) };
    let told = stream::iter(&sample).map(replicas).buffered(limits::LISTINGS_AT_ONCE);
    let told: Vec<_> = told.collect().await;

    let mut by_node: BTreeMap<String, Vec<Replica>> = BTreeMap::new();
    let mut without = Vec::new();
    for (file, told) in told {
        match known(told) {
            Ok(replicas) => {
                for replica in replicas {
                    by_node.entry(node_of(&replica)).or_default().push(replica);
                }
            }
            Err(why) => without.push((file.fid, why)),
        }
    }
    let nodes = stream::iter(by_node).map(|(node, replicas)| examine_node(ports, node, replicas));
    let nodes: Vec<_> = nodes.buffered(limits::LISTINGS_AT_ONCE).collect().await;
    checks.push(examine_sample(sample.len(), without));
    checks.extend(nodes);
    checks
}

/// Whether the trackers have some keys of the index under the same fids. Another store's database, or a copy
/// of long ago, shows here. Nothing is said where the trackers cannot be asked: other checks say that.
async fn examine_fids(ports: Mogile<'_>, sample: &[SourceFile]) -> Option<Check> {
    let (subject, fact) = ("index", "the trackers have its keys under the same fids");
    let step = (sample.len() / KEYS_COMPARED).max(1);
    let (mut compared, mut differing) = (0, Vec::new());
    for file in sample.iter().step_by(step).take(KEYS_COMPARED) {
        let key = file.dkey.to_string();
        let at_trackers = ports.files.fid_of(&key).await.ok()?;
        compared += 1;
        if at_trackers != Some(file.fid) {
            let there = at_trackers.map_or("none".to_owned(), |fid| format!("fid {fid}"));
            differing.push(format!("`{key}` is fid {} here, and {there} there", file.fid));
        }
    }
    let Some(first) = differing.first() else {
        return Some(Check::good(subject, fact, format!("{compared} keys compared")));
    };
    let detail = format!(
        "{} of {compared} keys differ; {first}. Is MOGILE_DATABASE_URL the trackers' own database?",
        differing.len()
    );
    // A file may be deleted or stored again meanwhile.
    if differing.len() == 1 && compared > 1 {
        return Some(Check::caution(subject, fact, detail));
    }
    Some(Check::bad(subject, fact, detail))
}

/// Some files of a few places behind the first ones.
async fn files_further_on(
    ports: Mogile<'_>,
    buckets: &BucketMap,
    first: &[SourceFile],
) -> Result<Vec<SourceFile>, IndexError> {
    let Mogile { index, clock, .. } = ports;
    let page = async |after: Fid, limit| retried(clock, after.0, || index.page(after, limit)).await;
    let begin = first.last().map_or(0, |file| file.fid.0);
    // Fids have gaps. The last row is within the last step that found one.
    let (mut found, mut step) = (begin, 1);
    while has_rows(&page(Fid(begin.saturating_add(step)), 1).await?) {
        found = begin.saturating_add(step);
        if found == u64::MAX {
            break;
        }
        step = step.saturating_mul(2);
    }
    let (mut low, mut high) = (found, begin.saturating_add(step));
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2;
        if has_rows(&page(Fid(middle), 1).await?) {
            low = middle;
        } else {
            high = middle;
        }
    }
    let mut files = Vec::new();
    for place in 1..=PLACES {
        let after = Fid(begin + (low - begin) / PLACES * place);
        let page = page(after, FILES_AT_A_PLACE).await?;
        files.extend(page.rows.into_iter().filter_map(|row| match row.classify(buckets) {
            RowClass::Source(file) => Some(file),
            RowClass::Temporary | RowClass::Ignored | RowClass::Rejected(_) => None,
        }));
    }
    Ok(files)
}

fn has_rows(page: &RowPage) -> bool {
    !page.rows.is_empty() || page.next.is_some()
}

/// The replicas that may be asked; an error where there is none.
fn known(
    told: Result<Vec<Result<Replica, SourceError>>, SourceError>,
) -> Result<Vec<Replica>, Option<SourceError>> {
    let (mut known, mut why) = (Vec::new(), None);
    for replica in told.map_err(Some)? {
        match replica {
            Ok(replica) => known.push(replica),
            Err(error) => why = Some(error),
        }
    }
    if known.is_empty() { Err(why) } else { Ok(known) }
}

/// `http://10.0.0.7:7500/dev1/…` → `10.0.0.7:7500`
fn node_of(replica: &Replica) -> String {
    let url = replica.url.as_str();
    let rest = url.strip_prefix("http://").unwrap_or(url);
    rest.split('/').next().unwrap_or(rest).to_owned()
}

/// Single files without a replica stop nothing. Where it is so of most, something is wrong with all.
fn examine_sample(files: usize, without: Vec<(Fid, Option<SourceError>)>) -> Check {
    let (subject, fact) = ("files", "the trackers know replicas of them");
    let lacking = without.len();
    let Some((fid, why)) = without.into_iter().next() else {
        return Check::good(subject, fact, format!("{files} looked at"));
    };
    let is_away = why.as_ref().is_some_and(|why| why.class() == ErrorClass::Retry);
    if lacking * 2 < files && !is_away {
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        let detail = format!(
            "of {} of {files} looked at; of {lacking} they know none, such as fid {fid}{why}. Such files \
             cannot be migrated: look at their devices in `mogadm check`",
            files - lacking
        );
        return Check::caution(subject, fact, detail);
    }
    let subject = format!("fid {fid}");
    let Some(error) = why else {
        let detail = format!("of {lacking} of {files} looked at they know none");
        return Check::bad(subject, fact, detail);
    };
    failed(subject, fact, &error)
}

async fn examine_node(ports: Mogile<'_>, node: String, replicas: Vec<Replica>) -> Check {
    let (subject, fact) = (format!("{STORAGE_NODE}{node}"), "a replica on it can be opened");
    let mut last = None;
    for replica in replicas.iter().take(TRIES) {
        match ports.files.open(replica).await {
            Ok(_) => return Check::good(subject, fact, replica.to_string()),
            // The others are on the same node, which is away.
            Err(error) if error.class() == ErrorClass::Retry => {
                return failed(subject, fact, &error);
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) if replicas.len() >= TRIES => failed(subject, fact, &error),
        // Single replicas may be bad.
        Some(error) => {
            let few = replicas.len();
            let detail = format!(
                "it answers, and gives none of the {few} replicas that the sample has there: {error}. \
                 Other files may be as bad: look at its devices"
            );
            Check::caution(subject, fact, detail)
        }
        None => Check::bad(subject, fact, "no replica was tried"),
    }
}
