//! The ways back, and the code of a process.

use super::*;

fn rekeying(outcome: RekeyOutcome) -> Rekeying {
    Rekeying {
        fid: domain::Fid(7),
        domain: "plos".to_owned(),
        from: "old-repo".to_owned(),
        to: Some("new-repo".to_owned()),
        sha1: None,
        length: None,
        replicas: Vec::new(),
        referring: Vec::new(),
        referring_rows: 0,
        outcome,
        why: String::new(),
        stopped: None,
    }
}

/// It renames whatever file has the key.
#[test]
fn a_trackers_way_back_is_only_for_a_file_that_has_the_new_key() {
    for (outcome, ways) in [
        (RekeyOutcome::Changed, 3),
        (RekeyOutcome::CanBeChanged, 3),
        (RekeyOutcome::Unsure, 1),
        (RekeyOutcome::Unseen, 1),
        (RekeyOutcome::Unasked, 1),
        (RekeyOutcome::NotChanged, 0),
    ] {
        let report = RekeyReport::new(rekeying(outcome));
        assert_eq!(report.undo.as_ref().map_or(0, Vec::len), ways, "{outcome}");
        let mut said = String::new();
        report.write(&mut said).expect("a text");
        let has_line = said.contains("'rename domain=plos&from_key=new-repo&to_key=old-repo'");
        assert_eq!(has_line, ways == 3, "{said}");
        assert_eq!(said.contains("answers fid=7"), ways == 3, "{said}");
    }
}

#[test]
fn a_change_without_its_entry_in_the_journal_says_the_code_of_the_process() {
    for exit in [Exit::Unreachable, Exit::Refused] {
        let report = RekeyReport::unrecorded(rekeying(RekeyOutcome::Changed), exit);
        let json = serde_json::json!(report);
        assert_eq!((&json["exit_code"], &json["incomplete"]), (&exit.code().into(), &true.into()));
    }
}

#[test]
fn a_key_ends_no_literal() {
    assert_eq!(literal("abc-repo"), "'abc-repo'");
    assert_eq!(literal(r"a'b\c"), r"'a''b\\c'");
}
