//! The audit of a migration, and the commands that it prints.

use std::collections::BTreeMap;

use stand_ins::embedded::{BUCKETS, DOMAIN};
use stand_ins::world::mogile::{Content, Fid};

use super::session::Session;

/// The lines of a list by their symbol.
fn symbols(list: &str) -> BTreeMap<char, usize> {
    let mut symbols = BTreeMap::new();
    for symbol in list.lines().filter_map(|line| line.chars().next()) {
        *symbols.entry(symbol).or_default() += 1;
    }
    symbols
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_lines_lead_to_a_clean_audit() {
    let session = Session::migrated(161, 20).await;
    let (files, count) = (session.files(), session.files().len());
    let folder = tempfile::tempdir().expect("a folder");
    let list = |name: &str| folder.path().join(name).to_str().expect("a name").to_owned();
    let said = session.said(&["audit", "--no-run"], 0).await;
    assert!(said.contains("whether the objects are still whole is not said"), "{said}");

    let audit = ["audit", "--run", "first"];
    let said = session.said(&audit, 1).await;
    assert!(said.contains("no file has a pass of this name"), "{said}");
    session.follow(&said, "enqueue verify", 0).await;
    session.said(&["work", "--until-empty"], 0).await;
    let whole = list("whole.tsv");
    let told = session.told(&[&audit[..], &["--list", &whole]].concat(), 0).await;
    assert_eq!((&told["whole"], &told["passes"]), (&count.into(), &count.into()), "{told}");
    // An operator counts the two ends of the sum as it says.
    let rows = session.stage.world.mogile.row_count() as u64;
    assert_eq!(
        told["rows"].as_u64().zip(told["other_domains"].as_u64()).map(|(a, b)| a + b),
        Some(rows)
    );
    let fids = session.ended(&["fids"], 0).await;
    assert_eq!(told["records"], String::from_utf8_lossy(&fids.stdout).lines().count());
    let lines = std::fs::read_to_string(&whole).expect("the list");
    assert_eq!(symbols(&lines), BTreeMap::from([('=', count), ('#', 1)]), "{lines}");
    let said = session.said(&[&audit[..], &["--list", &whole]].concat(), 2).await;
    assert!(said.contains("has lines already"), "{said}");

    // Ingest goes on: one more file, and one deleted.
    let world = &session.stage.world;
    let store = |key: &str, bytes: &[u8]| {
        world.mogile.store(world.dmid, key, &Content::from(bytes.to_vec()), &world.devices[..2])
    };
    store(&format!("{}-{}", domain::Sha1::of(b"late"), BUCKETS[0].0), b"late");
    let gone = world.mogile.row(Fid(files[0].fid)).and_then(|row| row.dkey).expect("a key");
    world.mogile.delete(DOMAIN, &gone).expect("it is there");
    let list = list("late.tsv");
    let said = session.said(&[&audit[..], &["--list", &list]].concat(), 1).await;
    assert!(said.contains("1 without a record in the ledger: fids"), "{said}");
    assert!(said.contains("Records of fids without a row"), "{said}");
    let lines = std::fs::read_to_string(&list).expect("the list");
    let counts = BTreeMap::from([('=', count - 1), ('-', 1), ('+', 1), ('#', 1)]);
    assert_eq!(symbols(&lines), counts, "{lines}");

    session.follow(&said, "migrate", 0).await;
    let said = session.said(&audit, 1).await;
    assert!(said.contains("DID NOT FIND WHOLE"), "{said}");
    session.follow(&said, "enqueue verify", 0).await;
    session.said(&["work", "--until-empty"], 0).await;
    let said = session.said(&audit, 0).await;
    assert!(said.contains("Clean: the ledger proves each of the"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_of_the_wrong_store_or_of_none_is_refused() {
    let mut session = Session::migrated(162, 5).await;
    session.said(&["audit"], 2).await;
    session.said(&["audit", "--run", "first", "--no-run"], 2).await;
    session.said(&["audit", "--run", "a\nb"], 2).await;
    session.set("BUCKETS", "nobody:has-it");
    let said = session.said(&["audit", "--no-run"], 2).await;
    assert!(said.contains("is in a bucket that is mapped"), "{said}");
    session.reset("BUCKETS");
    session.set("MOGILE_DOMAIN", "none");
    let said = session.said(&["audit", "--no-run"], 2).await;
    assert!(said.contains("MogileFS has no domain `none`"), "{said}");
    session.reset("MOGILE_DOMAIN");
    session.set("DYNAMODB_VERIFICATIONS_TABLE", "no-such-table");
    let said = session.said(&["audit", "--run", "first"], 2).await;
    assert!(said.contains("NOTHING IS COMPARED") && said.contains("no-such-table"), "{said}");
}
