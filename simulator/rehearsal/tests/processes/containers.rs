//! `rehearse --world containers`: without an engine, with flags that do not go together, and interrupted.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rehearsal::containers::LABEL;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::ListContainersOptionsBuilder;
use testcontainers::core::client::docker_client_instance;

use crate::cli::{rehearse, say, text};

#[test]
fn without_an_engine_it_says_what_to_start() {
    let mut command = rehearse();
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let output = command.args(["--world", "containers"]).output().expect("started");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for words in ["no container engine answers", "start Docker or Podman", "DOCKER_HOST"] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn flags_of_one_world_are_wrong_usage_with_the_other() {
    for arguments in [
        &["--keep"][..],
        &["--faults"],
        &["--world", "containers", "--by", "queue"],
        &["--world", "containers", "--hazards", "mild"],
    ] {
        let output = rehearse().args(arguments).output().expect("started");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[tokio::test]
async fn an_interrupt_leaves_no_container_and_no_network() {
    let ping = async {
        let docker = docker_client_instance().await.ok()?;
        docker.ping().await.ok()?;
        Some(docker)
    };
    let docker = tokio::time::timeout(Duration::from_secs(10), ping).await.ok().flatten();
    let Some(docker) = docker else {
        let is_required = std::env::var_os("REQUIRE_CONTAINERS").is_some_and(|it| it == "1");
        assert!(!is_required, "REQUIRE_CONTAINERS=1, and no container engine answers");
        say("SKIPPED: this test needs a container engine, and none answers");
        return;
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["--world", "containers", "--files", "8"]).stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::null()).spawn().expect("started");
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut lines = stderr.lines().map(|line| line.expect("text"));
    let label = lines.find_map(|line| Some(LABEL.to_owned() + line.split_once(LABEL)?.1));
    let label = label.expect("a label");
    // The servers are up, and the commands run.
    let playing = lines.find(|line| line.contains("playing the runbook"));
    assert!(playing.is_some(), "it did not come so far");
    assert_eq!(containers(&docker, &label).await, 3);
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.expect("kill").success());
    let said: Vec<_> = lines.collect();
    assert_eq!(child.wait().expect("ended").code(), Some(3), "{said:?}");
    assert!(said.iter().any(|line| line.contains("interrupted")), "{said:?}");
    assert_eq!(containers(&docker, &label).await, 0);
    let (_, network) = label.split_once('=').expect("a name");
    assert!(docker.inspect_network(network, None).await.is_err(), "the network is there");
}

/// How many containers have a label.
async fn containers(docker: &Docker, label: &str) -> usize {
    let filters = HashMap::from([("label", vec![label.to_owned()])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    docker.list_containers(Some(options)).await.expect("a list").len()
}
