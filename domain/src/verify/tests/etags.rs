//! An `ETag` that a stock contentrepo would compare with the MD5 of what it reads.

use super::*;

/// Legend: the `ETag` of an object with the right bytes → whether its file has the finding, where it is read.
#[test]
fn an_etag_that_is_not_the_md5_of_what_was_read_is_a_finding() {
    let content = b"123456789";
    let md5 = fakes::md5(content);
    let composite = format!("{md5}-2");
    for (etag, is_finding) in [
        (md5.clone(), false),
        (md5.to_uppercase(), false),
        // Of an upload in parts: a client compares nothing then.
        (composite, false),
        // By SSE-KMS: of the same form, and no MD5.
        (fakes::md5(b"another"), true),
        ("not-in-parts-but-with-a-minus".to_owned(), false),
        ("0123".to_owned(), true),
    ] {
        let sha1 = Sha1::of(content);
        let rows = vec![row(7, Some(&format!("{sha1}-repo")), Some(9))];
        let mut world = World::new(Order::Binary, rows);
        let object = Object { etag: Some(etag.clone()), ..Object::of(content) };
        world.objects.insert(("corpus".to_owned(), sha1.to_string()), object);
        let sample = Depth::Sample { files: 5, seed: 1 };
        for (depth, is_read) in [(NO_SAMPLE, false), (sample, true), (Depth::All, true)] {
            let (summary, _) = verified(&world, depth, 10);
            assert_eq!(summary.has_other_etags(), is_finding && is_read, "{etag} {depth:?}");
            let sample = summary.findings.get("etag-not-md5");
            assert!(sample.is_none_or(|sample| sample.first_fids == [Fid(7)]), "{summary:?}");
            assert_eq!((summary.whole.files, summary.is_incomplete()), (1, false), "{summary:?}");
        }
    }
}

/// Of wrong bytes nothing else is said.
#[test]
fn wrong_content_has_no_finding_of_its_etag() {
    let mut world = whole(3);
    for object in world.objects.values_mut() {
        (object.etag, object.bytes) = (Some("0123".to_owned()), b"x".to_vec());
    }
    let (summary, _) = verified(&world, Depth::All, 10);
    assert_eq!((summary.different["wrong-content"].files, summary.has_other_etags()), (3, false));
}
