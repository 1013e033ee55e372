//! What must be there before a migration is made.

mod apply;

pub use apply::{Provisioned, provision};
