//! Whether files can be read: a sample of them, from each storage node that has some.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::examine::failed;
use crate::ports::{Ports, Replica};
use crate::{BucketMap, Check, Fid, RowClass, SourceError, SourceFile, limits};

/// Files that are looked at from each place in the index.
const FILES_AT_A_PLACE: usize = 10;

/// Places behind the beginning, evenly up to the highest fid.
const PLACES: u64 = 4;

/// Replicas that are tried on a storage node before it counts as bad: single ones may be.
const TRIES: usize = 3;

/// Checks that the trackers know replicas of a sample of files, and that each storage node that holds
/// some of them gives one. `first` are files near the index's beginning.
pub(super) async fn examine_replicas(
    ports: &Ports,
    buckets: &BucketMap,
    first: &[SourceFile],
) -> Vec<Check> {
    let mut sample = first[..first.len().min(FILES_AT_A_PLACE)].to_vec();
    sample.extend(files_further_on(ports, buckets).await);
    sample.sort_unstable_by_key(|file| file.fid);
    sample.dedup_by_key(|file| file.fid);
    if sample.is_empty() {
        return Vec::new();
    }
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
    std::iter::once(examine_sample(sample.len(), without)).chain(nodes).collect()
}

/// Some files of a few places behind the index's beginning. Where the index cannot be read there are
/// none: a check of its own says so.
async fn files_further_on(ports: &Ports, buckets: &BucketMap) -> Vec<SourceFile> {
    let mut reach = Fid(0);
    for bit in 0..u64::BITS {
        let after = Fid(1 << bit);
        match ports.index.page(after, 1).await {
            Ok(page) if page.rows.is_empty() && page.next.is_none() => break,
            Ok(_) => reach = after,
            Err(_) => return Vec::new(),
        }
    }
    let mut files = Vec::new();
    for place in 1..=PLACES {
        let after = Fid(reach.0 / PLACES * place);
        let Ok(page) = ports.index.page(after, FILES_AT_A_PLACE).await else { break };
        files.extend(page.rows.into_iter().filter_map(|row| match row.classify(buckets) {
            RowClass::Source(file) => Some(file),
            RowClass::Temporary | RowClass::Ignored | RowClass::Rejected(_) => None,
        }));
    }
    files
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

/// Single files without a replica are the migration's to report. Where it is so of most, something is
/// wrong with all.
fn examine_sample(files: usize, without: Vec<(Fid, Option<SourceError>)>) -> Check {
    let (subject, fact) = ("files", "the trackers know replicas of them");
    let lacking = without.len();
    let Some((fid, why)) = without.into_iter().next() else {
        return Check::good(subject, fact, format!("{files} looked at"));
    };
    if lacking * 2 < files {
        let detail = format!("of {} of {files} looked at; not of fid {fid}", files - lacking);
        return Check::good(subject, fact, detail);
    }
    let subject = format!("fid {fid}");
    let Some(error) = why else {
        let detail = format!("of {lacking} of {files} looked at they know none");
        return Check::bad(subject, fact, detail);
    };
    failed(subject, fact, &error)
}

async fn examine_node(ports: &Ports, node: String, replicas: Vec<Replica>) -> Check {
    let (subject, fact) = (format!("storage node {node}"), "a replica on it can be opened");
    let mut last = None;
    for replica in replicas.iter().take(TRIES) {
        match ports.files.open(replica).await {
            Ok(_) => return Check::good(subject, fact, replica.to_string()),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => failed(subject, fact, &error),
        None => Check::bad(subject, fact, "no replica was tried"),
    }
}
