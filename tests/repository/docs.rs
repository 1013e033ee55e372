//! What the pages for readers say is what the code does.

mod findings;
mod iam;
mod links;
mod page;
mod settings;
mod sources;
mod window;
