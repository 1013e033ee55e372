//! docs/OPERATING.md: every command of the page is typed into a shell as it stands there, in the page's order,
//! beside worlds that are up. The runbook is brought to its end, and in a world where things go wrong, back.

mod operator;
mod page;
mod to_the_end;
mod trouble;

use std::collections::BTreeSet;

/// What the page names without the words that it needs: the command must at least be there.
const NAMES: [&str; 3] =
    ["mogile2s3 audit accept", "mogile2s3 enqueue", "mogile2s3 enqueue verify"];

/// What is not typed here, by its beginning, and why.
const NOT_HERE: [(&str, &str); 12] = [
    ("apps/build-lambda-zip.sh", ".ci/run runs it"),
    ("apps/measure-lambda.sh", ".ci/run runs it"),
    (
        "aws s3 cp target/lambda-zip",
        "of AWS's own program; the template is checked by tests/repository",
    ),
    (
        "aws cloudformation",
        "the worlds have no CloudFormation; the template is checked by tests/repository",
    ),
    ("uuid=$(aws cloudformation", "as above"),
    ("aws lambda invoke", "processes::lambda sends the same event to the function"),
    ("aws lambda update-event-source-mapping", "the worlds have no API of Lambda's settings"),
    ("aws dynamodb restore-table-to-point-in-time", "the worlds keep no past of a table"),
    ("aws dynamodb wait table-exists", "as above"),
    ("aws s3 cp s3://corpus-prod/SHA1 content", "of AWS's own program; SHA1 stands for an object"),
    ("mogupload ", "of MogileFS's own programs; pymogilefs writes in tests/clients"),
    (
        "mogile2s3 audit report --manifest …",
        "its words come from S3's job: processes::verdicts::witness",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_does_what_the_page_says() {
    let (end, back) = tokio::join!(to_the_end::typed(), trouble::typed());
    let mut left = page::commands();
    assert!(left.len() > 90, "the page's commands are not found: {left:?}");
    let typed: BTreeSet<_> = end.union(&back).cloned().collect();
    let unknown: Vec<_> = typed.difference(&left).collect();
    assert!(unknown.is_empty(), "typed here, and not on the page: {unknown:#?}");
    left.retain(|command| !typed.contains(command) && !NAMES.contains(&command.as_str()));
    for (beginning, _) in NOT_HERE {
        let all = left.len();
        left.retain(|command| !command.starts_with(beginning));
        assert!(left.len() < all, "the page has no such command: {beginning}");
    }
    assert!(left.is_empty(), "commands of the page that no test types: {left:#?}");
}
