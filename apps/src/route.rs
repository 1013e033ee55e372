//! How files may get to S3, as an operator chooses it.

use clap::ValueEnum;
use domain::migrate::RoutePolicy;

/// `--route`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Route {
    /// By copy where the intermediary is in the bucket, else from MogileFS
    Auto,
    /// Only by copying intermediaries
    Copy,
    /// Only from MogileFS
    Mogile,
}

impl Route {
    /// The flag that the next command needs too, with a blank before it; nothing for the default.
    #[must_use]
    pub fn flag(self) -> String {
        match (self, self.to_possible_value()) {
            (Self::Auto, _) | (_, None) => String::new(),
            (Self::Copy | Self::Mogile, Some(route)) => format!(" --route {}", route.get_name()),
        }
    }
}

impl From<Route> for RoutePolicy {
    fn from(route: Route) -> Self {
        match route {
            Route::Auto => Self::Auto,
            Route::Copy => Self::Copy,
            Route::Mogile => Self::Mogile,
        }
    }
}
