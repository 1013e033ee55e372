//! The trackers' commands, with typed arguments and typed answers.

use domain::{ByteCount, Fid};

use super::error::TrackerError;
use super::host_table::HostRow;
use super::tracker::Tracker;
use super::trackers::{Failed, Trackers};
use super::wire::Fields;

/// The number of replicas to ask for: more than any class keeps.
const MOST_PATHS: &str = "10";

/// The most files that `list_fids` gives at once.
pub const MOST_FIDS: usize = 500;

/// The most keys that `list_keys` gives at once.
pub const MOST_KEYS: usize = 1_000;

/// A file's row as `file_info` returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Its number.
    pub fid: Fid,
    /// The length in the index; [`None`] where that is NULL.
    pub length: Option<ByteCount>,
    /// The class's name.
    pub class: String,
    /// The number of devices that hold it, according to the index.
    pub devcount: u64,
}

/// A file's row as `list_fids` returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its number.
    pub fid: Fid,
    /// The domain's name.
    pub domain: String,
    /// Its key; [`None`] where the key is NULL or empty, since the tracker sends the same for both.
    pub key: Option<String>,
    /// The length in the index; [`None`] where that is NULL.
    pub length: Option<ByteCount>,
    /// The name of its class; [`None`] where the tracker says none.
    pub class: Option<String>,
    /// The number of its replicas; [`None`] where the tracker says none.
    pub replicas: Option<u64>,
}

impl Trackers {
    /// Asks every tracker whether it answers. Returns each tracker's address with its answer.
    pub async fn noop(&self) -> Vec<(String, Result<(), TrackerError>)> {
        self.ask_each("noop").await
    }

    /// The URLs of a file's replicas, unchecked and in the tracker's order; empty when the tracker
    /// knows no replica.
    ///
    /// Errors with [`TrackerError::Gone`] when there is no file of this key.
    ///
    /// A tracker with memcached answers from there (`noverify=1`; MogileFS-Server,
    /// `cmd_get_paths`).
    pub async fn get_paths(&self, domain: &str, key: &str) -> Result<Vec<String>, TrackerError> {
        self.paths_of(domain, key, "1").await
    }

    /// The same from the database, with a look at the length of the first replica (`noverify=0`).
    pub async fn get_verified_paths(
        &self,
        domain: &str,
        key: &str,
    ) -> Result<Vec<String>, TrackerError> {
        self.paths_of(domain, key, "0").await
    }

    async fn paths_of(
        &self,
        domain: &str,
        key: &str,
        noverify: &str,
    ) -> Result<Vec<String>, TrackerError> {
        let arguments =
            [("domain", domain), ("key", key), ("noverify", noverify), ("pathcount", MOST_PATHS)];
        self.ask("get_paths", &arguments, paths).await
    }

    /// The names of all domains.
    pub async fn get_domains(&self) -> Result<Vec<String>, TrackerError> {
        self.ask("get_domains", &[], domains).await
    }

    /// The classes of a domain by their names, the default class among them, each with its
    /// `mindevcount`. It is the same request as [`Self::get_domains`], read more strictly.
    ///
    /// Errors with [`TrackerError::BadAnswer`] when the trackers list no such domain.
    pub async fn classes_of(&self, domain: &str) -> Result<Vec<(String, u64)>, TrackerError> {
        self.ask("get_domains", &[], |fields| classes(fields, domain)).await
    }

    /// The rows of the table `host`, of every status; at least one.
    pub async fn get_hosts(&self) -> Result<Vec<HostRow>, TrackerError> {
        self.ask("get_hosts", &[], hosts).await
    }

    /// Returns the index's row of a file.
    ///
    /// Errors with [`TrackerError::Gone`] when there is no file of this key.
    pub async fn file_info(&self, domain: &str, key: &str) -> Result<FileInfo, TrackerError> {
        self.ask("file_info", &[("domain", domain), ("key", key)], file_info).await
    }

    /// The numbers of the devices on which the index has a replica, whatever their state: the rows of
    /// `file_on` (MogileFS-Server, `cmd_file_info` with `devices=1`).
    ///
    /// Errors with [`TrackerError::Gone`] when there is no file of this key.
    pub async fn devices_of(&self, domain: &str, key: &str) -> Result<Vec<u64>, TrackerError> {
        self.ask("file_info", &[("domain", domain), ("key", key), ("devices", "1")], devices).await
    }

    /// Returns the next files behind `after`, of all domains, ascending by fid: at most `limit`
    /// files, and at most [`MOST_FIDS`]. An empty list is the end.
    pub async fn list_fids(
        &self,
        after: Fid,
        limit: usize,
    ) -> Result<Vec<ListedFile>, TrackerError> {
        self.try_list_fids(after, limit).await.map_err(|failed| failed.error)
    }

    /// The same, and on failure the trackers that answered `ERR failure`.
    pub(super) async fn try_list_fids(
        &self,
        after: Fid,
        limit: usize,
    ) -> Result<Vec<ListedFile>, Failed<'_>> {
        let limit = limit.clamp(1, MOST_FIDS);
        let (from, to) = (after.to_string(), limit.to_string());
        let arguments = [("from", from.as_str()), ("to", to.as_str())];
        self.try_ask("list_fids", &arguments, |fields| listed_files(fields, after, limit)).await
    }

    /// The same, of one tracker.
    pub(super) async fn list_fids_at(
        &self,
        tracker: &Tracker,
        after: Fid,
        limit: usize,
    ) -> Result<Vec<ListedFile>, TrackerError> {
        let limit = limit.clamp(1, MOST_FIDS);
        let (from, to) = (after.to_string(), limit.to_string());
        let arguments = [("from", from.as_str()), ("to", to.as_str())];
        let read = |fields: &Fields| listed_files(fields, after, limit);
        self.ask_at(tracker, "list_fids", &arguments, read).await
    }

    /// Whether one tracker knows a row of this fid, of any domain.
    pub(super) async fn has_row_at(
        &self,
        tracker: &Tracker,
        fid: Fid,
    ) -> Result<bool, TrackerError> {
        let fid = fid.to_string();
        let read = |fields: &Fields| Ok(fields.contains_key("fid_fid"));
        self.ask_at(tracker, "file_debug", &[("fid", &fid)], read).await
    }

    /// The next keys that begin with `prefix` and come behind `after` (empty: from the first), in
    /// the database's order; at most `limit`, and [`MOST_KEYS`]. None at the end. The database's
    /// comparison is usually blind to case.
    pub async fn list_keys(
        &self,
        domain: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, TrackerError> {
        let limit = limit.clamp(1, MOST_KEYS).to_string();
        let arguments =
            [("domain", domain), ("prefix", prefix), ("after", after), ("limit", limit.as_str())];
        match self.ask("list_keys", &arguments, listed_keys).await {
            Err(TrackerError::Refused { code, .. }) if code == "none_match" => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// Deletes the file of a key. The request is sent once: before a second one the key could
    /// belong to another file. After a lost answer the key is looked up instead. If it is unknown
    /// the file is gone, by this call or by another, and that is a success.
    ///
    /// Errors with [`TrackerError::Gone`] when there is no file of this key. Errors with
    /// [`TrackerError::Uncertain`] when the answer was lost and the file is still there, or could
    /// not be looked up: the tracker may yet delete it.
    pub async fn delete(&self, domain: &str, key: &str) -> Result<(), TrackerError> {
        let lost = match self.change("delete", &[("domain", domain), ("key", key)]).await {
            Err(lost @ TrackerError::Uncertain { .. }) => lost,
            settled => return settled,
        };
        match self.get_paths(domain, key).await {
            Err(TrackerError::Gone { .. }) => Ok(()),
            Ok(_) | Err(_) => Err(lost),
        }
    }

    /// Gives a file another key, which must be free. The fid stays. The request is sent once: a
    /// second one would find the old key unknown and report a rename that succeeded as a failure. A
    /// look-up does not settle a lost answer either, since a file at the new key may have been
    /// there before. The caller must compare the fids.
    ///
    /// Errors with [`TrackerError::Gone`] when there is no file of the old key, with
    /// [`TrackerError::Refused`] (`key_exists`) when the new key is taken, and with
    /// [`TrackerError::Uncertain`] when the answer was lost.
    pub async fn rename(&self, domain: &str, from: &str, to: &str) -> Result<(), TrackerError> {
        self.change("rename", &[("domain", domain), ("from_key", from), ("to_key", to)]).await
    }
}

/// Reads the URLs of a `get_paths` reply.
fn paths(fields: &Fields) -> Result<Vec<String>, String> {
    numbered(fields, "paths", fields.len(), |i| text(fields, &format!("path{i}")))
}

/// Reads the domains of a `get_domains` reply. Their numbers have no order.
fn domains(fields: &Fields) -> Result<Vec<String>, String> {
    numbered(fields, "domains", fields.len(), |i| text(fields, &format!("domain{i}")))
}

/// Reads the classes of one domain from a `get_domains` reply, with the `mindevcount` of each. Every
/// domain has at least its default class (MogileFS-Server 2.73, `Factory/Domain.pm`).
fn classes(fields: &Fields, domain: &str) -> Result<Vec<(String, u64)>, String> {
    let before = domains(fields)?.iter().position(|name| name == domain);
    let n = before.ok_or_else(|| format!("it lists no domain `{domain}`"))? + 1;
    let classes = numbered(fields, &format!("domain{n}classes"), fields.len(), |i| {
        let name = |part: &str| format!("domain{n}class{i}{part}");
        Ok((text(fields, &name("name"))?, number(fields, &name("mindevcount"))?))
    })?;
    if classes.is_empty() {
        return Err(format!("it lists no class of domain `{domain}`"));
    }
    Ok(classes)
}

/// Reads the rows of a `get_hosts` reply. A tracker that lists none has not read its table yet, or
/// belongs to a store without hosts.
fn hosts(fields: &Fields) -> Result<Vec<HostRow>, String> {
    let hosts = numbered(fields, "hosts", fields.len(), |i| {
        // NULL is the empty text on the wire.
        let column = |name: &str| fields.get(&format!("host{i}_{name}")).cloned();
        let column = |name: &str| column(name).filter(|text| !text.is_empty());
        Ok(HostRow {
            hostname: column("hostname"),
            status: column("status"),
            hostip: column("hostip"),
            altip: column("altip"),
            http_port: column("http_port"),
            http_get_port: column("http_get_port"),
        })
    })?;
    if hosts.is_empty() { Err("it lists no host".to_owned()) } else { Ok(hosts) }
}

fn file_info(fields: &Fields) -> Result<FileInfo, String> {
    Ok(FileInfo {
        fid: Fid(number(fields, "fid")?),
        length: number_or_null(fields, "length")?.map(ByteCount),
        class: text(fields, "class")?,
        devcount: number(fields, "devcount")?,
    })
}

/// Reads the devices of a `file_info` reply: `devids=1,2`, and the empty text for none.
fn devices(fields: &Fields) -> Result<Vec<u64>, String> {
    let all = text(fields, "devids")?;
    let numbers = all.split(',').filter(|number| !number.is_empty());
    numbers.map(|number| number.parse().map_err(|_| format!("devids is `{all}`"))).collect()
}

/// Reads the files of a `list_fids` reply. Each fid must be greater than `after`, or paging would
/// never end.
fn listed_files(fields: &Fields, after: Fid, limit: usize) -> Result<Vec<ListedFile>, String> {
    let mut files = numbered(fields, "fid_count", limit, |i| {
        let name = |part: &str| format!("fid_{i}_{part}");
        let fid = Fid(number(fields, &name("fid"))?);
        if fid <= after {
            return Err(format!("fid {fid} where only fids behind {after} were asked for"));
        }
        Ok(ListedFile {
            fid,
            domain: text(fields, &name("domain"))?,
            key: fields.get(&name("key")).filter(|key| !key.is_empty()).cloned(),
            length: number_or_null(fields, &name("length"))?.map(ByteCount),
            class: fields.get(&name("class")).filter(|class| !class.is_empty()).cloned(),
            replicas: fields.get(&name("devcount")).and_then(|count| count.parse().ok()),
        })
    })?;
    files.sort_by_key(|file| file.fid);
    Ok(files)
}

fn listed_keys(fields: &Fields) -> Result<Vec<String>, String> {
    numbered(fields, "key_count", MOST_KEYS, |i| text(fields, &format!("key_{i}")))
}

/// Reads the entries 1 to N, where N is the number in the field `count`. N above `most` is an
/// error: a tracker's number alone must not decide how long the loop runs.
fn numbered<T>(
    fields: &Fields,
    count: &str,
    most: usize,
    entry: impl Fn(u64) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let told = number(fields, count)?;
    if told > most as u64 {
        return Err(format!("{count} is {told}, more than the {most} that there can be"));
    }
    (1..=told).map(entry).collect()
}

fn text(fields: &Fields, name: &str) -> Result<String, String> {
    fields.get(name).cloned().ok_or_else(|| format!("{name} is missing"))
}

fn number(fields: &Fields, name: &str) -> Result<u64, String> {
    number_or_null(fields, name)?.ok_or_else(|| format!("{name} is missing"))
}

/// NULL is the empty text on the wire.
fn number_or_null(fields: &Fields, name: &str) -> Result<Option<u64>, String> {
    let told = fields.get(name).filter(|told| !told.is_empty());
    told.map(|told| told.parse().map_err(|_| format!("{name} is `{told}`"))).transpose()
}

#[cfg(test)]
mod tests;
