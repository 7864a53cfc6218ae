//! The product's own backend: what it alone may do.

pub mod authorize_server;
