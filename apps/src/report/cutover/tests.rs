use domain::cutover::{QueueSeen, VerifiedSeen};

use super::*;
use crate::exit::Exit;

fn report(database: ClientDatabase, direction: Direction, outcome: CutoverOutcome) -> String {
    let executed = outcome != CutoverOutcome::CanBeChanged;
    let server = "db:3306/name".to_owned();
    let report = CutoverReport::new((database, direction), server, executed, outcome, &[]);
    let flags = " --left-behind old".to_owned();
    let mut text = String::new();
    CutoverReport { flags, entry: Some(9), ..report }.write(&mut text).expect("a string takes it");
    text
}

/// Each ends with what an operator does next.
#[test]
fn every_end_says_what_comes_next() {
    use ClientDatabase::{Contentrepo, Rhino};
    use CutoverOutcome::{AlreadySo, CanBeChanged, Changed, NotBegun, Refused, UnderWay, Unfit};
    use Direction::{ToMogile, ToS3};
    for (database, direction, outcome, words) in [
        (
            Contentrepo,
            ToS3,
            CanBeChanged,
            "  mogile2s3 cutover contentrepo --execute --backup FILE --left-behind old\n",
        ),
        (Rhino, ToMogile, CanBeChanged, "  mogile2s3 cutover rhino --revert --execute"),
        (Rhino, ToS3, UnderWay, "  → mogile2s3 cutover rhino --revert takes it back\n"),
        (Rhino, ToS3, NotBegun, "→ mogile2s3 cutover rhino --execute"),
        (Contentrepo, ToS3, Changed, "Then `mogile2s3 cutover rhino`\n"),
        (Rhino, ToS3, AlreadySo, "DONE already: rhino has the S3 names, and entry 9"),
        (Rhino, ToMogile, Changed, "Then `mogile2s3 cutover contentrepo --revert`\n"),
        (Contentrepo, ToMogile, Changed, "its MogileFS store in context.xml"),
        (Contentrepo, ToS3, Refused, "REFUSED: nothing was changed"),
        (Contentrepo, ToS3, Unfit, "NOT AS THE JOURNAL SAYS"),
    ] {
        let text = report(database, direction, outcome);
        assert!(text.contains(words), "{database} {direction:?} {outcome:?}: {text}");
    }
}

#[test]
fn what_is_not_done_never_ends_with_success() {
    for (outcome, exit) in [
        (CutoverOutcome::CanBeChanged, Exit::Clean),
        (CutoverOutcome::Changed, Exit::Clean),
        (CutoverOutcome::AlreadySo, Exit::Clean),
        (CutoverOutcome::Refused, Exit::Refused),
        (CutoverOutcome::Unfit, Exit::Refused),
        (CutoverOutcome::NotBegun, Exit::Findings),
        (CutoverOutcome::UnderWay, Exit::Findings),
    ] {
        assert_eq!(verdict(outcome).exit, exit, "{outcome:?}");
    }
}

/// Each closed gate names what opens it; an override shows its reason, or why it cannot be.
#[test]
fn a_closed_gate_says_what_opens_it_and_an_override_is_loud() {
    let gates = [
        Gate::Audit(Box::default()),
        Gate::Verify(Box::default()),
        Gate::Verified(VerifiedSeen::default()),
        Gate::Queue(QueueSeen::NotNamed),
        Gate::Queue(QueueSeen::NotUsed { but: Some((7, "https://sqs/jobs".to_owned())) }),
        Gate::Queue(QueueSeen::NotUsed { but: None }),
    ];
    let server = "db:3306/name".to_owned();
    let way = (ClientDatabase::Contentrepo, Direction::ToS3);
    let mut report = CutoverReport::new(way, server, true, CutoverOutcome::Refused, &gates);
    let overriding = |gate, refusal: Option<&str>| Overriding {
        gate,
        reason: "tested".to_owned(),
        refusal: refusal.map(str::to_owned),
    };
    let never = "it has findings";
    report.override_gates(&[overriding("verified", None), overriding("audit", Some(never))]);
    let mut text = String::new();
    report.write(&mut text).expect("a string takes it");
    for words in [
        "REFUSED  audit        the journal has no result of `audit`",
        "--override: it has findings",
        "→ `mogile2s3 audit --run NAME`",
        "REFUSED  verify       the journal has no result of `verify`",
        "→ `mogile2s3 verify`",
        "OVERRIDDEN verified ",
        "OVERRIDDEN, because: tested",
        "→ set SQS_URL and SQS_DLQ_URL; where no queue was used add --no-queue",
        "by entry 7 jobs were sent to `https://sqs/jobs`",
        "ok       queue        no queue was used, because --no-queue says so",
    ] {
        assert!(text.contains(words), "no `{words}` in: {text}");
    }
    let line = |gate: &str| report.gates.iter().find(|line| line.gate == gate).expect("a gate");
    assert_eq!(line("verified").overridden.as_deref(), Some("tested"));
    assert_eq!((&line("audit").overridden, line("audit").open), (&None, false));
}
