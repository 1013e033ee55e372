//! The world and what was planted in it, as the plain data that the oracle judges.

use dynoxide::AttributeValue;
use oracle::state::{Bucket, EndState, Headers, Item, MogileState, Object, Replica, Row, Value};
use oracle::{Expectation, ExpectedFile};
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, LEDGER};
use stand_ins::world::bucket::{self, StoreError};
use stand_ins::world::dynamodb;
use stand_ins::world::mogile::{Content, Fid};

use crate::planting::{self, Planted};

/// What must be there at the end, where MogileFS was like this before.
pub(crate) fn expectation(planted: &Planted, before: &MogileState) -> Expectation {
    let file = |file: &planting::Expected| ExpectedFile {
        fid: file.fid,
        headers: headers((file.headers.content_type, file.headers.disposition)),
        bucket: file.bucket.to_owned(),
        sha1: file.file.sha1.clone(),
        length: file.file.content.length(),
        outcome: file.outcome(),
    };
    let place = |(bucket, key): &(&str, String)| ((*bucket).to_owned(), key.clone());
    let raw = planted.intermediaries.iter();
    let occupant = planted.occupants.iter();
    let records = planted.records.iter();
    Expectation {
        files: planted.expected.iter().map(file).collect(),
        intermediaries: raw.map(|(at, content)| (place(at), content.bytes().clone())).collect(),
        synced: false,
        objects: occupant
            .map(|(at, object)| (place(at), as_object(object)))
            .chain(planted.written.iter().map(|(at, object)| (place(at), object.clone())))
            .collect(),
        records: records.map(|(fid, record)| (*fid, as_item(record))).collect(),
        renamed: planted.renamed.clone(),
        mogile: before.clone(),
    }
}

/// What is there now.
pub(crate) fn end_state(world: &EmbeddedWorld) -> EndState {
    let buckets = BUCKETS.into_iter().map(|(_, name)| {
        let bucket = bucket_of(world, name).map_err(|error| error.to_string());
        (name.to_owned(), bucket)
    });
    EndState { buckets: buckets.collect(), ledger: ledger_of(world), mogile: mogile_state(world) }
}

fn bucket_of(world: &EmbeddedWorld, name: &str) -> Result<Bucket, StoreError> {
    let objects = world.s3.objects(name)?;
    // One without parts holds nothing: the answer to its beginning was lost, and nobody knows its
    // id. Buckets have a rule that takes such ones away.
    let uploads = world.s3.uploads(name)?;
    let uploads = uploads.values().filter(|upload| !upload.parts.is_empty()).count();
    let objects = objects.iter().map(|(key, object)| (key.clone(), as_object(object)));
    Ok(Bucket { objects: objects.collect(), uploads })
}

fn as_object(object: &bucket::Object) -> Object {
    let bucket::Object {
        content,
        etag,
        checksum,
        attributes,
        last_modified,
        encryption,
        version_id,
        is_archived,
    } = object;
    let details = (checksum, attributes, last_modified, encryption, version_id, is_archived);
    let given = (attributes.content_type.as_deref(), attributes.content_disposition.as_deref());
    Object {
        content: content.bytes().clone(),
        etag: etag.clone(),
        headers: headers(given),
        details: format!("{details:?}"),
    }
}

fn headers((content_type, disposition): (Option<&str>, Option<&str>)) -> Headers {
    Headers {
        content_type: content_type.map(str::to_owned),
        disposition: disposition.map(str::to_owned),
    }
}

/// The ledger's items.
pub(crate) fn ledger_of(world: &EmbeddedWorld) -> Result<Vec<Item>, String> {
    let items = dynamodb::items(&world.database, LEDGER).map_err(|error| error.to_string())?;
    Ok(items.iter().map(as_item).collect())
}

pub(crate) fn as_item(item: &dynamodb::Item) -> Item {
    let value = |attribute: &AttributeValue| {
        if let AttributeValue::S(text) = attribute {
            Value::Text(text.clone())
        } else if let AttributeValue::N(digits) = attribute {
            Value::Number(digits.clone())
        } else {
            Value::Other(format!("{attribute:?}"))
        }
    };
    item.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect()
}

/// The rows of MogileFS and what its devices hold.
pub(crate) fn mogile_state(world: &EmbeddedWorld) -> MogileState {
    let rows = world.mogile.rows_after(Fid(0), usize::MAX).into_iter();
    let rows = rows.map(|row| {
        let devices = row.devids.iter().map(|device| device.0.into()).collect();
        let (domain, class) = (row.dmid.0.into(), row.classid.0.into());
        (row.fid.0, Row { domain, key: row.dkey, length: row.length, class, devices })
    });
    let replicas = world.mogile.replicas().into_iter();
    let replicas = replicas.map(|((fid, device), content)| {
        let replica = match content {
            Content::Bytes(bytes) => Replica::Bytes(bytes),
            Content::File { path, length } => Replica::File { path, length },
        };
        ((fid.0, device.0.into()), replica)
    });
    MogileState { rows: rows.collect(), replicas: replicas.collect() }
}
