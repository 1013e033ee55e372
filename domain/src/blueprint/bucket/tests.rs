use super::*;

fn blueprint(profile: AccessProfile) -> BucketBlueprint {
    let name = S3Bucket::new("corpus-prod").expect("a name");
    let region = "us-east-1".to_owned();
    BucketBlueprint { name, profile, abort_uploads_after_days: 7, change_access: false, region }
}

/// As S3 makes a bucket, with one object in it.
fn as_made() -> BucketState {
    BucketState {
        empty: false,
        ownership: Ownership::Enforced,
        blocked: Block::ALL.iter().copied().collect(),
        policy: None,
        encryption: Some(Encryption::S3),
        abort_rule: Some(AbortRule { days: 3, is_ours: false }),
        rules_for_objects: Vec::new(),
        rules_that_delete_files: Vec::new(),
        versioned: false,
    }
}

/// What comes of each setting: `=` is kept, the name of what is changed, `!` and the name of what is
/// left.
fn outcomes(blueprint: &BucketBlueprint, found: &BucketState) -> Vec<String> {
    let differs = |verdict: Verdict<BucketChange>| match verdict.advice {
        Advice::Keep(_) => None,
        Advice::Change { .. } => Some(verdict.setting.to_owned()),
        Advice::Leave(_) => Some(format!("!{}", verdict.setting)),
    };
    blueprint.judge(found).into_iter().filter_map(differs).collect()
}

/// The state after every change that is advised.
fn mended(blueprint: &BucketBlueprint, mut found: BucketState) -> BucketState {
    for verdict in blueprint.judge(&found.clone()) {
        let Advice::Change { change, .. } = verdict.advice else { continue };
        match change {
            BucketChange::Create => {}
            BucketChange::Ownership(ownership) => found.ownership = ownership,
            BucketChange::Block(blocked) => found.blocked = blocked,
            BucketChange::Policy(policy) => found.policy = Some(policy),
            BucketChange::Encrypt(encryption) => found.encryption = Some(encryption),
            BucketChange::AbortUploads { days } => {
                found.abort_rule = Some(AbortRule { days, is_ours: true });
            }
        }
    }
    found
}

#[test]
fn an_empty_bucket_becomes_what_the_profile_says_and_stays_it() {
    for &profile in AccessProfile::ALL {
        let blueprint = blueprint(profile);
        let bare = BucketState {
            empty: true,
            ownership: Ownership::Writer,
            blocked: BTreeSet::new(),
            encryption: None,
            abort_rule: None,
            ..as_made()
        };
        for found in [bare, BucketState { empty: true, ..as_made() }] {
            let mended = mended(&blueprint, found);
            assert_eq!(outcomes(&blueprint, &mended), [""; 0], "{profile}");
            assert_eq!(mended.blocked, profile.blocked(), "{profile}");
            // Once there are objects it is still right.
            assert_eq!(outcomes(&blueprint, &BucketState { empty: false, ..mended }), [""; 0]);
        }
    }
}

#[test]
fn access_to_objects_that_are_there_is_changed_on_purpose_only() {
    let legacy = blueprint(AccessProfile::ContentrepoLegacy);
    let left = ["!ownership", "!public access blocked", "!policy"];
    assert_eq!(outcomes(&legacy, &as_made()), left);
    let on_purpose = BucketBlueprint { change_access: true, ..legacy };
    assert_eq!(outcomes(&on_purpose, &as_made()), ["ownership", "public access blocked", "policy"]);

    let public = blueprint(AccessProfile::PublicPolicy);
    assert_eq!(outcomes(&public, &as_made()), ["!public access blocked", "!policy"]);
    let on_purpose = BucketBlueprint { change_access: true, ..public };
    assert_eq!(outcomes(&on_purpose, &as_made()), ["public access blocked", "policy"]);

    // Nor are readers locked out.
    let open = mended(&on_purpose, as_made());
    let private = blueprint(AccessProfile::Private);
    assert_eq!(outcomes(&private, &open), ["!public access blocked", "!policy"]);
    let legacy = mended(
        &BucketBlueprint { change_access: true, ..blueprint(AccessProfile::ContentrepoLegacy) },
        as_made(),
    );
    assert_eq!(outcomes(&private, &legacy), left);
}

#[test]
fn a_policy_of_somebody_else_is_never_overwritten() {
    let policy = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*"}]}"#;
    let found = BucketState { empty: true, policy: Some(policy.to_owned()), ..as_made() };
    for (profile, wanted) in [
        (AccessProfile::Private, &[][..]),
        (AccessProfile::ContentrepoLegacy, &["ownership", "public access blocked", "!policy"]),
        (AccessProfile::PublicPolicy, &["public access blocked", "!policy"]),
    ] {
        let blueprint = BucketBlueprint { change_access: true, ..blueprint(profile) };
        assert_eq!(outcomes(&blueprint, &found), wanted, "{profile}");
    }
}

#[test]
fn what_somebody_elses_policy_makes_public_comes_into_force_only_on_purpose() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}]}"#;
    let policy = Some(policy.to_owned());
    let empty = BucketState { empty: true, policy: policy.clone(), ..as_made() };
    let public = blueprint(AccessProfile::PublicPolicy);
    assert_eq!(outcomes(&public, &empty), ["!public access blocked", "!policy"]);
    let on_purpose = BucketBlueprint { change_access: true, ..public };
    assert_eq!(outcomes(&on_purpose, &empty), ["public access blocked", "!policy"]);

    // Where nothing is blocked, and that is left, it is not said to be.
    let open = BucketState { policy, blocked: BTreeSet::new(), ..as_made() };
    let private = blueprint(AccessProfile::Private);
    assert_eq!(outcomes(&private, &open), ["!public access blocked", "!policy"]);
    let on_purpose = BucketBlueprint { change_access: true, ..private };
    assert_eq!(outcomes(&on_purpose, &open), ["public access blocked"]);
}

#[test]
fn a_key_of_kms_is_left_where_objects_are_and_anonymous_readers_are_wanted() {
    let found = BucketState { encryption: Some(Encryption::Kms), ..as_made() };
    assert_eq!(outcomes(&blueprint(AccessProfile::Private), &found), [""; 0]);
    for profile in [AccessProfile::ContentrepoLegacy, AccessProfile::PublicPolicy] {
        let blueprint = BucketBlueprint { change_access: true, ..blueprint(profile) };
        let found = mended(&blueprint, found.clone());
        assert_eq!(outcomes(&blueprint, &found), ["!encryption"], "{profile}");
        assert_eq!(outcomes(&blueprint, &BucketState { empty: true, ..found }), ["encryption"]);
    }
}

#[test]
fn only_an_abort_rule_of_ours_is_moved() {
    let private = blueprint(AccessProfile::Private);
    let with = |abort_rule| outcomes(&private, &BucketState { abort_rule, ..as_made() });
    assert_eq!(with(None), ["stale uploads"]);
    assert_eq!(with(Some(AbortRule { days: 30, is_ours: true })), ["stale uploads"]);
    assert_eq!(with(Some(AbortRule { days: 30, is_ours: false })), [""; 0]);
    assert_eq!(with(Some(AbortRule { days: 7, is_ours: true })), [""; 0]);
}

#[test]
fn a_rule_that_deletes_files_is_told_even_of_a_bucket_made_by_us() {
    let rules_for_objects = vec!["`old`".to_owned()];
    let found = BucketState { rules_for_objects, ..as_made() };
    let private = blueprint(AccessProfile::Private);
    assert_eq!(outcomes(&private, &found), ["!rules for objects"]);
}

#[test]
fn a_stock_contentrepo_is_said_to_be_shut_out_of_other_regions() {
    let region = "eu-west-1".to_owned();
    let elsewhere = BucketBlueprint { region, ..blueprint(AccessProfile::ContentrepoLegacy) };
    let found = mended(&elsewhere, BucketState { empty: true, ..as_made() });
    assert_eq!(outcomes(&elsewhere, &found), ["!contentrepo's signatures"]);
    for profile in [AccessProfile::Private, AccessProfile::PublicPolicy] {
        let other = BucketBlueprint { profile, ..elsewhere.clone() };
        let found = mended(&other, BucketState { empty: true, ..as_made() });
        assert_eq!(outcomes(&other, &found), [""; 0], "{profile}");
    }
}
