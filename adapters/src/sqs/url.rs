//! Which queue.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The URL of a standard queue, which ends in its account and name. Two are equal that name the same
/// queue, however they are written.
#[derive(Debug, Clone)]
pub struct QueueUrl {
    text: String,
    region: Option<String>,
    host: String,
    account: String,
}

impl PartialEq for QueueUrl {
    fn eq(&self, other: &Self) -> bool {
        // Amazon has two addresses for each region, with ports or without.
        let is_of_one_end = match (&self.region, &other.region) {
            (Some(region), Some(other)) => region == other,
            (None, None) => self.host == other.host,
            (Some(_), None) | (None, Some(_)) => false,
        };
        is_of_one_end && self.account == other.account && self.name() == other.name()
    }
}

impl Eq for QueueUrl {}

/// A setting that is no [`QueueUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}; expected `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`")]
pub struct QueueUrlError {
    why: &'static str,
}

impl QueueUrl {
    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The queue's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }

    /// The region in the host name of an Amazon address; [`None`] for any other address.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
}

impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for QueueUrl {
    type Err = QueueUrlError;

    fn from_str(text: &str) -> Result<Self, QueueUrlError> {
        let no = |why| QueueUrlError { why };
        let text = text.trim();
        if text.starts_with("arn:") {
            return Err(no("it is an ARN, not a URL"));
        }
        let url = Url::parse(text).map_err(|_| no("it is not a URL"))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(no("it does not begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(no("it has a user or a password, which a queue's URL has not"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(no("it has a `?` or a `#`, which a queue's URL has not"));
        }
        let segments: Vec<_> = url.path_segments().into_iter().flatten().collect();
        let [.., account, name] = &*segments else {
            return Err(no("it does not end in an account and a queue's name"));
        };
        if name.strip_suffix(".fifo").is_some() {
            return Err(no("it is a FIFO queue's, and jobs need a standard queue"));
        }
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        if name.is_empty() || name.len() > 80 || !name.chars().all(plain) {
            return Err(no("it does not end in a queue's name"));
        }
        let region = url.host_str().and_then(region_of).map(str::to_owned);
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", url.host_str().unwrap_or_default());
        Ok(Self { text: text.to_owned(), region, host, account: (*account).to_owned() })
    }
}

/// The region in `sqs.REGION.amazonaws.com`, or in the older `REGION.queue.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    let host = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com")?;
    let region = host.strip_prefix("sqs.").or_else(|| host.strip_suffix(".queue"))?;
    (!region.contains('.')).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_queues() {
        for (text, region) in [
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", Some("eu-west-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs", Some("cn-north-1")),
            ("https://eu-west-1.queue.amazonaws.com/123456789012/jobs", Some("eu-west-1")),
            ("https://queue.amazonaws.com/123456789012/jobs", None),
            ("http://127.0.0.1:4566/000000000000/jobs", None),
            ("http://localhost:4566/queue/us-east-1/000000000000/jobs", None),
            ("http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/jobs", None),
        ] {
            let url: QueueUrl = format!(" {text}\n").parse().expect(text);
            assert_eq!((url.as_str(), url.name(), url.region()), (text, "jobs", region));
        }
    }

    #[test]
    fn a_queue_is_the_same_however_it_is_written() {
        let jobs = "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs";
        for (other, same) in [
            ("https://SQS.eu-west-1.amazonaws.com:443/123456789012/jobs", true),
            ("https://eu-west-1.queue.amazonaws.com/123456789012/jobs", true),
            ("https://sqs.eu-west-2.amazonaws.com/123456789012/jobs", false),
            ("https://sqs.eu-west-1.amazonaws.com/210987654321/jobs", false),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs-dead", false),
            ("http://127.0.0.1:4566/123456789012/jobs", false),
        ] {
            let parsed = |text: &str| text.parse::<QueueUrl>().expect(text);
            assert_eq!(parsed(jobs) == parsed(other), same, "{other}");
        }
        let local = |text: &str| text.parse::<QueueUrl>().expect(text);
        assert_eq!(
            local("http://localhost:4566/000000000000/jobs"),
            local("http://LOCALHOST:4566/000000000000/jobs")
        );
    }

    #[test]
    fn texts_that_are_no_urls_of_queues() {
        let name = "n".repeat(81);
        for (text, said) in [
            ("", "not a URL"),
            ("jobs", "not a URL"),
            ("arn:aws:sqs:eu-west-1:123456789012:jobs", "an ARN"),
            ("sqs://sqs.eu-west-1.amazonaws.com/123456789012/jobs", "https://"),
            ("https://sqs.eu-west-1.amazonaws.com", "an account and a queue's name"),
            ("https://sqs.eu-west-1.amazonaws.com/jobs", "an account and a queue's name"),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/", "a queue's name"),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs/", "a queue's name"),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/my jobs", "a queue's name"),
            (&format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}"), "queue's name"),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs.fifo", "FIFO"),
            ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs?x=1", "a `?`"),
            ("https://me:secret@sqs.eu-west-1.amazonaws.com/123456789012/jobs", "a password"),
        ] {
            let told = text.parse::<QueueUrl>().expect_err(text).to_string();
            assert!(told.contains(said) && !told.contains("secret"), "`{text}`: {told}");
        }
    }
}
