//! Writes several items in one step.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::ports::LedgerError;

use super::{Aliases, Table};
use crate::aws::answer;
use crate::calls::System;
use crate::dynamodb::item::Item;

/// An item that is put, and the condition on what is there under its key.
pub(in crate::dynamodb) struct Write {
    pub(in crate::dynamodb) item: Item,
    pub(in crate::dynamodb) condition: Option<(String, Aliases)>,
}

/// What became of a transaction that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything is written.
    Written,
    /// A condition does not hold. Nothing else hinders.
    Condition,
    /// Another transaction or throttling hinders: it may succeed when it is tried again.
    NotNow,
    /// These items cannot be written.
    Never,
}

impl Table {
    /// Writes all items, or none. Returns whether the conditions held.
    pub(in crate::dynamodb) async fn transact(
        &self,
        writes: impl IntoIterator<Item = Write>,
    ) -> Result<bool, LedgerError> {
        let puts: Result<Vec<_>, _> = writes.into_iter().map(|write| self.put_of(write)).collect();
        let call = self.client.transact_write_items().set_transact_items(Some(puts?)).send();
        let call = async {
            match call.await {
                Ok(_) => Ok((Outcome::Written, String::new())),
                Err(error) => cancelled(&error).ok_or(error),
            }
        };
        let limit = self.timeouts.request;
        let waiting = self.calls.begin(System::DynamoDb, "TransactWriteItems");
        let answer = Box::pin(answer(limit, call)).await.map_err(|trouble| self.translate(trouble));
        waiting.end(answer.and_then(|(outcome, why)| match outcome {
            Outcome::Written => Ok(true),
            Outcome::Condition => Ok(false),
            Outcome::NotNow => Err(self.unavailable(why.into())),
            Outcome::Never => Err(self.refusal(why)),
        }))
    }

    fn put_of(&self, Write { item, condition }: Write) -> Result<TransactWriteItem, LedgerError> {
        let mut put = Put::builder().table_name(&self.name).set_item(Some(item));
        if let Some((expression, Aliases { names, values })) = condition {
            put = put
                .condition_expression(expression)
                .set_expression_attribute_names(Some(names))
                // DynamoDB refuses an empty map.
                .set_expression_attribute_values((!values.is_empty()).then_some(values));
        }
        let put = put.build().map_err(|error| self.refusal(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// Returns what a cancelled transaction means, and why it was cancelled.
fn cancelled(error: &SdkError<TransactWriteItemsError>) -> Option<(Outcome, String)> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let codes = reasons.iter().map(|reason| reason.code().unwrap_or_default());
    let message = |reason: &aws_sdk_dynamodb::types::CancellationReason| {
        let code = reason.code().filter(|code| *code != NO_REASON)?;
        Some(reason.message().map_or(code.to_owned(), |message| format!("{code}: {message}")))
    };
    let mut words: Vec<_> = reasons.iter().filter_map(message).collect();
    if words.is_empty() {
        words.extend(cancelled.message().map(str::to_owned));
    }
    Some((judge(codes), format!("the transaction was cancelled: {}", words.join("; "))))
}

/// What `DynamoDB` says of a write that was not the cause.
const NO_REASON: &str = "None";

/// Judges the reasons of a cancelled transaction, one for each write (`DynamoDB` API reference,
/// `TransactionCanceledException`). A code that is not in that list may pass.
fn judge<'a>(codes: impl Iterator<Item = &'a str>) -> Outcome {
    let of = |code| match code {
        "ConditionalCheckFailed" => Outcome::Condition,
        "ItemCollectionSizeLimitExceeded" | "ValidationError" => Outcome::Never,
        // Throttling and conflicts among them.
        _ => Outcome::NotNow,
    };
    let outcomes: Vec<_> = codes.filter(|code| *code != NO_REASON).map(of).collect();
    let all_are = |outcome| !outcomes.is_empty() && outcomes.iter().all(|one| *one == outcome);
    if outcomes.contains(&Outcome::Never) {
        Outcome::Never
    } else if all_are(Outcome::Condition) {
        Outcome::Condition
    } else {
        Outcome::NotNow
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::{
        TransactionCanceledException, TransactionConflictException,
    };
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn told(error: TransactWriteItemsError) -> SdkError<TransactWriteItemsError> {
        let response = http::Response::builder().status(400).body(SdkBody::empty()).expect("plain");
        SdkError::service_error(error, response.try_into().expect("plain"))
    }

    #[test]
    fn each_reason_of_a_cancelled_transaction_has_its_outcome() {
        use Outcome::{Condition, Never, NotNow};
        for (codes, expected) in [
            (&["ConditionalCheckFailed", "None"][..], Condition),
            (&["None", "ConditionalCheckFailed"], Condition),
            (&["ConditionalCheckFailed", "ConditionalCheckFailed"], Condition),
            (&["TransactionConflict", "None"], NotNow),
            (&["None", "TransactionConflict"], NotNow),
            (&["ThrottlingError", "None"], NotNow),
            (&["None", "ProvisionedThroughputExceeded"], NotNow),
            // Whether the condition holds is seen when nothing else hinders.
            (&["ConditionalCheckFailed", "TransactionConflict"], NotNow),
            (&["ThrottlingError", "ConditionalCheckFailed"], NotNow),
            (&["ValidationError", "None"], Never),
            (&["None", "ItemCollectionSizeLimitExceeded"], Never),
            (&["ConditionalCheckFailed", "ValidationError"], Never),
            (&["ThrottlingError", "ItemCollectionSizeLimitExceeded"], Never),
            // Not in the list; and what an answer without reasons would be.
            (&["None", "SomethingNew"], NotNow),
            (&["None", "None"], NotNow),
            (&[], NotNow),
        ] {
            let reason = |code: &&str| {
                let reason = CancellationReason::builder().code(*code);
                if *code == NO_REASON { reason } else { reason.message("its words") }.build()
            };
            let reasons = codes.iter().map(reason).collect();
            let meta = ErrorMetadata::builder().code("TransactionCanceledException").build();
            let error = TransactionCanceledException::builder()
                .set_cancellation_reasons(Some(reasons))
                .meta(meta)
                .build();
            let error = told(TransactWriteItemsError::TransactionCanceledException(error));
            let (outcome, why) = cancelled(&error).expect("it was cancelled");
            assert_eq!(outcome, expected, "{codes:?}");
            for code in codes.iter().filter(|code| **code != NO_REASON) {
                assert!(why.contains(&format!("{code}: its words")), "{codes:?}: {why}");
            }
        }
        let other = TransactionConflictException::builder().build();
        let other = told(TransactWriteItemsError::unhandled(other));
        assert_eq!(cancelled(&other), None);
    }
}
