//! Content that came behind a cut-over, counted or listed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use domain::cutover::{Cutovers, FreezePorts, Ingested, IngestedSeen, SmokeRows, read_ingested};
use domain::digest::Sha256Hasher;
use domain::journal::IngestedSeal;
use domain::limits;
use domain::ports::{ArticleFile, RowId};

use super::reading;
use crate::exit::UsageError;
use crate::report::list_file::{ListFile, column};

const FLAG: &str = "--leave-behind";

/// The columns of the list.
const HEAD: &str = "# bucket\tkey\tuuid\tsha1\tbytes\tid";

/// What stands before rhino's rows, which have the same columns without a SHA-1.
const FILES_HEAD: &str = "# rhino's rows of articleFile, with fileId as id:";

/// The highest row ids before the cut-over. [`None`] where nothing is to be looked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    /// contentrepo's `objects`.
    pub(super) contentrepo: Option<RowId>,
    /// rhino's `articleFile`.
    pub(super) rhino: Option<RowId>,
}

/// A row id as the journal has it. An empty table has none.
pub(super) fn mark(last: Option<&String>) -> RowId {
    last.and_then(|last| last.parse().ok()).map_or(RowId::START, RowId)
}

/// Counts what came since, and lists it where a file is given: contentrepo's objects, then rhino's rows. Memory holds
/// one page.
pub(super) async fn look(
    ports: &FreezePorts,
    marks: Marks,
    list: Option<&Path>,
    smoke: &SmokeRows,
) -> anyhow::Result<(IngestedSeen, Option<IngestedSeal>)> {
    let mut file = list.map(|path| ListFile::create(FLAG, path)).transpose()?;
    if let Some(file) = &mut file {
        file.write(0, |out| writeln!(out, "{HEAD}"));
    }
    let mut each = |ingested: Ingested| {
        if let Some(file) = &mut file {
            file.write(1, |out| writeln!(out, "{}", line(&ingested)));
        }
    };
    let mut objects = 0;
    if let Some(after) = marks.contentrepo {
        let read =
            read_ingested(&*ports.content_repo, &*ports.clock, after, smoke, &mut each).await;
        objects = read.map_err(|error| reading(&error))?;
    }
    let files = files_behind(ports, marks.rhino, file.as_mut()).await?;
    let is_listed = file.is_some();
    let seal = match (file, list) {
        (Some(file), Some(path)) => {
            let end = file.finish();
            if let Some(why) = end.trouble {
                let text = format!("{FLAG}: `{}` cannot be written: {why}", path.display());
                return Err(UsageError(text).into());
            }
            let sha256 = synced_digest(path)
                .map_err(|error| UsageError(format!("{FLAG}: `{}`: {error}", path.display())))?;
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Some(IngestedSeal { file, sha256, objects, files })
        }
        _ => None,
    };
    Ok((IngestedSeen { objects, files, is_listed }, seal))
}

/// Whether a way back that was begun before has a list of just these objects and rows.
pub(super) fn is_known(cutovers: &Cutovers, rhino: bool, seen: IngestedSeen) -> bool {
    let standing = if rhino { &cutovers.rhino } else { &cutovers.contentrepo };
    let begun = standing.back.as_ref().and_then(|run| run.begun.ingested.as_ref());
    begun.is_some_and(|seal| (seal.objects, seal.files) == (seen.objects, seen.files))
}

fn line(Ingested { bucket, object }: &Ingested) -> String {
    let bucket = bucket.as_deref().map_or_else(String::new, column);
    let size = object.size.map_or_else(String::new, |size| size.0.to_string());
    let texts = [&object.key, &object.uuid, &object.checksum].map(|text| column(text));
    format!("{bucket}\t{}\t{size}\t{}", texts.join("\t"), object.id)
}

fn file_line(ArticleFile { id, bucket, key, uuid, size }: &ArticleFile) -> String {
    let text = |text: &Option<String>| text.as_deref().map_or_else(String::new, column);
    let size = size.map_or_else(String::new, |size| size.0.to_string());
    format!("{}\t{}\t{}\t\t{size}\t{id}", text(bucket), text(key), text(uuid))
}

/// Counts rhino's rows behind the mark, and lists them where there is a file.
async fn files_behind(
    ports: &FreezePorts,
    mark: Option<RowId>,
    mut list: Option<&mut ListFile>,
) -> anyhow::Result<u64> {
    let Some(mut after) = mark else { return Ok(0) };
    if let Some(list) = &mut list {
        list.write(0, |out| writeln!(out, "{FILES_HEAD}"));
    }
    let mut files = 0;
    loop {
        let page = ports.rhino.files(after, limits::PAGE_ROWS).await;
        let page = page.map_err(|error| reading(&error))?;
        let Some(newest) = page.last().filter(|newest| newest.id > after) else { return Ok(files) };
        after = newest.id;
        files += page.len() as u64;
        if let Some(list) = &mut list {
            for row in &page {
                list.write(1, |out| writeln!(out, "{}", file_line(row)));
            }
        }
    }
}

/// The digest of a file that is on the disk for good.
fn synced_digest(path: &Path) -> io::Result<domain::digest::Sha256> {
    let mut file = File::open(path)?;
    file.sync_all()?;
    let (mut hasher, mut buffer) = (Sha256Hasher::default(), vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..read]);
    }
}
