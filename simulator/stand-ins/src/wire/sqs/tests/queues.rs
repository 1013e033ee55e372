//! Queues, their attributes, and the moves of their dead letters.

use super::*;

async fn attribute(queues: &Queues, name: QueueAttributeName) -> Option<String> {
    let get = queues.client.get_queue_attributes().queue_url(&queues.url);
    let answer = get.attribute_names(name.clone()).send().await.unwrap();
    answer.attributes?.remove(&name)
}

#[tokio::test]
async fn a_queue_is_made_once_and_told_in_full() {
    let queues = Queues::new().await;
    let create = |seconds: &str| {
        let create = queues.client.create_queue().queue_name("other");
        create.attributes(QueueAttributeName::VisibilityTimeout, seconds).tags("a", "b").send()
    };
    let url = create("720").await.unwrap().queue_url;
    assert_eq!(create("720").await.unwrap().queue_url, url);
    assert_eq!(code(&create("30").await.unwrap_err()), "400 QueueAlreadyExists");
    let url = url.unwrap();
    let get = queues.client.get_queue_attributes().queue_url(&url);
    let told = get.attribute_names(QueueAttributeName::All).send().await.unwrap();
    let told = told.attributes.unwrap();
    for (name, value) in [
        (QueueAttributeName::VisibilityTimeout, "720"),
        (QueueAttributeName::MessageRetentionPeriod, "345600"),
        (QueueAttributeName::QueueArn, "arn:aws:sqs:us-east-1:000000000000:other"),
        (QueueAttributeName::ApproximateNumberOfMessages, "0"),
        (QueueAttributeName::SqsManagedSseEnabled, "true"),
    ] {
        assert_eq!(told.get(&name).map(String::as_str), Some(value), "{name}");
    }
    let tags = queues.client.list_queue_tags().queue_url(&url).send().await.unwrap();
    assert_eq!(tags.tags.unwrap()["a"], "b");
    queues.client.untag_queue().queue_url(&url).tag_keys("a").send().await.unwrap();
    queues.client.tag_queue().queue_url(&url).tags("c", "d").send().await.unwrap();
    let tags = queues.client.list_queue_tags().queue_url(&url).send().await.unwrap();
    assert_eq!(tags.tags.unwrap().into_iter().collect::<Vec<_>>(), [("c".into(), "d".into())]);
    queues.client.delete_queue().queue_url(&url).send().await.unwrap();
    let gone = queues.client.get_queue_url().queue_name("other").send().await.unwrap_err();
    assert!(gone.as_service_error().unwrap().is_queue_does_not_exist());
}

#[tokio::test]
async fn listings_page() {
    let queues = Queues::new().await;
    for number in 0..5 {
        let name = format!("page-{number}");
        queues.world.create_queue(&name, &BTreeMap::new(), BTreeMap::new()).unwrap();
    }
    let list = queues.client.list_queues().queue_name_prefix("page-").max_results(2);
    let pages = list.into_paginator().send().try_collect().await.unwrap();
    let sizes: Vec<_> = pages.iter().map(|page| page.queue_urls().len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
    let all = queues.client.list_queues().send().await.unwrap();
    assert_eq!((all.queue_urls().len(), all.next_token()), (7, None));
    let dead = queues.url.replace("jobs", "dead");
    let sources = queues.client.list_dead_letter_source_queues().queue_url(dead).send().await;
    assert_eq!(sources.unwrap().queue_urls(), [queues.url]);
}

#[tokio::test]
async fn a_move_brings_dead_letters_back() {
    let queues = Queues::new().await;
    queues.send("poison").await.unwrap();
    let set = queues.client.set_queue_attributes().queue_url(&queues.url);
    set.attributes(QueueAttributeName::VisibilityTimeout, "0").send().await.unwrap();
    for _ in 0..2 {
        assert_eq!(queues.receive(10).await.len(), 1);
    }
    assert!(queues.receive(10).await.is_empty());
    let dead = queues.client.receive_message().queue_url(queues.url.replace("jobs", "dead"));
    let dead = dead.visibility_timeout(0).message_system_attribute_names("All".into()).send().await;
    let dead = dead.unwrap().messages.unwrap().remove(0);
    let source = MessageSystemAttributeName::DeadLetterQueueSourceArn;
    let arn = "arn:aws:sqs:us-east-1:000000000000:jobs";
    assert_eq!(dead.attributes.unwrap().get(&source).map(String::as_str), Some(arn));
    let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
    let start = || queues.client.start_message_move_task().source_arn(arn);
    let started = start().max_number_of_messages_per_second(2).send().await.unwrap();
    let twice = start().send().await.unwrap_err();
    assert_eq!(code(&twice), "400 AWS.SimpleQueueService.UnsupportedOperation");
    let list = || queues.client.list_message_move_tasks().source_arn(arn).send();
    let running = &list().await.unwrap().results.unwrap()[0];
    assert_eq!((running.status(), running.task_handle()), (Some("RUNNING"), started.task_handle()));

    let wait = queues.client.receive_message().queue_url(&queues.url).wait_time_seconds(5);
    let back = wait.send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(back.body(), Some("poison"));
    let done = &list().await.unwrap().results.unwrap()[0];
    assert_eq!((done.status(), done.task_handle()), (Some("COMPLETED"), None));
    assert_eq!(done.approximate_number_of_messages_moved(), 1);
    let handle = started.task_handle.unwrap();
    let late = queues.client.cancel_message_move_task().task_handle(handle).send().await;
    assert_eq!(code(&late.unwrap_err()), "400 ResourceNotFoundException");
}

#[tokio::test]
async fn visibility_and_purges_and_counts() {
    let queues = Queues::new().await;
    queues.send_batch(5).await.unwrap();
    let delayed = queues.client.send_message().queue_url(&queues.url).message_body("x");
    delayed.delay_seconds(60).send().await.unwrap();
    let message = queues.receive(1).await.remove(0);
    for (name, count) in [
        (QueueAttributeName::ApproximateNumberOfMessages, "4"),
        (QueueAttributeName::ApproximateNumberOfMessagesNotVisible, "1"),
        (QueueAttributeName::ApproximateNumberOfMessagesDelayed, "1"),
    ] {
        assert_eq!(attribute(&queues, name).await.as_deref(), Some(count));
    }
    let receipt = message.receipt_handle.unwrap();
    let change = || {
        let change = queues.client.change_message_visibility().queue_url(&queues.url);
        change.receipt_handle(&receipt).visibility_timeout(0).send()
    };
    change().await.unwrap();
    assert_eq!(code(&change().await.unwrap_err()), "400 AWS.SimpleQueueService.MessageNotInflight");
    assert_eq!(queues.receive(10).await.len(), 5);
    let purge = || queues.client.purge_queue().queue_url(&queues.url).send();
    purge().await.unwrap();
    let again = purge().await.unwrap_err();
    assert_eq!(code(&again), "400 AWS.SimpleQueueService.PurgeQueueInProgress");
    assert_eq!(queues.world.counts("jobs").unwrap().all(), 0);
}
