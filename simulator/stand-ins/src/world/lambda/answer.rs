use std::collections::BTreeSet;

use serde_json::Value;

/// What a function's answer means for its batch, under `ReportBatchItemFailures`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All messages but these succeeded; with none of them, all did.
    AllBut(BTreeSet<String>),
    /// The answer makes no sense, so the whole batch failed.
    WholeBatch(String),
}

/// Reads an answer to a batch of these messages. No answer at all (`null`, `{}`), no list and an
/// empty list mean that all succeeded; whatever cannot be read to the letter fails the batch.
#[must_use]
pub fn verdict(answer: &[u8], messages: &BTreeSet<&str>) -> Verdict {
    match failed_of(answer, messages) {
        Ok(failed) => Verdict::AllBut(failed),
        Err(why) => Verdict::WholeBatch(why),
    }
}

fn failed_of(answer: &[u8], messages: &BTreeSet<&str>) -> Result<BTreeSet<String>, String> {
    let answer: Value = serde_json::from_slice(answer)
        .map_err(|error| format!("the answer is not JSON: {error}"))?;
    let failures = match &answer {
        Value::Null => &Value::Null,
        Value::Object(fields) => fields.get("batchItemFailures").unwrap_or(&Value::Null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(format!("the answer is no object: {answer}"));
        }
    };
    if failures.is_null() {
        return Ok(BTreeSet::new());
    }
    let failures = failures.as_array();
    let failures = failures.ok_or_else(|| format!("batchItemFailures is no list: {answer}"))?;
    failures.iter().map(|failure| named_by(failure, messages)).collect()
}

fn named_by(failure: &Value, messages: &BTreeSet<&str>) -> Result<String, String> {
    match failure["itemIdentifier"].as_str() {
        None | Some("") => Err(format!("an item failure without an itemIdentifier: {failure}")),
        Some(id) if messages.contains(id) => Ok(id.to_owned()),
        Some(id) => Err(format!("the itemIdentifier `{id}` is not in the batch")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, failed: Option<&[&str]>) {
        let messages = BTreeSet::from(["a", "b", "c"]);
        let verdict = verdict(answer.as_bytes(), &messages);
        match failed {
            Some(failed) => {
                let failed = failed.iter().map(|&id| id.to_owned()).collect();
                assert_eq!(verdict, Verdict::AllBut(failed), "{answer}");
            }
            None => assert!(matches!(verdict, Verdict::WholeBatch(_)), "{answer}: {verdict:?}"),
        }
    }

    #[test]
    fn nothing_and_an_empty_list_mean_success() {
        for answer in ["null", "{}", r#"{"batchItemFailures":null}"#, r#"{"batchItemFailures":[]}"#]
        {
            check(answer, Some(&[]));
        }
    }

    #[test]
    fn named_messages_failed_and_the_others_did_not() {
        check(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, Some(&["b"]));
        check(
            r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"a"}],"more":1}"#,
            Some(&["a", "b"]),
        );
    }

    #[test]
    fn what_cannot_be_read_fails_the_batch() {
        for answer in [
            "",
            "done",
            "\"done\"",
            "[]",
            r#"{"batchItemFailures":"b"}"#,
            r#"{"batchItemFailures":["b"]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"ItemIdentifier":"b"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"z"}]}"#,
        ] {
            check(answer, None);
        }
    }
}
