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
