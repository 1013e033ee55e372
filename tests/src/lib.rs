//! Tests that need more than one crate stand beside this folder.
