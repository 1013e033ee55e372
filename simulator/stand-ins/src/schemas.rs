//! The tables of MogileFS, contentrepo and rhino in MySQL's words, as their own programs create them.

/// contentrepo's tables, which name no collation. Without the first statement a strict server takes no default of
/// `0000-00-00`.
pub const CONTENTREPO: &[&str] = &[
    "SET SESSION sql_mode = ''",
    "CREATE TABLE CREPO_SCHEMA_INFO (
       timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
       schema_ver VARCHAR(100) NOT NULL
     ) ENGINE=InnoDB",
    "CREATE TABLE buckets (
       bucketId INTEGER NOT NULL AUTO_INCREMENT,
       bucketName VARCHAR(255) NOT NULL,
       timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
       creationDate TIMESTAMP NOT NULL DEFAULT 0,
       PRIMARY KEY (bucketId),
       UNIQUE KEY keyBucket (bucketName)
     ) ENGINE=InnoDB",
    "CREATE TABLE objects (
       id INTEGER NOT NULL AUTO_INCREMENT,
       bucketId INTEGER REFERENCES buckets,
       objkey VARCHAR(255) NOT NULL,
       checksum VARCHAR(255) NOT NULL,
       timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
       downloadName VARCHAR(1000),
       contentType VARCHAR(200),
       size INTEGER NOT NULL,
       tag VARCHAR(200),
       status TINYINT NOT NULL DEFAULT 0,
       versionNumber INTEGER NOT NULL,
       creationDate TIMESTAMP NOT NULL DEFAULT 0,
       userMetadata LONGTEXT,
       uuid CHAR(36) NOT NULL,
       PRIMARY KEY (id),
       UNIQUE KEY ObjkeyUniversalID (bucketId, objkey, uuid),
       UNIQUE KEY keyVersion (bucketId, objkey, versionNumber)
     ) ENGINE=InnoDB",
    "CREATE TABLE collections (
       id INTEGER NOT NULL AUTO_INCREMENT,
       bucketId INTEGER NOT NULL,
       collkey VARCHAR(255) NOT NULL,
       timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
       versionNumber INTEGER NOT NULL,
       status TINYINT NOT NULL DEFAULT 0,
       tag VARCHAR(200),
       creationDate TIMESTAMP NOT NULL DEFAULT 0,
       userMetadata LONGTEXT,
       uuid CHAR(36) NOT NULL,
       PRIMARY KEY (id),
       UNIQUE KEY keyVersion (bucketId, collkey, versionNumber),
       UNIQUE KEY CollkeyUniversalID (bucketId, collkey, uuid),
       FOREIGN KEY (bucketId) REFERENCES buckets (bucketId)
     ) ENGINE=InnoDB",
    "CREATE TABLE collectionObject (
       collectionId INTEGER NOT NULL,
       objectId INTEGER NOT NULL,
       UNIQUE KEY keySum (collectionId, objectId),
       FOREIGN KEY (collectionId) REFERENCES collections (id),
       FOREIGN KEY (objectId) REFERENCES objects (id)
     ) ENGINE=InnoDB",
    "CREATE TABLE audit (
       id INTEGER NOT NULL AUTO_INCREMENT,
       bucketName VARCHAR(255) NOT NULL,
       keyValue VARCHAR(255),
       operation VARCHAR(20) NOT NULL,
       uuid CHAR(36),
       timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
       PRIMARY KEY (id)
     ) ENGINE=InnoDB",
];

/// rhino's table of files, which names its collations itself, and those that it refers to. The session stops
/// checking such references: planted rows have none.
pub const RHINO: &[&str] = &[
    "SET SESSION foreign_key_checks = 0",
    "CREATE TABLE articleIngestion (ingestionId BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB",
    "CREATE TABLE articleItem (itemId BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB",
    "CREATE TABLE articleFile (
       fileId BIGINT NOT NULL AUTO_INCREMENT,
       ingestionId BIGINT NOT NULL,
       itemId BIGINT,
       fileType VARCHAR(128) CHARACTER SET utf8 COLLATE utf8_unicode_ci,
       bucketName VARCHAR(255) NOT NULL,
       crepoKey VARCHAR(255) NOT NULL,
       crepoUuid VARCHAR(36) NOT NULL,
       fileSize BIGINT NOT NULL,
       ingestedFileName VARCHAR(255) NOT NULL,
       created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
       PRIMARY KEY (fileId),
       UNIQUE KEY ingest_ingestedFileName (ingestionId, ingestedFileName),
       UNIQUE KEY crepoUuid_UNIQUE (crepoUuid),
       UNIQUE KEY ingest_item_filetype (ingestionId, itemId, fileType),
       KEY fk_articleFile_2 (itemId),
       KEY bucketName_index (bucketName),
       CONSTRAINT fk_articleFile_1 FOREIGN KEY (ingestionId)
         REFERENCES articleIngestion (ingestionId),
       CONSTRAINT fk_articleFile_2 FOREIGN KEY (itemId) REFERENCES articleItem (itemId)
     ) ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_bin",
];

/// The table `host` as schema version 17 has it (MogileFS-Server 2.73, `Store.pm` and `Store/MySQL.pm`).
pub const HOST: &str = "CREATE TABLE host (
    hostid MEDIUMINT UNSIGNED NOT NULL PRIMARY KEY,
    status ENUM('alive','dead','down','readonly'),
    http_port MEDIUMINT UNSIGNED DEFAULT 7500,
    http_get_port MEDIUMINT UNSIGNED,
    hostname VARCHAR(40),
    hostip VARCHAR(15),
    altip VARCHAR(15),
    altmask VARCHAR(18),
    UNIQUE (hostname), UNIQUE (hostip), UNIQUE (altip)) ENGINE=InnoDB";

/// The table `tempfile` as schema version 17 has it. Older installations have fids of 32 bits, and number
/// them by `AUTO_INCREMENT`.
pub const TEMPFILE: &str = "CREATE TABLE tempfile (
    fid BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    createtime INT UNSIGNED NOT NULL,
    classid TINYINT UNSIGNED NOT NULL,
    dmid SMALLINT UNSIGNED NOT NULL,
    dkey VARCHAR(255),
    devids VARCHAR(60)) ENGINE=InnoDB";

/// The other tables of schema version 17 that a tracker cannot do without.
pub const MOGILEFS: &[&str] = &[
    "CREATE TABLE domain (
       dmid smallint unsigned NOT NULL PRIMARY KEY,
       namespace varchar(255) NULL UNIQUE
     ) ENGINE=InnoDB",
    "CREATE TABLE class (
       dmid smallint unsigned NOT NULL,
       classid tinyint unsigned NOT NULL,
       classname varchar(50) NULL,
       mindevcount tinyint unsigned NOT NULL,
       hashtype tinyint unsigned NULL,
       replpolicy varchar(255) NULL,
       PRIMARY KEY (dmid, classid),
       UNIQUE KEY dmid (dmid, classname)
     ) ENGINE=InnoDB",
    "CREATE TABLE device (
       devid mediumint unsigned NOT NULL PRIMARY KEY,
       hostid mediumint unsigned NOT NULL,
       status enum('alive','dead','down','readonly','drain'),
       weight mediumint DEFAULT 100,
       mb_total int unsigned,
       mb_used int unsigned,
       mb_asof int unsigned,
       KEY status (status)
     ) ENGINE=InnoDB",
    "CREATE TABLE file (
       fid bigint unsigned NOT NULL PRIMARY KEY,
       dmid smallint unsigned NOT NULL,
       dkey varchar(255) NULL,
       length bigint unsigned NULL,
       classid tinyint unsigned NOT NULL,
       devcount tinyint unsigned NOT NULL,
       UNIQUE KEY dkey (dmid, dkey),
       KEY devcount (dmid, classid, devcount)
     ) ENGINE=InnoDB",
    "CREATE TABLE file_on (
       fid bigint unsigned NOT NULL,
       devid mediumint unsigned NOT NULL,
       PRIMARY KEY (fid, devid),
       KEY devid (devid)
     ) ENGINE=InnoDB",
    "CREATE TABLE file_to_delete2 (
       fid bigint unsigned NOT NULL PRIMARY KEY,
       nexttry int unsigned NOT NULL,
       failcount tinyint unsigned NOT NULL DEFAULT 0,
       KEY nexttry (nexttry)
     ) ENGINE=InnoDB",
];
