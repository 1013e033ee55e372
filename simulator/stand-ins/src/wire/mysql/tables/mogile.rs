//! MogileFS's tables: their columns, and their rows as the world has them.

use super::Row;
use crate::wire::mysql::value::{Kind, Value};
use crate::world::mogile::{DeviceStatus, Fid, FileRow, MogileFs, Upload};

/// A table of MogileFS's schema 17, with those columns that this world knows something of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The files.
    File,
    /// Which device holds which file.
    FileOn,
    /// The domains.
    Domain,
    /// The classes within them.
    Class,
    /// The storage hosts.
    Host,
    /// Their devices.
    Device,
    /// The uploads under way.
    Tempfile,
}

/// Columns in their order: name and type.
pub type Columns = &'static [(&'static str, Kind)];

/// Keys in the order in which the schema makes them (MogileFS-Server 2.73, `Store.pm`).
pub type Keys = &'static [(&'static str, bool, &'static [&'static str])];

const SMALL: Kind = Kind::SMALLINT_UNSIGNED;
const TINY: Kind = Kind::TINYINT_UNSIGNED;
const BIG: Kind = Kind::BIGINT_UNSIGNED;
const MEDIUM: Kind = Kind::MEDIUMINT_UNSIGNED;
const TEXT: Kind = Kind::VARCHAR;

const FILE: Columns = &[
    ("fid", BIG.key()),
    ("dmid", SMALL.not_null()),
    ("dkey", TEXT),
    ("length", BIG),
    ("classid", TINY.not_null()),
    ("devcount", TINY.not_null()),
];

const FILE_ON: Columns = &[("fid", BIG.key()), ("devid", MEDIUM.key())];

const DOMAIN: Columns = &[("dmid", SMALL.key()), ("namespace", TEXT)];

const CLASS: Columns = &[
    ("dmid", SMALL.key()),
    ("classid", TINY.key()),
    ("classname", Kind::text(50)),
    ("mindevcount", TINY.not_null()),
    ("hashtype", TINY),
    ("replpolicy", TEXT),
];

const HOST: Columns = &[
    ("hostid", MEDIUM.key()),
    ("status", TEXT),
    ("http_port", MEDIUM),
    ("http_get_port", MEDIUM),
    ("hostname", Kind::text(40)),
    ("hostip", Kind::text(15)),
    ("altip", Kind::text(15)),
    ("altmask", Kind::text(18)),
];

const DEVICE: Columns =
    &[("devid", MEDIUM.key()), ("hostid", MEDIUM.not_null()), ("status", TEXT), ("weight", MEDIUM)];

const TEMPFILE: Columns = &[
    ("fid", BIG.key()),
    ("createtime", Kind::INT_UNSIGNED.not_null()),
    ("classid", TINY.not_null()),
    ("dmid", SMALL.not_null()),
    ("dkey", TEXT),
    ("devids", Kind::text(60)),
];

impl Table {
    /// All of them, by name.
    pub const ALL: [Self; 7] = [
        Self::Class,
        Self::Device,
        Self::Domain,
        Self::File,
        Self::FileOn,
        Self::Host,
        Self::Tempfile,
    ];

    /// The table of this name. Names of tables have a case on the systems that servers run on.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::FileOn => "file_on",
            Self::Domain => "domain",
            Self::Class => "class",
            Self::Host => "host",
            Self::Device => "device",
            Self::Tempfile => "tempfile",
        }
    }

    /// Its columns, the primary key first.
    pub const fn columns(self) -> Columns {
        match self {
            Self::File => FILE,
            Self::FileOn => FILE_ON,
            Self::Domain => DOMAIN,
            Self::Class => CLASS,
            Self::Host => HOST,
            Self::Device => DEVICE,
            Self::Tempfile => TEMPFILE,
        }
    }

    /// Its keys but the primary one: name, whether it is unique, columns.
    pub const fn keys(self) -> Keys {
        match self {
            Self::File => &[
                ("dkey", true, &["dmid", "dkey"]),
                ("devcount", false, &["dmid", "classid", "devcount"]),
            ],
            Self::FileOn => &[("devid", false, &["devid"])],
            Self::Domain => &[("namespace", true, &["namespace"])],
            Self::Class => &[("dmid", true, &["dmid", "classname"])],
            Self::Host => &[
                ("hostname", true, &["hostname"]),
                ("hostip", true, &["hostip"]),
                ("altip", true, &["altip"]),
            ],
            Self::Device => &[("status", false, &["status"])],
            Self::Tempfile => &[],
        }
    }

    /// The values of a column that is an ENUM.
    pub fn values(self, column: &str) -> Option<&'static [&'static str]> {
        match (self, column) {
            (Self::Host, "status") => Some(&["alive", "dead", "down", "readonly"]),
            (Self::Device, "status") => Some(&["alive", "dead", "down", "readonly", "drain"]),
            _ => None,
        }
    }

    /// What is in a column where an INSERT says nothing; NULL, or an error, where this says nothing.
    pub fn default_of(self, column: &str) -> Option<&'static str> {
        match (self, column) {
            (Self::Host, "http_port") => Some("7500"),
            (Self::Device, "weight") => Some("100"),
            _ => None,
        }
    }

    /// How many rows it has.
    pub fn count(self, mogile: &MogileFs) -> usize {
        match self {
            Self::File => mogile.row_count(),
            Self::FileOn => {
                let held = |row: &FileRow| Some(row.devids.len());
                mogile.map_rows(Fid(0), Fid(u64::MAX), usize::MAX, held).into_iter().sum()
            }
            Self::Domain => mogile.domain_rows().len(),
            Self::Class => mogile.class_rows().len(),
            Self::Host => mogile.listed_host_rows().len(),
            Self::Device => mogile.device_rows().len(),
            Self::Tempfile => mogile.uploads().len(),
        }
    }

    pub(super) fn position(self, column: &str) -> Option<usize> {
        self.columns().iter().position(|(name, _)| name.eq_ignore_ascii_case(column))
    }

    /// A file's only row in this table; nothing where it has none, or several.
    pub(super) fn row_of(self, file: &FileRow) -> Option<Row> {
        (self == Self::File).then(|| self::file(file))
    }

    /// All rows of a table that is small, ascending by primary key. Of files there are many: they
    /// are asked for by their fids.
    pub(super) fn rows(
        self,
        mogile: &MogileFs,
        files: impl FnOnce(fn(&FileRow) -> Vec<Row>) -> Vec<Row>,
    ) -> Vec<Row> {
        match self {
            Self::File => files(|row| vec![file(row)]),
            Self::FileOn => files(file_on),
            Self::Domain => domains(mogile),
            Self::Class => classes(mogile),
            Self::Host => hosts(mogile),
            Self::Device => devices(mogile),
            Self::Tempfile => uploads(mogile),
        }
    }
}

fn text(text: &impl ToString) -> Value {
    Value::Text(text.to_string())
}

fn number(number: impl Into<u64>) -> Value {
    Value::Integer(number.into().into())
}

fn file(row: &FileRow) -> Row {
    vec![
        number(row.fid.0),
        number(row.dmid.0),
        row.dkey.as_ref().map_or(Value::Null, text),
        row.length.map_or(Value::Null, number),
        number(row.classid.0),
        number(row.devids.len() as u64),
    ]
}

fn file_on(row: &FileRow) -> Vec<Row> {
    row.devids.iter().map(|device| vec![number(row.fid.0), number(device.0)]).collect()
}

fn domains(mogile: &MogileFs) -> Vec<Row> {
    let domains = mogile.domain_rows().into_iter();
    domains.map(|(dmid, name)| vec![number(dmid.0), text(&name)]).collect()
}

/// A default class that was never changed has no row.
fn classes(mogile: &MogileFs) -> Vec<Row> {
    let classes = mogile.class_rows().into_iter();
    classes
        .map(|(dmid, id, class)| {
            let (name, mindevcount) = (text(&class.name), number(class.mindevcount));
            vec![number(dmid.0), number(id.0), name, mindevcount, Value::Null, Value::Null]
        })
        .collect()
}

fn hosts(mogile: &MogileFs) -> Vec<Row> {
    let hosts = mogile.listed_host_rows().into_iter();
    hosts
        .map(|(host, address)| {
            vec![
                number(host.0),
                text(&"alive"),
                number(address.port()),
                Value::Null,
                text(&format_args!("store{host}")),
                text(&address.ip()),
                Value::Null,
                Value::Null,
            ]
        })
        .collect()
}

fn devices(mogile: &MogileFs) -> Vec<Row> {
    let devices = mogile.device_rows().into_iter();
    devices
        .map(|row| {
            let status = match row.status {
                DeviceStatus::Alive => "alive",
                DeviceStatus::Readonly => "readonly",
                DeviceStatus::Drain => "drain",
                DeviceStatus::Down => "down",
                DeviceStatus::Dead => "dead",
            };
            vec![number(row.device.0), number(row.host.0), text(&status), number(100_u64)]
        })
        .collect()
}

/// This world has no clock: each upload began at the epoch.
fn uploads(mogile: &MogileFs) -> Vec<Row> {
    let uploads = mogile.uploads().into_iter();
    uploads
        .map(|Upload { fid, dmid, dkey, classid, devids }| {
            let devids: Vec<_> = devids.iter().map(|device| device.0.to_string()).collect();
            let (began, devids) = (number(0_u64), text(&devids.join(",")));
            vec![number(fid.0), began, number(classid.0), number(dmid.0), text(&dkey), devids]
        })
        .collect()
}
