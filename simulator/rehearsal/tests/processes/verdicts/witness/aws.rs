//! The AWS command line, as far as `audit manifest` prints it: its lines, done to the world.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::BASE64;
use serde_json::{Value, from_slice};
use stand_ins::world::bucket::{Condition, Content, PutRequest, S3World};

use super::super::printed::words;

/// No two jobs have one id.
static JOBS: AtomicUsize = AtomicUsize::new(0xa0);

/// What a shell has in mind: variables, and the jobs that were started.
#[derive(Default)]
pub struct Shell {
    variables: BTreeMap<String, String>,
    jobs: BTreeMap<String, Value>,
}

impl Shell {
    /// Does all lines of a text that call the AWS command line.
    pub fn follow(&mut self, world: &S3World, text: &str) {
        for line in text.lines().map(str::trim).filter(|line| line.contains("aws s3")) {
            self.run(world, line);
        }
    }

    /// A line with its variables in place.
    pub fn expanded(&self, line: &str) -> String {
        let replaced = |line: String, (name, value): (&String, &String)| {
            line.replace(&format!("${name}"), value)
        };
        self.variables.iter().fold(line.to_owned(), replaced)
    }

    fn run(&mut self, world: &S3World, line: &str) {
        let line = self.expanded(line);
        let (variable, command) = match line.split_once("=$(") {
            Some((variable, rest)) => (Some(variable), rest.trim_end_matches(')')),
            None => (None, &*line),
        };
        let words = words(command);
        let option = |name: &str| {
            let at = words
                .iter()
                .position(|word| word == name)
                .unwrap_or_else(|| panic!("{name}: {line}"));
            words[at + 1].clone()
        };
        match [&*words[1], &*words[2]] {
            ["s3api", "put-object"] => {
                let content = Content::of(fs::read(option("--body")).expect("a file"));
                let md5 = BASE64.decode(option("--content-md5").as_bytes()).expect("base64");
                let mut put = PutRequest::new(content);
                put.expected_md5 = Some(md5.try_into().expect("16 bytes"));
                world.put(&option("--bucket"), &option("--key"), put).expect("stored");
            }
            ["s3control", "create-job"] => {
                let file = option("--cli-input-json");
                let job = fs::read(file.strip_prefix("file://").expect("a file")).expect("a job");
                let job: Value = from_slice(&job).expect("JSON");
                let id = format!("{:08x}-07", JOBS.fetch_add(1, Ordering::Relaxed));
                let described = world.compute_checksums(&job, &id).expect("a good job");
                self.jobs.insert(id.clone(), described);
                self.variables.insert(variable.expect("a variable").to_owned(), id);
            }
            ["s3control", "describe-job"] => {
                let described = &self.jobs[&option("--job-id")];
                let (_, file) = line.split_once("| tee ").expect("a file");
                fs::write(words_of(file), described.to_string()).expect("written");
            }
            ["s3", "cp"] => {
                let (from, to) = (words[4].strip_prefix("s3://").expect("a source"), &words[5]);
                let (bucket, prefix) = from.split_once('/').expect("a key");
                download(world, bucket, prefix, Path::new(to));
            }
            other => panic!("{other:?} is nothing that is printed: {line}"),
        }
    }
}

fn words_of(file: &str) -> String {
    words(file).remove(0)
}

/// Every object below a prefix, as files.
fn download(world: &S3World, bucket: &str, prefix: &str, to: &Path) {
    let objects = world.objects(bucket).expect("a bucket");
    let mut files = 0;
    for key in objects.keys() {
        let Some(name) = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        let path = to.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let object = world.get(bucket, key, &Condition::None).expect("readable");
        fs::write(path, object.content.bytes()).expect("written");
        files += 1;
    }
    assert!(files > 0, "nothing is below {prefix}");
}
