use proptest::prelude::*;

use super::*;

fn row(fid: u64, dkey: Option<&str>, length: Option<u64>) -> IndexRow {
    let (dkey, length) = (dkey.map(str::to_owned), length.map(ByteCount));
    IndexRow { fid: Fid(fid), dkey, length, replicas: Some(2), storage_class: None }
}

fn of(rows: &[IndexRow]) -> RowsDigest {
    let mut digest = RowsDigest::default();
    for row in rows {
        digest.add(row);
    }
    digest
}

#[test]
fn each_value_of_a_row_counts() {
    let all = [
        row(1, Some("a"), Some(2)),
        row(2, Some("a"), Some(2)),
        row(1, Some("b"), Some(2)),
        row(1, Some("a"), Some(3)),
        row(1, None, Some(2)),
        row(1, Some(""), Some(2)),
        row(1, Some("a"), None),
        row(1, Some("a"), Some(0)),
    ];
    for (at, one) in all.iter().enumerate() {
        for (other_at, other) in all.iter().enumerate() {
            let is_same = of(std::slice::from_ref(one)) == of(std::slice::from_ref(other));
            assert_eq!(is_same, at == other_at, "{one:?} {other:?}");
        }
    }
    let replicated = IndexRow { replicas: Some(3), ..all[0].clone() };
    assert_eq!(of(&[replicated]), of(&all[..1]), "MogileFS replicates as it likes");
}

fn rows() -> impl Strategy<Value = Vec<IndexRow>> {
    let key = prop::option::of("[a-c]{0,3}");
    let one = (0..9_u64, key, prop::option::of(0..3_u64));
    prop::collection::vec(one.prop_map(|(fid, key, length)| row(fid, key.as_deref(), length)), 0..8)
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_count((one, other) in rows().prop_flat_map(|rows| {
        (Just(rows.clone()), Just(rows).prop_shuffle())
    })) {
        prop_assert_eq!(of(&one), of(&other));
    }

    #[test]
    fn the_digest_of_parts_is_that_of_the_whole(one in rows(), other in rows()) {
        let mut digest = of(&one);
        digest.absorb(of(&other));
        prop_assert_eq!(digest, of(&[one, other].concat()));
    }

    #[test]
    fn other_rows_have_another_digest(one in rows(), other in rows()) {
        let sorted = |rows: &[IndexRow]| {
            let mut texts: Vec<_> = rows.iter().map(|row| format!("{row:?}")).collect();
            texts.sort();
            texts
        };
        prop_assert_eq!(of(&one) == of(&other), sorted(&one) == sorted(&other));
    }

    #[test]
    fn a_row_that_is_taken_away_leaves_the_others(rows in rows(), gone in rows()) {
        let mut digest = of(&[rows.clone(), gone.clone()].concat());
        for row in &gone {
            digest.remove(row.fid, row.dkey.as_deref(), row.length);
        }
        prop_assert_eq!(digest, of(&rows));
    }

    #[test]
    fn a_digest_is_read_as_it_was_written(rows in rows()) {
        let digest = of(&rows);
        let text = serde_json::to_string(&digest).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<RowsDigest>(&text).expect("as written"), digest);
    }
}

#[test]
fn a_freeze_of_the_first_form_is_still_read() {
    let written = r#"{"means":"cron is off","window_seconds":600,"state":{"domain":"d","buckets":["a:b"],
        "content":{"rows":1,"sum":"000000000000000000000000000000ff"},"other":{"rows":0,
        "sum":"00000000000000000000000000000000"},"highest_fid":7,"contentrepo":{"last":"9","rows":{"used":1}},
        "rhino":{"last":null,"rows":{"all":0}}}}"#;
    let freeze: Freeze = serde_json::from_str(written).expect("a freeze");
    assert_eq!(freeze.state.content.to_string(), format!("1 rows, digest {:032x}", 255));
}

/// `b` breaks a freeze, `-` does not.
#[test]
fn content_and_the_clients_rows_must_stay() {
    let node = |started: &str, writes| {
        vec![NodeCounters { url: "http://a/v1".into(), started: started.into(), writes }]
    };
    let server = |id: &str| ServerIds { server_id: Some(id.into()), server_uuid: None };
    let before = StoreState {
        domain: "d".into(),
        highest_fid: Some(Fid(7)),
        nodes: node("Mon", 3),
        servers: vec!["db:3306/mogile".into()],
        server_ids: vec![server("1")],
        ..StoreState::default()
    };
    let rows = of(&[row(1, Some("a"), Some(2))]);
    let client = ClientState { last: Some("7".into()), rows: BTreeMap::new() };
    for (after, expected) in [
        (before.clone(), ""),
        (StoreState { content: rows, ..before.clone() }, "b Content"),
        (StoreState { other: rows, ..before.clone() }, "- OtherRows"),
        (StoreState { highest_fid: Some(Fid(8)), ..before.clone() }, "b FileStored"),
        (StoreState { highest_fid: Some(Fid(6)), ..before.clone() }, "- LastFileDeleted"),
        (StoreState { uploads: 1, ..before.clone() }, "b Uploads"),
        (StoreState { servers: vec!["copy".into()], ..before.clone() }, "b Settings"),
        (StoreState { server_ids: vec![server("2")], ..before.clone() }, "b Settings"),
        (StoreState { server_ids: Vec::new(), ..before.clone() }, ""),
        (StoreState { contentrepo: client.clone(), ..before.clone() }, "b Contentrepo"),
        (StoreState { rhino: client.clone(), ..before.clone() }, "b Rhino"),
        (StoreState { nodes: node("Mon", 3), ..before.clone() }, ""),
        (StoreState { nodes: node("Mon", 4), ..before.clone() }, "b NodeWrites"),
        (StoreState { nodes: node("Tue", 0), ..before.clone() }, ""),
        (StoreState { nodes: node("Tue", 1), ..before.clone() }, "b NodeWrites"),
        (StoreState { nodes: Vec::new(), ..before.clone() }, ""),
        (StoreState { domain: "e".into(), content: rows, ..before.clone() }, "b Settings"),
        (StoreState { content: rows, other: rows, ..before.clone() }, "b Content, - OtherRows"),
    ] {
        let shown = |change: &StateChange| {
            format!("{} {change:?}", if change.breaks_a_freeze() { 'b' } else { '-' })
        };
        let found: Vec<_> = after.changes_since(&before).iter().map(shown).collect();
        assert_eq!(found.join(", "), expected);
    }
}
