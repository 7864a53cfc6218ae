//! What a process remembers of many callers or organizations: in bounded room, behind a lock.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The number of entries that a process remembers of a kind.
const MAX: usize = 10_000;

/// The entries of a kind.
#[derive(Debug)]
pub(crate) struct Memory<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V> Memory<K, V> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the entries with room for another one. Once there are many, forgets those that
    /// are over, and everything if that does not help.
    pub(crate) fn with_room(
        &self,
        is_current: impl Fn(&V) -> bool,
    ) -> MutexGuard<'_, HashMap<K, V>> {
        let mut entries = self.lock();
        if entries.len() >= MAX {
            entries.retain(|_, value| is_current(value));
            if entries.len() >= MAX {
                entries.clear();
            }
        }
        entries
    }
}
