//! What a plan warns of beside the counts: keys that differ only in case, and readers that may be kept out.

use stand_ins::fault::{RequestCounts, Service};
use stand_ins::world::mogile::{Fid, FileRow};

use super::clean;
use crate::cli::{mogile2s3, text};

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_differ_only_in_case_are_a_hazard() {
    let stage = clean(40).await;
    let mogile = &stage.world.mogile;
    let mut environment = stage.world.environment().clone();
    let said = async |environment: &_, code: i32| {
        let output = mogile2s3(environment, &["plan"]).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    assert!(!said(&environment, 0).await.contains("differ only in case"));

    // The world's index takes capitals for small letters, as most do: a key is looked up, and it is the row
    // itself that is found there.
    let file = &stage.planted.expected[0];
    let row = mogile.row(Fid(file.fid)).expect("it is planted");
    let key = row.dkey.clone().expect("a key");
    let (sha1, bucket) = key.split_at(40);
    let capitals = format!("{}{bucket}", sha1.to_uppercase());
    mogile.plant(FileRow { fid: Fid(900_000), dkey: Some(capitals), ..row.clone() });
    let planned = said(&environment, 1).await;
    assert!(planned.contains("have their SHA-1 in capitals"), "{planned}");
    assert!(!planned.contains("differ only in case"), "{planned}");
    let lookups =
        |counts: &RequestCounts| counts.get(&(Service::Mysql, "SELECT file".to_owned())).copied();
    let before = lookups(&stage.world.faults.counts());
    said(&environment, 1).await;
    // Two pages of rows, and the key.
    assert_eq!(lookups(&stage.world.faults.counts()), before.map(|before| before + 3));

    // Trackers find a key only as it is written.
    let database = environment.insert("MOGILE_DATABASE_URL", String::new()).expect("a URL");
    let planned = said(&environment, 1).await;
    let words = "Of 1 keys with capitals where none are expected 0 were looked up in small letters";
    assert!(
        planned.contains(words) && planned.contains("MOGILE_DATABASE_URL is not set"),
        "{planned}"
    );

    // Two that are both written in another way.
    let mixed = format!("{}{}{bucket}", sha1[..20].to_uppercase(), &sha1[20..]);
    mogile.plant(FileRow { fid: Fid(900_001), dkey: Some(mixed.clone()), ..row });
    environment.insert("MOGILE_DATABASE_URL", database);
    let planned = said(&environment, 1).await;
    let words = format!(
        "HAZARD: 1 keys differ only in case from another key, such as that of fid 900001 (`{mixed}`, and that \
         of fid 900000)"
    );
    assert!(planned.contains(&words) && !planned.contains("more are not looked up"), "{planned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_contentrepo_out_is_a_caution_where_no_profile_names_it() {
    let stage = clean(20).await;
    let said = async |more: &[(&'static str, &str)], arguments: &[&str], code: i32| {
        let mut environment = stage.world.environment().clone();
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let output = mogile2s3(&environment, arguments).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    let elsewhere = ("AWS_S3_REGION_NAME", "eu-west-1");
    let (caution, hazard) = ("CAUTION: a stock contentrepo cannot", "HAZARD: a stock contentrepo");
    let planned = said(&[elsewhere], &["plan"], 0).await;
    assert!(planned.contains(caution) && !planned.contains(hazard), "{planned}");
    assert!(planned.contains("ACCESS_PROFILE does not say who"), "{planned}");
    let legacy = ("ACCESS_PROFILE", "contentrepo-legacy");
    let planned = said(&[elsewhere, legacy], &["plan"], 1).await;
    assert!(planned.contains(hazard) && !planned.contains(caution), "{planned}");
    let private = ("ACCESS_PROFILE", "private");
    let planned = said(&[elsewhere, private], &["plan"], 0).await;
    assert!(!planned.contains(hazard) && !planned.contains("CAUTION"), "{planned}");

    // The buckets themselves are looked at where they are listed.
    let planned = said(&[], &["plan", "--list-buckets"], 0).await;
    let words = "S3 refuses ACLs here, and so each write of a stock contentrepo";
    assert!(planned.contains("CAUTION: bucket ") && planned.contains(words), "{planned}");
    let planned = said(&[legacy], &["plan", "--list-buckets"], 1).await;
    assert!(planned.contains("HAZARD: bucket ") && planned.contains(words), "{planned}");
}
