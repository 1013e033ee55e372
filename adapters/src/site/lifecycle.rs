//! Reads a bucket's lifecycle rules, and adds one of ours. S3 replaces all rules of a bucket at
//! once, so the others are written back with it.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule,
    LifecycleRuleFilter, TransitionDefaultMinimumObjectSize,
};
use domain::blueprint::{AbortRule, ExpiryRule};
use domain::ports::SiteError;

use super::bucket::incomplete;
use super::guards::implemented;
use super::refusal::{done, present};
use super::{AwsSite, System};

/// The name by which we find our own rule again.
const OUR_RULE: &str = "mogile2s3-abort-stale-uploads";

/// What the enabled rules of a bucket do to uploads and to objects.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// Of the rules that abort every stale upload, the one with the fewest days.
    pub(super) abort: Option<AbortRule>,
    /// The names of the rules that delete objects or move them to another storage class.
    pub(super) for_objects: Vec<String>,
    /// Those that delete files: objects whose keys are 40 hex digits.
    pub(super) that_delete_files: Vec<String>,
}

/// Reads the enabled rules; disabled ones do nothing.
pub(super) fn rules(found: Option<&GetBucketLifecycleConfigurationOutput>) -> Rules {
    let all = found.map(GetBucketLifecycleConfigurationOutput::rules).unwrap_or_default();
    let in_force = || all.iter().filter(|rule| rule.status == ExpirationStatus::Enabled);
    let for_objects = in_force().filter(|rule| expires(rule) || !rule.transitions().is_empty());
    let that_delete_files = in_force().filter(|rule| expires(rule) && can_match_a_file(rule));
    let named = |rule: &LifecycleRule| format!("rule `{}`", name(rule));
    Rules {
        abort: in_force().filter_map(abort).min_by_key(|rule| rule.days),
        for_objects: for_objects.map(named).collect(),
        that_delete_files: that_delete_files.map(named).collect(),
    }
}

/// Reads the enabled rules that delete files or intermediaries.
pub(super) fn expiry_rules(
    found: Option<&GetBucketLifecycleConfigurationOutput>,
) -> Vec<ExpiryRule> {
    let all = found.map(GetBucketLifecycleConfigurationOutput::rules).unwrap_or_default();
    let in_force = all.iter().filter(|rule| rule.status == ExpirationStatus::Enabled);
    let rules = in_force.filter(|rule| expires(rule)).map(|rule| ExpiryRule {
        name: name(rule).to_owned(),
        of_files: can_match_a_file(rule),
        of_intermediaries: can_match_an_intermediary(prefix_of(rule)),
        of_tagged: is_for_tagged(rule),
    });
    rules.filter(|rule| rule.of_files || rule.of_intermediaries).collect()
}

fn is_for_tagged(rule: &LifecycleRule) -> bool {
    rule.filter().is_some_and(|filter| {
        filter.tag().is_some() || filter.and().is_some_and(|and| !and.tags().is_empty())
    })
}

fn prefix_of(rule: &LifecycleRule) -> &str {
    let prefix = match rule.filter() {
        Some(filter) => filter.prefix().or_else(|| filter.and().and_then(|and| and.prefix())),
        None => old_prefix(rule),
    };
    prefix.unwrap_or_default()
}

/// Whether keys like `0/000/000/0000000001.fid`, or with a slash before that, begin so.
fn can_match_an_intermediary(prefix: &str) -> bool {
    const FORM: &str = "0/000/000/0000000000.fid";
    let is_like = |form: &str| {
        let is_one = |(wanted, letter): (char, char)| {
            if wanted == '0' { letter.is_ascii_digit() } else { wanted == letter }
        };
        prefix.len() <= form.len() && form.chars().zip(prefix.chars()).all(is_one)
    };
    is_like(FORM) || is_like(&format!("/{FORM}"))
}

/// Whether a rule deletes objects. A marker without versions behind it is no object.
fn expires(rule: &LifecycleRule) -> bool {
    let expiration = rule.expiration();
    expiration.is_some_and(|expiration| expiration.days.is_some() || expiration.date.is_some())
}

/// By its prefix alone: files are of any size, and a COPY may have brought any tags along.
fn can_match_a_file(rule: &LifecycleRule) -> bool {
    let prefix = prefix_of(rule);
    let is_digit = |letter: char| matches!(letter, '0'..='9' | 'a'..='f');
    prefix.len() <= 40 && prefix.chars().all(is_digit)
}

/// What a rule says of any upload, not only of those below a prefix.
fn abort(rule: &LifecycleRule) -> Option<AbortRule> {
    let days = rule.abort_incomplete_multipart_upload()?.days_after_initiation()?;
    let everywhere = match rule.filter() {
        Some(filter) => is_for_all(filter),
        None => is_empty(old_prefix(rule)),
    };
    let days = u32::try_from(days).ok()?;
    everywhere.then(|| AbortRule { days, is_ours: name(rule) == OUR_RULE })
}

fn is_for_all(filter: &LifecycleRuleFilter) -> bool {
    is_empty(filter.prefix())
        && filter.tag().is_none()
        && filter.and().is_none()
        && filter.object_size_greater_than().is_none()
        && filter.object_size_less_than().is_none()
}

fn is_empty(prefix: Option<&str>) -> bool {
    prefix.unwrap_or_default().is_empty()
}

/// The prefix of a rule in the old form, which has no filter.
#[expect(deprecated, reason = "such rules are still there")]
fn old_prefix(rule: &LifecycleRule) -> Option<&str> {
    rule.prefix()
}

/// Moves the prefix of a rule in the old form into a filter. S3 refuses a mixture of rules with and
/// without filters.
#[expect(deprecated, reason = "such rules are still there")]
fn modernise(rule: &mut LifecycleRule) {
    if rule.filter.is_none()
        && let Some(prefix) = rule.prefix.take()
    {
        rule.filter = Some(LifecycleRuleFilter::builder().prefix(prefix).build());
    }
}

fn name(rule: &LifecycleRule) -> &str {
    rule.id().unwrap_or("(without a name)")
}

/// Returns all rules with ours added. An older rule of ours is replaced.
fn with_ours(mut all: Vec<LifecycleRule>, days: u32) -> Result<Vec<LifecycleRule>, SiteError> {
    all.retain(|rule| name(rule) != OUR_RULE);
    all.iter_mut().for_each(modernise);
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build();
    let ours = LifecycleRule::builder()
        .id(OUR_RULE)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(abort);
    all.push(ours.build().map_err(incomplete)?);
    Ok(all)
}

impl AwsSite {
    pub(super) async fn lifecycle(
        &self,
        name: &str,
    ) -> Result<Option<GetBucketLifecycleConfigurationOutput>, SiteError> {
        let request = self.s3.get_bucket_lifecycle_configuration().bucket(name).send();
        let answer = self.answer(System::S3, "GetBucketLifecycleConfiguration", request).await;
        present(answer, &["NoSuchLifecycleConfiguration"])
    }

    /// The same; [`None`] also where the end does not know of such rules.
    pub(super) async fn lifecycle_if_known(
        &self,
        name: &str,
    ) -> Result<Option<GetBucketLifecycleConfigurationOutput>, SiteError> {
        let request = self.s3.get_bucket_lifecycle_configuration().bucket(name).send();
        let answer = self.answer(System::S3, "GetBucketLifecycleConfiguration", request).await;
        implemented(answer, "NoSuchLifecycleConfiguration")
    }

    /// Writes our rule, and with it all rules that the bucket already has: S3 replaces them all at
    /// once.
    pub(super) async fn abort_uploads(&self, name: &str, days: u32) -> Result<(), SiteError> {
        let found = self.lifecycle(name).await?;
        let (rules, least) = found.map_or_else(Default::default, |found| {
            let least = found.transition_default_minimum_object_size;
            (found.rules.unwrap_or_default(), least)
        });
        let rules = with_ours(rules, days)?;
        let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
        // S3 returns this size in every answer. A request without it would set it back to its
        // default.
        let least = least.map(|least| TransitionDefaultMinimumObjectSize::from(least.as_str()));
        let request = self
            .s3
            .put_bucket_lifecycle_configuration()
            .bucket(name)
            .lifecycle_configuration(rules.map_err(incomplete)?)
            .set_transition_default_minimum_object_size(least);
        self.put("PutBucketLifecycleConfiguration", request.send()).await
    }

    /// Writes a setting of a bucket. A bucket that was made a moment ago may not be visible yet.
    pub(super) async fn put<T, E>(
        &self,
        call: &'static str,
        request: impl Future<Output = Result<T, SdkError<E>>> + Send,
    ) -> Result<(), SiteError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match self.answer(System::S3, call, request).await {
            Err(refusal) if refusal.is(&["NoSuchBucket"]) => {
                Err(SiteError::NotYet { call, why: "the bucket is not seen yet".to_owned() })
            }
            answer => done(answer, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{LifecycleExpiration, LifecycleRuleAndOperator, Tag, Transition};

    fn rule(id: &str) -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
        LifecycleRule::builder().id(id).status(ExpirationStatus::Enabled)
    }

    fn aborts(days: i32) -> AbortIncompleteMultipartUpload {
        AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build()
    }

    fn read(all: Vec<aws_sdk_s3::types::builders::LifecycleRuleBuilder>) -> Rules {
        let all: Vec<_> = all.into_iter().map(|rule| rule.build().expect("whole")).collect();
        let found = GetBucketLifecycleConfigurationOutput::builder().set_rules(Some(all)).build();
        rules(Some(&found))
    }

    #[test]
    fn only_rules_for_every_upload_count() {
        let filter = |filter: LifecycleRuleFilter| rule("a").filter(filter);
        let filtered = LifecycleRuleFilter::builder;
        let tag = Tag::builder().key("a").value("b").build().expect("whole");
        for (rule, counts) in [
            (rule("a"), true),
            (filter(filtered().build()), true),
            (filter(filtered().prefix("").build()), true),
            (filter(filtered().prefix("0/").build()), false),
            (filter(filtered().tag(tag).build()), false),
            (rule("a").status(ExpirationStatus::Disabled), false),
        ] {
            let found = read(vec![rule.clone().abort_incomplete_multipart_upload(aborts(3))]);
            let wanted = counts.then_some(AbortRule { days: 3, is_ours: false });
            assert_eq!(found.abort, wanted, "{rule:?}");
        }
        let two = vec![
            rule("a").abort_incomplete_multipart_upload(aborts(30)),
            rule(OUR_RULE).abort_incomplete_multipart_upload(aborts(7)),
        ];
        assert_eq!(read(two).abort, Some(AbortRule { days: 7, is_ours: true }));
    }

    #[test]
    fn rules_that_touch_objects_are_named() {
        let days = LifecycleExpiration::builder().days(30).build();
        let marker = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
        let found = read(vec![
            rule("expires").expiration(days.clone()),
            rule("moves").transitions(Transition::builder().days(1).build()),
            rule("markers").expiration(marker),
            rule("off").expiration(days).status(ExpirationStatus::Disabled),
            rule("aborts").abort_incomplete_multipart_upload(aborts(1)),
        ]);
        assert_eq!(found.for_objects, ["rule `expires`", "rule `moves`"]);
    }

    #[test]
    fn only_rules_that_can_match_a_files_key_delete_files() {
        let days = || LifecycleExpiration::builder().days(30).build();
        let filtered =
            |prefix: &str| rule("a").filter(LifecycleRuleFilter::builder().prefix(prefix).build());
        let both = LifecycleRuleAndOperator::builder().object_size_greater_than(9);
        let and = |prefix: &str| {
            let both = both.clone().prefix(prefix).build();
            rule("a").filter(LifecycleRuleFilter::builder().and(both).build())
        };
        let tag = Tag::builder().key("a").value("b").build().expect("whole");
        let tagged = LifecycleRuleFilter::builder().tag(tag).build();
        for (rule, deletes) in [
            (rule("a"), true),
            (filtered(""), true),
            (filtered("0"), true),
            (filtered("c0ffee"), true),
            (filtered("0/"), false),
            (filtered("logs/"), false),
            (filtered("mogile2s3-canary/"), false),
            (filtered(&"a".repeat(41)), false),
            (and("ab"), true),
            (and("tmp/"), false),
            (rule("a").filter(tagged), true),
        ] {
            let found = read(vec![rule.clone().expiration(days())]);
            assert_eq!(!found.that_delete_files.is_empty(), deletes, "{rule:?}");
            assert_eq!(found.for_objects.len(), 1, "{rule:?}");
            let off = rule.clone().expiration(days()).status(ExpirationStatus::Disabled);
            assert!(read(vec![off]).that_delete_files.is_empty(), "{rule:?}");
            let moves = Transition::builder().days(1).build();
            assert!(read(vec![rule.transitions(moves)]).that_delete_files.is_empty());
        }
    }

    #[test]
    fn a_rule_is_for_files_for_intermediaries_or_for_both() {
        for (prefix, of_files, of_intermediaries) in [
            ("", true, true),
            ("0", true, true),
            ("ab", true, false),
            ("0/", false, true),
            ("7/123/456/7123456789.fid", false, true),
            ("/0/00", false, true),
            ("0/000/000/0000000001.fid.old", false, false),
            ("0000/", false, false),
            ("logs/", false, false),
        ] {
            assert_eq!(can_match_an_intermediary(prefix), of_intermediaries, "{prefix}");
            let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
            let rule = rule("a")
                .filter(filter)
                .expiration(LifecycleExpiration::builder().days(30).build())
                .build()
                .expect("whole");
            assert_eq!(can_match_a_file(&rule), of_files, "{prefix}");
        }
    }

    #[test]
    fn ours_stands_beside_the_others() {
        let theirs = rule("theirs").abort_incomplete_multipart_upload(aborts(30));
        let old = rule(OUR_RULE).abort_incomplete_multipart_upload(aborts(30));
        let all = [theirs, old].map(|rule| rule.build().expect("whole"));
        let written = with_ours(all.to_vec(), 7).expect("whole");
        assert_eq!(written.iter().map(name).collect::<Vec<_>>(), ["theirs", OUR_RULE]);
        assert_eq!(written[0], all[0]);
        assert_eq!(abort(&written[1]), Some(AbortRule { days: 7, is_ours: true }));
    }

    #[test]
    #[expect(deprecated, reason = "such rules are still there")]
    fn an_old_rule_keeps_its_prefix_where_s3_takes_it_beside_ours() {
        let old = rule("old").prefix("logs/").build().expect("whole");
        let written = with_ours(vec![old], 7).expect("whole");
        let filter = written[0].filter.as_ref().and_then(|filter| filter.prefix());
        assert_eq!((filter, written[0].prefix()), (Some("logs/"), None));
    }
}
