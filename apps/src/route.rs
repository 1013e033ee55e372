//! How files may be brought, as an operator says it.

use clap::ValueEnum;
use domain::steps::RoutePolicy;

/// `--route`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Route {
    /// By copy where the intermediary is in the bucket, else from MogileFS
    Auto,
    /// By copying intermediaries alone
    Copy,
    /// From MogileFS alone
    Mogile,
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
