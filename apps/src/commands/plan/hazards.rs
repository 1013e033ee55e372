//! What a plan warns of.

use domain::blueprint::{AccessProfile, contentrepo};
use domain::doctor::{Census, KeysAlike, names_alike};
use domain::summary::Sample;
use domain::{BucketMap, Check, Health, Tally, limits};
use indicatif::HumanBytes;

/// What the index shows, by itself and beside the settings.
pub(super) fn of_census(census: &Census, alike: &KeysAlike, buckets: &BucketMap) -> Vec<String> {
    let mut hazards: Vec<_> = misspelt_buckets(census).collect();
    hazards.extend(buckets_of_other_case(census, buckets));
    hazards.extend(keys_in_capitals(census));
    hazards.extend(keys_alike(alike));
    hazards.extend(names_alike(buckets).into_iter().map(|(one, other)| {
        format!(
            "BUCKETS and IGNORE_BUCKETS name `{one}` and `{other}`, which differ only in case: contentrepo's \
             database mostly takes the two for one. Whether keys in them differ only in case was not looked at"
        )
    }));
    hazards.extend(lost_files(census));
    hazards.extend(too_long(census));
    hazards.extend(without_way(census));
    hazards
}

/// What the region alone shows of a stock contentrepo. First what stops, then what may.
pub(super) fn of_region(
    region: Option<&str>,
    profile: Option<AccessProfile>,
) -> (Vec<String>, Vec<String>) {
    let said = match region {
        Some(region) => contentrepo::signatures(region).err(),
        None => Some("no AWS region is set: a stock contentrepo can use few of them".to_owned()),
    };
    let said = Vec::from_iter(said);
    match profile {
        Some(AccessProfile::ContentrepoLegacy) => (said, Vec::new()),
        None => {
            (Vec::new(), said.into_iter().map(|why| contentrepo::without_profile(&why)).collect())
        }
        Some(AccessProfile::Private | AccessProfile::PublicPolicy) => (Vec::new(), Vec::new()),
    }
}

/// The same of checks on the buckets.
pub(super) fn of_checks(checks: Vec<Check>) -> (Vec<String>, Vec<String>) {
    let (mut hazards, mut cautions) = (Vec::new(), Vec::new());
    for Check { subject, health, detail, .. } in checks {
        match health {
            Health::Good => {}
            Health::Bad => hazards.push(format!("{subject}: {detail}")),
            // What cannot be looked at is for `doctor` to say, and stops no count.
            Health::Caution | Health::Unreachable => cautions.push(format!("{subject}: {detail}")),
        }
    }
    (hazards, cautions)
}

/// Keys that a database without regard to case takes for one.
fn keys_alike(alike: &KeysAlike) -> Option<String> {
    let Sample { files, first_fids, example } = &alike.pairs;
    let fid = first_fids.first()?;
    Some(format!(
        "{files} keys differ only in case from another key, such as that of fid {fid} ({example}): contentrepo's \
         database mostly takes the two for one, and S3 does not. Find out which of the two its rows refer to, and \
         delete or rename the other in MogileFS"
    ))
}

/// The buckets of BUCKETS in which MogileFS has no file, where one that is not named has nearly the same
/// name: most likely that one was meant.
fn misspelt_buckets(census: &Census) -> impl Iterator<Item = String> {
    census.without_rows.iter().filter_map(|bucket| {
        let distance = |other: &&String| {
            strsim::damerau_levenshtein(&other.to_lowercase(), &bucket.to_lowercase())
        };
        let nearest = census.unmapped.keys().min_by_key(distance)?;
        let is_near = distance(&nearest) <= 2 && distance(&nearest) * 3 <= bucket.len();
        is_near.then(|| {
            format!(
                "BUCKETS names `{bucket}`, and no row of the index is in that bucket: is `{nearest}` \
                 meant, which it does not name?"
            )
        })
    })
}

/// Buckets that differ from one of BUCKETS only in case: both MogileFS and contentrepo may take the two
/// for one, and this program does not.
fn buckets_of_other_case(census: &Census, buckets: &BucketMap) -> Vec<String> {
    let other = |name: &String| {
        // Where none of its rows are there that is said already: the name is misspelt.
        let with_rows = |old: &&str| !census.without_rows.contains(*old);
        let mut of_map = buckets.pairs().map(|(old, _)| old.as_str()).filter(with_rows);
        let alike = of_map.find(|old| old.to_lowercase() == name.to_lowercase())?;
        Some(format!(
            "rows are in bucket `{name}`, and others in `{alike}`, which differs only in case and is the \
             one that BUCKETS names: add `{name}` to BUCKETS or to IGNORE_BUCKETS"
        ))
    };
    census.unmapped.keys().filter_map(other).collect()
}

/// Keys that name no content only because of their capitals.
fn keys_in_capitals(census: &Census) -> Option<String> {
    let Sample { files, example, .. } = &census.in_capitals;
    let words = || {
        format!(
            "{files} rejected keys have their SHA-1 in capitals, such as `{example}`: rename them in \
             MogileFS where contentrepo refers to them in small letters"
        )
    };
    (*files > 0).then(words)
}

/// Files of which MogileFS has lost every replica.
fn lost_files(census: &Census) -> Option<String> {
    let Sample { files, first_fids, example } = &census.without_replica;
    let fid = first_fids.first()?;
    Some(format!(
        "{files} files have no replica, such as fid {fid} (`{example}`): they end as no-replica unless an \
         intermediary or an object has their content. Restore them in MogileFS, or exclude them"
    ))
}

/// Rows whose lengths are most likely wrong.
fn too_long(census: &Census) -> Option<String> {
    let Sample { files, first_fids, example } = &census.too_long;
    let fid = first_fids.first()?;
    Some(format!(
        "{files} rows claim more than {}, the most that can be written, such as fid {fid} (`{example}`). Their \
         bytes and requests are in no sum. Where that is true of a file its migration fails: compare the length \
         with a replica's",
        HumanBytes(limits::LARGEST_FILE_BYTES)
    ))
}

/// Files that `--route copy` cannot bring.
fn without_way(census: &Census) -> Option<String> {
    let left = census.arrived.as_ref().map_or(&census.requests_needed, |it| &it.requests_left);
    let Tally { files, bytes } = left.without_way;
    (files > 0).then(|| {
        format!(
            "{files} files ({}) cannot come by copy: they have no intermediary, or are too large for one COPY. By \
             `--route copy` they fail as no-intermediary. Bring them with `--route auto`",
            HumanBytes(bytes)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_stops_a_named_contentrepo_and_warns_of_one_that_may_be_meant() {
        use AccessProfile::{ContentrepoLegacy, Private, PublicPolicy};
        for (region, profile, hazards, cautions) in [
            (Some("us-east-1"), Some(ContentrepoLegacy), 0, 0),
            (Some("eu-west-1"), Some(ContentrepoLegacy), 1, 0),
            (None, Some(ContentrepoLegacy), 1, 0),
            (Some("eu-west-1"), None, 0, 1),
            (None, None, 0, 1),
            (Some("us-east-1"), None, 0, 0),
            (Some("eu-west-1"), Some(Private), 0, 0),
            (Some("eu-west-1"), Some(PublicPolicy), 0, 0),
        ] {
            let said = of_region(region, profile);
            assert_eq!((said.0.len(), said.1.len()), (hazards, cautions), "{region:?} {profile:?}");
            let words = "ACCESS_PROFILE does not say who is to read the bucket";
            assert!(said.1.iter().all(|caution| caution.contains(words)), "{said:?}");
        }
    }

    #[test]
    fn keys_that_differ_in_case_are_a_hazard() {
        let mut alike = KeysAlike::default();
        assert_eq!(keys_alike(&alike), None);
        alike.pairs.add(domain::Fid(7), "that of fid 9, `ab-repo`");
        let said = keys_alike(&alike).expect("a hazard");
        let words = "1 keys differ only in case from another key, such as that of fid 7 (that of fid 9, `ab-repo`)";
        assert!(said.starts_with(words), "{said}");
        let map = BucketMap::parse("Repo:one,repo:two", "").expect("a map");
        let said = of_census(&Census::default(), &KeysAlike::default(), &map);
        assert!(
            said[0].starts_with("BUCKETS and IGNORE_BUCKETS name `Repo` and `repo`"),
            "{said:?}"
        );
    }

    #[test]
    fn capitals_and_lost_files_are_hazards() {
        let map = BucketMap::parse("repo:corpus,Other:other", "").expect("a map");
        let unmapped = ["REPO", "scratch"].map(|name| (name.to_owned(), Tally::default()));
        let mut census = Census { unmapped: unmapped.into(), ..Census::default() };
        let said = buckets_of_other_case(&census, &map);
        let words = "rows are in bucket `REPO`, and others in `repo`, which differs only in case";
        assert!(said.len() == 1 && said[0].starts_with(words), "{said:?}");
        census.without_rows.insert("repo".to_owned());
        assert_eq!(buckets_of_other_case(&census, &map), [""; 0], "`REPO` is meant");
        assert_eq!(keys_in_capitals(&census), None);
        assert_eq!(lost_files(&census), None);
        census.without_replica.add(domain::Fid(8), "ab-repo");
        let said = lost_files(&census).expect("a hazard");
        assert!(said.starts_with("1 files have no replica, such as fid 8 (`ab-repo`)"), "{said}");
        census.in_capitals.add(domain::Fid(7), "AB-repo");
        let said = keys_in_capitals(&census).expect("a hazard");
        assert!(
            said.starts_with("1 rejected keys have their SHA-1 in capitals, such as `AB-repo`")
        );
    }

    #[test]
    fn a_bucket_without_rows_is_a_hazard_where_another_may_be_meant() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let said = |without_rows: &[&str], unmapped: &[&str]| {
            let unmapped = unmapped.iter().map(|name| ((*name).to_owned(), Tally::default()));
            let without_rows = names(without_rows);
            let census = Census { without_rows, unmapped: unmapped.collect(), ..Census::default() };
            misspelt_buckets(&census).collect::<Vec<_>>()
        };
        let none = "BUCKETS names `prod-repo`, and no row of the index is in that bucket";
        assert_eq!(said(&[], &["prod-rpeo"]), [""; 0]);
        assert_eq!(said(&["prod-repo"], &[]), [""; 0], "it may be empty");
        assert_eq!(said(&["prod-repo"], &["editorial"]), [""; 0]);
        assert_eq!(said(&["ab"], &["cd"]), [""; 0], "any name of two letters is near");
        let two = said(&["prod-repo"], &["prod-rep", "prod-rope", "prod-repo2"]);
        assert!(two[0].contains("`prod-rep` meant"), "{two:?}");
        for near in ["prod-rpeo", "Prod-Repo", "prod_repo", "prod-repos"] {
            let words = format!("{none}: is `{near}` meant, which it does not name?");
            assert_eq!(said(&["prod-repo"], &["editorial", near]), [words]);
        }
    }
}
