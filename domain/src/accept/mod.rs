//! Files that S3 never gets, accepted by name: the evidence before, and another look behind it.

mod again;
mod ending;
mod evidence;
mod ledger;
mod plan;
mod step;

pub use again::{AgainPorts, has_content, try_again};
pub use ending::{Ending, end_acceptances};
pub use ledger::end_proven;
pub use plan::{
    AcceptMode, AcceptPlan, AcceptPorts, Accepting, AcceptingEnds, RefusalKind, RefusedFile,
};
pub use step::accept_files;
