use domain::Timestamp;
use domain::checklist::{CommandLine, Step};

use super::*;

fn next() -> Next {
    let words: Vec<_> = ["audit", "--run", "freeze-1234567"].map(str::to_owned).into();
    let command = CommandLine { words, automatic: true, purpose: "compare index, ledger and more" };
    Next {
        step: Some(Step::Verify),
        why: vec!["why ".repeat(40), "why".to_owned(), "why".to_owned()],
        commands: vec![command; 7],
        open: Vec::new(),
        way_back: None,
    }
}

fn convergence(left: u64, left_before: Option<u64>) -> Convergence {
    Convergence {
        left,
        failed: 7,
        left_before,
        seconds_between: left_before.map(|_| 100),
        seconds_left: left_before.map(|_| 50),
        window_seconds: Some(3000),
        converges: left_before.map(|before| left == 0 || left < before),
    }
}

/// With as much to say of every step as there can be.
fn list() -> CheckList {
    let proof = StepProof {
        entry: 12_345,
        at: Timestamp(0),
        by: "arn:aws:sts::123456789012:assumed-role/operators/ann".to_owned(),
        what: "enqueue migrate".to_owned(),
        counted: [("left".to_owned(), 9), ("other".to_owned(), 5)].into(),
        note: Some("words\u{1b}[31m ".repeat(30)),
    };
    let step = |step| {
        let (state, why) = (State::Failed, vec!["because ".repeat(20); 2]);
        StepState { step, state, why, proof: Some(proof.clone()) }
    };
    let steps = Step::ALL.map(step).into();
    CheckList {
        steps,
        convergence: Some(convergence(9, Some(4))),
        clients_must_stay_stopped: true,
        unknown_entries: 3,
    }
}

fn text(list: &CheckList) -> String {
    let mut text = String::new();
    let report = StatusReport::new("ledger".to_owned(), 7, list, next());
    report.write(&mut text).expect("a text");
    text
}

#[test]
fn the_check_list_is_one_screen() {
    let text = text(&list());
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.len() <= 40, "{} lines: {text}", lines.len());
    let widest = lines.iter().map(|line| line.chars().count()).max();
    assert!(widest <= Some(WIDTH), "{widest:?}: {text}");
    assert!(!text.contains('\u{1b}'), "control characters reach the terminal: {text}");
    for words in [
        "FAILED",
        "CLIENTS MUST STAY STOPPED: their databases are between the two stores",
        "entry 12345, enqueue migrate: left 9; ann, 1970-01-01 00:00Z",
        "and 4 more: `mogile2s3 runbook next`",
    ] {
        assert!(text.contains(words), "no `{words}` in: {text}");
    }
    assert!(!text.contains("other 5"), "only the main counts: {text}");
}

#[test]
fn an_open_step_is_never_beside_the_word_nothing() {
    let said = |open: &[Step]| {
        let mut text = String::new();
        let next = Next { step: None, open: open.to_vec(), ..next() };
        write_next(&mut text, &next, 0).expect("a text");
        text.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(said(&[]), "Next: nothing");
    let open = [Step::Verify, Step::ConfigureClients];
    assert_eq!(said(&open), "Next: no step is due, and not settled: 7, 8");
}

#[test]
fn the_convergence_is_said_in_one_line() {
    for (left, before, words) in [
        (
            100,
            Some(300),
            "100 left, falls at 2.0 a second: 50 seconds more; the window would be about 50 minutes",
        ),
        (300, Some(300), "IT DOES NOT CONVERGE: 300 left, 300 a pass before"),
        (400, Some(300), "IT DOES NOT CONVERGE: 400 left, 300 a pass before"),
        (100, None, "100 left; the window would be about 50 minutes; a second pass shows"),
        (0, Some(0), "0 left; the window would be about 50 minutes"),
    ] {
        let list = CheckList { convergence: Some(convergence(left, before)), ..list() };
        let text = text(&list);
        assert!(text.contains(words), "no `{words}` in: {text}");
        assert!(text.contains("7 of them failed in the last pass"), "{text}");
    }
}
