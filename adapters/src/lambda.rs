//! Calls the worker function in AWS Lambda and reads its report.

mod answer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use domain::ports::{FunctionError, WorkerFunction};
use domain::{FunctionHealth, WorkerReport, limits};

use self::answer::Form;
use crate::aws::{Timeouts, answer};
use crate::calls::{Calls, System};

/// The event by which a caller asks the function for its report.
const REPORT: &str = r#"{"report":true}"#;

/// The event by which a caller has it look at everything.
const DOCTOR: &str = r#"{"doctor":true}"#;

/// [`WorkerFunction`] in one function of AWS Lambda, by its name or ARN.
pub struct LambdaWorkerFunction {
    client: Client,
    name: String,
    timeouts: Timeouts,
    calls: Arc<Calls>,
}

impl LambdaWorkerFunction {
    /// Takes the shared settings of [`crate::aws::load`].
    #[must_use]
    pub fn new(config: &SdkConfig, name: String, calls: Arc<Calls>) -> Self {
        Self { client: Client::new(config), name, timeouts: Timeouts::default(), calls }
    }

    /// Replaces the default time-outs, which are production's.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    async fn invoke<T>(
        &self,
        event: &'static str,
        within: Duration,
        form: Form<T>,
    ) -> Result<T, FunctionError> {
        let call = self
            .client
            .invoke()
            .function_name(&self.name)
            .invocation_type(InvocationType::RequestResponse)
            .payload(Blob::new(event))
            .send();
        let answer = answer(within, call).await;
        let answer = answer.map_err(|trouble| answer::translate(trouble, &self.name))?;
        let payload = answer.payload.unwrap_or_else(|| Blob::new([]));
        answer::read(answer.function_error.is_some(), payload.as_ref(), &self.name, form)
    }
}

#[async_trait]
impl WorkerFunction for LambdaWorkerFunction {
    async fn report(&self) -> Result<WorkerReport, FunctionError> {
        let waiting = self.calls.begin(System::Lambda, "Invoke");
        waiting.end(self.invoke(REPORT, self.timeouts.request, serde_json::from_value).await)
    }

    async fn examine(&self) -> Result<FunctionHealth, FunctionError> {
        let waiting = self.calls.begin(System::Lambda, "Invoke");
        // Whatever its time-out is: then Lambda itself answers.
        let within = self.timeouts.request + limits::FUNCTION_TIME_MOST;
        waiting.end(self.invoke(DOCTOR, within, serde_json::from_value).await)
    }
}
