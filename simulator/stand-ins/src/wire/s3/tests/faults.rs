//! What the listener's faults look like to a client of S3.

use std::time::Instant;

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::*;
use crate::fault::{Fault, Rule};

#[tokio::test]
async fn faults_reach_the_client_as_s3s_own_trouble() {
    let store = Store::new().await;
    let slow_down = Fault::Refuse { status: 503, code: "SlowDown".into() };
    for (fault, expected, stored) in [
        (slow_down, "503 SlowDown", false),
        (Fault::RequestLost, "no answer", false),
        (Fault::AnswerLost, "no answer", true),
    ] {
        store.world.delete("bucket", "a b", &Condition::None).unwrap();
        store.faults.add(Rule::once(Service::S3, "PUT", "/bucket/a b", fault));
        assert_eq!(store.put("a b", "text", "text").await, Err(expected.into()));
        assert_eq!(store.object("a b").is_some(), stored, "{expected}");
    }
}

#[tokio::test]
async fn an_error_inside_a_200_is_an_error_to_the_client() {
    for carried_out in [false, true] {
        let store = Store::new().await;
        store.world.plant_plain("bucket", "source", "text").unwrap();
        let inside = || Fault::RefuseInside200 { code: "InternalError".into(), carried_out };
        store.faults.add(Rule::once(Service::S3, "COPY", "/copy", inside()));
        let failed = store.copy("source", "copy", None).await;
        assert_eq!(failed, Err("200 InternalError".into()));
        assert_eq!(store.object("copy").is_some(), carried_out);
        // A refusal of the backend's own is no success that could go wrong inside.
        store.faults.add(Rule::once(Service::S3, "COPY", "/source", inside()));
        let again = store.copy("source", "source", None).await.unwrap_err();
        assert_eq!(again.starts_with("412"), carried_out, "{again}");
    }
}

#[tokio::test]
async fn an_error_inside_a_200_of_an_uploads_end() {
    for carried_out in [false, true] {
        let store = Store::new().await;
        let fault = Fault::RefuseInside200 { code: "InternalError".into(), carried_out };
        store.faults.add(Rule::once(Service::S3, "COMPLETE", "/a", fault));
        let create = store.client.create_multipart_upload().bucket("bucket").key("a");
        let id = create.send().await.unwrap().upload_id.unwrap();
        let part = store.client.upload_part().bucket("bucket").key("a").upload_id(&id);
        let part = part.part_number(1).body(ByteStream::from_static(b"text")).send().await;
        let part = CompletedPart::builder().part_number(1).set_e_tag(part.unwrap().e_tag);
        let parts = CompletedMultipartUpload::builder().parts(part.build()).build();
        let end = store.client.complete_multipart_upload().bucket("bucket").key("a");
        let failed = end.upload_id(id).multipart_upload(parts).send().await.unwrap_err();
        assert_eq!(code(&failed), "200 InternalError");
        assert_eq!(store.object("a").is_some(), carried_out);
        assert_eq!(store.world.uploads("bucket").unwrap().is_empty(), carried_out);
    }
}

#[tokio::test]
async fn an_answer_in_xml_that_breaks_off_is_an_error_and_a_slow_one_is_not() {
    let store = Store::new().await;
    store.world.plant_plain("bucket", "source", "text").unwrap();
    let list = || store.client.list_objects_v2().bucket("bucket").send();
    let strike = |operation, fault| store.faults.add(Rule::once(Service::S3, operation, "", fault));
    strike("LIST", Fault::TruncateBody(60));
    list().await.unwrap_err();
    strike("COPY", Fault::TruncateBody(60));
    store.copy("source", "copy", None).await.unwrap_err();
    assert!(store.object("copy").is_some());

    let pause = Duration::from_millis(100);
    strike("LIST", Fault::Delay(pause));
    let begun = Instant::now();
    assert_eq!(list().await.unwrap().contents().len(), 2);
    assert!(begun.elapsed() >= pause);
    strike("LIST", Fault::Trickle(Duration::ZERO));
    assert_eq!(list().await.unwrap().contents().len(), 2);
    strike("LIST", Fault::CorruptBody);
    list().await.unwrap_err();
}

#[tokio::test]
async fn a_truncated_body_is_an_error_after_just_so_many_bytes() {
    let store = Store::new().await;
    store.world.plant_plain("bucket", "a", vec![7; 2_000_000]).unwrap();
    store.faults.add(Rule::once(Service::S3, "GET", "/a", Fault::TruncateBody(1_500_000)));
    let answer = store.client.get_object().bucket("bucket").key("a").send().await.unwrap();
    assert_eq!(answer.content_length(), Some(2_000_000));
    let mut body = answer.body;
    let mut received = 0;
    while let Ok(Some(chunk)) = body.try_next().await {
        received += chunk.len();
    }
    assert_eq!(received, 1_500_000);
}
