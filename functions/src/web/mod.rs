//! The pages for the browser.

pub mod pages;

mod assets;
mod document;

pub(crate) use document::Document;
pub use document::SignInConfig;
