//! What the repository says of itself: the edges of its crates, its pages, its template.

mod cloudformation;
mod compose;
mod docs;
mod layers;
mod modules;
