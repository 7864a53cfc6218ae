//! Reading several items at once.

use std::collections::HashMap;

use domain::{Counter, EndedInvite, Invite, InviteId, InviteState, OrganizationId};
use serde::de::DeserializeOwned;

use crate::{Key, StoreError, attribute::Item, keys::RawKey};

/// The items that a batch has read.
#[derive(Debug, Default)]
pub struct Items {
    /// Each item, with the number of further times that the batch asks for it.
    found: HashMap<RawKey, (Item, usize)>,
}

impl Items {
    pub(crate) fn insert(&mut self, item: Item, keys: &BatchKeys) -> Result<(), StoreError> {
        let key = RawKey::from_item(&item)?;
        let again = keys.repeated.iter().filter(|asked| **asked == key).count();
        self.found.insert(key, (item, again));
        Ok(())
    }

    /// Takes an item, or a copy while the batch asks for it again.
    fn take(&mut self, key: &RawKey) -> Option<Item> {
        let (item, again) = self.found.get_mut(key)?;
        if *again > 0 {
            *again -= 1;
            return Some(item.clone());
        }
        self.found.remove(key).map(|(item, _)| item)
    }
}

/// The keys of a batch. DynamoDB accepts each key only once.
#[derive(Debug, Default)]
pub struct BatchKeys {
    pub(crate) unique: Vec<RawKey>,
    repeated: Vec<RawKey>,
}

impl BatchKeys {
    pub(crate) fn of(batch: &impl Batch) -> Self {
        let mut keys = Self::default();
        batch.add_to(&mut keys);
        keys.unique.sort();
        let (unique, repeated) = split_repeated(std::mem::take(&mut keys.unique));
        Self { unique, repeated }
    }
}

/// Splits sorted keys into the first of each and the rest.
fn split_repeated(sorted: Vec<RawKey>) -> (Vec<RawKey>, Vec<RawKey>) {
    let mut unique: Vec<RawKey> = Vec::with_capacity(sorted.len());
    let mut repeated = Vec::new();
    for key in sorted {
        if unique.last() == Some(&key) {
            repeated.push(key);
        } else {
            unique.push(key);
        }
    }
    (unique, repeated)
}

/// Keys that one round trip reads, and the type of the result.
pub trait Batch {
    /// The result: an `Option` for a key, a tuple for a tuple of keys.
    type Found;

    /// Adds the keys to read.
    fn add_to(&self, keys: &mut BatchKeys);

    /// Picks the result from the items read.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when an item does not have the type of its key.
    fn pick(&self, items: &mut Items) -> Result<Self::Found, StoreError>;
}

impl<T: DeserializeOwned> Batch for Key<T> {
    type Found = Option<T>;

    fn add_to(&self, keys: &mut BatchKeys) {
        keys.unique.push(self.raw.clone());
    }

    fn pick(&self, items: &mut Items) -> Result<Option<T>, StoreError> {
        let item = items.take(&self.raw);
        Ok(item.map(serde_dynamo::from_item).transpose()?)
    }
}

impl<T, B: Batch<Found = Option<T>>> Batch for Option<B> {
    type Found = Option<T>;

    fn add_to(&self, keys: &mut BatchKeys) {
        if let Some(batch) = self {
            batch.add_to(keys);
        }
    }

    fn pick(&self, items: &mut Items) -> Result<Option<T>, StoreError> {
        self.as_ref().map_or(Ok(None), |batch| batch.pick(items))
    }
}

impl<B: Batch> Batch for &B {
    type Found = B::Found;

    fn add_to(&self, keys: &mut BatchKeys) {
        (*self).add_to(keys);
    }

    fn pick(&self, items: &mut Items) -> Result<Self::Found, StoreError> {
        (*self).pick(items)
    }
}

/// An empty batch.
impl Batch for () {
    type Found = ();

    fn add_to(&self, _: &mut BatchKeys) {}

    fn pick(&self, _: &mut Items) -> Result<(), StoreError> {
        Ok(())
    }
}

impl<B: Batch> Batch for Vec<B> {
    type Found = Vec<B::Found>;

    fn add_to(&self, keys: &mut BatchKeys) {
        for batch in self {
            batch.add_to(keys);
        }
    }

    fn pick(&self, items: &mut Items) -> Result<Vec<B::Found>, StoreError> {
        self.iter().map(|batch| batch.pick(items)).collect()
    }
}

/// Each of many keys on its own: an item that cannot be read does not fail the others.
#[derive(Debug)]
pub struct Each<T>(pub Vec<Key<T>>);

impl<T: DeserializeOwned> Batch for Each<T> {
    type Found = Vec<Result<Option<T>, StoreError>>;

    fn add_to(&self, keys: &mut BatchKeys) {
        for key in &self.0 {
            key.add_to(keys);
        }
    }

    fn pick(&self, items: &mut Items) -> Result<Self::Found, StoreError> {
        Ok(self.0.iter().map(|key| key.pick(items)).collect())
    }
}

/// Both keys of an invite: among the pending and among the ended ones.
#[derive(Debug, Clone, Copy)]
pub struct InvitePlaces {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The invite.
    pub invite_id: InviteId,
}

impl InvitePlaces {
    fn keys(&self) -> (Key<Invite>, Key<EndedInvite>) {
        (
            Key::invite(self.organization_id, self.invite_id),
            Key::ended_invite(self.organization_id, self.invite_id),
        )
    }
}

impl Batch for InvitePlaces {
    type Found = Option<InviteState>;

    fn add_to(&self, keys: &mut BatchKeys) {
        self.keys().add_to(keys);
    }

    fn pick(&self, items: &mut Items) -> Result<Option<InviteState>, StoreError> {
        let (pending, ended) = self.keys().pick(items)?;
        let ended = ended.map(InviteState::Ended);
        Ok(ended.or(pending.map(InviteState::Pending)))
    }
}

/// The first counters of an organization; the result is in order.
#[derive(Debug, Clone, Copy)]
pub struct Counters {
    organization_id: OrganizationId,
    count: u8,
}

impl Counters {
    /// Returns the first few.
    pub fn first(organization_id: OrganizationId, count: u8) -> Self {
        Self {
            organization_id,
            count,
        }
    }

    /// Returns how many there are.
    pub fn count(self) -> u8 {
        self.count
    }

    fn keys(self) -> impl Iterator<Item = Key<Counter>> {
        (0..self.count).map(move |number| Key::counter(self.organization_id, number))
    }
}

impl Batch for Counters {
    type Found = Vec<Counter>;

    fn add_to(&self, keys: &mut BatchKeys) {
        for key in self.keys() {
            key.add_to(keys);
        }
    }

    fn pick(&self, items: &mut Items) -> Result<Vec<Counter>, StoreError> {
        let found = self.keys().map(|key| key.pick(items).transpose());
        found.flatten().collect()
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => {
        $(
            #[allow(non_snake_case)]
            impl<$($name: Batch),*> Batch for ($($name,)*) {
                type Found = ($($name::Found,)*);

                fn add_to(&self, keys: &mut BatchKeys) {
                    let ($($name,)*) = self;
                    $($name.add_to(keys);)*
                }

                fn pick(&self, items: &mut Items) -> Result<Self::Found, StoreError> {
                    let ($($name,)*) = self;
                    Ok(($($name.pick(items)?,)*))
                }
            }
        )*
    };
}

tuples! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }
