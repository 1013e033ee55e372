//! Looking whether objects are what they should be. It repairs nothing.

mod file;

pub use file::verify_file;
