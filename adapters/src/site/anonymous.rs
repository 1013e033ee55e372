//! Asks S3 for objects without AWS keys.

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use domain::ports::{AnonymousReads, SiteError};
use domain::{ObjectKey, S3Bucket};
use url::Url;

use super::refusal::Refusal;
use super::{AwsSite, System};

/// Forty characters, as every file's key has: a policy that lets anybody read files is for such keys. No
/// file can have it, and it is taken away with the other canaries' rights.
const CANARY: &str = "mogile2s3-canary/read-without-any-keys-0";

/// More than a byte, so that one can be asked for.
const CONTENT: &[u8] = b"mogile2s3 canary, for readers without keys";

#[async_trait]
impl AnonymousReads for AwsSite {
    async fn gives(&self, bucket: &S3Bucket, key: &ObjectKey) -> Result<bool, SiteError> {
        self.gives_anybody(bucket.as_str(), key.as_str()).await
    }

    async fn gives_canary(&self, bucket: &S3Bucket) -> Result<bool, SiteError> {
        let put = self.s3.put_object().bucket(bucket.as_str()).key(CANARY);
        let put = Box::pin(put.body(ByteStream::from_static(CONTENT)).send());
        let put = self.answer(System::S3, "PUT", put).await.map_err(|it| it.error)?;
        let given = self.gives_anybody(bucket.as_str(), CANARY).await;
        let delete = self.s3.delete_object().bucket(bucket.as_str()).key(CANARY);
        let delete = delete.set_version_id(put.version_id).send();
        self.answer(System::S3, "DELETE", delete).await.map_err(|it| it.error)?;
        given
    }
}

/// Redirects that are followed: S3 sends a request for a bucket that is elsewhere there by one.
const REDIRECTS: usize = 3;

impl AwsSite {
    /// At Amazon the object is asked for by the URL that contentrepo gives to readers. An endpoint of one's
    /// own has no such names, and a name with a dot in it is in no certificate.
    async fn gives_anybody(&self, bucket: &str, key: &str) -> Result<bool, SiteError> {
        let mut url = (self.is_at_amazon && !bucket.contains('.')).then(|| url_of(bucket, key));
        for _ in 0..=REDIRECTS {
            let get = self.s3_without_keys.get_object().bucket(bucket).key(key).range("bytes=0-0");
            let get = get.customize();
            let get = match url {
                None => get,
                Some(url) => get.mutate_request(move |request| {
                    // It was a URL a moment ago.
                    let _ = request.set_uri(url.as_str());
                }),
            };
            match self.answer(System::S3, "GET without keys", get.send()).await {
                Ok(_) => return Ok(true),
                Err(Refusal { status: 401 | 403, .. }) => return Ok(false),
                Err(Refusal {
                    status: 301 | 302 | 307 | 308,
                    location: Some(location),
                    error,
                    ..
                }) => {
                    url = Some(followed(&location).ok_or(error)?);
                }
                Err(refusal) => return Err(refusal.error),
            }
        }
        let why = format!("S3 redirects more than {REDIRECTS} times");
        Err(SiteError::Refused { call: "GET without keys", why })
    }
}

/// As contentrepo gives it to readers: `https://BUCKET.s3.amazonaws.com/SHA1`.
fn url_of(bucket: &str, key: &str) -> Url {
    let mut url = Url::parse("https://s3.amazonaws.com/").expect("a URL");
    url.set_host(Some(&format!("{bucket}.s3.amazonaws.com")))
        .expect("a bucket's name is of a host");
    url.set_path(key);
    url
}

/// Where a redirect leads; [`None`] where that is not Amazon.
fn followed(location: &str) -> Option<Url> {
    let url = Url::parse(location).ok()?;
    let is_amazons = url.host_str().is_some_and(|host| host.ends_with(".amazonaws.com"));
    let is_plain = url.scheme() == "https" && url.username().is_empty() && url.port().is_none();
    (is_amazons && is_plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
    use aws_sdk_s3::primitives::SdkBody;
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
    };

    use super::*;

    #[test]
    fn the_canary_has_a_key_as_long_as_a_files() {
        assert_eq!(CANARY.len(), 40);
        assert!(CANARY.starts_with("mogile2s3-canary/"));
    }

    #[test]
    fn redirects_lead_to_amazon_or_nowhere() {
        for (location, is_followed) in [
            ("https://corpus-prod.s3.eu-west-1.amazonaws.com/abc", true),
            ("http://corpus-prod.s3.eu-west-1.amazonaws.com/abc", false),
            ("https://amazonaws.com.example.org/abc", false),
            ("https://notamazonaws.com/abc", false),
            ("https://a@corpus-prod.s3.amazonaws.com/abc", false),
            ("https://169.254.169.254/latest", false),
            ("/abc", false),
        ] {
            assert_eq!(followed(location).is_some(), is_followed, "{location}");
        }
    }

    /// Answers in turn, and keeps the URLs that it is asked for. The last answer stays.
    #[derive(Debug, Clone, Default)]
    struct Scripted {
        answers: Vec<(u16, Option<&'static str>)>,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl HttpConnector for Scripted {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let mut asked = self.asked.lock().expect("no panic holds it");
            let at = asked.len().min(self.answers.len() - 1);
            let is_signed = request.headers().get("authorization").is_some();
            asked.push(format!("{}{}", request.uri(), if is_signed { " signed" } else { "" }));
            let (status, location) = self.answers[at];
            let status = status.try_into().expect("a status");
            let mut response = HttpResponse::new(status, SdkBody::empty());
            if let Some(location) = location {
                response.headers_mut().insert("location", location);
            }
            HttpConnectorFuture::ready(Ok(response))
        }
    }

    fn client(script: &Scripted) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(script.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    async fn asks(
        endpoint: Option<&str>,
        bucket: &str,
        answers: Vec<(u16, Option<&'static str>)>,
    ) -> (Option<bool>, Vec<String>) {
        let script = Scripted { answers, ..Scripted::default() };
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .http_client(client(&script));
        config.set_endpoint_url(endpoint.map(str::to_owned));
        let site = AwsSite::new(&config.build(), Arc::default());
        let bucket = S3Bucket::new(bucket).expect("a name");
        let given = site.gives(&bucket, &ObjectKey::new("abc".to_owned())).await;
        let asked = script.asked.lock().expect("no panic holds it").clone();
        (given.ok(), asked)
    }

    #[tokio::test]
    async fn at_amazon_the_url_is_the_one_that_contentrepo_gives() {
        const URL: &str = "https://corpus-prod.s3.amazonaws.com/abc";
        const THERE: &str = "https://corpus-prod.s3.eu-west-1.amazonaws.com/abc";
        let text = |urls: &[&str]| urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>();
        let bucket = "corpus-prod";
        let there = || (307, Some(THERE));
        let given = asks(None, bucket, vec![(206, None)]).await;
        assert_eq!(given, (Some(true), text(&[URL])));
        assert_eq!(asks(None, bucket, vec![(403, None)]).await, (Some(false), text(&[URL])));
        let given = asks(None, bucket, vec![there(), (206, None)]).await;
        assert_eq!(given, (Some(true), text(&[URL, THERE])));
        // Round and round.
        let (given, asked) = asks(None, bucket, vec![there()]).await;
        assert_eq!((given, asked.len()), (None, 1 + REDIRECTS));
        let (given, asked) = asks(None, bucket, vec![(307, Some("https://example.org/abc"))]).await;
        assert_eq!((given, asked), (None, text(&[URL])));
        // An endpoint of one's own, and a name that is in no certificate.
        let (given, asked) = asks(Some("http://127.0.0.1:9"), bucket, vec![(206, None)]).await;
        assert_eq!(given, Some(true));
        assert!(asked[0].starts_with("http://127.0.0.1:9/corpus-prod/abc"), "{asked:?}");
        let (_, asked) = asks(None, "corpus.prod", vec![(206, None)]).await;
        assert!(
            asked[0].starts_with("https://s3.eu-west-1.amazonaws.com/corpus.prod"),
            "{asked:?}"
        );
    }
}
