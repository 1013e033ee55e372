//! The ledger in Amazon DynamoDB, and the tables beside it: a file each, over what they share.

mod failures;
mod item;
mod ledger;
mod table;
mod verifications;

pub use failures::DynamoFailureLog;
pub use ledger::DynamoLedger;
pub use verifications::DynamoVerificationLog;
