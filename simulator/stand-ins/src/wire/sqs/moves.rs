//! The operations on message moves.

use serde_json::{Value, json};

use super::SqsBackend;
use super::refusal::Refusal;
use super::request::Fields;
use crate::world::queue::{MoveStatus, MoveTask, SqsError, arn_of};

impl SqsBackend {
    pub(super) fn start_move(&self, fields: &Fields) -> Result<Value, Refusal> {
        let rate = fields.number("MaxNumberOfMessagesPerSecond")?;
        let destination = fields.queue_of_arn("DestinationArn")?;
        let task = self.world.start_move(source(fields)?, destination, rate)?;
        Ok(json!({ "TaskHandle": task.handle }))
    }

    pub(super) fn list_moves(&self, fields: &Fields) -> Result<Value, Refusal> {
        let most = fields.number("MaxResults")?.unwrap_or(1);
        if !(1..=10).contains(&most) {
            return Err(SqsError::InvalidParameterValue {
                name: "MaxResults",
                value: most.to_string(),
                why: "it must be from 1 to 10".to_owned(),
            }
            .into());
        }
        let mut tasks = self.world.moves(source(fields)?)?;
        tasks.truncate(most as usize);
        let results: Vec<_> = tasks.iter().map(told_of).collect();
        Ok(json!({ "Results": results }))
    }

    pub(super) fn cancel_move(&self, fields: &Fields) -> Result<Value, Refusal> {
        let moved = self.world.cancel_move(fields.the_text("TaskHandle")?)?;
        Ok(json!({ "ApproximateNumberOfMessagesMoved": moved }))
    }
}

fn source(fields: &Fields) -> Result<&str, Refusal> {
    let missing = SqsError::MissingParameter("SourceArn");
    Ok(fields.queue_of_arn("SourceArn")?.ok_or(missing)?)
}

/// A move as it is listed: its handle only while it can be cancelled.
fn told_of(task: &MoveTask) -> Value {
    let mut told = json!({
        "Status": task.status.name(),
        "SourceArn": arn_of(&task.source),
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": task.started_millis(),
    });
    if task.status == MoveStatus::Running {
        told["TaskHandle"] = task.handle.clone().into();
    }
    if let Some(queue) = &task.destination {
        told["DestinationArn"] = arn_of(queue).into();
    }
    if let Some(rate) = task.per_second {
        told["MaxNumberOfMessagesPerSecond"] = rate.into();
    }
    if let Some(why) = task.failure {
        told["FailureReason"] = why.into();
    }
    told
}
