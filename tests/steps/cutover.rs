//! The cut-over of contentrepo and its way back, over the world's MySQL wire, killed between any two calls.

mod contentrepo;
mod fuse;
mod stage;
