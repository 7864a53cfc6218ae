//! Inputs for the parsers of all crates: arbitrary ones, and valid ones with a few
//! changes. All have at most 64 KiB.

#![allow(dead_code, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use proptest::{collection::vec, prelude::*, sample::Index};

/// The maximum length of an input, in bytes.
pub const MAX: usize = 64 * 1024;

/// Returns arbitrary bytes: short ones, and long repetitions of a piece.
pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let long = (vec(any::<u8>(), 1..12), 0..=MAX)
        .prop_map(|(piece, length)| piece.into_iter().cycle().take(length).collect());
    prop_oneof![15 => vec(any::<u8>(), 0..200), 1 => long]
}

/// Returns arbitrary text, with control characters and text of any script.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        bytes().prop_map(|bytes| cut(String::from_utf8_lossy(&bytes).into_owned())),
        "\\PC{0,80}",
        vec(character(), 0..80).prop_map(String::from_iter),
    ]
}

/// Returns valid texts with up to three changes.
pub fn changed(valid: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (valid, vec(edit(), 0..4)).prop_map(|(text, edits)| edits.into_iter().fold(text, apply))
}

/// Parses an input, which must not take long.
pub fn promptly<T>(parse: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let parsed = parse();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "took {took:?}");
    parsed
}

/// A character, often one with a meaning to some parser.
fn character() -> impl Strategy<Value = char> {
    let special = "@.:,;\"'`\\/{}[]()<>=+-_%&?# \0\t\r\n\u{7f}\u{85}\u{a0}\u{ad}\u{200d}\u{202e}\
                   \u{2028}\u{2029}\u{3002}\u{feff}\u{ff20}ßİıſK0159aAzZ";
    let special: Vec<char> = special.chars().collect();
    prop_oneof![2 => proptest::sample::select(special), 1 => any::<char>()]
}

#[derive(Debug, Clone)]
enum Edit {
    Insert(Index, char),
    Replace(Index, char),
    Delete(Index, usize),
    Repeat(Index, usize, usize),
    Truncate(Index),
    Uppercase,
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), character()).prop_map(|(at, c)| Edit::Insert(at, c)),
        4 => (at(), character()).prop_map(|(at, c)| Edit::Replace(at, c)),
        3 => (at(), 1_usize..8).prop_map(|(at, length)| Edit::Delete(at, length)),
        2 => (at(), 1_usize..40, 1_usize..4).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => (at(), 1_usize..8, 1_usize..4000).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => at().prop_map(Edit::Truncate),
        1 => Just(Edit::Uppercase),
    ]
}

fn apply(text: String, edit: Edit) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let end = chars.len();
    let place = |at: Index| at.index(end + 1);
    let range = |at: Index, length: usize| place(at)..(place(at) + length).min(end);
    match edit {
        Edit::Insert(at, c) => chars.insert(place(at), c),
        Edit::Replace(at, c) => {
            chars.splice(range(at, 1), [c]);
        }
        Edit::Delete(at, length) => {
            chars.drain(range(at, length));
        }
        Edit::Repeat(at, length, times) => {
            let piece = chars.get(range(at, length)).unwrap().repeat(times);
            chars.splice(place(at)..place(at), piece);
        }
        Edit::Truncate(at) => chars.truncate(place(at)),
        Edit::Uppercase => return cut(text.to_uppercase()),
    }
    cut(chars.into_iter().collect())
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX));
    text
}
