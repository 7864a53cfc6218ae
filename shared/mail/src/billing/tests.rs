use chrono::TimeZone;

use super::*;

const PAGE: &str = "https://app.example.com/dashboard/organization-settings";
const INVOICE: &str = "https://pay.example.com/i/INV-0042?s=a&b=c";

fn credits(percent: u8, used: u64) -> BillingMail<'static> {
    BillingMail {
        organization_name: "Acme Images",
        about: About::Credits {
            percent,
            used,
            allowed: 3000,
            plan: "Basic",
            renews_at: Utc.with_ymd_and_hms(2026, 4, 1, 0, 0, 0).unwrap(),
        },
        page: PAGE,
    }
}

fn facts() -> InvoiceFacts<'static> {
    InvoiceFacts {
        number: "INV-0042",
        amount: "49.00 USD",
        due_date: NaiveDate::from_ymd_opt(2026, 4, 15),
        url: Some(INVOICE),
    }
}

fn about(about: About<'static>) -> Message {
    let mail = BillingMail {
        about,
        ..credits(80, 0)
    };
    mail.render().unwrap()
}

fn every_kind() -> [Message; 5] {
    [
        credits(80, 2400).render().unwrap(),
        credits(100, 3000).render().unwrap(),
        about(About::InvoiceIssued(facts())),
        about(About::PaymentFailed(facts())),
        about(About::PaymentSucceeded(facts())),
    ]
}

#[test]
fn the_subjects_say_what_it_is_about() {
    let subjects = every_kind().map(|mail| mail.subject).join("\n");
    insta::assert_snapshot!(subjects, @r"
    80% of the image credits of “Acme Images” are used
    All image credits of “Acme Images” are used
    Invoice INV-0042 for “Acme Images”
    Payment failed: invoice INV-0042 for “Acme Images”
    Payment received: invoice INV-0042 for “Acme Images”
    ");
}

#[test]
fn eighty_percent_is_a_warning() {
    insta::assert_snapshot!(credits(80, 2400).render().unwrap().text, @r"
    80% of the image credits of “Acme Images” are used

    You've used 2400 of your 3000 image credits (plan Basic). The next period begins on 1 April 2026, with all credits. Should they be used up before, more images are refused until then; a bigger plan gives more at once.

    See usage and plans:
    https://app.example.com/dashboard/organization-settings

    You get this mail because the billing emails of “Acme Images” go to you. Its owners and admins can change that.
    ");
}

#[test]
fn all_is_said_to_be_all() {
    insta::assert_snapshot!(credits(100, 3000).render().unwrap().text, @r"
    All image credits of “Acme Images” are used

    You've used 3000 of your 3000 image credits (plan Basic). More images are refused until the next period begins on 1 April 2026. A bigger plan gives more credits at once.

    See usage and plans:
    https://app.example.com/dashboard/organization-settings

    You get this mail because the billing emails of “Acme Images” go to you. Its owners and admins can change that.
    ");
}

#[test]
fn a_failed_payment_says_what_to_do_until_when() {
    insta::assert_snapshot!(about(About::PaymentFailed(facts())).text, @r"
    Payment failed: invoice INV-0042 for “Acme Images”

    The payment did not go through. Please see to it that the invoice can be paid, with another means of payment if need be.

    Invoice: INV-0042
    Amount: 49.00 USD
    Due: 15 April 2026

    See the invoice:
    https://pay.example.com/i/INV-0042?s=a&b=c

    You get this mail because the billing emails of “Acme Images” go to you. Its owners and admins can change that.
    ");
}

#[test]
fn a_paid_invoice_is_due_no_more() {
    let paid = about(About::PaymentSucceeded(facts()));
    assert!(!paid.text.contains("Due") && !paid.html.contains("Due"));
}

#[test]
fn without_an_address_there_is_no_button() {
    let facts = InvoiceFacts {
        url: None,
        ..facts()
    };
    let mail = about(About::InvoiceIssued(facts));
    assert!(!mail.html.contains("href") && !mail.text.contains("See the invoice"));
}

#[test]
fn every_link_of_a_mail_has_the_same_target() {
    for mail in every_kind() {
        let targets: Vec<&str> = mail
            .html
            .split("href=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert_eq!(targets.len(), 2, "{targets:?}");
        assert_eq!(targets[0], targets[1]);
    }
}

#[test]
fn the_bar_is_as_full_as_it_can_be() {
    assert_eq!(credits(80, 2400).bar(), Some(80));
    assert_eq!(credits(100, 3055).bar(), Some(100));
    assert!(
        credits(80, 2500)
            .render()
            .unwrap()
            .html
            .contains("width: 83%")
    );
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "<img src=x>\r\nBcc: v \u{202e}{{ 7 }}";
    let facts = InvoiceFacts {
        number: hostile,
        amount: hostile,
        url: Some("https://pay.example.com/\"><b>"),
        ..facts()
    };
    let mail = BillingMail {
        organization_name: hostile,
        about: About::PaymentFailed(facts),
        page: PAGE,
    };
    let mail = mail.render().unwrap();
    assert!(!mail.subject.contains(['\r', '\n', '\u{202e}']));
    assert!(!mail.html.contains("<img") && !mail.html.contains("<b>"));
    assert!(!mail.text.contains("\nBcc:") && !mail.text.contains('\u{202e}'));
    assert!(mail.text.contains("{{ 7 }}"));
}

#[test]
fn a_subject_is_never_long() {
    let long = "x".repeat(999);
    let mail = BillingMail {
        organization_name: &long,
        ..credits(80, 2400)
    };
    assert!(mail.render().unwrap().subject.chars().count() < 120);
}
