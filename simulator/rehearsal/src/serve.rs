//! A world that stays up, for commands that are typed by hand, and the acts of people in it.

use std::process::ExitCode;

use anyhow::Context;
use oracle::state::Row;
use stand_ins::embedded::JOURNAL;
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb::{self, Fields};
use stand_ins::world::mogile::Fid;
use tokio::sync::mpsc;

use crate::stage::{Options, Stage};

const HELP: &str = "\
Type here what people do, while the commands do the rest:
  ingest N          contentrepo stores N files, by its API
  clients s3        contentrepo and rhino start with the configuration for S3
  clients mogilefs  both start with their old configuration
  day               a day passes, for `tmp delete`
Let contentrepo write to S3 with: mogile2s3 provision --access-profile contentrepo-legacy --change-access
Ctrl-C asks the oracle what came of all files.";

/// Prints the environment, does what people type until Ctrl-C, and lets the oracle judge what was done meanwhile.
pub(super) async fn serve(options: &Options) -> anyhow::Result<ExitCode> {
    let mut stage = Stage::set(options).await?;
    let mut environment = stage.environment()?;
    environment.insert("CONTENTREPO_URL", stage.world.content_repo_url.clone());
    environment.insert("RHINO_URL", stage.world.rhino_url.clone());
    for (name, value) in environment {
        println!("export {name}='{value}'");
    }
    eprintln!("The world is up, with {} files to migrate.", stage.planted.expected.len());
    eprintln!("In another terminal, with the lines above: mogile2s3 migrate");
    eprintln!("{HELP}");
    let mut lines = typed();
    let mut is_typing = true;
    loop {
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => break stopped.context("waiting for Ctrl-C")?,
            line = lines.recv(), if is_typing => match line {
                Some(line) => act(&mut stage, &line).await,
                // Started without a terminal.
                None => is_typing = false,
            },
        }
    }
    for ((service, operation), count) in stage.world.faults.counts() {
        eprintln!("  {count:>8} {service} {operation}");
    }
    settle(&mut stage)?;
    let judgement = stage.judge_after_any_command();
    let shown = judgement.problems.iter().take(20);
    shown.for_each(|problem| eprintln!("  PROBLEM: {problem}"));
    let (whole, all) = (judgement.whole, judgement.expected);
    eprintln!("{whole} of {all} files are whole; {} problems.", judgement.problems.len());
    Ok(if judgement.is_content() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The lines of standard input, read by a thread that nothing waits for in the end.
fn typed() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// What the journal says was deleted on purpose is no loss: raw copies, and uploads that never got their name.
fn settle(stage: &mut Stage) -> anyhow::Result<()> {
    let world = &stage.world;
    let items = dynamodb::items(&world.database, JOURNAL)?;
    let lines: Vec<_> =
        items.iter().filter_map(|item| Fields(item).the_text("line").ok()).collect();
    let says = |kind: &str| lines.iter().any(|line| line.contains(&format!("\"kind\":\"{kind}\"")));
    if says("intermediaries-condemned") {
        let is_there =
            |bucket: &str, key: &str| world.s3.get(bucket, key, &Condition::None).is_ok();
        stage.planted.intermediaries.retain(|(bucket, key), _| is_there(bucket, key));
    }
    if says("temporary-condemned") {
        let is_name = |key: &str| key.rsplit_once('.').is_some_and(|(_, end)| end == "tmp");
        let is_upload = |row: &Row| row.key.as_deref().is_some_and(is_name);
        let is_there = |fid: u64| world.mogile.row(Fid(fid)).is_some();
        stage.before.rows.retain(|fid, row| is_there(*fid) || !is_upload(row));
        let rows = &stage.before.rows;
        let had_a_row = |fid: u64| rows.contains_key(&fid);
        let replicas = world.mogile.replicas();
        let is_left = |(fid, device): &(u64, u64)| {
            had_a_row(*fid)
                || replicas.keys().any(|(of, on)| (of.0, u64::from(on.0)) == (*fid, *device))
        };
        stage.before.replicas.retain(|at, _| is_left(at));
    }
    Ok(())
}

/// Does what a line says, and says what came of it.
async fn act(stage: &mut Stage, line: &str) {
    let words: Vec<_> = line.split_whitespace().collect();
    let done = match *words {
        [] => return,
        ["ingest", files] => match files.parse() {
            Ok(files @ 1..=1_000) => stage.ingest(files).await,
            _ => Err(anyhow::anyhow!("`{files}` is no number from 1 to 1000")),
        },
        ["clients", "s3"] => stage.clients_start(true),
        ["clients", "mogilefs"] => stage.clients_start(false),
        ["day"] => stage.a_day_passes().await,
        _ => Err(anyhow::anyhow!("`{line}` is none of these.\n{HELP}")),
    };
    match done {
        Ok(()) => eprintln!("done: {}", words.join(" ")),
        Err(error) => eprintln!("error: {error:#}"),
    }
}
