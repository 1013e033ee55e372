use std::fs;
use std::io::{Read, Write};

use domain::journal::{ClientDatabase, NameRename, NamesBefore};
use domain::ports::RowId;
use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;

fn header() -> BackupHeader {
    let rename = NameRename { id: Some("1".into()), from: "a \\ \"'%".into(), to: "b".into() };
    let names = NamesBefore {
        renames: vec![rename],
        rows: [("a \\ \"'%".to_owned(), 1)].into(),
        nameless: 0,
        last: Some("9".to_owned()),
        index: None,
        create_table: Some("CREATE TABLE `x` (\n)".to_owned()),
        kept: None,
    };
    let (migration, server) = ("ledger".to_owned(), "db:3306/contentrepo".to_owned());
    BackupHeader { migration, database: ClientDatabase::Contentrepo, server, names }
}

fn rows(names: &[Option<&str>]) -> Vec<BackupRow> {
    let row = |(id, name): (i128, Option<&str>)| BackupRow {
        id: RowId(id),
        name: name.map(str::to_owned),
    };
    (1..).zip(names.iter().copied()).map(row).collect()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    runtime.expect("a runtime").block_on(work)
}

async fn write(path: &Path, rows: &[BackupRow]) -> Result<FinishedBackup, BackupError> {
    let mut writer = FileBackups::new(path.to_owned()).begin(&header()).await?;
    for row in rows {
        writer.add(vec![row.clone()]).await?;
    }
    writer.finish().await
}

async fn read(path: &Path) -> Result<(BackupHeader, FinishedBackup, Vec<BackupRow>), BackupError> {
    let OpenBackup { header, file, mut rows } = FileBackups::new(path.to_owned()).open().await?;
    let mut all = Vec::new();
    loop {
        let some = rows.next(2).await?;
        if some.is_empty() {
            return Ok((header, file, all));
        }
        all.extend(some);
    }
}

/// Whatever a name has, and whatever an id is.
fn any_rows() -> impl Strategy<Value = Vec<BackupRow>> {
    let id = prop_oneof![any::<i64>().prop_map(i128::from), any::<u64>().prop_map(i128::from)];
    let name =
        prop::option::of(prop_oneof![any::<String>(), Just("n".repeat(255)), "[ '\"\\\\%]*"]);
    prop::collection::btree_map(id, name, 0..6).prop_map(|rows| {
        rows.into_iter().map(|(id, name)| BackupRow { id: RowId(id), name }).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]
    #[test]
    fn every_row_comes_back_as_it_was(rows in any_rows()) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("backup.gz");
        let (written, (found, file, read)) = run(async {
            (write(&path, &rows).await.expect("written"), read(&path).await.expect("whole"))
        });
        prop_assert_eq!(&written, &file);
        prop_assert_eq!(found, header());
        prop_assert_eq!(read, rows);
        let bytes = fs::read(&path).expect("a file");
        prop_assert_eq!(written.sha256, domain::digest::Sha256::of(&bytes));
        prop_assert_eq!(written.bytes, bytes.len() as u64);
    }
}

#[test]
fn a_file_that_is_there_is_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backup.gz");
    run(async {
        let (one, other) = (FileBackups::new(path.clone()), FileBackups::new(path.clone()));
        // Both begin while there is none.
        let (one, other) = (one.begin(&header()).await, other.begin(&header()).await);
        one.expect("begun").finish().await.expect("the first");
        let late = other.expect("begun, too").finish().await;
        assert!(matches!(late, Err(BackupError::Exists(_))), "{late:?}");
        let again = write(&path, &rows(&[Some("other")])).await;
        assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
        assert_eq!(read(&path).await.expect("whole").2, []);
    });
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "what was not ended is gone: {left:?}");
}

#[test]
fn what_is_dropped_before_its_end_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backup.gz");
    run(async {
        let backups = FileBackups::new(path);
        let mut writer = backups.begin(&header()).await.expect("begun");
        writer.add(rows(&[Some("a")])).await.expect("added");
        let falls = writer.add(rows(&[Some("a")])).await;
        assert!(matches!(falls, Err(BackupError::Disk { .. })), "ids fall: {falls:?}");
        assert!(writer.finish().await.is_err(), "no backup behind an error");
    });
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text).expect("memory");
    out.finish().expect("memory")
}

#[test]
fn a_backup_that_is_cut_anywhere_is_not_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, cut) = (folder.path().join("backup.gz"), folder.path().join("cut"));
    run(async {
        write(&path, &rows(&[Some("a"), None, Some("b")])).await.expect("written");
        let bytes = fs::read(&path).expect("a file");
        let mut text = Vec::new();
        GzDecoder::new(&bytes[..]).read_to_end(&mut text).expect("gzip");
        let cuts = (0..bytes.len()).map(|at| bytes[..at].to_vec());
        // And where the compression itself is whole.
        let cuts = cuts.chain((0..text.len()).map(|at| packed(&text[..at])));
        for (number, bytes) in cuts.enumerate() {
            fs::write(&cut, &bytes).expect("written");
            let error = read(&cut).await.expect_err("not whole");
            assert!(matches!(error, BackupError::Damaged { .. }), "cut {number}: {error:?}");
        }
        fs::write(&cut, packed(&text)).expect("written");
        assert_eq!(read(&cut).await.expect("whole").2.len(), 3, "the test cuts what is whole");
    });
}

#[test]
fn what_is_no_backup_is_said_to_be_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backup.gz");
    let head = lines::header(&header());
    let text = |lines: &str| packed(format!("{head}{lines}").as_bytes());
    let whole = text("[1,\"a\"]\n{\"rows\":1}\n");
    run(async {
        for (bytes, words) in [
            (b"no gzip at all".to_vec(), "cannot be read"),
            (text("[1,\"a\"]\n{\"rows\":2}\n"), "its last line says 2"),
            (text("[2,\"a\"]\n[1,\"b\"]\n{\"rows\":2}\n"), "higher id"),
            (text("[1,\"a\"]\n[1,\"b\"]\n{\"rows\":2}\n"), "higher id"),
            (text("[1.5,\"a\"]\n{\"rows\":1}\n"), "line 2"),
            (text("[1,7]\n{\"rows\":1}\n"), "line 2"),
            (text("[1]\n{\"rows\":1}\n"), "line 2"),
            (text("{\"rows\":0}\n[1,\"a\"]\n"), "behind its last line"),
            ([whole.clone(), b"x".to_vec()].concat(), "behind its last line"),
            ([whole.clone(), whole.clone()].concat(), "behind its last line"),
            (packed(b"{}\n{\"rows\":0}\n"), "no header"),
            (packed(b"{\"version\":2}\n{\"rows\":0}\n"), "form 2"),
            (packed(b"{\"version\":1}\n{\"rows\":0}\n"), "no `migration`"),
        ] {
            fs::write(&path, &bytes).expect("written");
            let error = read(&path).await.expect_err(words);
            assert!(matches!(error, BackupError::Damaged { .. }), "{words}: {error:?}");
            assert!(error.to_string().contains(words), "{words}: {error}");
        }
        fs::write(&path, &whole).expect("written");
        assert_eq!(read(&path).await.expect("whole").2, rows(&[Some("a")]));
    });
    let absent = run(read(&folder.path().join("absent")));
    assert!(matches!(absent, Err(BackupError::Disk { .. })), "{absent:?}");
}
