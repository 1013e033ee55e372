//! `.env` is read as the real python-dotenv reads it, with interpolation off.
//!
//! It runs in a virtual environment of its own. Without Python or the package index the test is
//! skipped, and says so; with `REQUIRE_DOTENV=1` it fails instead.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tests::python::{self, Package};
use tokio::process::Command;

const DOTENV: Package =
    Package { module: "dotenv", wanted: "python-dotenv==1.2.2", required_by: "REQUIRE_DOTENV" };

/// Reads files, one a line in JSON, and writes what each sets; for a name that nothing follows None.
const SCRIPT: &str = r"
import json, logging, os, sys, tempfile
from dotenv import dotenv_values
logging.disable(logging.CRITICAL)
folder = tempfile.mkdtemp()
path = os.path.join(folder, 'env')
with open(sys.argv[1], encoding='utf-8') as texts, open(sys.argv[2], 'w', encoding='utf-8') as out:
    for line in texts:
        with open(path, 'wb') as file:
            file.write(json.loads(line).encode())
        out.write(json.dumps(dotenv_values(path, interpolate=False)) + '\n')
";

/// What values are made of.
const PIECES: [&str; 21] = [
    "a", "b c", "=", " ", "\t", "\n", "\r\n", "#", " # ", "'", "\"", "\\", "\\'", "\\\"", "\\n",
    "$x", "${A}", "é", "\u{a0}", "\u{1f}", "\u{b}",
];

/// A file of a few lines, many of which can be read.
fn file(random: &mut ChaCha8Rng) -> String {
    let mut text = String::new();
    for _ in 0..random.random_range(1..4) {
        let quote = ["", "'", "\""][random.random_range(0..3)];
        let mut pieces = vec![
            ["", "export ", " ", "\n"][random.random_range(0..4)],
            ["A", "B", "C_1", "'D'"][random.random_range(0..4)],
            ["=", " = ", "= "][random.random_range(0..3)],
            quote,
        ];
        let length = random.random_range(0..7);
        pieces.extend((0..length).filter_map(|_| PIECES.choose(random).copied()));
        pieces.extend([quote, ["\n", "\r\n", "\r", " # c\n"][random.random_range(0..4)]]);
        text.extend(pieces);
    }
    text
}

#[tokio::test]
async fn a_dot_env_is_read_as_python_dotenv_reads_it() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(DOTENV, home).await else { return };
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let texts: Vec<String> = (0..8_000)
        .map(|_| file(&mut random))
        .chain(std::iter::once("MOGILE_DATABASE_URL=mysql://a:b#c d$e\\f'g@h/i # j".to_owned()))
        .collect();
    let [given, told] = ["dotenv-texts", "dotenv-values"].map(|name| home.join(name));
    let lines: Vec<_> = texts.iter().map(|text| serde_json::json!(text).to_string()).collect();
    std::fs::write(&given, lines.join("\n")).expect("written");
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).arg(&given).arg(&told);
    python::run(command, Duration::from_mins(2)).await.unwrap_or_else(|said| panic!("{said}"));
    let told = std::fs::read_to_string(told).expect("written");
    let mut compared = 0;
    for (text, told) in texts.iter().zip(told.lines()) {
        // Where ours refuses a file, python-dotenv passes over lines.
        let Ok(ours) = apps::dot_env::parse(text) else { continue };
        let told: BTreeMap<String, Option<String>> = serde_json::from_str(told).expect("JSON");
        let is_a_name =
            |name: &str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        let theirs: BTreeMap<_, _> = told
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .filter(|(name, _)| is_a_name(name))
            .collect();
        assert_eq!(ours.values, theirs, "{text:?}");
        compared += usize::from(!theirs.is_empty());
    }
    assert!(compared > 1_000, "{compared} files were worth comparing");
}
