//! A world, the settings for it, and commands that are run with them.

use std::collections::BTreeMap;
use std::process::Output;

use rehearsal::planting::Expected;
use rehearsal::scenarios::is_look_at_settings;
use rehearsal::stage::Stage;
use serde_json::Value;
use stand_ins::embedded::{FAILURES, LEDGER, QUEUE};
use stand_ins::fault::{RequestCounts, Service};
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb::{self, Fields, Item, number};
use stand_ins::world::mogile::{Content, DeviceId, Fid};

use crate::cli::{json, mogile2s3, stage, text};

pub struct Session {
    pub stage: Stage,
    environment: BTreeMap<&'static str, String>,
}

impl Session {
    /// A world with so many files, of which nothing is migrated.
    pub async fn new(seed: u64, files: usize) -> Self {
        let stage = stage(seed, files).await;
        let environment = stage.world.environment().clone();
        Self { stage, environment }
    }

    /// The same, when a first run has migrated all of it.
    pub async fn migrated(seed: u64, files: usize) -> Self {
        let session = Self::new(seed, files).await;
        session.said(&["migrate"], 0).await;
        session
    }

    /// Changes a setting for every command from now on.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.environment.insert(name, value.into());
    }

    /// Changes a setting back.
    pub fn reset(&mut self, name: &'static str) {
        match self.stage.world.environment().get(name) {
            Some(value) => self.environment.insert(name, value.clone()),
            None => self.environment.remove(name),
        };
    }

    pub const fn environment(&self) -> &BTreeMap<&'static str, String> {
        &self.environment
    }

    /// Runs a command, however it ends. Gives what it says on stdout and stderr.
    pub async fn run(&self, arguments: &[&str]) -> String {
        let output = mogile2s3(&self.environment, arguments).await;
        text(&output.stdout) + &text(&output.stderr)
    }

    /// Runs a command; it must end with this exit code. Gives what it says on stdout and stderr.
    pub async fn said(&self, arguments: &[&str], code: i32) -> String {
        let output = self.ended(arguments, code).await;
        text(&output.stdout) + &text(&output.stderr)
    }

    /// The same with `--json`; gives what it says on stdout.
    pub async fn told(&self, arguments: &[&str], code: i32) -> Value {
        json(&self.ended(&[arguments, &["--json"]].concat(), code).await)
    }

    pub async fn ended(&self, arguments: &[&str], code: i32) -> Output {
        let output = mogile2s3(&self.environment, arguments).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        output
    }

    pub fn files(&self) -> &[Expected] {
        &self.stage.planted.expected
    }

    /// Files with which nothing is wrong, with some content, and that no COPY can bring.
    pub fn plain(&self) -> impl Iterator<Item = &Expected> {
        let plain = |file: &&Expected| {
            let length = file.file.content.length();
            file.hazard.is_none() && !file.synced && (1..1_000_000).contains(&length)
        };
        self.files().iter().filter(plain)
    }

    /// Whether a bucket has the content of a file under the file's key.
    pub fn has(&self, bucket: &str, file: &Expected) -> bool {
        let found = self.stage.world.s3.get(bucket, &file.file.sha1, &Condition::None);
        let content = file.file.content.read().expect("readable");
        found.is_ok_and(|object| *object.content.bytes() == content)
    }

    /// Takes a file's object out of its bucket.
    pub fn lose(&self, file: &Expected) {
        let lost = self.stage.world.s3.delete(file.bucket, &file.file.sha1, &Condition::None);
        lost.expect("it was there");
    }

    /// The judge has nothing to find fault with.
    pub fn is_content(&self) {
        let judgement = self.stage.judge();
        assert!(judgement.is_content(), "{:?}", judgement.problems);
    }

    /// The ledger's item of a fid.
    pub fn item(&self, fid: u64) -> Item {
        let mut items = self.items(LEDGER).into_iter();
        let is_its = |item: &Item| Fields(item).number("fid") == Ok(Some(fid));
        items.find(is_its).expect("an item")
    }

    /// A text of that item.
    pub fn recorded(&self, fid: u64, name: &str) -> String {
        let item = self.item(fid);
        Fields(&item).the_text(name).expect("a text").to_owned()
    }

    pub fn items(&self, table: &str) -> Vec<Item> {
        dynamodb::items(&self.stage.world.database, table).expect("a table")
    }

    pub fn failures(&self) -> Vec<Item> {
        self.items(FAILURES)
    }

    /// Writes an item in place of the one with its key.
    pub fn put(&self, table: &str, item: Item) {
        dynamodb::put(&self.stage.world.database, table, item).expect("a good item");
    }

    /// A failure record, as workers of earlier versions wrote it.
    pub fn plant_failure(&self, file: &Expected, action: &str, reason: &str) {
        let item = Item::from([
            number("fid", file.fid),
            dynamodb::text("action", action),
            dynamodb::text("dkey", &file.file.sha1),
            dynamodb::text("reason", reason),
            dynamodb::text("detail", "in words"),
            number("attempt", 5),
            number("failed_at", 1_767_225_600_123),
        ]);
        self.put(FAILURES, item);
    }

    /// Messages in a queue, in whatever state.
    pub fn messages(&self, queue: &str) -> usize {
        self.stage.world.sqs.counts(queue).expect("it is there").all()
    }

    pub fn jobs(&self) -> usize {
        self.messages(QUEUE)
    }

    /// Nothing was written, nor sent, nor taken away since these requests were counted.
    pub fn nothing_was_written_since(&self, before: &RequestCounts) {
        let since = self.stage.world.faults.counts_since(before);
        let writes = |(service, operation): &&(Service, String)| match service {
            Service::S3 | Service::DynamoDb if is_look_at_settings(operation) => false,
            Service::S3 => !["HEAD", "GET", "LIST"].contains(&operation.as_str()),
            Service::DynamoDb => !["Scan", "Query", "BatchGetItem"].contains(&operation.as_str()),
            Service::Sqs => operation != "GetQueueAttributes",
            Service::Tracker
            | Service::StorageNode
            | Service::Lambda
            | Service::Sts
            | Service::Mysql
            | Service::ContentRepo
            | Service::Rhino => false,
        };
        let written: Vec<_> = since.keys().filter(writes).collect();
        assert!(written.is_empty(), "{written:?}");
    }

    /// The devices that hold a replica of a file.
    pub fn holders(&self, file: &Expected) -> Vec<DeviceId> {
        let world = &self.stage.world;
        let holds = |device: &_| world.mogile.replica(Fid(file.fid), *device).is_some();
        world.devices.iter().copied().filter(holds).collect()
    }

    /// Takes all replicas of so many plain files away; gives them.
    pub fn take_replicas(&self, files: usize) -> Vec<Taken> {
        let mut taken = Vec::new();
        for file in self.plain().take(files) {
            for device in self.holders(file) {
                let fid = Fid(file.fid);
                let replica = self.stage.world.mogile.remove_replica(fid, device);
                taken.push((fid, device, replica.expect("it was there")));
            }
        }
        taken
    }

    pub fn put_back(&self, taken: Vec<Taken>) {
        for (fid, device, replica) in taken {
            self.stage.world.mogile.set_replica(fid, device, replica);
        }
    }
}

/// A replica that was taken away.
pub type Taken = (Fid, DeviceId, Content);
