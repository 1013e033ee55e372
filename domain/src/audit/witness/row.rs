//! A row of a job's report: what S3 computed of one object, or why it did not.

use serde::Deserialize;

use crate::{ETag, Sha1};

/// A row of the report of a job that computes checksums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// What S3 computed; or why the row proves nothing, in words.
    pub result: Result<Computed, String>,
}

/// What S3 computed of the whole content of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// The SHA-1.
    pub sha1: Sha1,
    /// The `ETag` of the object that was read.
    pub etag: ETag,
}

/// A record that is no row of a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it has {0} columns where a row of a report has at least {columns}", columns = TaskRow::COLUMNS)]
pub struct RowError(pub usize);

impl TaskRow {
    /// `Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage` (S3 user guide,
    /// "Examples: S3 Batch Operations completion reports").
    pub const COLUMNS: usize = 7;

    /// Reads the fields of a row. A row whose object can be named is never an error: where it proves
    /// nothing, it says why.
    pub fn parse(fields: &[String]) -> Result<Self, RowError> {
        let [bucket, key, _version, status, one, other, first, more @ ..] = fields else {
            return Err(RowError(fields.len()));
        };
        // A message that is no CSV has commas of its own. A result has none outside quotes.
        let message = [std::slice::from_ref(first), more].concat().join(",");
        let result = match computed(status, [one, other], &message) {
            Ok(_) if !more.is_empty() => Err(format!("its result is not one column: {message}")),
            result => result.map_err(|words| shortened(&words)),
        };
        Ok(Self { bucket: bucket.clone(), key: key.clone(), result })
    }
}

/// The schema names the error code before the status code, and the examples beside it have them the
/// other way round: the numeric column is the status.
fn computed(status: &str, codes: [&String; 2], message: &str) -> Result<Computed, String> {
    let is_number = |text: &&String| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let http = codes.into_iter().find(is_number).map_or("", String::as_str);
    let code = codes.into_iter().find(|text| !is_number(text)).map_or("", String::as_str);
    let code = if code == "-" { "" } else { code };
    if (status, http, code) == ("succeeded", "200", "") {
        return answer(message);
    }
    let words = [status, http, code, message].map(str::trim);
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    Err(words.join(" "))
}

/// Words that one line of a report can show.
pub(super) fn shortened(words: &str) -> String {
    match words.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

/// Characters of S3's words that are kept.
const LONGEST_WORDS: usize = 300;

/// What stands in the last column of a task that succeeded.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(rename = "checksum_base64")]
    base64: Option<String>,
    #[serde(rename = "checksum_hex")]
    hex: Option<String>,
    etag: Option<String>,
    checksum_algorithm: Option<String>,
    checksum_type: Option<String>,
}

fn answer(message: &str) -> Result<Computed, String> {
    let answer: Answer = serde_json::from_str(message)
        .map_err(|error| format!("its result cannot be read ({error}): {message}"))?;
    let algorithm = answer.checksum_algorithm.unwrap_or_default();
    if algorithm != "SHA1" {
        return Err(format!("the checksum is by `{algorithm}`, and not by `SHA1`"));
    }
    let of = answer.checksum_type.unwrap_or_default();
    if of != "FULL_OBJECT" {
        return Err(format!("the checksum is of type `{of}`, and not `FULL_OBJECT`"));
    }
    let hex = answer.hex.map(|hex| Sha1::from_hex(&hex.to_ascii_lowercase()));
    let base64 = answer.base64.map(|base64| Sha1::from_base64(&base64));
    let sha1 = match (hex, base64) {
        (Some(Ok(hex)), Some(Ok(base64))) if hex != base64 => {
            return Err(format!("it has two checksums: {hex} in hex, {base64} in base64"));
        }
        (Some(Err(error)), _) | (_, Some(Err(error))) => return Err(error.to_string()),
        (Some(Ok(sha1)), _) | (None, Some(Ok(sha1))) => sha1,
        (None, None) => return Err("it has no checksum".to_owned()),
    };
    let etag = answer.etag.unwrap_or_default().trim_matches('"').to_owned();
    if etag.is_empty() {
        return Err("it does not say of which ETag the object was".to_owned());
    }
    Ok(Computed { sha1, etag: ETag(etag) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709";
    const BASE64: &str = "2jmj7l5rSw0yVb/vlWAYkK/YBwk\\u003d";

    /// A row of these columns behind the version, with an answer of these parts. `H` stands for the
    /// SHA-1 in hex, `B` for it in base64.
    fn parsed(columns: [&str; 3], message: &str) -> Result<Computed, String> {
        let message = message.replace("\"H\"", &format!("\"{HEX}\""));
        let message = message.replace("\"B\"", &format!("\"{BASE64}\""));
        let fields = [["b", "k", ""], columns].concat();
        let fields: Vec<_> = fields.into_iter().chain([&*message]).map(str::to_owned).collect();
        let row = TaskRow::parse(&fields).expect("seven columns");
        assert_eq!((&*row.bucket, &*row.key), ("b", "k"));
        row.result
    }

    const GOOD: &str = r#"{"checksum_base64":"B","etag":"3c3c","checksumAlgorithm":"SHA1",
        "checksumType":"FULL_OBJECT","checksum_hex":"H"}"#;

    #[test]
    fn a_task_that_succeeded_has_sha1_and_etag() {
        let expected = Ok(Computed { sha1: Sha1::of(b""), etag: ETag("3c3c".to_owned()) });
        let lower = GOOD.replace("\"H\"", &format!("\"{}\"", HEX.to_lowercase()));
        let quoted = GOOD.replace("\"3c3c\"", "\"\\\"3c3c\\\"\"");
        let more = GOOD.replace('{', "{\"new\":[1],");
        let no_hex = GOOD.replace("checksum_hex", "other");
        let no_base64 = GOOD.replace("checksum_base64", "other");
        let plain = GOOD.replace("\"B\"", "\"2jmj7l5rSw0yVb/vlWAYkK/YBwk=\"");
        for message in [GOOD, &lower, &quoted, &more, &no_hex, &no_base64, &plain] {
            assert_eq!(parsed(["succeeded", "200", ""], message), expected, "{message}");
            assert_eq!(parsed(["succeeded", "", "200"], message), expected, "{message}");
            assert_eq!(parsed(["succeeded", "200", "-"], message), expected, "{message}");
        }
    }

    #[test]
    fn a_row_that_proves_nothing_says_why() {
        let composite = GOOD.replace("FULL_OBJECT", "COMPOSITE");
        let sha256 = GOOD.replace("SHA1", "SHA256");
        let two = GOOD.replace("\"H\"", &format!("\"{}\"", Sha1::of(b"other")));
        let cut = GOOD.replace("\"H\"", "\"DA39\"");
        let parts = GOOD.replace("\"B\"", "\"2jmj7l5rSw0yVb/vlWAYkK/YBwk=-3\"");
        let none = GOOD.replace("checksum_", "none_");
        let no_etag = GOOD.replace("etag", "tag");
        for (columns, message, why) in [
            (
                ["failed", "403", "AccessDenied"],
                "Access Denied",
                "failed 403 AccessDenied Access Denied",
            ),
            (["failed", "AccessDenied", "403"], "no {JSON", "failed 403 AccessDenied no {JSON"),
            (["failed", "", ""], "", "failed"),
            (["failed", "200", ""], GOOD, "failed 200"),
            (["", "200", ""], GOOD, "200"),
            (["Succeeded", "200", ""], GOOD, "Succeeded 200"),
            (["succeeded", "206", ""], GOOD, "succeeded 206"),
            (["succeeded", "", ""], GOOD, "succeeded"),
            (["succeeded", "200", "Odd"], GOOD, "succeeded 200 Odd"),
            (["succeeded", "200", "200"], "no JSON", "cannot be read"),
            (["succeeded", "200", ""], "", "cannot be read"),
            (["succeeded", "200", ""], "[]", "cannot be read"),
            (["succeeded", "200", ""], &composite, "of type `COMPOSITE`"),
            (["succeeded", "200", ""], &sha256, "by `SHA256`"),
            (["succeeded", "200", ""], "{}", "by ``"),
            (["succeeded", "200", ""], &two, "two checksums"),
            (["succeeded", "200", ""], &cut, "is not 20 bytes in lower-case hex"),
            (["succeeded", "200", ""], &parts, "is not 20 bytes in base64"),
            (["succeeded", "200", ""], &none, "no checksum"),
            (["succeeded", "200", ""], &no_etag, "ETag"),
        ] {
            let said = parsed(columns, message).expect_err(message);
            assert!(said.contains(why), "{columns:?} {message}: {said}");
        }
    }

    #[test]
    fn a_message_that_is_no_csv_is_one_message() {
        let row = |status: &str, messages: &[&str]| {
            let fields = [&["b", "k", "", status, "200", ""], messages].concat();
            let fields: Vec<_> = fields.into_iter().map(str::to_owned).collect();
            TaskRow::parse(&fields).expect("a row").result
        };
        assert_eq!(row("failed", &["a", " b", "c"]), Err("failed 200 a, b,c".to_owned()));
        let long = "ü".repeat(60_000);
        let kept = row("failed", &[&long]).expect_err("failed");
        assert_eq!(kept.chars().count(), LONGEST_WORDS + 1);
        // A result that could be read, in pieces: its columns are not where they must be.
        let good =
            GOOD.replace("\"B\"", &format!("\"{BASE64}\"")).replace("\"H\"", &format!("\"{HEX}\""));
        let (one, two) = good.split_once(',').expect("two parts");
        let said = row("succeeded", &[one, two]).expect_err("two columns");
        assert!(said.contains("not one column"), "{said}");
    }

    #[test]
    fn other_numbers_of_columns_are_no_row() {
        for columns in [0, 1, 6] {
            let fields = vec![String::new(); columns];
            assert_eq!(TaskRow::parse(&fields), Err(RowError(columns)));
        }
    }
}
