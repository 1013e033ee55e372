use domain::{JobAction, RouteHint};
use proptest::prelude::*;

use super::*;

const DKEY: &str = "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed-mogilefs-prod-repo";

/// A body as Python's `json.dumps` wrote it for s3migrate.
const BODY: &str = r#"{"length": 1593790, "fid": 1, "dkey": "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed-mogilefs-prod-repo"}"#;

fn job(action: JobAction) -> Job {
    let (dkey, length) = (DKEY.to_owned(), ByteCount(1_593_790));
    Job { action, fid: Fid(1), dkey, length, hints: Hints::default() }
}

fn read(body: &str, attributes: &[(&str, &str)]) -> Result<Job, BadMessage> {
    job_of(body, |wanted| {
        attributes.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value)
    })
}

fn reread(job: &Job) -> Result<Job, BadMessage> {
    let attributes = attributes_of(job);
    let attributes: Vec<_> = attributes.iter().map(|(name, value)| (*name, &**value)).collect();
    read(&body_of(job), &attributes)
}

#[test]
fn ours_are_s3migrates_to_the_byte() {
    for (action, name) in [(JobAction::Migrate, "migrate"), (JobAction::Verify, "verify")] {
        assert_eq!(body_of(&job(action)), BODY);
        assert_eq!(attributes_of(&job(action)), [("action", name.to_owned())]);
    }
}

#[test]
fn s3migrates_are_jobs_without_hints() {
    for (action, name) in [(JobAction::Migrate, "migrate"), (JobAction::Verify, "verify")] {
        assert_eq!(read(BODY, &[("action", name)]), Ok(job(action)));
    }
}

#[test]
fn fields_in_any_order_and_others_beside_them() {
    let reordered = format!(r#"{{"dkey":"{DKEY}","fid":1,"length":1593790}}"#);
    let more = format!(
        r#" {{"devcount": 2, "fid": 1, "x": {{"fid": 7}}, "dkey": "{DKEY}", "length": 1593790}} "#
    );
    for body in [reordered, more] {
        let attributes = [("trace", "abc"), ("action", "migrate")];
        assert_eq!(read(&body, &attributes), Ok(job(JobAction::Migrate)), "{body}");
    }
}

#[test]
fn hints_travel_as_attributes_and_never_in_the_body() {
    let hints = Hints {
        route: Some(RouteHint::CopyLeadingSlash),
        failed_before: true,
        look_first: true,
        run: Some("2026-01-01".to_owned()),
        domain: Some("plos_repo".to_owned()),
        bucket: S3Bucket::new("corpus-prod"),
        type_and_name: TypeAndName {
            content_type: ContentType::parse("image/tiff"),
            download_name: DownloadName::parse("gr\u{f6}\u{df}e.tif"),
        },
    };
    let hinted = Job { hints, ..job(JobAction::Verify) };
    assert_eq!(body_of(&hinted), BODY);
    let expected = [
        ("action", "verify"),
        ("route", "copy-leading-slash"),
        ("failed_before", "true"),
        ("look_first", "true"),
        ("run", "2026-01-01"),
        ("domain", "plos_repo"),
        ("bucket", "corpus-prod"),
        ("content_type", "image/tiff"),
        ("download_name", "gr\u{f6}\u{df}e.tif"),
    ];
    assert_eq!(attributes_of(&hinted), expected.map(|(name, value)| (name, value.to_owned())));
    assert_eq!(reread(&hinted), Ok(hinted));
}

#[test]
fn hints_that_are_not_understood_do_not_matter() {
    let hints = [("route", "teleport"), ("failed_before", "maybe"), ("run", ""), ("domain", "")];
    let attributes: Vec<_> = hints.into_iter().chain([("action", "migrate")]).collect();
    assert_eq!(read(BODY, &attributes), Ok(job(JobAction::Migrate)));
}

#[test]
fn no_other_action_is_a_migrate() {
    for action in ["Verify", "MIGRATE", "delete", "migrate ", ""] {
        let bad = read(BODY, &[("action", action)]).expect_err(action);
        assert_eq!((bad.fid, bad.dkey.as_deref()), (Some(Fid(1)), Some(DKEY)));
        assert!(bad.why.contains(&format!("`{action}`")), "{bad}");
    }
    let bad = read(BODY, &[("Action", "migrate")]).expect_err("no action");
    assert_eq!((bad.fid, bad.dkey.as_deref()), (Some(Fid(1)), Some(DKEY)));
    assert!(bad.why.contains("no attribute `action`"), "{bad}");
}

#[test]
fn bodies_that_are_no_jobs_tell_what_they_can() {
    let (fid, dkey) = (Some(1), Some(DKEY));
    let with = |fields: &str| format!(r#"{{"dkey": "{DKEY}", {fields}}}"#);
    for (body, read_fid, read_dkey, said) in [
        (String::new(), None, None, "not JSON"),
        ("migrate 1".to_owned(), None, None, "not JSON"),
        (BODY[..BODY.len() - 1].to_owned(), None, None, "not JSON"),
        ("[".repeat(100_000), None, None, "not JSON"),
        ("[1]".to_owned(), None, None, "no JSON object"),
        ("null".to_owned(), None, None, "no JSON object"),
        ("{}".to_owned(), None, None, "no `length`"),
        (with(r#""length": 7"#), None, dkey, "no `fid`"),
        (with(r#""length": 7, "fid": -1"#), None, dkey, "`fid` is `-1`"),
        (with(r#""length": 7, "fid": 1.0"#), None, dkey, "`fid` is `1.0`"),
        (with(r#""length": 7, "fid": 18446744073709551616"#), None, dkey, "`fid` is `1"),
        (with(r#""length": 7, "fid": 1e999"#), None, None, "not JSON"),
        (with(r#""length": 7, "fid": "1""#), None, dkey, r"`fid` is `\"),
        (with(r#""length": 7, "fid": true"#), None, dkey, "`fid` is `true`"),
        (with(r#""length": 7, "fid": null"#), None, dkey, "`fid` is `null`"),
        (with(r#""fid": 1"#), fid, dkey, "no `length`"),
        (with(r#""fid": 1, "length": null"#), fid, dkey, "`length` is `null`"),
        (with(r#""fid": 1, "length": -7"#), fid, dkey, "`length` is `-7`"),
        (r#"{"fid": 1, "length": 7}"#.to_owned(), fid, None, "no `dkey`"),
        (r#"{"fid": 1, "length": 7, "dkey": null}"#.to_owned(), fid, None, "`dkey` is `null`"),
        (r#"{"fid": 1, "length": 7, "dkey": ["a"]}"#.to_owned(), fid, None, "`dkey` is `["),
    ] {
        let bad = read(&body, &[("action", "migrate")]).expect_err(&body);
        assert_eq!((bad.fid, bad.dkey.as_deref()), (read_fid.map(Fid), read_dkey), "{body}");
        assert!(bad.why.contains(said), "{body}: {bad}");
        assert!(bad.why.len() < 1_000, "{} bytes of words", bad.why.len());
    }
}

#[test]
fn a_run_that_is_too_long_for_a_key_is_refused() {
    let longest = "r".repeat(LONGEST_RUN_BYTES);
    let attributes = |run| [("action", "verify"), ("run", run)];
    let job = read(BODY, &attributes(&longest)).expect("a job");
    assert_eq!(job.hints.run.as_ref(), Some(&longest));
    let bad = read(BODY, &attributes(&format!("{longest}r"))).expect_err("too long");
    assert_eq!((bad.fid, bad.dkey.as_deref()), (Some(Fid(1)), Some(DKEY)));
    assert!(bad.why.contains("`run` has 257 bytes"), "{bad}");
}

#[test]
fn keys_are_escaped_as_python_does() {
    let strange = Job { dkey: "\"\\\n\u{7f}é\u{ffff}😀".to_owned(), ..job(JobAction::Migrate) };
    let dkey = "\"\\\"\\\\\\n\u{7f}\\u00e9\\uffff\\ud83d\\ude00\"";
    assert_eq!(body_of(&strange), format!(r#"{{"length": 1593790, "fid": 1, "dkey": {dkey}}}"#));
    assert_eq!(reread(&strange), Ok(strange));
}

fn jobs() -> impl Strategy<Value = Job> {
    let action = proptest::sample::select(JobAction::ALL);
    let route = proptest::option::of(proptest::sample::select(RouteHint::ALL));
    let text = || proptest::option::of("\\PC{1,20}");
    let known = any::<(bool, bool)>();
    let bucket = proptest::option::of("[a-z0-9]{3,9}");
    let content_type = proptest::option::of("[a-z]{1,9}/[a-z]{1,9}");
    let texts = (text(), text(), bucket, content_type, text());
    (action, any::<u64>(), any::<String>(), any::<u64>(), route, known, texts).prop_map(
        |(action, fid, dkey, length, route, (failed_before, look_first), texts)| {
            let (run, domain, bucket, content_type, name) = texts;
            let bucket = bucket.and_then(|name| S3Bucket::new(&name));
            let type_and_name = TypeAndName {
                content_type: content_type.as_deref().and_then(ContentType::parse),
                download_name: name.as_deref().and_then(DownloadName::parse),
            };
            let hints =
                Hints { route, failed_before, look_first, run, domain, bucket, type_and_name };
            Job { action, fid: Fid(fid), dkey, length: ByteCount(length), hints }
        },
    )
}

proptest! {
    #[test]
    fn every_job_comes_back_from_its_message(job in jobs()) {
        prop_assert!(body_of(&job).is_ascii());
        prop_assert_eq!(reread(&job), Ok(job));
    }

    #[test]
    fn any_message_is_a_job_or_told(
        body in "\\PC{0,64}|\\{(\"(fid|dkey|length|x)\": ?(-?[0-9.eE]{0,25}|null|\"\\PC{0,9}\"|\\[\\]),?){0,4}\\}",
        action in proptest::option::of("migrate|verify|\\PC{0,9}"),
        other in any::<String>(),
    ) {
        let attribute = |name: &str| if name == ACTION { action.as_deref() } else { Some(&*other) };
        if let Err(bad) = job_of(&body, attribute) {
            prop_assert!(!bad.why.is_empty());
        }
    }
}
