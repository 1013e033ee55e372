//! What can be set up about a bucket: who owns objects, what is public, how it encrypts, which rules
//! clean it up. New buckets have what S3 gives them (user guide, "Default settings").

use serde_json::Value;

use super::{Encryption, S3World, StoreError};

/// The settings of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSettings {
    /// Where it is.
    pub region: String,
    /// Its ownership controls; buckets of long ago have none.
    pub ownership: Option<String>,
    /// What it blocks; buckets of long ago block nothing.
    pub public_access_block: Option<PublicAccessBlock>,
    /// Its policy, as it was written.
    pub policy: Option<String>,
    /// Its default encryption, where it is not the world's.
    pub encryption: Option<Encryption>,
    /// Its lifecycle rules.
    pub lifecycle: Vec<LifecycleRule>,
    /// Object Lock, where the bucket was made with it: the days for which each new object is locked.
    pub locked_for_days: Option<i32>,
    /// The ARN of the bucket to which new objects are copied.
    pub replicates_to: Option<String>,
    /// Whether it takes signatures of version 2. Buckets that were made after 2020-06-24 do not.
    pub takes_signature_v2: bool,
}

/// The world's own region.
pub const HOME_REGION: &str = "us-east-1";

/// The ownership under which ACLs are refused.
pub const OWNER_ENFORCED: &str = "BucketOwnerEnforced";

impl Default for BucketSettings {
    fn default() -> Self {
        Self {
            region: HOME_REGION.to_owned(),
            ownership: Some(OWNER_ENFORCED.to_owned()),
            public_access_block: Some(PublicAccessBlock::ALL),
            policy: None,
            encryption: None,
            lifecycle: Vec::new(),
            locked_for_days: None,
            replicates_to: None,
            takes_signature_v2: false,
        }
    }
}

/// The ways of public access that a bucket blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "S3 has four switches")]
pub struct PublicAccessBlock {
    /// Refuse public ACLs.
    pub block_public_acls: bool,
    /// Ignore those that are there.
    pub ignore_public_acls: bool,
    /// Refuse public policies.
    pub block_public_policy: bool,
    /// Ignore one that is there.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// Every way is blocked.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// A lifecycle rule, as far as this world knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LifecycleRule {
    /// Its name.
    pub id: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// It is for keys that begin so.
    pub prefix: String,
    /// Aborts uploads after so many days.
    pub abort_after_days: Option<i32>,
    /// Deletes objects after so many days.
    pub expire_after_days: Option<i32>,
}

impl BucketSettings {
    /// Takes or refuses the canned ACL of a write. The one that gives all to the bucket's owner
    /// changes nothing, and is always taken.
    fn check_acl(&self, acl: &str, takes_acls: bool) -> Result<(), StoreError> {
        if acl == "bucket-owner-full-control" {
            return Ok(());
        }
        if !takes_acls && self.ownership.as_deref() == Some(OWNER_ENFORCED) {
            return Err(StoreError::AclsNotSupported);
        }
        let blocked = self.public_access_block.unwrap_or_default().block_public_acls;
        if !takes_acls && blocked && acl.starts_with("public-") {
            return Err(StoreError::AccessDenied);
        }
        Ok(())
    }
}

impl S3World {
    /// Takes or refuses the canned ACL of a write.
    pub fn check_acl(&self, bucket: &str, acl: Option<&str>) -> Result<(), StoreError> {
        let Some(acl) = acl else { return Ok(()) };
        self.locked(|state| {
            let takes_acls = state.options.takes_acls;
            state.bucket(bucket)?.settings.check_acl(acl, takes_acls)
        })
    }

    /// The settings of a bucket.
    pub fn settings(&self, bucket: &str) -> Result<BucketSettings, StoreError> {
        self.locked(|state| Ok(state.bucket(bucket)?.settings.clone()))
    }

    /// Changes the settings of a bucket.
    pub fn set_up(
        &self,
        bucket: &str,
        change: impl FnOnce(&mut BucketSettings),
    ) -> Result<(), StoreError> {
        self.locked(|state| {
            change(&mut state.bucket(bucket)?.settings);
            Ok(())
        })
    }

    /// Gives a bucket a policy; a public one is refused where those are blocked.
    pub fn put_policy(&self, bucket: &str, policy: String) -> Result<(), StoreError> {
        let parsed = serde_json::from_str(&policy).map_err(|_| StoreError::MalformedPolicy)?;
        let public = is_public(&parsed).ok_or(StoreError::MalformedPolicy)?;
        self.locked(|state| {
            let settings = &mut state.bucket(bucket)?.settings;
            if public && settings.public_access_block.unwrap_or_default().block_public_policy {
                return Err(StoreError::AccessDenied);
            }
            settings.policy = Some(policy);
            Ok(())
        })
    }

    /// Whether somebody without keys may read an object with this key.
    pub fn lets_anybody_read(&self, bucket: &str, key: &str) -> bool {
        let settings = self.settings(bucket).ok();
        let ignores = |settings: &BucketSettings| {
            settings.public_access_block.unwrap_or_default().restrict_public_buckets
        };
        let policy = settings.filter(|settings| !ignores(settings)).and_then(|it| it.policy);
        let policy = policy.and_then(|policy| serde_json::from_str::<Value>(&policy).ok());
        let account_ignores = self.locked(|state| state.options.account_ignores_policies);
        let object = format!("arn:aws:s3:::{bucket}/{key}");
        !account_ignores && policy.is_some_and(|policy| gives_to_everybody(&policy, &object))
    }

    /// How a bucket encrypts what is written now.
    pub fn encryption(&self, bucket: &str) -> Result<Encryption, StoreError> {
        self.locked(|state| state.encryption(bucket))
    }

    /// Another account has a bucket of this name: nobody here may look at it, or make one.
    pub fn plant_foreign_bucket(&self, name: &str) {
        self.locked(|state| state.foreign.insert(name.to_owned()));
    }
}

/// Whether a policy gives something to everybody, without a condition; nothing when it is none.
fn is_public(policy: &Value) -> Option<bool> {
    let statements = policy.get("Statement")?;
    let statements = statements.as_array().map_or(std::slice::from_ref(statements), Vec::as_slice);
    let mut public = false;
    for statement in statements {
        let principal = statement.get("Principal")?;
        let everybody = principal == "*" || principal.get("AWS").is_some_and(|aws| aws == "*");
        statement.get("Resource")?;
        statement.get("Action")?;
        public |= statement.get("Effect")? == "Allow"
            && everybody
            && statement.get("Condition").is_none();
    }
    Some(public)
}

/// Whether a policy lets everybody read this object.
fn gives_to_everybody(policy: &Value, object: &str) -> bool {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    list(&policy["Statement"]).into_iter().any(|statement| {
        let alone = serde_json::json!({ "Statement": [statement.clone()] });
        let reads =
            list(&statement["Action"]).iter().any(|it| it == "s3:GetObject" || it == "s3:*");
        let mut resources = list(&statement["Resource"]).into_iter();
        let is_meant = resources.any(|pattern| {
            let pattern = pattern.as_str().unwrap_or_default();
            matches(pattern.as_bytes(), object.as_bytes())
        });
        is_public(&alone) == Some(true) && reads && is_meant
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_policy_gives_is_read_without_keys() {
        let policy = |action: &str, resource: &str| {
            let statement = serde_json::json!({
                "Effect": "Allow", "Principal": "*", "Action": action, "Resource": resource,
            });
            serde_json::json!({ "Statement": [statement] }).to_string()
        };
        for (policy, is_given) in [
            (policy("s3:GetObject", "arn:aws:s3:::b/???"), true),
            (policy("s3:GetObject", "arn:aws:s3:::b/*"), true),
            (policy("s3:GetObject", "arn:aws:s3:::b/??"), false),
            (policy("s3:GetObject", "arn:aws:s3:::other/*"), false),
            (policy("s3:PutObject", "arn:aws:s3:::b/*"), false),
            ("no JSON".to_owned(), false),
        ] {
            let world = S3World::default();
            world.create_bucket("b").expect("made");
            world.set_up("b", |bucket| bucket.policy = Some(policy.clone())).expect("a bucket");
            assert!(!world.lets_anybody_read("b", "key"), "it is ignored: {policy}");
            world.set_up("b", |bucket| bucket.public_access_block = None).expect("a bucket");
            assert_eq!(world.lets_anybody_read("b", "key"), is_given, "{policy}");
            world.configure(|options| options.account_ignores_policies = true);
            assert!(!world.lets_anybody_read("b", "key"), "{policy}");
        }
    }
}
