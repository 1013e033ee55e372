//! Replies taken apart: recorded ones, and such as would lead astray.

use super::*;

fn fields(reply: &str) -> Fields {
    let pairs = reply.split('&').filter_map(|field| field.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// That each reply is refused, with these words.
fn check_refused<T: std::fmt::Debug>(
    read: impl Fn(&Fields) -> Result<T, String>,
    replies: &[(&str, &str)],
) {
    for (reply, words) in replies {
        let why = read(&fields(reply)).expect_err(reply);
        assert!(why.contains(words), "`{reply}`: {why}");
    }
}

#[test]
fn paths_come_in_the_trackers_order() {
    assert_eq!(paths(&fields("paths=0")), Ok(vec![]));
    assert_eq!(paths(&fields("path2=b&paths=2&path1=a")), Ok(vec!["a".into(), "b".into()]));
    check_refused(
        paths,
        &[
            ("", "paths is missing"),
            ("paths=", "paths is missing"),
            ("paths=x", "paths is `x`"),
            ("paths=-1", "paths is `-1`"),
            ("paths=1", "path1 is missing"),
            ("paths=99999999999", "more than the 1 that there can be"),
            ("paths=2&path1=a&path3=c", "path2 is missing"),
        ],
    );
}

#[test]
fn info_of_a_file_with_and_without_a_length() {
    let info = |length| FileInfo { fid: Fid(3), length, class: "default".into(), devcount: 2 };
    let reply = "length=5180&class=default&devids=1,2&fid=3&devcount=2&domain=plos_repo&key=k";
    assert_eq!(file_info(&fields(reply)), Ok(info(Some(ByteCount(5180)))));
    assert_eq!(file_info(&fields("length=&class=default&fid=3&devcount=2")), Ok(info(None)));
    check_refused(
        file_info,
        &[
            ("class=default&devcount=2", "fid is missing"),
            ("fid=3&devcount=2", "class is missing"),
            ("fid=3&class=x&length=1e3&devcount=2", "length is `1e3`"),
        ],
    );
}

#[test]
fn hosts_are_listed_with_nulls() {
    // Recorded.
    let reply = "hosts=2&host1_hostid=1&host1_status=alive&host1_hostname=store1\
                 &host1_hostip=127.0.0.1&host1_http_port=7500&host1_http_get_port=&host1_altip=\
                 &host1_altmask=&host2_hostip=10.0.0.7&host2_altip=10.1.0.7&host2_http_get_port=7600";
    let text = |text: &str| Some(text.to_owned());
    let one = HostRow {
        hostname: text("store1"),
        status: text("alive"),
        hostip: text("127.0.0.1"),
        altip: None,
        http_port: text("7500"),
        http_get_port: None,
    };
    let other = HostRow {
        hostip: text("10.0.0.7"),
        altip: text("10.1.0.7"),
        http_get_port: text("7600"),
        ..HostRow::default()
    };
    assert_eq!(hosts(&fields(reply)), Ok(vec![one, other]));
    check_refused(
        hosts,
        &[
            ("", "hosts is missing"),
            ("hosts=0", "it lists no host"),
            ("hosts=99999999999", "more than the 1 that there can be"),
        ],
    );
}

#[test]
fn files_are_listed_ascending_with_nulls() {
    let reply = "fid_1_domain=plos_repo&fid_1_length=46394&fid_1_class=default&fid_1_devcount=2\
                 &fid_count=2&fid_1_key=k&fid_1_fid=5&fid_2_fid=4&fid_2_domain=x&fid_2_length=\
                 &fid_2_key=&fid_2_class=";
    let (k, length) = (Some("k".to_owned()), Some(ByteCount(46394)));
    let wanted = vec![
        ListedFile {
            fid: Fid(4),
            domain: "x".into(),
            key: None,
            length: None,
            class: None,
            replicas: None,
        },
        ListedFile {
            fid: Fid(5),
            domain: "plos_repo".into(),
            key: k,
            length,
            class: Some("default".into()),
            replicas: Some(2),
        },
    ];
    assert_eq!(listed_files(&fields(reply), Fid(3), 2), Ok(wanted));
    assert_eq!(listed_files(&fields("fid_count=0"), Fid(3), 1), Ok(vec![]));
    check_refused(
        |fields| listed_files(fields, Fid(3), 1),
        &[
            ("", "fid_count is missing"),
            ("fid_count=x", "fid_count is `x`"),
            ("fid_count=2", "more than the 1"),
            ("fid_count=1", "fid_1_fid is missing"),
            ("fid_count=1&fid_1_fid=3&fid_1_domain=x", "only fids behind 3"),
            ("fid_count=1&fid_1_fid=-4&fid_1_domain=x", "fid_1_fid is `-4`"),
            ("fid_count=1&fid_1_fid=4", "fid_1_domain is missing"),
            ("fid_count=1&fid_1_fid=4&fid_1_domain=x&fid_1_length=1e3", "fid_1_length is `1e3`"),
        ],
    );
}

#[test]
fn classes_are_those_of_the_domain_that_is_asked_for() {
    let class = |class: &str, name: &str, least: &str| {
        format!("&domain{class}name={name}&domain{class}mindevcount={least}")
    };
    let (first, second) = (class("1class1", "default", "2"), class("2class1", "default", "3"));
    let head = "domain2=plos_repo&domain2classes=2&domains=2&domain1=other&domain1classes=1";
    let reply = format!("{head}{first}{second}{}", class("2class2", "rare", "1"));
    let of = |domain: &'static str| move |fields: &Fields| classes(fields, domain);
    let wanted = vec![("default".to_owned(), 3), ("rare".to_owned(), 1)];
    assert_eq!(of("plos_repo")(&fields(&reply)), Ok(wanted));
    assert_eq!(of("other")(&fields(&reply)), Ok(vec![("default".to_owned(), 2)]));
    // What is odd about another domain is nothing to this one.
    let odd = reply.replace("domain1class1mindevcount=2", "domain1class1mindevcount=x");
    assert!(of("plos_repo")(&fields(&odd)).is_ok());
    check_refused(
        of("nowhere"),
        &[(reply.as_str(), "no domain `nowhere`"), ("", "domains is missing")],
    );
    check_refused(
        of("d"),
        &[
            ("domains=1&domain1=d", "domain1classes is missing"),
            ("domains=1&domain1=d&domain1classes=0", "no class of domain `d`"),
            ("domains=1&domain1=d&domain1classes=1", "domain1class1name is missing"),
            ("domains=1&domain1=d&domain1classes=99999999999", "more than the 3"),
            (
                "domains=1&domain1=d&domain1classes=1&domain1class1name=default",
                "domain1class1mindevcount is missing",
            ),
            (
                "domains=1&domain1=d&domain1classes=1&domain1class1name=default\
                 &domain1class1mindevcount=-2",
                "domain1class1mindevcount is `-2`",
            ),
        ],
    );
}

#[test]
fn keys_are_listed_as_given() {
    let reply = "key_2=B&next_after=b&key_count=2&key_1=a";
    assert_eq!(listed_keys(&fields(reply)), Ok(vec!["a".into(), "B".into()]));
    check_refused(
        listed_keys,
        &[
            ("key_count=1", "key_1 is missing"),
            ("key_count=1001", "more than the 1000"),
            ("next_after=b", "key_count is missing"),
        ],
    );
}
