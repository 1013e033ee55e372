//! One row of the index as bytes of one length, and a text for what does not fit.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use domain::ports::{KeyedRow, UnreadableRow};
use domain::{ByteCount, Fid, IndexRow, Sha1};

/// The bytes of a key by which rows are sorted: all of a key of content as far as its SHA-1 goes. Keys
/// that begin alike are in the order of a hash, so that no two keys are equal.
const PREFIX: usize = 40;
const HASH: usize = 16;

/// A place in the order of rows.
pub(super) type Place = [u8; PREFIX + HASH];

/// The place of a key, or of a bound.
pub(super) fn place_of(key: &str) -> Place {
    let (mut place, bytes) = ([0; PREFIX + HASH], key.as_bytes());
    let begin = &bytes[..bytes.len().min(PREFIX)];
    place[..begin.len()].copy_from_slice(begin);
    place[PREFIX..].copy_from_slice(&Sha1::of(bytes).as_bytes()[..HASH]);
    place
}

/// The place of a row that has no key.
pub(super) fn place_without_key(fid: Fid) -> Place {
    let mut place = [0; PREFIX + HASH];
    place[..8].copy_from_slice(&fid.0.to_be_bytes());
    place
}

/// A row without its text. In the order of its bytes rows ascend by their place, and those of one place
/// by their fid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) place: Place,
    pub(super) fid: Fid,
    length: Option<u64>,
    has_key: bool,
    is_unreadable: bool,
    /// How much of the place is the key's.
    begin: u8,
    /// Where its text is, and how long: the rest of the key, and why the row cannot be read.
    pub(super) text_at: u64,
    rest: u32,
    why: u32,
}

/// The bytes of a record.
pub(super) const BYTES: usize = PREFIX + HASH + 8 + 8 + 1 + 1 + 8 + 4 + 4;

const HAS_LENGTH: u8 = 1;
const HAS_KEY: u8 = 2;
const IS_UNREADABLE: u8 = 4;

impl Record {
    /// The record of a row, with its text, whose place is not known yet.
    pub(super) fn of(row: &KeyedRow) -> io::Result<(Self, Vec<u8>)> {
        let (fid, key) = (row.fid(), row.dkey());
        let (length, why) = match row {
            KeyedRow::Read(row) => (row.length.map(|length| length.0), None),
            KeyedRow::Unreadable { row, .. } => (None, Some(row.why.as_bytes())),
        };
        let bytes = key.unwrap_or_default().as_bytes();
        let (begin, rest) = bytes.split_at(bytes.len().min(PREFIX));
        let size = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
        let text = [rest, why.unwrap_or_default()].concat();
        let record = Self {
            place: key.map_or_else(|| place_without_key(fid), place_of),
            fid,
            length,
            has_key: key.is_some(),
            is_unreadable: why.is_some(),
            begin: u8::try_from(begin.len()).map_err(io::Error::other)?,
            text_at: 0,
            rest: size(rest)?,
            why: size(why.unwrap_or_default())?,
        };
        Ok((record, text))
    }

    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let flags = flag(self.length.is_some(), HAS_LENGTH)
            | flag(self.has_key, HAS_KEY)
            | flag(self.is_unreadable, IS_UNREADABLE);
        let parts: [&[u8]; 8] = [
            &self.place,
            &self.fid.0.to_be_bytes(),
            &self.length.unwrap_or_default().to_be_bytes(),
            &[flags],
            &[self.begin],
            &self.text_at.to_be_bytes(),
            &self.rest.to_be_bytes(),
            &self.why.to_be_bytes(),
        ];
        let (mut bytes, mut at) = ([0; BYTES], 0);
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let at = &mut 0;
        let place = taken(bytes, at);
        let [fid, length] = [taken(bytes, at), taken(bytes, at)].map(u64::from_be_bytes);
        let [flags, begin] = taken(bytes, at);
        let text_at = u64::from_be_bytes(taken(bytes, at));
        let [rest, why] = [taken(bytes, at), taken(bytes, at)].map(u32::from_be_bytes);
        let has = |flag| flags & flag > 0;
        Self {
            place,
            fid: Fid(fid),
            length: has(HAS_LENGTH).then_some(length),
            has_key: has(HAS_KEY),
            is_unreadable: has(IS_UNREADABLE),
            begin,
            text_at,
            rest,
            why,
        }
    }

    /// The row, with its text in this file.
    pub(super) fn row(&self, texts: &File) -> io::Result<KeyedRow> {
        let (rest, why) = (self.rest as usize, self.why as usize);
        let mut text = vec![0; rest + why];
        texts.read_exact_at(&mut text, self.text_at)?;
        let why = text.split_off(rest);
        let begin = self.place.get(..usize::from(self.begin)).ok_or_else(damaged)?;
        let utf8 = |bytes| String::from_utf8(bytes).map_err(|_| damaged());
        let key = utf8([begin, &text].concat())?;
        let (fid, dkey) = (self.fid, self.has_key.then_some(key));
        Ok(if self.is_unreadable {
            KeyedRow::Unreadable { row: UnreadableRow { fid, why: utf8(why)? }, dkey }
        } else {
            let length = self.length.map(ByteCount);
            KeyedRow::Read(IndexRow { fid, dkey, length, replicas: None, storage_class: None })
        })
    }
}

fn taken<const N: usize>(bytes: &[u8; BYTES], at: &mut usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[*at..*at + N]);
    *at += N;
    part
}

fn damaged() -> io::Error {
    io::Error::other("it was changed by something else")
}
