use std::collections::BTreeMap;

use domain::{ContentType, DownloadName, Sha1};
use proptest::prelude::*;

use super::*;

fn file(content: u8, bucket: u8) -> Dkey {
    let bucket = MogileBucket::new(&format!("bucket-{bucket}")).expect("a name");
    Dkey { sha1: Sha1::of(&[content]), bucket }
}

fn says(kind: Option<&str>, name: Option<&str>) -> TypeAndName {
    TypeAndName {
        content_type: kind.map(|kind| ContentType::parse(kind).expect("a type")),
        download_name: name.map(|name| DownloadName::parse(name).expect("a name")),
    }
}

/// The file, whether the row is in use, and what it says.
type Row = (u8, u8, bool, Option<&'static str>, Option<&'static str>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let kinds = prop::sample::select(vec![None, Some("image/tiff"), Some("text/xml; a=b")]);
    let names = prop::sample::select(vec![None, Some("a.tif"), Some("gr\u{f6}\u{df}e \u{1f4d6}")]);
    prop::collection::vec((0_u8..12, 0_u8..3, any::<bool>(), kinds, names), 0..120)
}

proptest! {
    #[test]
    fn of_several_rows_the_newest_in_use_counts_or_else_the_newest(
        rows in rows(),
        at_once in 1_usize..40,
        cut in 1_usize..40,
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let spools = DiskSpools::new(directory.path().to_owned()).sorting_at_once(at_once);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut spool = spools.begin().await.expect("room");
            for some in rows.chunks(cut) {
                let rows = some.iter().map(|(content, bucket, in_use, kind, name)| RowSays {
                    of: file(*content, *bucket),
                    in_use: *in_use,
                    says: says(*kind, *name),
                });
                spool.add(rows.collect()).await.expect("room");
            }
            let spooled = spool.finish().await.expect("room");

            // The rule once more, as it is told.
            let mut by_file = BTreeMap::<(u8, u8), Vec<&Row>>::new();
            for row in &rows {
                by_file.entry((row.0, row.1)).or_default().push(row);
            }
            let mut disagreeing = 0;
            for ((content, bucket), of_file) in &mut by_file {
                if of_file.iter().any(|row| row.2) {
                    of_file.retain(|row| row.2);
                }
                let (_, _, _, kind, name) = of_file.last().expect("one at least");
                let found = spooled.types.of(&[file(*content, *bucket)]).await.expect("readable");
                prop_assert_eq!(&found, &[Some(says(*kind, *name))]);
                let differs = |row: &&&Row| (row.3, row.4) != (*kind, *name);
                disagreeing += u64::from(of_file.iter().any(|row| differs(&row)));
            }
            prop_assert_eq!((spooled.files, spooled.disagreeing), (by_file.len() as u64, disagreeing));

            let unknown = [file(200, 0), file(0, 9)];
            prop_assert_eq!(spooled.types.of(&unknown).await.expect("readable"), [None, None]);
            let left = std::fs::read_dir(directory.path()).expect("a directory").count();
            prop_assert_eq!(left, 0, "nothing has a name on disk");
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let spools = DiskSpools::new("/no/such/directory".into());
    let error = spools.begin().await.err().expect("no room").to_string();
    assert!(error.contains("`/no/such/directory`") && error.contains("No such file"), "{error}");
}

/// A device that is full, as Linux has one.
#[test]
fn what_does_not_fit_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let mut spool = DiskSpool {
        texts: BufWriter::new(full),
        written: 0,
        buckets: BTreeMap::new(),
        sorter: Sorter::new(directory.path().to_owned(), 10),
    };
    let row = RowSays { of: file(1, 1), in_use: true, says: says(Some("a/b"), None) };
    spool.add(&row).expect("it is in memory");
    let error = spool.finish(directory.path().to_owned()).expect_err("no room");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}
