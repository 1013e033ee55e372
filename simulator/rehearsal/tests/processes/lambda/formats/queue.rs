//! What is made of the functions to which Lambda hands the queue's jobs.

use super::*;

/// It would write by rules of its own, and prove nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_another_function_on_the_queue() {
    let stage = Stage::with(1).await;
    stage.set_queue(Duration::from_mins(12), domain::limits::DELIVERIES);
    for (mapped, code, words) in [
        (&[NAME][..], 0, "ok   queue: Lambda hands its jobs to the function of LAMBDA_FUNCTION"),
        (&[NAME, "s3migrate"], 1, "the function `s3migrate` takes jobs, too"),
        (&[], 0, "!    queue: does not hold: Lambda hands its jobs to the function"),
    ] {
        let function = Fleet::new(stage.function(), stage.world.faults.clone());
        let account = Account::mapped(&stage, function, mapped).await;
        let output = mogile2s3(&stage, account.address, NAME, &["doctor", "--read-only"]).await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{mapped:?}: {said}");
        assert!(said.contains(words), "{mapped:?}: no `{words}` in: {said}");
    }
}

/// Lambda would hand the same job to a second process of the function.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_compares_the_queue_with_the_time_of_the_function() {
    let stage = Stage::with(1).await;
    let deliveries = domain::limits::DELIVERIES;
    let fact = "a job stays invisible for as long as Lambda may need it";
    let function = || Fleet::new(stage.function(), stage.world.faults.clone());
    for (visibility, code, words) in [
        (
            720,
            0,
            format!("ok   queue: {fact} (invisible for 720 s, and the function may take 120 s)"),
        ),
        (300, 0, format!("!    queue: does not hold: {fact}\n     invisible for 300 s")),
        (60, 1, format!("BAD  queue: does not hold: {fact}\n     invisible for 60 s")),
    ] {
        stage.set_queue(Duration::from_secs(visibility), deliveries);
        let account = Account::mapped(&stage, function(), &[NAME]).await;
        let output = mogile2s3(&stage, account.address, NAME, &["doctor", "--read-only"]).await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(&words), "no `{words}` in: {said}");
    }
    let operation = Some("GetFunctionConfiguration".to_owned());
    for (status, code, words) in [
        (403, 0, "give these keys lambda:GetFunctionConfiguration (docs/IAM.md)"),
        (503, 3, "OUT  queue: not checked: a job stays invisible"),
    ] {
        let refuse = Fault::Refuse { status, code: "AccessDeniedException".to_owned() };
        let rule = Rule { operation: operation.clone(), ..Rule::always(Service::Lambda, refuse) };
        stage.world.faults.clear();
        stage.world.faults.add(rule);
        let account = Account::mapped(&stage, function(), &[NAME]).await;
        let output = mogile2s3(&stage, account.address, NAME, &["doctor", "--read-only"]).await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_sent_to_a_queue_from_which_another_function_takes_them() {
    let stage = Stage::with(1).await;
    for (mapped, name, code, words) in [
        (&["s3migrate"][..], "", 2, "takes jobs from the queue, and LAMBDA_FUNCTION is not set"),
        (&[NAME, "s3migrate"], NAME, 2, "the function `s3migrate` takes jobs from the queue"),
        (&[NAME], NAME, 0, "sent to the queue"),
    ] {
        let function = Fleet::new(stage.function(), stage.world.faults.clone());
        let account = Account::mapped(&stage, function, mapped).await;
        let output = mogile2s3(&stage, account.address, name, &["enqueue", "migrate"]).await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{mapped:?}: {said}");
        assert!(said.contains(words), "{mapped:?}: no `{words}` in: {said}");
        assert_eq!(in_queue(&stage) > 0, code == 0, "{mapped:?}");
    }
}
