//! What the commands say is true, and what they print to be done really mends: the real commands,
//! in processes of their own, against a world that is up.

#[expect(dead_code, reason = "other tests use the rest of it")]
mod cli;
#[expect(dead_code, reason = "other tests use the rest of it")]
mod common;
#[path = "verdicts/after_migrate.rs"]
mod after_migrate;
#[path = "verdicts/after_verify.rs"]
mod after_verify;
#[path = "verdicts/counts.rs"]
mod counts;
#[path = "verdicts/doctor.rs"]
mod doctor;
#[path = "verdicts/guard.rs"]
mod guard;
#[path = "verdicts/moved.rs"]
mod moved;
#[path = "verdicts/printed.rs"]
mod printed;
#[path = "verdicts/queued.rs"]
mod queued;
#[path = "verdicts/session.rs"]
mod session;
#[path = "verdicts/settings.rs"]
mod settings;
#[path = "verdicts/unreadable.rs"]
mod unreadable;
