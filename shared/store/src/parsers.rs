//! Parsers of cursors and of items: any input is parsed promptly and without a panic,
//! and the result is no larger than the input.

use std::{fs, path::Path};

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::*;
use proptest::{prelude::*, sample::select};
use serde::de::DeserializeOwned;

use self::inputs::{changed, promptly, text};
use crate::{
    Account, BillingDelivery, CreationRequest, Membership, PageRequest, PaymentEvent, UsageRequest,
    from_image, pages::cursor_behind, records::Record,
};

#[path = "../../domain/tests/inputs/mod.rs"]
mod inputs;

fn cursor() -> impl Strategy<Value = String> {
    let position = prop_oneof!["[!-~]{1,80}", "\\PC{0,40}"];
    position.prop_map(|position| URL_SAFE_NO_PAD.encode(position))
}

/// A stored item as DynamoDB's JSON.
fn item() -> impl Strategy<Value = String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/items");
    let files = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ext| ext == "json"));
    let mut items: Vec<String> = files
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    items.sort();
    assert!(!items.is_empty());
    select(items)
}

/// Swaps one value of an item for another, so that the text stays JSON.
fn swapped(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let value = prop_oneof![
        any::<i128>().prop_map(|number| format!("{{ \"N\": \"{number}\" }}")),
        "[-+0-9.eE]{0,40}".prop_map(|number| format!("{{ \"N\": \"{number}\" }}")),
        text().prop_map(|text| serde_json::json!({ "S": text }).to_string()),
        "[-+]?[0-9]{4,6}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[-+][0-9:]{5}))?"
            .prop_map(|time| format!("{{ \"S\": \"{time}\" }}")),
        Just("{ \"NULL\": true }".to_owned()),
        Just("{ \"BOOL\": false }".to_owned()),
        Just("{ \"L\": [] }".to_owned()),
        Just("{ \"M\": {} }".to_owned()),
        Just("{ \"B\": \"AAAA\" }".to_owned()),
        Just("{ \"SS\": [\"a\"] }".to_owned()),
    ];
    (item, any::<proptest::sample::Index>(), value).prop_map(|(item, at, value)| {
        let scalars: Vec<_> = item
            .match_indices("{ \"")
            .filter(|(at, _)| {
                item.get(*at..)
                    .and_then(|rest| rest.split_once('}'))
                    .is_some_and(|(inner, _)| !inner.contains(['\n', '[']))
            })
            .collect();
        let (begin, _) = scalars[at.index(scalars.len())];
        let length = item[begin..].find('}').unwrap() + 1;
        let mut item = item;
        item.replace_range(begin..begin + length, &value);
        item
    })
}

fn read_as<T: DeserializeOwned>(item: &serde_dynamo::Item) {
    drop(promptly(|| from_image::<T>(item.clone())));
}

proptest! {
    #[test]
    fn cursor_has_one_text(cursor in prop_oneof![text(), changed(cursor())], limit: u16) {
        if let Some(page) = promptly(|| PageRequest::at(limit, &cursor)) {
            let position = page.after().unwrap();
            prop_assert!((1..=512).contains(&position.len()));
            prop_assert!(position.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!((1..=100).contains(&page.limit()));
            let key = AttributeValue::S(format!("MEMBER#{position}"));
            prop_assert_eq!(cursor_behind(Some(&key), "MEMBER#"), Some(cursor));
        }
    }

    #[test]
    fn item_with_changes_is_read_or_refused(text in prop_oneof![changed(item()), swapped(item())]) {
        if let Ok(item) = serde_json::from_str::<serde_dynamo::Item>(&text) {
            read_as::<Organization>(&item);
            read_as::<Counts>(&item);
            read_as::<Member>(&item);
            read_as::<Invite>(&item);
            read_as::<EndedInvite>(&item);
            read_as::<ApiKey>(&item);
            read_as::<Address>(&item);
            read_as::<Membership>(&item);
            read_as::<Account>(&item);
            read_as::<CreationRequest>(&item);
            read_as::<Billing>(&item);
            read_as::<Counter>(&item);
            read_as::<UsageRequest>(&item);
            read_as::<BillingDelivery>(&item);
            read_as::<PaymentEvent>(&item);
        }
    }

    #[test]
    fn event_in_a_changed_image_is_read_back(text in prop_oneof![text(), changed(item()), swapped(item())]) {
        let Ok(image) = serde_json::from_str::<serde_dynamo::Item>(&text) else {
            return Ok(());
        };
        if let Ok(event) = promptly(|| from_image::<AuditEvent>(image)) {
            let item = serde_dynamo::Item::from(event.to_item().unwrap());
            let stored = serde_json::to_string(&item).unwrap();
            prop_assert!(stored.len() <= text.len() + 200);
            prop_assert_eq!(from_image::<AuditEvent>(item).unwrap(), event);
        }
    }
}
