//! The deployed worker function, where there is one.

use clap::Args;

/// The worker function's setting.
pub const FUNCTION: &str = "LAMBDA_FUNCTION";

/// The deployed worker function, where there is one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Worker function")]
pub struct WorkerFunctionSettings {
    /// The worker function's name: `doctor` and `enqueue` ask it for its version, formats,
    /// domain and buckets [default: none, and nothing is asked]
    #[arg(long, env = FUNCTION, value_name = "NAME")]
    pub function: Option<String>,
}

impl WorkerFunctionSettings {
    /// Its name; an empty one is none.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.function.as_deref().map(str::trim).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_is_no_function() {
        let named = |name: Option<&str>| WorkerFunctionSettings { function: name.map(Into::into) };
        for (given, name) in
            [(None, None), (Some(""), None), (Some(" "), None), (Some(" worker\n"), Some("worker"))]
        {
            assert_eq!(named(given).name(), name, "{given:?}");
        }
    }
}
