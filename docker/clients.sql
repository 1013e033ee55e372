-- The clients' databases of docker/compose.yaml, without rows. The tables are those of
-- simulator/stand-ins/src/schemas.rs; tests/repository compares them.

CREATE DATABASE contentrepo CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
GRANT ALL ON contentrepo.* TO 'mogile'@'%';
USE contentrepo;
SET SESSION sql_mode = '';
CREATE TABLE CREPO_SCHEMA_INFO (
       timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
       schema_ver VARCHAR(100) NOT NULL
     ) ENGINE=InnoDB;
CREATE TABLE buckets (
       bucketId INTEGER NOT NULL AUTO_INCREMENT,
       bucketName VARCHAR(255) NOT NULL,
       timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
       creationDate TIMESTAMP NOT NULL DEFAULT 0,
       PRIMARY KEY (bucketId),
       UNIQUE KEY keyBucket (bucketName)
     ) ENGINE=InnoDB;
CREATE TABLE objects (
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
     ) ENGINE=InnoDB;
CREATE TABLE collections (
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
     ) ENGINE=InnoDB;
CREATE TABLE collectionObject (
       collectionId INTEGER NOT NULL,
       objectId INTEGER NOT NULL,
       UNIQUE KEY keySum (collectionId, objectId),
       FOREIGN KEY (collectionId) REFERENCES collections (id),
       FOREIGN KEY (objectId) REFERENCES objects (id)
     ) ENGINE=InnoDB;
CREATE TABLE audit (
       id INTEGER NOT NULL AUTO_INCREMENT,
       bucketName VARCHAR(255) NOT NULL,
       keyValue VARCHAR(255),
       operation VARCHAR(20) NOT NULL,
       uuid CHAR(36),
       timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
       PRIMARY KEY (id)
     ) ENGINE=InnoDB;

CREATE DATABASE rhino CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
GRANT ALL ON rhino.* TO 'mogile'@'%';
USE rhino;
SET SESSION foreign_key_checks = 0;
CREATE TABLE articleIngestion (ingestionId BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE articleItem (itemId BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB;
CREATE TABLE articleFile (
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
     ) ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_bin;

GRANT PROCESS ON *.* TO 'mogile'@'%';
