//! [`domain::ports::Site`] on a real server: what a first run makes, a second finds.

mod localstack;
