//! The systems around the migration, each as a port of the domain.
