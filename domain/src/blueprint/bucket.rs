use std::collections::BTreeSet;

use super::{Advice, Thing, Verdict, contentrepo, is_public_read, public_read};
use crate::S3Bucket;

/// Who may read, and whether writes may carry ACLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessProfile {
    /// Nobody without keys; no ACLs.
    Private,
    /// For a stock contentrepo: its PUTs carry the ACL `public-read`, and its readers follow unsigned
    /// URLs. What is migrated carries no ACL, so everybody may read files by their SHA-1 here too.
    /// Access alone is not enough for it: see [`super::contentrepo`].
    ContentrepoLegacy,
    /// Everybody may read files by their SHA-1; no ACLs. For a contentrepo that sends none.
    PublicPolicy,
}

crate::named::named!(AccessProfile {
    Private = "private",
    ContentrepoLegacy = "contentrepo-legacy",
    PublicPolicy = "public-policy",
});

/// Who owns what others write, which decides whether ACLs are taken; by S3's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The bucket's owner; writes with ACLs are refused.
    Enforced,
    /// The bucket's owner, where the writer agrees by an ACL.
    Preferred,
    /// Who wrote it.
    Writer,
}

crate::named::named!(Ownership {
    Enforced = "BucketOwnerEnforced",
    Preferred = "BucketOwnerPreferred",
    Writer = "ObjectWriter",
});

/// One way of public access that a bucket can block, by S3's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Block {
    /// Refuses public ACLs.
    Acls,
    /// Ignores those that are there.
    OldAcls,
    /// Refuses public policies.
    Policies,
    /// Ignores one that is there.
    OldPolicies,
}

crate::named::named!(Block {
    Acls = "BlockPublicAcls",
    OldAcls = "IgnorePublicAcls",
    Policies = "BlockPublicPolicy",
    OldPolicies = "RestrictPublicBuckets",
});

/// What a bucket encrypts new objects with by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// S3's own keys: readers need no right to a key.
    S3,
    /// A key of KMS: nobody reads without a right to it, so nobody anonymous.
    Kms,
}

crate::named::named!(Encryption { S3 = "AES256", Kms = "aws:kms" });

impl AccessProfile {
    /// The ownership of buckets with this profile.
    #[must_use]
    pub const fn ownership(self) -> Ownership {
        match self {
            Self::Private | Self::PublicPolicy => Ownership::Enforced,
            Self::ContentrepoLegacy => Ownership::Preferred,
        }
    }

    /// Whether everybody may read files.
    #[must_use]
    pub const fn is_public(self) -> bool {
        match self {
            Self::Private => false,
            Self::ContentrepoLegacy | Self::PublicPolicy => true,
        }
    }

    /// What they block.
    #[must_use]
    pub fn blocked(self) -> BTreeSet<Block> {
        match self {
            Self::Private => Block::ALL.iter().copied().collect(),
            Self::ContentrepoLegacy => BTreeSet::new(),
            Self::PublicPolicy => BTreeSet::from([Block::Acls, Block::OldAcls]),
        }
    }
}

/// A bucket as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketBlueprint {
    /// Its name.
    pub name: S3Bucket,
    /// Who may read.
    pub profile: AccessProfile,
    /// Days after which multipart uploads that were not ended are aborted: their parts cost.
    pub abort_uploads_after_days: u32,
    /// Whether access may be changed even where there are objects already.
    pub change_access: bool,
    /// The region where it is made.
    pub region: String,
}

/// A bucket as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketState {
    /// Whether it has no object at all.
    pub empty: bool,
    /// Who owns what others write.
    pub ownership: Ownership,
    /// What it blocks.
    pub blocked: BTreeSet<Block>,
    /// Its policy.
    pub policy: Option<String>,
    /// Its default encryption, where it tells one.
    pub encryption: Option<Encryption>,
    /// The rule that aborts any upload, the soonest.
    pub abort_rule: Option<AbortRule>,
    /// Rules that delete objects or move them to another storage class, by their names.
    pub rules_for_objects: Vec<String>,
    /// Those of them that delete files, whose keys are 40 hex digits.
    pub rules_that_delete_files: Vec<String>,
    /// Whether it keeps what is replaced or deleted.
    pub versioned: bool,
}

/// A rule that aborts multipart uploads which were not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortRule {
    /// Days after which an upload is aborted.
    pub days: u32,
    /// Whether it has the name that we give ours.
    pub is_ours: bool,
}

/// What can be done to a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketChange {
    /// Make it, with S3's own defaults.
    Create,
    /// Change who owns what others write.
    Ownership(Ownership),
    /// Block this, and nothing else.
    Block(BTreeSet<Block>),
    /// Give it this policy, in place of any.
    Policy(String),
    /// Encrypt new objects with this by default.
    Encrypt(Encryption),
    /// Abort old uploads, by a rule of ours beside all other rules.
    AbortUploads {
        /// Days after which an upload is aborted.
        days: u32,
    },
}

impl Thing for BucketBlueprint {
    type State = BucketState;
    type Change = BucketChange;

    fn title(&self) -> String {
        format!("bucket {}", self.name)
    }

    fn creation(&self) -> BucketChange {
        BucketChange::Create
    }

    fn is_ready(_found: &BucketState) -> bool {
        true
    }

    /// Public access comes before the policy: a public one is refused while it is blocked.
    fn judge(&self, found: &BucketState) -> Vec<Verdict<BucketChange>> {
        // Nothing in an empty bucket can be exposed, or withheld from a reader.
        let free = found.empty || self.change_access;
        let mut verdicts = vec![
            self.judge_ownership(found, free),
            self.judge_blocked(found, free),
            self.judge_policy(found, free),
            self.judge_encryption(found, found.empty),
            self.judge_abort_rule(found),
            judge_rules(found),
            Verdict::keep(
                "versions",
                if found.versioned { "kept, and billed" } else { "not kept" },
            ),
        ];
        if self.profile == AccessProfile::ContentrepoLegacy {
            verdicts.push(match contentrepo::signatures(&self.region) {
                Ok(how) => Verdict::keep("contentrepo's signatures", how),
                Err(why) => Verdict::leave("contentrepo's signatures", why),
            });
        }
        verdicts
    }
}

/// What an operator can do about access that was left as it is.
const ON_PURPOSE: &str = "the bucket has objects, whose readers this could let in or lock out: \
                          look at it, then run this again with --change-access";

impl BucketBlueprint {
    fn judge_ownership(&self, found: &BucketState, free: bool) -> Verdict<BucketChange> {
        let (setting, wanted) = ("ownership", self.profile.ownership());
        // The two that take ACLs differ only for objects that other accounts write.
        let takes_acls = |ownership| ownership != Ownership::Enforced;
        if takes_acls(found.ownership) == takes_acls(wanted) {
            return Verdict::keep(setting, found.ownership.name());
        }
        let change = BucketChange::Ownership(wanted);
        access(setting, change, found.ownership.name(), wanted.name(), free)
    }

    fn judge_blocked(&self, found: &BucketState, free: bool) -> Verdict<BucketChange> {
        let (setting, wanted) = ("public access blocked", self.profile.blocked());
        let is = told(&found.blocked);
        if found.blocked == wanted {
            return Verdict::keep(setting, is);
        }
        let opens = [Block::Policies, Block::OldPolicies]
            .iter()
            .any(|block| found.blocked.contains(block) && !wanted.contains(block));
        if opens && self.has_foreign_policy(found) && !self.change_access {
            let why = "somebody's own policy would come into force, and may make public what lands \
                       here: make it the one below first, or, if it does no harm, run this again \
                       with --change-access";
            return Verdict::leave(setting, why);
        }
        let to = told(&wanted);
        access(setting, BucketChange::Block(wanted), &is, &to, free)
    }

    fn has_foreign_policy(&self, found: &BucketState) -> bool {
        found.policy.as_ref().is_some_and(|policy| !is_public_read(policy, &self.name))
    }

    fn judge_policy(&self, found: &BucketState, free: bool) -> Verdict<BucketChange> {
        let (setting, to) = ("policy", "everybody may read keys of 40 characters");
        let is_ours = |policy: &String| is_public_read(policy, &self.name);
        match found.policy.as_ref() {
            None if self.profile.is_public() => {
                let change = BucketChange::Policy(public_read(&self.name));
                access(setting, change, "none", to, free)
            }
            None => Verdict::keep(setting, "none"),
            Some(policy) if is_ours(policy) && self.profile.is_public() => {
                Verdict::keep(setting, to)
            }
            Some(policy) if is_ours(policy) => {
                let why = format!(
                    "{to}, as for public-policy: remove it, or choose that profile \
                     (aws s3api delete-bucket-policy --bucket {})",
                    self.name
                );
                Verdict::leave(setting, why)
            }
            Some(_) if self.profile.is_public() => {
                let why = format!(
                    "somebody's own, which is never overwritten: add the statement of {}",
                    public_read(&self.name)
                );
                Verdict::leave(setting, why)
            }
            Some(_) if free || found.blocked == self.profile.blocked() => {
                Verdict::keep(setting, "somebody's own; what it makes public is blocked")
            }
            Some(_) => {
                let why = "somebody's own, and nothing keeps it from making files public: see \
                           \"public access blocked\"";
                Verdict::leave(setting, why)
            }
        }
    }

    fn judge_encryption(&self, found: &BucketState, free: bool) -> Verdict<BucketChange> {
        let (setting, wanted) = ("encryption", Encryption::S3);
        let change = BucketChange::Encrypt(wanted);
        match found.encryption {
            None => Verdict::change(setting, change, "none told", wanted.name()),
            Some(Encryption::S3) => Verdict::keep(setting, wanted.name()),
            Some(Encryption::Kms) if !self.profile.is_public() => {
                let how = "aws:kms: each reader and writer needs a right to the key, and a stock \
                           contentrepo can neither read nor write here";
                Verdict::keep(setting, how)
            }
            Some(Encryption::Kms) if free => {
                Verdict::change(setting, change, "aws:kms", wanted.name())
            }
            Some(Encryption::Kms) => {
                let why = "aws:kms, which no anonymous reader can read: choose SSE-S3 as the \
                           default, and copy what is there onto itself";
                Verdict::leave(setting, why)
            }
        }
    }

    fn judge_abort_rule(&self, found: &BucketState) -> Verdict<BucketChange> {
        let (setting, days) = ("stale uploads", self.abort_uploads_after_days);
        let told = |days: u32| format!("aborted after {days} days");
        let change = BucketChange::AbortUploads { days };
        match found.abort_rule {
            None => Verdict::change(setting, change, "kept, and billed", told(days)),
            Some(rule) if rule.is_ours && rule.days != days => {
                Verdict::change(setting, change, told(rule.days), told(days))
            }
            Some(rule) => Verdict::keep(setting, told(rule.days)),
        }
    }
}

/// A change of who may read or write.
fn access(
    setting: &'static str,
    change: BucketChange,
    from: &str,
    to: &str,
    free: bool,
) -> Verdict<BucketChange> {
    if free {
        return Verdict::change(setting, change, from, to);
    }
    Verdict { setting, advice: Advice::Leave(format!("{from} (wanted: {to}): {ON_PURPOSE}")) }
}

fn judge_rules(found: &BucketState) -> Verdict<BucketChange> {
    let setting = "rules for objects";
    if found.rules_for_objects.is_empty() {
        return Verdict::keep(setting, "none");
    }
    let why = format!(
        "{} would delete files of the archive, or move them to where reads take hours or cost: \
         remove or narrow it",
        found.rules_for_objects.join(", ")
    );
    Verdict::leave(setting, why)
}

fn told(blocked: &BTreeSet<Block>) -> String {
    let names: Vec<_> = blocked.iter().map(|block| block.name()).collect();
    match names.len() {
        0 => "nothing".to_owned(),
        4 => "all".to_owned(),
        _ => names.join(" "),
    }
}

#[cfg(test)]
mod tests;
