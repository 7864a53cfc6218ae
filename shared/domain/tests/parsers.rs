//! Parsers of untrusted text: any input is parsed promptly and without a panic, the
//! result is no larger than the input, and its text parses back to it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod inputs;

use std::{collections::BTreeMap, fmt::Display};

use domain::*;
use inputs::{changed, promptly, text};
use proptest::{collection::btree_map, prelude::*, test_runner::TestCaseError};
use uuid::Uuid;

type Checked = Result<(), TestCaseError>;

fn email() -> impl Strategy<Value = String> {
    let local = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,12}(\\.[a-z0-9]{1,8}){0,2}";
    let domain = prop_oneof![
        "[a-zA-Z0-9]{1,12}(\\.[a-z]{2,6}){1,3}",
        "[a-zäöüßéıİſčжя中日한אب]{1,12}\\.(example|рф|中国|com)",
        "xn--[a-z0-9-]{1,14}\\.com",
    ];
    (local, domain).prop_map(|(local, domain)| format!("{local}@{domain}"))
}

fn check_email(text: &str) -> Checked {
    let Ok(email) = promptly(|| EmailAddress::parse(text)) else {
        return Ok(());
    };
    let (typed, normal) = (email.as_typed(), email.normal());
    prop_assert!(text.contains(typed));
    prop_assert!(normal.is_ascii() && normal.len() <= 254);
    prop_assert!(normal.bytes().all(|byte| byte.is_ascii_graphic()));
    prop_assert_eq!(normal.to_ascii_lowercase(), normal);
    prop_assert_eq!(normal.matches('@').count(), 1);
    prop_assert!(!typed.contains(breaks_line), "{:?}", typed);
    for same in [typed, normal] {
        let again = EmailAddress::parse(same).unwrap();
        prop_assert_eq!(again.as_typed(), same);
        prop_assert_eq!(again.normal(), normal);
    }
    prop_assert!(email.masked().len() <= normal.len() + "…".len());
    Ok(())
}

fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn token() -> impl Strategy<Value = String> {
    (
        any::<u128>(),
        any::<u128>(),
        any::<u32>(),
        any::<[u8; 32]>(),
    )
        .prop_map(|(organization, invite, times_sent, secret)| {
            let key = LinkKey::new(&secret).unwrap();
            let organization_id = OrganizationId::new(Uuid::from_u128(organization));
            let invite_id = InviteId::new(Uuid::from_u128(invite));
            let email = EmailAddress::parse("dana@example.com").unwrap();
            InviteToken::sign(&key, organization_id, invite_id, times_sent, &email).encode()
        })
}

fn secret() -> impl Strategy<Value = String> {
    (any::<u128>(), any::<u128>(), any::<[u8; 32]>()).prop_map(|(organization, key, random)| {
        let organization_id = OrganizationId::new(Uuid::from_u128(organization));
        let api_key_id = ApiKeyId::new(Uuid::from_u128(key));
        ApiKeySecret::new(organization_id, api_key_id, random).reveal()
    })
}

fn plans() -> impl Strategy<Value = String> {
    proptest::collection::vec("[a-z0-9_-]{1,32}:[1-9][0-9]{0,8}:[A-Z][a-z &]{0,30}", 1..22)
        .prop_map(|plans| plans.join(","))
}

/// Checks a text that has one form: what parses is the text of the result.
fn check_only_form<T, E>(text: &str, parsed: Result<T, E>, shown: impl Fn(T) -> String) -> Checked {
    if let Ok(parsed) = parsed {
        prop_assert_eq!(shown(parsed), text);
    }
    Ok(())
}

/// Checks a text that is kept trimmed: its kept form parses to itself.
fn check_trimmed<T, E>(text: &str, max: usize, parse: impl Fn(&str) -> Result<T, E>) -> Checked
where
    T: Display,
{
    let Ok(parsed) = promptly(|| parse(text)) else {
        return Ok(());
    };
    let kept = parsed.to_string();
    prop_assert!(kept.len() <= text.len());
    prop_assert!((1..=max).contains(&kept.chars().count()));
    prop_assert_eq!(kept.trim(), &kept);
    prop_assert!(
        !kept.contains(|c| breaks_line(c) && c != '\n'),
        "{:?}",
        kept
    );
    let again = parse(&kept).map(|again| again.to_string()).ok();
    prop_assert_eq!(again, Some(kept));
    Ok(())
}

fn check_names(text: &str) -> Checked {
    check_trimmed(text, 200, OrganizationName::parse)?;
    check_trimmed(text, 200, ApiKeyName::parse)?;
    check_trimmed(text, 200, CompanyName::parse)?;
    check_trimmed(text, 50, TaxId::parse)?;
    check_trimmed(text, 500, InvoiceAddress::parse)?;
    check_trimmed(text, 100, |text| InvoiceNumber::try_from(text.to_owned()))?;
    if let Some(name) = promptly(|| PersonName::from_claim(text)) {
        let kept = name.as_str();
        prop_assert!(kept.len() <= text.len());
        prop_assert!((1..=200).contains(&kept.chars().count()));
        prop_assert!(!kept.contains(breaks_line));
        prop_assert_eq!(PersonName::from_claim(kept), Some(name.clone()));
    }
    Ok(())
}

fn check_plans(text: &str) -> Checked {
    let Ok(plans) = promptly(|| Plans::parse(text)) else {
        return Ok(());
    };
    let entry = |plan: &Plan| {
        let price = plan.price.as_ref().map(|price| format!(":{price}"));
        let price = price.unwrap_or_default();
        format!("{}:{}:{}{price}", plan.id, plan.monthly_credits, plan.name)
    };
    let entries: Vec<String> = plans.iter().map(entry).collect();
    prop_assert!((1..=20).contains(&entries.len()));
    let written = entries.join(",");
    prop_assert!(written.len() <= text.len());
    prop_assert_eq!(Plans::parse(&written), Ok(plans));
    Ok(())
}

proptest! {
    #[test]
    fn email_from_any_text_parses_back(text in text()) {
        check_email(&text)?;
    }

    #[test]
    fn email_with_changes_parses_back(text in changed(email())) {
        check_email(&text)?;
    }

    #[test]
    fn invite_token_has_one_text(text in prop_oneof![text(), changed(token())]) {
        let parsed = promptly(|| InviteToken::parse(&text));
        check_only_form(&text, parsed, |token| token.encode())?;
    }

    #[test]
    fn api_key_secret_has_one_text(text in prop_oneof![text(), changed(secret())]) {
        let parsed = promptly(|| ApiKeySecret::parse(&text));
        check_only_form(&text, parsed, |secret| secret.reveal())?;
    }

    #[test]
    fn secret_hash_has_one_text(text in prop_oneof![text(), changed("[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]")]) {
        let parsed = promptly(|| SecretHash::try_from(text.clone()));
        check_only_form(&text, parsed, String::from)?;
    }

    #[test]
    fn id_has_one_text(text in prop_oneof![text(), changed(any::<u128>().prop_map(|id| Uuid::from_u128(id).to_string()))]) {
        check_only_form(&text, promptly(|| OrganizationId::parse(&text)), |id| id.to_string())?;
        check_only_form(&text, promptly(|| UserId::parse(&text)), |id| id.to_string())?;
        check_only_form(&text, promptly(|| PlanId::parse(&text)), |id| id.to_string())?;
    }

    #[test]
    fn invoice_url_has_one_text(text in prop_oneof![text(), changed("https://[a-z0-9.-]{1,20}\\.[a-z]{2}(:[0-9]{1,4})?/[a-z/?&=]{0,20}")]) {
        let parsed = promptly(|| InvoiceUrl::try_from(text.clone()));
        check_only_form(&text, parsed, String::from)?;
    }

    #[test]
    fn currency_is_kept_in_capitals(text in prop_oneof![text(), changed("[A-Za-z]{3}")]) {
        if let Ok(currency) = promptly(|| Currency::try_from(text.clone())) {
            let kept = String::from(currency.clone());
            prop_assert_eq!(&kept, &text.to_ascii_uppercase());
            prop_assert_eq!(Currency::try_from(kept), Ok(currency));
        }
    }

    #[test]
    fn name_from_any_text_parses_back(text in text()) {
        check_names(&text)?;
    }

    #[test]
    fn name_with_changes_parses_back(text in changed("[ -~]{1,260}|\\PC{1,60}")) {
        check_names(&text)?;
    }

    #[test]
    fn plans_from_any_text_parse_back(text in text()) {
        check_plans(&text)?;
    }

    #[test]
    fn plans_with_changes_parse_back(text in changed(plans())) {
        check_plans(&text)?;
    }

    #[test]
    fn metadata_is_kept_or_refused_as_a_whole(map in btree_map(changed("[a-z_]{1,40}"), changed("[ -~]{0,500}"), 0..4)) {
        let parsed = promptly(|| Metadata::try_from(map.clone()));
        if let Ok(metadata) = parsed {
            prop_assert!(metadata.keys().all(|key| (1..=40).contains(&key.chars().count())));
            prop_assert_eq!(BTreeMap::from(metadata), map);
        }
    }
}
