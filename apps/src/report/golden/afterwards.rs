//! The reports of `config` and `intermediaries delete`.

use std::collections::BTreeMap;

use domain::BucketMap;
use domain::cutover::IntermediaryDeletion;
use domain::cutover::client_config::{
    ConfigChecked, ConfigState, RunningClient, RunningSeen, client_config,
};
use serde_json::{Value, json};

use super::reports::{sample, stopped, tally};
use crate::report::config::{ConfigReport, FileChecked, FileKind, Looked};
use crate::report::intermediaries::{IntermediariesReport, Versions};
use crate::report::list_file::ListEnd;

pub(super) fn reports() -> [(&'static str, Vec<Value>); 2] {
    [("config", config()), ("intermediaries delete", intermediaries_delete())]
}

fn config() -> Vec<Value> {
    let buckets = BucketMap::parse("old:new", "").expect("a map");
    let texts = |region| json!(ConfigReport::of_texts(client_config(&buckets, region, None, None)));
    let checked = || ConfigChecked { state: ConfigState::Wrong, seen: vec!["in words".to_owned()] };
    let file = FileChecked { file: "file".into(), kind: FileKind::ContextXml, checked: checked() };
    let seen =
        |client| RunningSeen { url: "http://repo1/v1".to_owned(), client, checked: checked() };
    let running = vec![seen(Some(RunningClient::Rhino)), seen(None)];
    let mut full = ConfigReport::of_checks(Looked { files: vec![file], running });
    full.journalled(Ok(1));
    let mut empty = ConfigReport::of_checks(Looked::default());
    empty.journalled(Err("refused".to_owned()));
    vec![texts(Some("us-east-1")), texts(None), json!(full), json!(empty)]
}

fn intermediaries_delete() -> Vec<Value> {
    let full = IntermediaryDeletion {
        intermediaries: tally(),
        deleted: tally(),
        deletable: tally(),
        kept: BTreeMap::from([("*", sample())]),
        stopped: stopped(),
        ..IntermediaryDeletion::default()
    };
    let text = || vec!["bucket".to_owned()];
    let versions = Versions { kept_in: text(), unknown_in: text() };
    let list = |trouble| Some(ListEnd { file: "list".into(), lines: 1, trouble });
    let report =
        |deletion, versions, list| json!(IntermediariesReport::new(deletion, versions, list, true));
    vec![
        report(full.clone(), versions, list(Some("disk full".to_owned()))),
        report(full, Versions::default(), list(None)),
        report(IntermediaryDeletion::default(), Versions::default(), None),
    ]
}
