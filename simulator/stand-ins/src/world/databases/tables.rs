//! The tables: contentrepo's as its source makes them on MySQL 5.6 (PLOS/content-repo, `setup.mysql`),
//! rhino's as a dump of a 5.6 server has them (PLOS/rhino, `V1__init.sql`).

use super::schema::Filled::{self, ByInsert, Counted, NoTime, Now, NowAtChange, Null, Zero};
use super::schema::Kind::{self, BigInt, Char, Int, LongText, TinyInt, Varchar};
use super::schema::{Collation, Column, Key, Table};

const fn column(name: &'static str, kind: Kind, filled: Filled) -> Column {
    Column { name, kind, filled, collation: None }
}

const fn unique(name: &'static str, columns: &'static [&'static str]) -> Key {
    Key { name, columns, is_unique: true }
}

const fn key(name: &'static str, columns: &'static [&'static str]) -> Key {
    Key { name, columns, is_unique: false }
}

const TIMESTAMP: Kind = Kind::Timestamp;

/// contentrepo leaves the collation to the server.
pub(super) const CONTENTREPO: &[Table] = &[
    Table {
        name: "CREPO_SCHEMA_INFO",
        columns: &[
            column("timestamp", TIMESTAMP, NowAtChange),
            column("schema_ver", Varchar(100), ByInsert),
        ],
        keys: &[],
        constraints: &[],
        collation: None,
    },
    Table {
        name: "buckets",
        columns: &[
            column("bucketId", Int, Counted),
            column("bucketName", Varchar(255), ByInsert),
            column("timestamp", TIMESTAMP, NowAtChange),
            column("creationDate", TIMESTAMP, NoTime),
        ],
        keys: &[unique("keyBucket", &["bucketName"])],
        constraints: &[],
        collation: None,
    },
    Table {
        name: "objects",
        columns: &[
            column("id", Int, Counted),
            column("bucketId", Int, Null),
            column("objkey", Varchar(255), ByInsert),
            column("checksum", Varchar(255), ByInsert),
            column("timestamp", TIMESTAMP, NowAtChange),
            column("downloadName", Varchar(1000), Null),
            column("contentType", Varchar(200), Null),
            column("size", Int, ByInsert),
            column("tag", Varchar(200), Null),
            column("status", TinyInt, Zero),
            column("versionNumber", Int, ByInsert),
            column("creationDate", TIMESTAMP, NoTime),
            column("userMetadata", LongText, Null),
            column("uuid", Char(36), ByInsert),
        ],
        keys: &[
            unique("ObjkeyUniversalID", &["bucketId", "objkey", "uuid"]),
            unique("keyVersion", &["bucketId", "objkey", "versionNumber"]),
        ],
        constraints: &[],
        collation: None,
    },
    Table {
        name: "collections",
        columns: &[
            column("id", Int, Counted),
            column("bucketId", Int, ByInsert),
            column("collkey", Varchar(255), ByInsert),
            column("timestamp", TIMESTAMP, NowAtChange),
            column("versionNumber", Int, ByInsert),
            column("status", TinyInt, Zero),
            column("tag", Varchar(200), Null),
            column("creationDate", TIMESTAMP, NoTime),
            column("userMetadata", LongText, Null),
            column("uuid", Char(36), ByInsert),
        ],
        keys: &[
            unique("keyVersion", &["bucketId", "collkey", "versionNumber"]),
            unique("CollkeyUniversalID", &["bucketId", "collkey", "uuid"]),
        ],
        constraints: &[
            "CONSTRAINT `collections_ibfk_1` FOREIGN KEY (`bucketId`) REFERENCES `buckets` (`bucketId`)",
        ],
        collation: None,
    },
    Table {
        name: "collectionObject",
        columns: &[column("collectionId", Int, ByInsert), column("objectId", Int, ByInsert)],
        keys: &[unique("keySum", &["collectionId", "objectId"]), key("objectId", &["objectId"])],
        constraints: &[
            "CONSTRAINT `collectionObject_ibfk_1` FOREIGN KEY (`collectionId`) REFERENCES \
             `collections` (`id`)",
            "CONSTRAINT `collectionObject_ibfk_2` FOREIGN KEY (`objectId`) REFERENCES `objects` (`id`)",
        ],
        collation: None,
    },
    Table {
        name: "audit",
        columns: &[
            column("id", Int, Counted),
            column("bucketName", Varchar(255), ByInsert),
            column("keyValue", Varchar(255), Null),
            column("operation", Varchar(20), ByInsert),
            column("uuid", Char(36), Null),
            column("timestamp", TIMESTAMP, Now),
        ],
        keys: &[],
        constraints: &[],
        collation: None,
    },
];

/// rhino names its collation, whatever the server's is.
pub(super) const RHINO: &[Table] = &[Table {
    name: "articleFile",
    columns: &[
        column("fileId", BigInt, Counted),
        column("ingestionId", BigInt, ByInsert),
        column("itemId", BigInt, Null),
        Column {
            name: "fileType",
            kind: Varchar(128),
            filled: Null,
            collation: Some(Collation::Utf8UnicodeCi),
        },
        column("bucketName", Varchar(255), ByInsert),
        column("crepoKey", Varchar(255), ByInsert),
        column("crepoUuid", Varchar(36), ByInsert),
        column("fileSize", BigInt, ByInsert),
        column("ingestedFileName", Varchar(255), ByInsert),
        column("created", TIMESTAMP, Now),
    ],
    keys: &[
        unique("ingest_ingestedFileName", &["ingestionId", "ingestedFileName"]),
        unique("crepoUuid_UNIQUE", &["crepoUuid"]),
        unique("ingest_item_filetype", &["ingestionId", "itemId", "fileType"]),
        key("fk_articleFile_2", &["itemId"]),
        key("bucketName_index", &["bucketName"]),
    ],
    constraints: &[
        "CONSTRAINT `fk_articleFile_1` FOREIGN KEY (`ingestionId`) REFERENCES `articleIngestion` \
         (`ingestionId`)",
        "CONSTRAINT `fk_articleFile_2` FOREIGN KEY (`itemId`) REFERENCES `articleItem` (`itemId`)",
    ],
    collation: Some(Collation::Utf8Bin),
}];
