//! What the environment and the file `.env` are taken for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::cli::{mogile2s3, rehearse, stage, text};

type Environment = BTreeMap<&'static str, String>;

/// As [`mogile2s3`], in this folder.
async fn in_folder(folder: &Path, environment: &Environment, arguments: &[&str]) -> Output {
    let mut command = rehearse();
    command.current_dir(folder).arg("mogile2s3").args(arguments).envs(environment);
    tokio::process::Command::from(command).kill_on_drop(true).output().await.expect("started")
}

/// Every variable of every command, but for those that commands cannot do without.
fn settings(of: &clap::Command, all: &mut BTreeSet<&'static str>) {
    for argument in of.get_arguments() {
        let variable = argument.get_env().and_then(|variable| variable.to_str());
        all.extend(variable.map(|variable| &*variable.to_owned().leak()));
    }
    of.get_subcommands().for_each(|command| settings(command, all));
}

/// What a command said, without what no two runs share.
fn said(output: &Output) -> (Option<i32>, String) {
    let said = text(&output.stderr);
    let lines = said.lines().filter(|line| line.contains("error") || line.contains("panic"));
    (output.status.code(), lines.collect::<Vec<_>>().join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_setting_is_one_that_is_not_given() {
    let stage = stage(51, 2).await;
    let environment = stage.world.environment();
    assert_eq!(mogile2s3(environment, &["migrate"]).await.status.code(), Some(0));
    let mut all = BTreeSet::from([
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_SQS",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_SESSION_TOKEN",
        "AWS_MAX_ATTEMPTS",
        "AWS_CA_BUNDLE",
    ]);
    settings(&apps::cli::command(), &mut all);
    assert!(all.len() > 25, "{all:?}");
    let mut of_enqueue = all.clone();
    of_enqueue.retain(|name| name.starts_with("AWS_"));
    let enqueue = apps::cli::command().find_subcommand("enqueue").cloned().expect("a command");
    settings(&enqueue, &mut of_enqueue);
    for name in all {
        // `status` reads few settings, and does so fast: what `enqueue` does not know is given to it.
        let command: &[&str] = if of_enqueue.contains(name) {
            &["enqueue", "migrate", "--json"]
        } else {
            &["status", "--json"]
        };
        // An endpoint that is not set is Amazon's, which no test asks.
        let is_loopback = name.starts_with("AWS_ENDPOINT_URL_");
        let mut without = environment.clone();
        if is_loopback {
            let address = without.remove(name).expect("the world names it");
            without.insert("AWS_ENDPOINT_URL", address);
        } else {
            without.remove(name);
        }
        let ask = async |environment: &Environment| said(&mogile2s3(environment, command).await);
        let with = |empty: &str| {
            let mut with = without.clone();
            with.insert(name, empty.to_owned());
            with
        };
        let (empty, blank) = (with(""), with(" "));
        let (wanted, empty, blank) = tokio::join!(ask(&without), ask(&empty), ask(&blank));
        assert_eq!(empty, wanted, "{name}=");
        assert_eq!(blank, wanted, "{name}=' '");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dot_env_gives_what_the_environment_does_not_have() {
    let stage = stage(52, 3).await;
    let folder = TempDir::new().expect("a folder");
    let below = folder.path().join("below");
    fs::create_dir(&below).expect("a folder");
    let environment = stage.world.environment();
    let lines = environment.iter().map(|(name, value)| format!("export {name} = {value}  # set"));
    let mut file: Vec<_> = lines.collect();
    file.push("LAMBDA_FUNCTION='no such function'".to_owned());
    fs::write(folder.path().join(".env"), file.join("\r\n")).expect("written");

    // What is empty in the environment hides the file's.
    let own = BTreeMap::from([("LAMBDA_FUNCTION", String::new())]);
    let output = in_folder(&below, &own, &["migrate"]).await;
    let (out, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out} {said}");
    assert!(stage.judge().is_content());
    assert_eq!(said.matches("`LAMBDA_FUNCTION` is already set").count(), 1, "{said}");
    assert!(said.contains("a shell reads the value of `BUCKETS`"), "{said}");
    for secret in ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"] {
        assert!(!said.contains(&environment[secret]), "{said}");
    }

    let own = BTreeMap::from([("BUCKETS", "a:Bad_Name".to_owned())]);
    let output = in_folder(&below, &own, &["migrate"]).await;
    assert_eq!(output.status.code(), Some(2), "the environment wins");
    assert!(text(&output.stderr).contains("Bad_Name"));

    fs::write(folder.path().join(".env"), "\nMOGILE_DATABASE_URL=\"mysql://ann:s3cret")
        .expect("written");
    let output = in_folder(&below, environment, &["fids"]).await;
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(".env line 2") && said.contains("`MOGILE_DATABASE_URL`"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

/// As with IAM Roles Anywhere, or a company's own helper.
#[tokio::test(flavor = "multi_thread")]
async fn a_profile_may_take_its_credentials_from_a_process() {
    let stage = stage(53, 3).await;
    let mut environment = stage.world.environment().clone();
    let [id, secret] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        .map(|name| environment.remove(name).expect("the world names it"));
    let folder = TempDir::new().expect("a folder");
    let script = folder.path().join("credentials");
    let answer = serde_json::json!({ "Version": 1, "AccessKeyId": id, "SecretAccessKey": secret });
    fs::write(&script, format!("#!/bin/sh\necho '{answer}'\n")).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).expect("a program");
    let config = folder.path().join("config");
    let profile = format!("[profile ours]\ncredential_process = {}\n", script.display());
    fs::write(&config, profile).expect("written");
    environment.insert("AWS_CONFIG_FILE", config.display().to_string());
    environment.insert("AWS_PROFILE", "ours".to_owned());
    let output = mogile2s3(&environment, &["migrate"]).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(stage.judge().is_content());
    assert!(!said.contains(&secret), "{said}");
}
