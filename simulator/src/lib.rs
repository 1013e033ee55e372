//! A world on loopback to rehearse the migration in.
