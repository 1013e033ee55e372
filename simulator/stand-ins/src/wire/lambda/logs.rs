//! What the function's processes print, line by line, as CloudWatch would have it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The lines of all processes of a function, in the order in which they came.
#[derive(Debug, Default)]
pub struct Logs(Mutex<Vec<String>>);

impl Logs {
    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines that are JSON.
    #[must_use]
    pub fn json(&self) -> Vec<Value> {
        self.lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The sum of an embedded metric over all lines that have it.
    #[must_use]
    pub fn metric(&self, name: &str) -> u64 {
        let with_metrics = self.json().into_iter().filter(|line| line["_aws"].is_object());
        with_metrics.filter_map(|line| line[name].as_u64()).sum()
    }

    /// Reads one stream of a process to its end.
    pub(super) async fn follow(self: Arc<Self>, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }
}
