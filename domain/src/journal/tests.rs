use proptest::prelude::*;

use super::*;
use crate::{ByteCount, Fid, Sha1};

const NOW: Timestamp = Timestamp(1_767_225_600_123);

/// A journal with this number of entries, and its head.
pub(super) fn written(entries: u64) -> (Vec<StoredEntry>, Option<Head>) {
    let (mut all, mut head) = (Vec::new(), None);
    for number in 1..=entries {
        let content = Content::Note { text: format!("note {number}") };
        let sealed = SealedEntry::new("ledger", head, NOW, ("ann", 7), content).expect("small");
        head = Some(sealed.head());
        all.push(sealed.stored());
    }
    (all, head)
}

/// Somebody who knows how entries are hashed changes one.
fn rewrite(entry: &mut StoredEntry) {
    entry.line = entry.line.replace("note", "lie");
    entry.hash = Some(Sha256::of(entry.line.as_bytes()));
}

/// What somebody does to a journal.
type Change = fn(&mut Vec<StoredEntry>);

fn faults(entries: &[StoredEntry], head: Option<&Head>) -> Vec<ChainFault> {
    let (head, mut chain) = (StoredHead::from(head.cloned()), Chain::default());
    let mut faults: Vec<_> = entries.iter().flat_map(|entry| chain.follow(entry).1).collect();
    faults.extend(chain.end(&head));
    faults
}

#[test]
fn the_line_of_an_entry() {
    let (all, head) = written(2);
    let first = r#"{"migration":"ledger","sequence":1,"previous":null,"at":"2026-01-01T00:00:00.123Z","by":"ann","writer":7,"kind":"note","text":"note 1"}"#;
    assert_eq!(all[0].line, first);
    let previous = format!(r#""previous":"{}""#, Sha256::of(first.as_bytes()));
    assert!(all[1].line.contains(&previous), "{}", all[1].line);
    assert_eq!(head.map(|head| (head.sequence, Some(head.hash))), Some((2, all[1].hash)));
    let entry = Entry::parse(first).expect("an entry");
    assert_eq!((entry.sequence, entry.at, &*entry.by), (1, NOW, "ann"));
    assert_eq!(entry.content, Content::Note { text: "note 1".to_owned() });
}

#[test]
fn entries_of_later_versions_are_read() {
    let line = r#"{"migration":"l","sequence":3,"previous":null,"at":"2027-01-01T00:00:00Z","by":"b","writer":1,"kind":"launch","rockets":[1],"new":{}}"#;
    assert_eq!(Entry::parse(line).expect("an entry").content, Content::Other);
    for (line, why) in [
        ("", "EOF"),
        ("{}", "migration"),
        (&*line.replace("2027", "MMXX"), "digit"),
        (&*line.replace("null", "\"beef\""), "beef"),
    ] {
        let error = Entry::parse(line).expect_err("no entry").to_string();
        assert!(error.contains(why), "`{line}`: {error}");
    }
}

#[test]
fn an_entry_has_a_largest_size() {
    let sealed = |bytes: usize| {
        let content = Content::Note { text: "x".repeat(bytes) };
        SealedEntry::new("ledger", None, NOW, ("ann", 7), content)
    };
    assert!(sealed(limits::JOURNAL_ENTRY_BYTES - 1_000).is_ok());
    let error = sealed(limits::JOURNAL_ENTRY_BYTES).expect_err("too large");
    assert!(error.to_string().contains("262144 at most"), "{error}");
}

#[test]
fn what_was_changed_is_named() {
    let (all, head) = written(5);
    let changed = |change: Change| {
        let mut entries = all.clone();
        change(&mut entries);
        let faults = faults(&entries, head.as_ref());
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(changed(|_| ()), "");
    let cases: [(&str, Change); 15] = [
        ("entry 2 was changed", |all| all[1].line.push(' ')),
        ("entry 2 was changed", |all| all[1].hash = None),
        ("entry 2 cannot be read as an entry", |all| all[1].line.clear()),
        ("entry 3 does not continue entry 2", |all| rewrite(&mut all[1])),
        ("entry 5, the last one, is not", |all| rewrite(&mut all[4])),
        ("entries 1 to 2 are missing", |all| drop(all.drain(..2))),
        ("entries 3 to 4 are missing", |all| drop(all.drain(2..4))),
        ("entry 5 is missing", |all| drop(all.pop())),
        ("entries 1 to 5 are missing", |all| all.clear()),
        ("entry 2 comes behind entry 3: the order", |all| all.swap(1, 2)),
        ("entry 5 comes behind entry 5: the order", |all| all.push(all[4].clone())),
        ("there it says that it is entry 1", |all| {
            let (line, hash) = (all[0].line.clone(), all[0].hash);
            all[3] = StoredEntry { sequence: 4, line, hash };
        }),
        ("entry 4 cannot be read as an entry", |all| all[3].line.truncate(20)),
        // It would stand in two lines of an export.
        ("entry 3 cannot be read as an entry: it has a line break inside", |all| {
            all[2].line.insert(1, '\n');
            all[2].hash = Some(Sha256::of(all[2].line.as_bytes()));
        }),
        ("entry 1 is of the migration `led`", |all| {
            let line = all[0].line.replace("ledger", "led");
            all.insert(1, StoredEntry::of_line(line).expect("an entry"));
        }),
    ];
    for (said, change) in cases {
        let faults = changed(change);
        assert!(faults.contains(said), "no `{said}` in: {faults}");
    }
    let no_head = faults(&all, None);
    assert_eq!(no_head, [ChainFault::NoHead { last: 5 }]);
    let damaged = StoredHead::Damaged { why: "no `hash`".to_owned() };
    let fault = Chain::default().end(&damaged).expect("a fault").to_string();
    assert_eq!(fault, "the journal's head is damaged: no `hash`");
    let (_, shorter) = written(4);
    assert_eq!(faults(&all, shorter.as_ref()), [ChainFault::OtherHead { last: 5, head: 4 }]);
    assert_eq!(faults(&[], None), []);
}

#[test]
fn data_comes_back_whole_or_not_at_all() {
    for bytes in [0, 1, limits::JOURNAL_PART_BYTES, limits::JOURNAL_PART_BYTES * 2 + 7] {
        let bytes: Vec<_> = (0..=250).cycle().take(bytes).collect();
        let parts = Data::split("backup \"é\"", &bytes);
        let mut reader = DataReader::default();
        let mut whole = None;
        for (number, content) in (1..).zip(&parts) {
            let sealed = SealedEntry::new(
                &"m".repeat(255),
                None,
                NOW,
                (&"b".repeat(2_048), u64::MAX),
                content.clone(),
            );
            assert!(sealed.is_ok(), "{} bytes, part {number}", bytes.len());
            let Content::Data(data) = content else { panic!("{content:?}") };
            whole = reader.take(data.clone()).expect("in order");
            assert_eq!(whole.is_some(), number == parts.len());
            // A journal that ends here ends within the data, or behind it.
            let end = reader.clone().finish().map_err(|error| error.to_string());
            let missing = format!("part {} of {} of `backup \"é\"`", number + 1, parts.len());
            let within = Err(format!("the journal ends where {missing} belongs"));
            assert_eq!(end, if whole.is_some() { Ok(()) } else { within });
        }
        assert!(whole.as_ref() == Some(&bytes));
    }
}

#[test]
fn parts_of_something_else_are_not_put_together() {
    let bytes = vec![7; limits::JOURNAL_PART_BYTES * 2];
    let data = |content| if let Content::Data(data) = content { Some(data) } else { None };
    let parts: Vec<_> = Data::split("one", &bytes).into_iter().filter_map(data).collect();
    let [first, second] = &parts[..] else { panic!("{parts:?}") };
    let taken = |all: &[&Data]| {
        let mut reader = DataReader::default();
        let mut last = Ok(None);
        for data in all {
            last = reader.take((*data).clone());
        }
        last
    };
    // A writer that was killed writes all of it again.
    assert!(taken(&[first, first, second]) == Ok(Some(bytes)));
    let other = Data { name: "two".to_owned(), ..second.clone() };
    let of_three = Data { of: 3, ..second.clone() };
    let changed = Data { base64: first.base64.replace("Bw", "CA"), ..second.clone() };
    let of_none = Data { of: 0, ..first.clone() };
    let no_base64 = Data { base64: "*".to_owned(), ..second.clone() };
    for (parts, why) in [
        ([second, second], "part 2 of 2 of `one` comes where part 1 belongs"),
        ([first, &other], "part 2 of 2 of `two` comes where part 2 of 2 of `one` belongs"),
        ([first, &of_three], "part 2 of 3 of `one` comes where part 2 of 2 of `one` belongs"),
        ([first, &changed], "the hash of the whole is another one"),
        ([first, &of_none], "part 1 of 0 of `one` comes where part 1 belongs"),
        ([first, &no_base64], "part 2 of `one` is not in base64"),
    ] {
        let error = taken(&parts).expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}

/// As many rows and files as there may be, each as large as it can be.
#[test]
fn the_largest_entries_about_unfinished_uploads_fit() {
    let (fid, domain) = (Fid(u64::MAX), "d".repeat(255));
    let key = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp".to_owned();
    let row = SeenRow { fid, key: key.clone() };
    let seen =
        Content::TemporarySeen { domain: domain.clone(), rows: vec![row; limits::SEEN_ROWS] };
    // A column holds 255 characters, and JSON escapes some of them.
    let because = format!("fid {fid}, `{}`, has its content", "\"".repeat(214));
    let (sha1, length) = (Sha1::from_bytes([255; 20]), ByteCount(u64::MAX));
    let file = CondemnedFile { fid, key, sha1, length, because };
    let files = vec![file; limits::CONDEMNED_FILES];
    let condemned = Content::TemporaryCondemned { domain, files };
    for content in [seen, condemned] {
        let sealed = SealedEntry::new("ledger", None, NOW, ("ann", 7), content);
        assert!(sealed.is_ok(), "{sealed:?}");
    }
}

proptest! {
    #[test]
    fn no_change_of_one_place_stays_unseen(
        entries in 1_u64..12, at: prop::sample::Index, byte: prop::sample::Index, what in 0..4_u8,
    ) {
        let (mut all, head) = written(entries);
        prop_assert_eq!(faults(&all, head.as_ref()), vec![]);
        let at = at.index(all.len());
        match what {
            0 => drop(all.remove(at)),
            1 => {
                let byte = byte.index(all[at].line.len());
                let old = all[at].line.as_bytes()[byte];
                let new = if old == b'x' { "y" } else { "x" };
                all[at].line.replace_range(byte..=byte, new);
            }
            2 => rewrite(&mut all[at]),
            _ => {
                let (first, last) = (0, all.len() - 1);
                prop_assume!(first != last);
                all.swap(first, last);
            }
        }
        prop_assert!(!faults(&all, head.as_ref()).is_empty());
    }
}
