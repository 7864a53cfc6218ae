//! The pages in a real browser, as people use them: things are found by their
//! role and name, as a screen reader tells them, or by the text that is seen.

mod forms;
mod harness;
mod keys;
mod look;
mod pages;
mod people;
mod sign_in;
mod story;
mod usage;
mod webdriver;
