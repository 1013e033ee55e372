//! The ledger in Amazon DynamoDB and the tables beside it. Each table has a file; `table` and
//! `item` are shared.

mod failures;
mod item;
mod journal;
mod ledger;
mod table;
mod verifications;

pub use failures::DynamoFailureLog;
pub use journal::DynamoJournal;
pub use ledger::DynamoLedger;
pub use verifications::DynamoVerificationLog;
