//! The AWS command line, as far as `audit manifest` and `audit report` print it: their lines, done to the world.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use data_encoding::BASE64;
use domain::Timestamp;
use serde_json::{Value, from_slice, json};
use stand_ins::world::bucket::{Condition, Content, PutRequest, S3World};

use super::super::printed::words;

/// No two jobs have one id.
static JOBS: AtomicUsize = AtomicUsize::new(0xa0);

/// The jobs that were started.
#[derive(Default)]
pub struct Shell {
    jobs: BTreeMap<String, Value>,
}

/// What a shell does with a printed line behind its last command.
enum Rest<'a> {
    Nothing,
    /// `> FILE.new && mv FILE.new FILE`
    Into(&'a str),
    /// `| tee FILE`
    Tee(&'a str),
}

impl Shell {
    /// Does all lines from the first comment on, as if they were pasted: the commands of the AWS command line,
    /// up to the one that reads the reports.
    pub fn follow(&mut self, world: &S3World, text: &str) {
        let pasted = text.lines().skip_while(|line| !line.starts_with("# "));
        for line in pasted {
            match line.strip_prefix("  ") {
                Some(command) if command.starts_with("aws ") => self.run(world, command),
                Some(command) if command.starts_with("mogile2s3 audit report ") => return,
                Some(_) => panic!("this is not printed: {line}"),
                None => assert!(line.starts_with("# "), "no shell takes this: {line}"),
            }
        }
    }

    fn run(&mut self, world: &S3World, line: &str) {
        let line = with_ids(line);
        let (command, rest) = if let Some((command, behind)) = line.split_once(" > ") {
            let file = behind.rsplit_once(' ').expect("a file").1;
            assert_eq!(behind, format!("{file}.new && mv {file}.new {file}"));
            (command, Rest::Into(file))
        } else if let Some((command, file)) = line.split_once(" | tee ") {
            (command, Rest::Tee(file))
        } else {
            (&*line, Rest::Nothing)
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
                let mut job: Value = from_slice(&job).expect("JSON");
                if let Some(at) = words.iter().position(|word| word == "--client-request-token") {
                    job["ClientRequestToken"] = json!(words[at + 1]);
                }
                let id = format!("{:08x}-07", JOBS.fetch_add(1, Ordering::Relaxed));
                // Objects that were written just before a job prove nothing.
                thread::sleep(Duration::from_secs(7));
                let created = created_now();
                let mut described = world.compute_checksums(&job, &id).expect("a good job");
                described["Job"]["CreationTime"] = json!(created);
                self.jobs.insert(id.clone(), described);
                let Rest::Into(file) = rest else { panic!("{line} keeps no id") };
                fs::write(words_of(file), id + "\n").expect("written");
            }
            ["s3control", "describe-job"] => {
                let described = &self.jobs[&option("--job-id")];
                let Rest::Tee(file) = rest else { panic!("{line} keeps nothing") };
                assert_eq!(option("--output"), "json");
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

/// The time, as the AWS command line writes it.
fn created_now() -> String {
    let since = UNIX_EPOCH.elapsed().expect("after 1970").as_millis();
    Timestamp(u64::try_from(since).expect("in time")).to_string().replace('Z', "+00:00")
}

/// A line with what `$(cat FILE)` stands for.
fn with_ids(line: &str) -> String {
    let mut line = line.to_owned();
    while let Some((before, rest)) = line.split_once("$(cat ") {
        let (file, behind) = rest.split_once(')').expect("a bracket");
        let id = fs::read_to_string(words_of(file)).expect("an id");
        line = format!("{before}{}{behind}", id.trim_end());
    }
    line
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
