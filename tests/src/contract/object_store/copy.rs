use domain::{Condition, ETag, Fid, IntermediaryForm, ObjectKey, Proof, Sha1};

use super::{Kind, Stage, bytes_of, is_missing, is_occupied, whole};

/// A copy tells the SHA-1 of the whole content, whatever was stored with its source.
pub(super) async fn tells_the_sha1(stage: &Stage<'_>) {
    let content = bytes_of(30_000);
    stage.put("copy/with-sha1", Condition::Absent, whole(&content)).await.expect("stored");
    let large = bytes_of(stage.end.sizes().part_bytes + 1);
    let mut sources = vec![("copy/with-sha1".to_owned(), &content)];
    for form in IntermediaryForm::ALL {
        let key = ObjectKey::intermediary(Fid(564_879_786), form).to_string();
        stage.plant(&key, &content, Kind::Plain).await;
        sources.push((key, &content));
    }
    stage.plant("copy/multipart", &large, Kind::Multipart).await;
    sources.push(("copy/multipart".to_owned(), &large));

    for (number, (source, content)) in sources.into_iter().enumerate() {
        let target = format!("copy/target-{number}");
        let copied = stage.copy(&source, &target).await;
        let copied = copied.unwrap_or_else(|error| panic!("from {source}: {error}"));
        assert_eq!(copied.sha1, Some(Sha1::of(content)), "from {source}");
        assert_eq!(copied.proof, Proof::Copy, "from {source}");
        stage.holds(&target, Some(content), "copied").await;
        stage.holds(&source, Some(content), "a source").await;
        // It stays with the copy, full.
        let found = stage.end.store().head(&stage.at(&target)).await.expect("an answer");
        let found = found.expect("an object");
        assert_eq!((found.sha1, found.etag), (Some(Sha1::of(content)), copied.etag), "{source}");
    }
}

/// A refused copy leaves everything as it was.
pub(super) async fn refusals(stage: &Stage<'_>) {
    let [theirs, ours] = [70, 80].map(bytes_of);
    stage.plant("copy/source", &theirs, Kind::Plain).await;
    is_missing("from nothing", stage.copy("copy/nothing", "copy/free").await);
    stage.holds("copy/free", None, "from nothing").await;

    for (key, kind) in [("copy/plain", Kind::Plain), ("copy/parts", Kind::Multipart)] {
        stage.plant(key, &ours, kind).await;
        is_occupied("onto an object", stage.copy("copy/source", key).await);
        stage.holds(key, Some(&ours), "a refused copy onto it").await;
        let outdated = Condition::Is(ETag("0123456789abcdef0123456789abcdef".to_owned()));
        let source = ObjectKey::new("copy/source".to_owned());
        let answer = stage.end.store().copy(&source, &stage.target(key, outdated)).await;
        is_occupied("onto an object that is not the one meant", answer);
        stage.holds(key, Some(&ours), "a refused copy onto another").await;
    }
    // Two true reasons; either may be told, and neither does harm.
    let answer = stage.copy("copy/nothing", "copy/plain").await;
    assert!(answer.is_err(), "from nothing onto an object: {answer:?}");
    stage.holds("copy/plain", Some(&ours), "from nothing onto it").await;
}
