//! The texts that go into the clients' configuration.

use std::fmt;

use serde::Serialize;

use super::context::S3;
use crate::BucketMap;
use crate::blueprint::{AccessProfile, contentrepo};

/// What stands in the place of the keys.
pub const ACCESS_KEY_HERE: &str = "THE-ACCESS-KEY-ID";
/// See [`ACCESS_KEY_HERE`].
pub const SECRET_KEY_HERE: &str = "THE-SECRET-ACCESS-KEY";

/// The file that makes the AWS SDK of contentrepo sign with Signature V4.
const SIGNER: &str =
    r#"{"serviceSigners":[{"key":"s3","config":{"signerType":"AWSS3V4SignerType"}}]}"#;

/// The keys with which contentrepo signs. They are shown nowhere but in the text that was asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreKeys {
    /// The id of the access key.
    pub id: String,
    /// The secret access key.
    pub secret: String,
}

impl fmt::Debug for StoreKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(hidden)")
    }
}

/// What to change in the configuration of the clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientConfig {
    /// The element for contentrepo's `context.xml`.
    pub resource: String,
    /// The content of `awssdk_config_override.json`; [`None`] where it does not help.
    pub signer: Option<String>,
    /// The old and the new name of each bucket that gets another one, for `rhino.yaml`.
    pub renames: Vec<(String, String)>,
    /// The order of the steps.
    pub order: Vec<String>,
    /// What a stock contentrepo refuses afterwards.
    pub refused_afterwards: Vec<&'static str>,
    /// What lets a stock contentrepo not work with these buckets at all.
    pub problems: Vec<String>,
    /// What else is worth a look.
    pub notes: Vec<String>,
}

/// The texts for these buckets. `region` and `profile` are [`None`] where no setting names them.
#[must_use]
pub fn client_config(
    buckets: &BucketMap,
    region: Option<&str>,
    profile: Option<AccessProfile>,
    keys: Option<&StoreKeys>,
) -> ClientConfig {
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let mut signer = None;
    match region.map(contentrepo::signatures) {
        Some(Ok(_)) => signer = Some(SIGNER.to_owned()),
        Some(Err(why)) => problems.push(why),
        None => problems.push(
            "the region of the buckets is not set, and the signature that contentrepo needs depends on it: set \
             AWS_S3_REGION_NAME"
                .to_owned(),
        ),
    }
    match profile {
        Some(AccessProfile::ContentrepoLegacy) => {}
        Some(profile) => problems.push(format!(
            "ACCESS_PROFILE is {profile}: S3 refuses each write of a stock contentrepo there, because it carries an \
             ACL. Change the buckets with `mogile2s3 provision --access-profile contentrepo-legacy \
             --change-access`, or build contentrepo without the ACL"
        )),
        None => notes.push(
            "ACCESS_PROFILE is not set: `mogile2s3 doctor` with it says whether a stock contentrepo can use the \
             buckets"
                .to_owned(),
        ),
    }
    let pairs = buckets.pairs().map(|(old, new)| (old.to_string(), new.to_string()));
    ClientConfig {
        resource: resource(keys),
        signer,
        renames: pairs.filter(|(old, new)| old != new).collect(),
        order: order(),
        refused_afterwards: super::refused_afterwards().to_vec(),
        problems,
        notes,
    }
}

fn resource(keys: Option<&StoreKeys>) -> String {
    let (id, secret) =
        keys.map_or((ACCESS_KEY_HERE, SECRET_KEY_HERE), |StoreKeys { id, secret }| (id, secret));
    let (of_type, factory) = S3;
    format!(
        "<Resource name=\"repo/objectStore\"\n          type=\"{of_type}\"\n          factory=\"{factory}\"\n          \
         awsAccessKey=\"{}\"\n          awsSecretKey=\"{}\" />",
        escaped(id),
        escaped(secret)
    )
}

/// A text as the value of an XML attribute.
fn escaped(text: &str) -> String {
    let escape = |text: &str, from: char, to: &str| text.replace(from, to);
    let text = escape(text, '&', "&amp;");
    escape(&escape(&text, '<', "&lt;"), '"', "&quot;")
}

/// The clients are stopped before the first of these.
fn order() -> Vec<String> {
    [
        "stop contentrepo on all nodes, rhino, wombat, lemur and every other client",
        "`mogile2s3 cutover contentrepo --execute --backup FILE`, then `mogile2s3 cutover rhino --execute --backup \
         FILE`",
        "contentrepo: change context.xml on every node (and put awssdk_config_override.json into the class path), \
         start all nodes, then ask each with `mogile2s3 config --check-url`",
        "rhino: change rhino.yaml, start it, then ask it with `mogile2s3 config --check-url`",
        "wombat: start it behind rhino. It reads rhino's configuration once, at its start",
        "proxies: clear their caches of contentrepo's answers, or keep MogileFS readable for 6 hours more. They keep \
         the URLs of replicas so long (X-Reproxy-Cache-For: 21600)",
        "lemur and other clients of contentrepo: write the new bucket names where their settings have old ones, then \
         start them",
    ]
    .map(str::to_owned)
    .into()
}
