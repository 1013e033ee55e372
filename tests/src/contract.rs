//! The promises of the ports, each as a suite that the fakes and the adapters pass alike.

pub mod source_index;
