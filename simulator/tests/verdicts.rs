//! What the commands say is true, and what they print to be done really mends: the real commands,
//! in processes of their own, against a world that is up.

#[expect(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;
#[path = "verdicts/counts.rs"]
mod counts;
#[path = "verdicts/moved.rs"]
mod moved;
#[path = "verdicts/session.rs"]
mod session;
#[path = "verdicts/settings.rs"]
mod settings;
#[path = "verdicts/unreadable.rs"]
mod unreadable;
