//! Plants each fault of the page, each in a file of its own.

use super::*;

impl Session {
    /// Deletes a file and stores it again; gives its new fid.
    pub(super) fn ingest_again(&self, file: &Expected) -> u64 {
        let world = &self.stage.world;
        let row = world.mogile.row(Fid(file.fid)).expect("its row");
        let key = row.dkey.expect("its key");
        world.mogile.delete(DOMAIN, &key).expect("it is there");
        self.store(&key, &file.file.content)
    }

    fn store(&self, key: &str, content: &Content) -> u64 {
        let world = &self.stage.world;
        world.mogile.store(world.dmid, key, content, &world.devices[..2]).0
    }

    /// Plants an object with other bytes than the file's, of the same length; gives these.
    fn overwrite(&self, file: &Expected, is_signed: bool) -> ObjectContent {
        let right = ObjectContent::of(file.file.content.read().expect("readable"));
        let bytes: Vec<_> = right.bytes().iter().map(|byte| byte ^ 1).collect();
        let content = ObjectContent::of(bytes);
        let stored = if is_signed { &right } else { &content };
        let checksum = Some(StoredChecksum::sha1_of(stored));
        let object = Object::new(content.clone(), Attributes::default(), SystemTime::now());
        let object = Object { checksum, ..object };
        self.stage.world.s3.plant(file.bucket, &file.file.sha1, object).expect("planted");
        content
    }

    fn rewrite(&self, file: &Expected, (name, value): (&str, &str)) {
        let mut item = self.item(file.fid);
        item.extend([text(name, value)]);
        self.put(LEDGER, item);
    }

    /// Plants one of each; gives them.
    pub(super) fn plant_all(&self, files: &[Expected]) -> Vec<Planted> {
        let mut files = files.iter();
        let mut planted = Vec::new();
        let world = &self.stage.world;
        let at = |file: &Expected| format!("{}/{}", file.bucket, file.file.sha1);
        let other_bucket = |file: &Expected| {
            BUCKETS
                .iter()
                .map(|(_, new)| *new)
                .find(|new| *new != file.bucket)
                .expect("two buckets")
        };
        let bytes = |file: &Expected| file.file.content.read().expect("readable");
        let mut next = |is_fault, words| {
            let file = files.next().expect("enough files");
            planted.push(Planted { words, is_fault, fid: Some(file.fid), object: None });
            file
        };

        self.lose(next(true, "The object is missing."));
        self.overwrite(next(true, "The object has other bytes of the right length."), false);
        let words =
            "The object has other bytes of the right length, and the ledger agrees with them.";
        let file = next(true, words);
        let wrong = domain::Sha1::of(self.overwrite(file, false).bytes()).to_string();
        self.rewrite(file, ("sha1", &wrong));
        let words = "The object has other bytes of the right length, and S3 stores the right SHA-1 with them.";
        self.overwrite(next(true, words), true);
        let file = next(true, "The object's ETag is not the MD5 of its bytes.");
        let content = ObjectContent::of(bytes(file));
        let checksum = Some(StoredChecksum::sha1_of(&content));
        let object = Object::new(content, Attributes::default(), SystemTime::now());
        let object = Object { checksum, etag: "0".repeat(32), ..object };
        world.s3.plant(file.bucket, &file.file.sha1, object).expect("planted");
        let file = next(true, "The object has another length.");
        world.s3.plant_plain(file.bucket, &file.file.sha1, b"short".to_vec()).expect("planted");
        let file = next(true, "The object is in the other bucket.");
        self.lose(file);
        let misplaced = format!("{}/{}", other_bucket(file), file.file.sha1);
        world.s3.plant_plain(other_bucket(file), &file.file.sha1, bytes(file)).expect("planted");

        let file = next(true, "The ledger has no record of the file.");
        let ledger = Table::new(world.database.clone(), LEDGER.to_owned());
        ledger.delete(&[Item::from([number("fid", file.fid)])]).expect("deleted");
        let file = next(true, "The ledger's record is of another SHA-1.");
        self.rewrite(file, ("sha1", &domain::Sha1::of(b"another").to_string()));
        let file = next(true, "The ledger's record is of another bucket.");
        self.rewrite(file, ("bucket", other_bucket(file)));
        self.rewrite(next(true, "The ledger's record cannot be read."), ("sha1", "no SHA-1"));

        let file = next(false, "A row that was deleted after the migration.");
        let deleted = at(file);
        let key = world.mogile.row(Fid(file.fid)).and_then(|row| row.dkey).expect("its key");
        world.mogile.delete(DOMAIN, &key).expect("it is there");
        let file = next(false, "Another length in the index, and the object is right.");
        let row = world.mogile.row(Fid(file.fid)).expect("its row");
        world.mogile.plant(FileRow { length: Some(7), ..row });
        let file = next(false, "An object that was stored in parts, with the right bytes.");
        let parts = world.s3.plant_multipart(file.bucket, &file.file.sha1, bytes(file), 3);
        parts.expect("planted");
        let file = next(false, "An object without a stored SHA-1, with the right bytes.");
        world.s3.plant_plain(file.bucket, &file.file.sha1, bytes(file)).expect("planted");

        for (words, object) in [
            ("A row that was deleted after the migration.", deleted),
            ("The object is in the other bucket.", misplaced),
        ] {
            let its = planted.iter_mut().find(|it| it.words == words).expect("planted");
            its.object = Some(object);
        }
        planted.extend(self.plant_others());
        planted
    }

    /// Those that are no file's of the corpus.
    fn plant_others(&self) -> Vec<Planted> {
        let world = &self.stage.world;
        let (old, new) = BUCKETS[0];
        let fault = |words, fid| Planted { words, is_fault: true, fid, object: None };

        let highest = world.mogile.rows_after(Fid(0), usize::MAX).last().expect("rows").fid.0;
        let record = Item::from([
            number("fid", highest + 1_000),
            text("sha1", &domain::Sha1::of(b"long gone").to_string()),
            text("md5", "0"),
            text("bucket", new),
            text("proof", "put"),
        ]);
        self.put(LEDGER, record);
        let extra = domain::Sha1::of(b"nobody's").to_string();
        world.s3.plant_plain(new, &extra, b"nobody's".to_vec()).expect("planted");
        let late = Content::from(b"came late".to_vec());
        let late = self.store(&format!("{}-{old}", domain::Sha1::of(b"came late")), &late);
        let upload = Content::from(b"half".to_vec());
        let upload = self.store("0b5c2d2e-6f0a-4b7e-9b0e-3a5b7d1f2c4e.tmp", &upload);
        self.plant_references();
        vec![
            fault("The ledger has a record of a fid that has no row.", Some(highest + 1_000)),
            Planted {
                object: Some(format!("{new}/{extra}")),
                ..fault("An object of content that no row names.", None)
            },
            fault("A row that came after the migration.", Some(late)),
            Planted {
                is_fault: false,
                ..fault("An unfinished upload, `{uuid}.tmp`.", Some(upload))
            },
            Planted {
                object: Some(format!("{new}/{}", domain::Sha1::of(b"in no bucket"))),
                ..fault("A row of contentrepo whose content is in no bucket.", None)
            },
            Planted {
                object: Some("10.1371/journal.not.in.contentrepo".to_owned()),
                ..fault("A row of rhino that contentrepo does not know.", None)
            },
        ]
    }

    /// Plants rows of the clients' databases that refer to nothing.
    fn plant_references(&self) {
        let databases = &self.stage.world.databases;
        let (old, _) = BUCKETS[0];
        let id = format!("SELECT bucketId FROM buckets WHERE bucketName = '{old}'");
        let id = databases.texts(Database::ContentRepo, &id).expect("contentrepo's buckets");
        let bucket: i64 = id[0][0].parse().expect("a number");
        let planted = databases.plant(|planting| {
            planting.object(&ObjectRow {
                bucket,
                key: "10.1371/journal.without.content",
                version: 0,
                sha1: &domain::Sha1::of(b"in no bucket").to_string(),
                size: 12,
                name: None,
                content_type: None,
                status: Status::InUse,
                uuid: "5f7a1c0e-8f0b-4a7b-8a55-0c1d2e3f4a5b",
            })?;
            planting.article_file(&ArticleFileRow {
                ingestion: 999_999,
                item: None,
                file_type: None,
                bucket: old,
                key: "10.1371/journal.not.in.contentrepo",
                uuid: "6f7a1c0e-8f0b-4a7b-8a55-0c1d2e3f4a5c",
                size: 12,
                name: "nowhere.tif",
            })
        });
        planted.expect("planted");
    }
}
