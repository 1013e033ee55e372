//! A world with a few files, their jobs, and the real function at work on them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use adapters::sqs::message;
use domain::{Job, JobAction, Sha1};
use rehearsal::process;
use serde_json::Value;
use stand_ins::embedded::{BUCKETS, DEAD_LETTERS, EmbeddedWorld, LEDGER, QUEUE};
use stand_ins::wire::lambda::{Ended, Function, LambdaService, Mapping};
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb::{self, Fields};
use stand_ins::world::mogile::{Content, Fid};
use stand_ins::world::queue::{Message, MessageAttribute, MessageAttributes, Outgoing};

/// Long enough for every test on a busy machine, short enough to see that one hangs.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How long a delivery is invisible, where nobody says otherwise.
const VISIBILITY: Duration = Duration::from_secs(3);

pub struct File {
    pub fid: Fid,
    pub dkey: String,
    pub key: String,
    pub content: Vec<u8>,
}

pub struct Stage {
    pub world: EmbeddedWorld,
    pub files: Vec<File>,
}

impl Stage {
    /// With so many files of 10,000 bytes, in the first bucket.
    pub async fn with(files: u64) -> Self {
        let world = EmbeddedWorld::start().await.expect("a world");
        let mut stage = Self { world, files: Vec::new() };
        stage.set_queue(VISIBILITY, domain::limits::DELIVERIES);
        stage.ingest(0..files);
        stage
    }

    /// Stores more files.
    pub fn ingest(&mut self, numbers: Range<u64>) {
        for number in numbers {
            let bytes = (0..10_000_u64)
                .map(|at| at.wrapping_mul(31).wrapping_add(number * 7).to_le_bytes()[0])
                .collect();
            self.store(bytes);
        }
    }

    pub fn set_queue(&self, visibility: Duration, deliveries: u32) {
        let policy = serde_json::json!({
            "deadLetterTargetArn": stand_ins::world::queue::arn_of(DEAD_LETTERS),
            "maxReceiveCount": deliveries,
        });
        let attributes = BTreeMap::from([
            ("VisibilityTimeout".to_owned(), visibility.as_secs().to_string()),
            ("RedrivePolicy".to_owned(), policy.to_string()),
        ]);
        self.world.sqs.set_attributes(QUEUE, &attributes).expect("the queue is there");
    }

    fn store(&mut self, content: Vec<u8>) {
        let key = Sha1::of(&content).to_string();
        let dkey = format!("{key}-{}", BUCKETS[0].0);
        let replicas = [self.world.devices[0], self.world.devices[2]];
        let bytes = Content::from(content.clone());
        let fid = self.world.mogile.store(self.world.dmid, &dkey, &bytes, &replicas);
        self.files.push(File { fid, dkey, key, content });
    }

    /// Lays every file's intermediary into its bucket.
    pub fn sync(&self) {
        for file in &self.files {
            let form = domain::IntermediaryForm::Plain;
            let key = domain::ObjectKey::intermediary(domain::Fid(file.fid.0), form);
            let planted =
                self.world.s3.plant_plain(BUCKETS[0].1, key.as_str(), file.content.clone());
            planted.expect("the bucket is there");
        }
    }

    /// Sends a job for every file.
    pub fn enqueue_all(&self) {
        self.files.iter().for_each(|file| drop(self.enqueue(file)));
    }

    pub fn enqueue(&self, file: &File) -> String {
        let job = Job {
            action: JobAction::Migrate,
            fid: domain::Fid(file.fid.0),
            dkey: file.dkey.clone(),
            length: domain::ByteCount(file.content.len() as u64),
            hints: domain::Hints::default(),
        };
        self.send(&message::body_of(&job), &message::attributes_of(&job))
    }

    /// Sends a message of any kind; tells its name.
    pub fn send(&self, body: &str, attributes: &[(&str, String)]) -> String {
        let attributes: MessageAttributes = attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), MessageAttribute::text(value.as_str())))
            .collect();
        let outgoing = Outgoing { body: body.to_owned(), attributes, delay: None };
        self.world.sqs.send(QUEUE, outgoing).expect("sent").id
    }

    /// The function as `rehearse` starts it.
    pub fn function(&self) -> Function {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_rehearse"));
        Function::of_world(&self.world, program, [process::FUNCTION])
    }

    pub fn start(&self, function: Function) -> LambdaService {
        self.start_batches(function, 10)
    }

    pub fn start_batches(&self, function: Function, batch: usize) -> LambdaService {
        let mapping = Mapping::of(QUEUE, batch, 2);
        let (queues, faults) = (self.world.sqs.clone(), self.world.faults.clone());
        LambdaService::start(queues, faults, function, mapping)
    }

    /// Whether a file's content is at its key, with a proven record.
    pub fn is_whole(&self, file: &File) -> bool {
        let object = self.world.s3.get(BUCKETS[0].1, &file.key, &Condition::None);
        let same = object.is_ok_and(|object| object.content.bytes().as_ref() == file.content);
        same && self.records().contains(&file.fid.0)
    }

    pub fn assert_whole(&self) {
        let missing = self.files.iter().filter(|file| !self.is_whole(file));
        let missing: Vec<_> = missing.map(|file| file.fid.0).collect();
        assert!(missing.is_empty(), "not whole: {missing:?}");
    }

    /// The fids with a proven record.
    fn records(&self) -> Vec<u64> {
        let items = dynamodb::items(&self.world.database, LEDGER).expect("the ledger is there");
        let proven = items.into_iter().filter(|item| item.contains_key("proof"));
        proven.filter_map(|item| Fields(&item).number("fid").ok()?).collect()
    }

    /// The bodies of all dead letters.
    pub fn dead_letters(&self) -> Vec<String> {
        let letters = self.world.sqs.messages(DEAD_LETTERS).expect("the queue is there");
        letters.into_iter().map(|letter| letter.body).collect()
    }

    /// What is still in the queue, once the last answers were heeded.
    pub async fn left_over(&self, messages: usize) -> Vec<Message> {
        let left = || self.world.sqs.messages(QUEUE).expect("the queue is there");
        let waited = async {
            while left().len() > messages {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // Whoever asked sees what there is instead.
        let _ = tokio::time::timeout(Duration::from_secs(5), waited).await;
        left()
    }
}

/// An answer's JSON.
pub fn answer(ended: Ended) -> Value {
    let Ended::Answer(bytes) = ended else { panic!("no answer: {ended:?}") };
    serde_json::from_slice(&bytes).expect("JSON")
}
