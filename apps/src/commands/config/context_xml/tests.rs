use domain::cutover::client_config::{
    ConfigState::{self, Done, NotYet, Unseen, Wrong},
    StoreKeys, check_context, client_config,
};

use super::*;

const S3: &str = r#"<Resource name="repo/objectStore" type="org.plos.repo.service.S3StoreService"
    factory="org.plos.repo.config.S3StoreFactory" awsAccessKey="AKIAEXAMPLE" awsSecretKey="a/b+c"/>"#;

const MOGILE: &str = r#"<Resource name="repo/objectStore" type="org.plos.repo.service.ObjectStore"
    factory="org.plos.repo.config.MogileStoreFactory" domain="plos_repo" trackers="10.0.0.1:7001,10.0.0.2:7001"
    maxTrackerConnections="-1" maxIdleConnections="4" maxIdleTimeMillis="200" reproxyEnable="true"
    reproxyCacheSettings="21600; Last-Modified Content-Type Content-Disposition"/>"#;

/// A database beside it, as every contentrepo has one.
const DATABASE: &str = r#"<Resource name="jdbc/repo" auth="Container" type="javax.sql.DataSource"
    username="repo" password="secret" url="jdbc:mysql://db/repo?a=1&amp;b=2"/>"#;

fn in_context(inner: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<Context path=\"/v1\">\n{DATABASE}\n{inner}\n</Context>\n"
    )
}

fn check(text: &str, state: ConfigState, words: &str) {
    let checked = check_context(&parse(text).unwrap_or_else(|why| panic!("{text}: {why}")));
    let seen = checked.seen.join("\n");
    assert_eq!(checked.state, state, "{text}\n{seen}");
    assert!(seen.contains(words), "{text}\n{seen}");
    assert!(!seen.contains("a/b+c") && !seen.contains("secret"), "a key is shown: {seen}");
}

#[test]
fn a_context_is_judged_by_its_one_store() {
    let of = |inner: &str| in_context(inner);
    let change = |from: &str, to: &str| of(&S3.replace(from, to));
    check(&of(S3), Done, "static keys");
    check(&of(MOGILE), NotYet, "MogileFS");
    // One of both, and the other one in a comment.
    check(&of(&format!("<!-- {MOGILE} -->{S3}")), Done, "");
    check(&of(&format!("<!-- {S3} -->{MOGILE}")), NotYet, "");
    check(&of(&format!("<![CDATA[{MOGILE}]]>{S3}")), Done, "");
    // Two that count.
    check(&of(&format!("{MOGILE}{S3}")), Wrong, "2 elements");
    check(&of(&format!("{S3}{S3}")), Wrong, "2 elements");
    // The type of one store with the factory of the other.
    check(
        &change("config.S3StoreFactory", "config.MogileStoreFactory"),
        Wrong,
        "MogileStoreFactory",
    );
    check(&change("service.S3StoreService", "service.ObjectStore"), Wrong, "S3StoreService");
    check(&change("config.S3StoreFactory", "config.FileSystemStoreFactory"), Wrong, "factory");
    // Keys.
    check(&change("awsSecretKey=\"a/b+c\"", ""), Wrong, "`awsSecretKey` is missing");
    check(&change("\"AKIAEXAMPLE\"", "' '"), Wrong, "`awsAccessKey` is missing");
    check(&change("AKIAEXAMPLE", "ASIAEXAMPLE"), Wrong, "temporary");
    // No store at all, and other names.
    check(&of(""), Wrong, "no element");
    check(&change("repo/objectStore", "repo/ObjectStore"), Wrong, "no element");
    check("<Context/>", Wrong, "no element");
}

#[test]
fn what_comes_from_elsewhere_is_never_done() {
    let with_entity = |content: &str, inner: &str| {
        format!("<!DOCTYPE Context [<!ENTITY store {content}>]><Context>&store;{inner}</Context>")
    };
    for include in ["SYSTEM 'store.xml'", "'&#60;Resource name=\"x\"/>'"] {
        check(&with_entity(include, S3), Unseen, "`&store;`");
        check(&with_entity(include, ""), Unseen, "`&store;`");
        check(&with_entity(include, MOGILE), NotYet, "`&store;`");
        check(&with_entity(include, &format!("{S3}{MOGILE}")), Wrong, "2 elements");
    }
    check(&in_context(&format!("{S3}<xi:include href='more.xml'/>")), Unseen, "more.xml");
    check(&format!("<!DOCTYPE Context SYSTEM 'c.dtd'><Context>{S3}</Context>"), Unseen, "c.dtd");
    let link = "<ResourceLink name='repo/objectStore' global='store' type='x'/>";
    check(&in_context(link), Unseen, "--check-url");
    check(&in_context(&format!("{S3}{link}")), Wrong, "both");
    check(&in_context(&S3.replace("org.plos.repo.config.S3", "${config}.S3")), Unseen, "property");
    // A key may come from one.
    check(&in_context(&S3.replace("a/b+c", "${aws.secret}")), Done, "");
}

/// Tomcat reads the resources of an application from `Context/Resource`, where `Context` is the root.
#[test]
fn a_store_at_another_place_is_never_done() {
    let around = |open: &str, close: &str, inner: &str| format!("{open}{inner}{close}");
    for (open, close) in [
        ("<Server port='8005'><GlobalNamingResources>", "</GlobalNamingResources></Server>"),
        (
            "<Server><Service><Engine><Host><Context path='/other'>",
            "</Context></Host></Engine></Service></Server>",
        ),
        (
            "<Server><Service><Engine><Host><DefaultContext>",
            "</DefaultContext></Host></Engine></Service></Server>",
        ),
        ("<Context><Context path='/other'>", "</Context></Context>"),
        ("<Context><Manager>", "</Manager></Context>"),
    ] {
        check(&around(open, close, S3), Unseen, "of the S3 store");
        check(&around(open, close, MOGILE), Unseen, "of the MogileFS store");
        check(&around(open, close, &format!("{S3}{S3}")), Unseen, "--check-url");
        // A store at its own place decides only where it is not the one of S3.
        let beside = |own: &str| match open.strip_prefix("<Context>") {
            Some(inner) => format!("<Context>{own}{}", around(inner, close, S3)),
            None => format!("<Context>{own}{open}{S3}{close}</Context>"),
        };
        check(&beside(S3), Unseen, "static keys");
        check(&beside(MOGILE), NotYet, "MogileFS");
    }
    let link = "<ResourceLink name='repo/objectStore' global='store' type='x'/>";
    let of_server = format!(
        "<Server><GlobalNamingResources>{S3}</GlobalNamingResources><Service><Context>{link}</Context></Service></Server>"
    );
    check(&of_server, Unseen, "by a `<ResourceLink>`");
    check(&of_server, Unseen, "`Server/Service/Context/ResourceLink`");
    // Another resource there says nothing.
    check(&in_context(&format!("{S3}<Manager>{DATABASE}</Manager>")), Done, "");
}

#[test]
fn spelling_does_not_matter() {
    let plain = in_context(S3);
    check(&format!("\u{feff}{plain}"), Done, "");
    check(&plain.replace('\n', "\r\n"), Done, "");
    check(&plain.replace('"', "'"), Done, "");
    check(&plain.replace("/>", "></Resource>"), Done, "");
    check(&plain.replace("repo/objectStore", "repo&#47;object&#x53;tore"), Done, "");
    let defined =
        "<!DOCTYPE Context [<!ENTITY p 'org.plos.repo'><!ENTITY s '&p;.service'>]><Context>";
    let with_entity = format!(
        "{defined}{}</Context>",
        S3.replace("org.plos.repo.service", "&s;").replace("org.plos.repo.config", "&p;.config")
    );
    check(&with_entity, Done, "");
    // Order and other attributes.
    let other = r#"<Resource awsSecretKey="a/b+c" scope="Shareable" awsAccessKey="AKIAEXAMPLE" singleton="true"
        factory="org.plos.repo.config.S3StoreFactory" trackers="10.0.0.1:7001" auth="Container"
        type="org.plos.repo.service.S3StoreService" name="repo/objectStore"/>"#;
    check(&in_context(other), Done, "");
}

#[test]
fn what_is_no_context_is_refused() {
    for (text, words) in [
        ("", "no element"),
        ("<Context>", "not closed"),
        ("<Context></Other>", "closed where it is not open"),
        ("<Context><Resource name='a' name='b'/></Context>", "twice"),
        ("<Context><Resource name='&x;'/></Context>", "&x;"),
        ("<Context><Resource name='a & b'/></Context>", "&"),
        ("<Context><Resource name=a/></Context>", "no XML"),
        ("<project/>", "no context.xml"),
        ("<!DOCTYPE Context [<!ENTITY a '&a;'>]><Context><Resource name='&a;'/></Context>", "&a;"),
    ] {
        let why = parse(text).expect_err(text);
        assert!(why.contains(words), "{text}: {why}");
    }
}

/// What is printed is what the check wants, once the keys are in it.
#[test]
fn the_printed_element_is_done_with_keys_and_wrong_with_placeholders() {
    let buckets = domain::BucketMap::parse("repo:corpus", "").expect("a map");
    let keys = StoreKeys { id: "AKIA1".to_owned(), secret: "a\"<&/b+c".to_owned() };
    let of = |keys| client_config(&buckets, Some("us-east-1"), None, keys).resource;
    let (with, without) = (of(Some(&keys)), of(None));
    check(&in_context(&with), Done, "");
    let document = parse(&in_context(&with)).expect("XML");
    assert_eq!(document.resources[1].attributes["awsSecretKey"], keys.secret);
    check(&in_context(&without), Wrong, "placeholder");
    assert!(!without.contains("AKIA1"), "{without}");
}
