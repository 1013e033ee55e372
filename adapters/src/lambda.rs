//! Calls the worker function in AWS Lambda and reads its report.

mod answer;

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use domain::WorkerReport;
use domain::ports::{FunctionError, WorkerFunction};

use crate::aws::{Timeouts, answer};
use crate::calls::{Calls, System};

/// The event by which a caller asks the function for its report.
const REPORT: &str = r#"{"report":true}"#;

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

    async fn invoke(&self) -> Result<WorkerReport, FunctionError> {
        let call = self
            .client
            .invoke()
            .function_name(&self.name)
            .invocation_type(InvocationType::RequestResponse)
            .payload(Blob::new(REPORT))
            .send();
        let answer = answer(self.timeouts.request, call).await;
        let answer = answer.map_err(|trouble| answer::translate(trouble, &self.name))?;
        let payload = answer.payload.unwrap_or_else(|| Blob::new([]));
        answer::report(answer.function_error.is_some(), payload.as_ref(), &self.name)
    }
}

#[async_trait]
impl WorkerFunction for LambdaWorkerFunction {
    async fn report(&self) -> Result<WorkerReport, FunctionError> {
        let waiting = self.calls.begin(System::Lambda, "Invoke");
        waiting.end(self.invoke().await)
    }
}
