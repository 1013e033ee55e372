//! The command line, and what wires it together.
