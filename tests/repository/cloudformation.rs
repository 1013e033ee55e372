//! The deployment's template: `cfn-lint` from `PyPI` finds nothing in it, it makes what `provision`
//! makes, and gives the function no more than it needs.

mod lint;
mod network;
mod role;
mod settings;
mod template;
mod worker;
