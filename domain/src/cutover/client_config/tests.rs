use super::ConfigState::{Done, NotYet, Unseen, Wrong};
use super::*;
use crate::BucketMap;
use crate::blueprint::AccessProfile;

fn buckets() -> BucketMap {
    BucketMap::parse("repo:corpus,same-name:same-name", "trash").expect("a map")
}

fn check(answer: &str, state: ConfigState, words: &str) {
    let config = RunningConfig::parse(answer).unwrap_or_else(|why| panic!("{answer}: {why}"));
    let checked = check_running(&config, &buckets());
    let seen = checked.seen.join("\n");
    assert_eq!(checked.state, state, "{answer}\n{seen}");
    assert!(seen.contains(words), "{answer}\n{seen}");
}

#[test]
fn a_running_client_is_judged_by_what_it_says() {
    let store = |class: &str| {
        format!(
            r#"{{"version":"1.9","objectStoreBackend":"{class}","sqlServiceBackend":"x","hasXReproxy":true}}"#
        )
    };
    check(&store("class org.plos.repo.service.S3StoreService"), Done, "version 1.9");
    check(&store("org.plos.repo.service.S3StoreService"), Done, "without keys");
    check(&store("class org.plos.repo.service.MogileStoreService"), NotYet, "context.xml");
    check(&store("class org.plos.repo.service.InMemoryFileStoreService"), Wrong, "neither");
    check(&store("class org.plos.repo.service.NotS3StoreService"), Wrong, "neither");
    check(&store("class com.example.S3StoreService"), Wrong, "neither");
    check(&store("class org.plos.repo.service.S3StoreServiceX"), Wrong, "neither");
    check(&store("S3StoreService"), Wrong, "neither");
    let unnamed = r#"{"objectStoreBackend":"class org.plos.repo.service.S3StoreService"}"#;
    check(unnamed, Done, "version unknown");
    // rhino, with and without the level of its file.
    let rhino = r#"{"corpus":{"address":"http://repo","bucket":"corpus","secondaryBuckets":["same-name"]},
        "editorial":{"address":"http://repo","bucket":"same-name"}}"#;
    check(rhino, Done, "corpus");
    check(&format!(r#"{{"contentRepo":{rhino}}}"#), Done, "corpus");
    check(r#"{"corpus":{"bucket":"repo"}}"#, NotYet, "write `corpus`");
    check(&rhino.replace("\"corpus\",", "\"repo\","), Wrong, "write `corpus`");
    check(r#"{"editorial":{"bucket":"corpus"}}"#, Wrong, "is missing");
}

#[test]
fn an_answer_of_neither_client_is_none() {
    for (answer, words) in [
        ("<html>", "no JSON"),
        ("[]", "neither"),
        ("{}", "neither"),
        (r#"{"objectStoreBackend":null}"#, "no text"),
        (r#"{"objectStoreBackend":" "}"#, "no text"),
    ] {
        let why = RunningConfig::parse(answer).expect_err(answer);
        assert!(why.contains(words), "{answer}: {why}");
    }
}

#[test]
fn the_texts_say_where_a_stock_contentrepo_cannot_use_the_buckets() {
    let of = |region, profile| client_config(&buckets(), region, profile, None);
    let legacy = Some(AccessProfile::ContentrepoLegacy);
    let good = of(Some("us-east-1"), legacy);
    assert_eq!((good.problems.as_slice(), good.notes.len()), (&[][..], 0));
    assert!(good.signer.as_deref().is_some_and(|text| text.contains("AWSS3V4SignerType")));
    assert_eq!(good.renames, [("repo".to_owned(), "corpus".to_owned())]);
    let far = of(Some("eu-west-1"), legacy);
    assert_eq!((far.signer, far.problems.len()), (None, 1));
    assert_eq!(of(None, legacy).problems.len(), 1);
    for profile in [AccessProfile::Private, AccessProfile::PublicPolicy] {
        assert_eq!(of(Some("us-east-1"), Some(profile)).problems.len(), 1, "{profile}");
    }
    assert_eq!(of(Some("us-east-1"), None).notes.len(), 1);
    let states = [Done, NotYet, Wrong, Unseen].map(ConfigState::name);
    assert_eq!(states, ["done", "not yet", "wrong", "unseen"]);
}
