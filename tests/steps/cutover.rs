//! The changes of bucket names in the clients' databases.

mod contentrepo;
