//! What the pages for readers say is what the code does.

mod findings;
mod links;
mod page;
mod settings;
