//! The time of an answer, by the clock of the service that gave it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::types::KeysAndAttributes;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use domain::Timestamp;
use domain::ports::LedgerError;

use super::Table;
use crate::dynamodb::item::Item;

/// Keeps the header `Date` of the answer to one request.
#[derive(Debug, Clone, Default)]
struct DateOfAnswer(Arc<Mutex<Option<String>>>);

impl Intercept for DateOfAnswer {
    fn name(&self) -> &'static str {
        "DateOfAnswer"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

impl Table {
    /// Reads the item with this key, and returns the time at which DynamoDB says that it answered. A
    /// refusal has a time, too: a request signed with a time more than five minutes away is refused, and
    /// the SDK's correction is learnt from the first answer, for requests after it.
    pub(in crate::dynamodb) async fn service_time(
        &self,
        key: Item,
    ) -> Result<Option<Timestamp>, LedgerError> {
        let wanted = KeysAndAttributes::builder().keys(key).build();
        let wanted = wanted.map_err(|error| self.unavailable(error.into()))?;
        let date = DateOfAnswer::default();
        let call = self.client.batch_get_item().request_items(&self.name, wanted);
        let call = call.customize().interceptor(date.clone()).send();
        let answered = self.answer("BatchGetItem", call).await;
        let date = date.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match date.and_then(|date| time_of(&date)) {
            Some(time) => Ok(Some(time)),
            None => answered.map(|_| None),
        }
    }
}

/// The moment of a date as HTTP has it; [`None`] where it is none.
fn time_of(date: &str) -> Option<Timestamp> {
    let moment = DateTime::from_str(date.trim(), Format::HttpDate).ok()?;
    u64::try_from(moment.to_millis().ok()?).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_a_moment() {
        for (date, moment) in [
            ("Thu, 01 Jan 2026 00:00:00 GMT", Some(Timestamp(1_767_225_600_000))),
            ("Thu, 01 Jan 1970 00:00:01 GMT", Some(Timestamp(1_000))),
            ("Wed, 31 Dec 1969 23:59:59 GMT", None),
            ("2026-01-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(time_of(date), moment, "{date}");
        }
    }
}
