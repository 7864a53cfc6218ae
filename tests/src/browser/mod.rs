//! The pages in a real browser. Tests find elements as people do: by role and
//! accessible name, or by visible text.

mod bar;
mod brand;
mod emails;
mod ends;
mod forms;
mod harness;
mod invites;
mod keys;
mod look;
mod pages;
mod people;
mod sign_in;
mod story;
mod usage;
mod webdriver;
