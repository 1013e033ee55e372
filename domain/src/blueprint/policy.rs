//! The bucket policy that lets everybody read files, and nothing else.

use serde_json::{Value, json};

use crate::S3Bucket;

/// The keys that everybody may read, as a policy's pattern: exactly forty characters, the length of
/// a SHA-1 in hex. Intermediaries (`0/000/000/0000000001.fid`, 24 characters, or 25 with a leading
/// slash) and canaries have other lengths, except the one that doctor reads without AWS keys. `MogileFS`'s
/// temporary files (`{uuid}.tmp`) have forty, too, but never come here.
pub const PUBLIC_KEYS: &str = "????????????????????????????????????????";

/// The policy for a bucket.
#[must_use]
pub fn public_read(bucket: &S3Bucket) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "AnybodyMayReadFilesByTheirSha1",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": resource(bucket),
        }],
    })
    .to_string()
}

/// Whether a policy allows just what [`public_read`] allows, however it is written down.
#[must_use]
pub fn is_public_read(policy: &str, bucket: &S3Bucket) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return false };
    let [statement] = list(&policy["Statement"]) else { return false };
    let fields = ["Sid", "Effect", "Principal", "Action", "Resource"];
    let known = |field: &String| fields.contains(&field.as_str());
    statement.as_object().is_some_and(|statement| statement.keys().all(known))
        && statement["Effect"] == "Allow"
        && is_everybody(&statement["Principal"])
        && list(&statement["Action"]) == ["s3:GetObject"]
        && list(&statement["Resource"]) == [resource(bucket)]
}

fn resource(bucket: &S3Bucket) -> String {
    format!("arn:aws:s3:::{bucket}/{PUBLIC_KEYS}")
}

fn is_everybody(principal: &Value) -> bool {
    principal == "*" || list(&principal["AWS"]) == ["*"]
}

/// A policy may write a list of one without brackets.
fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            std::slice::from_ref(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fid, IntermediaryForm, ObjectKey, Sha1};

    /// A policy's pattern: `*` stands for any characters, `?` for one (IAM user guide, "Resource").
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            ([b'*', rest @ ..], text) => (0..=text.len()).any(|skip| matches(rest, &text[skip..])),
            ([b'?', rest @ ..], [_, text @ ..]) => matches(rest, text),
            ([wanted, rest @ ..], [first, text @ ..]) => wanted == first && matches(rest, text),
            (_, []) => false,
        }
    }

    fn bucket() -> S3Bucket {
        S3Bucket::new("corpus-prod").expect("a name")
    }

    #[test]
    fn everybody_may_read_files_and_nothing_else() {
        let policy: Value = serde_json::from_str(&public_read(&bucket())).expect("JSON");
        let pattern = policy["Statement"][0]["Resource"].as_str().expect("a pattern").to_owned();
        let may_read = |key: &str| {
            let arn = format!("arn:aws:s3:::corpus-prod/{key}");
            matches(pattern.as_bytes(), arn.as_bytes())
        };
        assert!(may_read(ObjectKey::of_content(&Sha1::of(b"a file")).as_str()));
        for fid in [0, 1, 564_879_786, 9_999_999_999, 12_345_678_901, u64::MAX] {
            for form in [IntermediaryForm::Plain, IntermediaryForm::LeadingSlash] {
                let key = ObjectKey::intermediary(Fid(fid), form);
                assert!(!may_read(key.as_str()), "{key}");
            }
        }
        for key in ["", "mogile2s3-canary/1700000000000/plain", "a", &"a".repeat(39)] {
            assert!(!may_read(key), "{key}");
        }
        assert!(!may_read(&"a".repeat(41)));
    }

    #[test]
    fn a_policy_that_says_the_same_otherwise_is_known() {
        let resource = resource(&bucket());
        let check = |policy: &Value, same: bool| {
            assert_eq!(is_public_read(&policy.to_string(), &bucket()), same, "{policy}");
        };
        let statement = json!({ "Effect": "Allow", "Principal": { "AWS": "*" },
            "Action": ["s3:GetObject"], "Resource": [resource] });
        check(&json!({ "Version": "2012-10-17", "Statement": statement }), true);
        check(&json!({ "Statement": [statement] }), true);
        assert!(is_public_read(&public_read(&bucket()), &bucket()));

        check(&json!({ "Statement": [statement, statement] }), false);
        for (field, other) in [
            ("Effect", json!("Deny")),
            ("Principal", json!({ "AWS": "arn:aws:iam::1:root" })),
            ("Action", json!("s3:*")),
            ("Action", json!(["s3:GetObject", "s3:PutObject"])),
            ("Resource", json!("arn:aws:s3:::corpus-prod/*")),
            ("Resource", json!("arn:aws:s3:::other/????????????????????????????????????????")),
            ("Condition", json!({ "Bool": { "aws:SecureTransport": "true" } })),
        ] {
            let mut statement = statement.clone();
            statement[field] = other;
            check(&json!({ "Statement": statement }), false);
        }
        assert!(!is_public_read("no JSON", &bucket()));
        assert!(!is_public_read("[]", &bucket()));
    }
}
