use chrono::TimeZone;

use super::*;

const PAGE: &str = "https://app.example.com/dashboard/organization-settings";
const INVOICE: &str = "https://pay.example.com/i/INV-0042?s=a&b=c";

fn credits(percent: u8, used: u64) -> BillingEmail<'static> {
    BillingEmail {
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
    let email = BillingEmail {
        about,
        ..credits(80, 0)
    };
    email.render(&Brand::default()).unwrap()
}

fn every_kind() -> [Message; 5] {
    [
        credits(80, 2400).render(&Brand::default()).unwrap(),
        credits(100, 3000).render(&Brand::default()).unwrap(),
        about(About::InvoiceIssued(facts())),
        about(About::PaymentFailed(facts())),
        about(About::PaymentSucceeded(facts())),
    ]
}

#[test]
fn subject_of_each_kind_matches_the_snapshot() {
    let subjects = every_kind().map(|email| email.subject).join("\n");
    insta::assert_snapshot!(subjects, @r"
    “Acme Images” has used 80% of its image credits
    “Acme Images” is out of image credits
    Invoice INV-0042 for “Acme Images”
    Payment failed: invoice INV-0042 for “Acme Images”
    Payment received: invoice INV-0042 for “Acme Images”
    ");
}

#[test]
fn credits_email_at_80_percent_is_a_warning() {
    insta::assert_snapshot!(credits(80, 2400).render(&Brand::default()).unwrap().text, @r"
    “Acme Images” has used 80% of its image credits

    You’ve used 2400 of 3000 image credits on the Basic plan. Credits reset on 1 April 2026. If you run out before then, image rendering pauses; a larger plan gives you more right away.

    View usage:
    https://app.example.com/dashboard/organization-settings

    You’re receiving this because you get billing emails for “Acme Images”. An owner or admin can change this.
    ");
}

#[test]
fn credits_email_at_100_percent_says_all_are_used() {
    insta::assert_snapshot!(credits(100, 3000).render(&Brand::default()).unwrap().text, @r"
    “Acme Images” is out of image credits

    You’ve used 3000 of 3000 image credits on the Basic plan. Image rendering is paused until 1 April 2026. A larger plan resumes it right away.

    View usage:
    https://app.example.com/dashboard/organization-settings

    You’re receiving this because you get billing emails for “Acme Images”. An owner or admin can change this.
    ");
}

#[test]
fn payment_failed_email_names_the_due_date() {
    insta::assert_snapshot!(about(About::PaymentFailed(facts())).text, @r"
    Payment failed: invoice INV-0042 for “Acme Images”

    Your payment didn’t go through. Update your payment method to avoid an interruption.

    Invoice: INV-0042
    Amount: 49.00 USD
    Due: 15 April 2026

    View invoice:
    https://pay.example.com/i/INV-0042?s=a&b=c

    You’re receiving this because you get billing emails for “Acme Images”. An owner or admin can change this.
    ");
}

#[test]
fn html_matches_the_snapshot() {
    insta::assert_snapshot!(credits(80, 2400).render(&Brand::default()).unwrap().html, @r#"
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
    <meta name="color-scheme" content="light dark">
    <meta name="supported-color-schemes" content="light dark">
    <title>“Acme Images” has used 80% of its image credits</title>
    <style>
    :root { color-scheme: light dark; }
    @media (prefers-color-scheme: dark) {
      .page { background: #0e0f12 !important; }
      .card { background: #16181c !important; border-color: #2a2d34 !important; }
      .text { color: #eceef2 !important; }
      .soft { color: #a3a9b5 !important; }
      .rule { border-color: #2a2d34 !important; }
      .link { color: #8781ed !important; }
      .button { background: #4f46e5 !important; color: #ffffff !important; }
      .bar { background: #2a2d34 !important; }
      .full { background: #4f46e5 !important; }
    }
    </style>
    </head>
    <body class="page" style="margin: 0; padding: 0; background: #f4f4f6;">
    <div style="display: none; max-height: 0; overflow: hidden; mso-hide: all;">You’ve used 2400 of 3000 image credits on the Basic plan. Credits reset on 1 April 2026. If you run out before then, image rendering pauses; a larger plan gives you more right away.</div>
    <div class="page" style="padding: 24px 12px; background: #f4f4f6;">
    <div class="card" style="max-width: 480px; margin: 0 auto; padding: 28px 22px; background: #ffffff; border: 1px solid #e5e6ea; border-radius: 12px; font-family: -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; font-size: 16px; line-height: 1.5; overflow-wrap: break-word; word-break: break-word;">
    <h1 class="text" style="margin: 0 0 16px; font-size: 22px; line-height: 1.3; font-weight: 600; text-wrap: balance; color: #1a1c20;"><bdi>“Acme Images” has used 80% of its image credits</bdi></h1>
    <div class="bar" style="margin: 0 0 16px; height: 10px; border-radius: 5px; background: #e5e6ea; overflow: hidden;"><div class="full" style="width: 80%; height: 10px; background: #4f46e5;"></div></div>
    <p class="text" style="margin: 0 0 24px; color: #1a1c20;">You’ve used 2400 of 3000 image credits on the Basic plan. Credits reset on 1 April 2026. If you run out before then, image rendering pauses; a larger plan gives you more right away.</p>
    <p style="margin: 0 0 24px;"><a class="button" href="https://app.example.com/dashboard/organization-settings" style="display: inline-block; padding: 13px 26px; background: #4f46e5; border-radius: 8px; color: #ffffff; font-weight: 600; text-decoration: none;">View usage</a></p>
    <p class="soft" style="margin: 0; font-size: 14px; color: #5b616e;">Or paste this link into your browser:<br><a class="link" href="https://app.example.com/dashboard/organization-settings" style="color: #4f46e5; word-break: break-all;">https://app.example.com/dashboard/organization-settings</a></p>
    <hr class="rule" style="margin: 24px 0; border: 0; border-top: 1px solid #e5e6ea;">
    <p class="soft" style="margin: 0; font-size: 14px; color: #5b616e;">You’re receiving this because you get billing emails for <bdi>“Acme Images”</bdi>. An owner or admin can change this.</p>
    </div>
    </div>
    </body>
    </html>
    "#);
}

#[test]
fn invoice_html_has_its_facts_in_a_table() {
    let html = about(About::PaymentFailed(facts())).html;
    let (before, _) = html.split_once("</table>").unwrap();
    let (_, table) = before.split_once("<table ").unwrap();
    insta::assert_snapshot!(table, @r#"
    role="presentation" style="margin: 0 0 24px; width: 100%; border-collapse: collapse;">
    <tr><td class="soft" style="padding: 4px 16px 4px 0; color: #5b616e; vertical-align: top; width: 1%; white-space: nowrap;">Invoice</td><td class="text" style="padding: 4px 0; color: #1a1c20; font-weight: 600;"><bdi>INV-0042</bdi></td></tr>
    <tr><td class="soft" style="padding: 4px 16px 4px 0; color: #5b616e; vertical-align: top; width: 1%; white-space: nowrap;">Amount</td><td class="text" style="padding: 4px 0; color: #1a1c20; font-weight: 600;"><bdi>49.00 USD</bdi></td></tr>
    <tr><td class="soft" style="padding: 4px 16px 4px 0; color: #5b616e; vertical-align: top; width: 1%; white-space: nowrap;">Due</td><td class="text" style="padding: 4px 0; color: #1a1c20; font-weight: 600;"><bdi>15 April 2026</bdi></td></tr>
    "#);
}

#[test]
fn paid_invoice_email_shows_no_due_date() {
    let paid = about(About::PaymentSucceeded(facts()));
    assert!(!paid.text.contains("Due") && !paid.html.contains("Due"));
}

#[test]
fn invoice_without_a_url_has_no_button() {
    let facts = InvoiceFacts {
        url: None,
        ..facts()
    };
    let email = about(About::InvoiceIssued(facts));
    assert!(!email.html.contains("href") && !email.text.contains("View invoice"));
}

#[test]
fn every_link_has_the_same_target() {
    for email in every_kind() {
        let targets: Vec<&str> = email
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
fn bar_above_100_percent_is_full() {
    assert_eq!(credits(80, 2400).bar(), Some(80));
    assert_eq!(credits(100, 3055).bar(), Some(100));
    assert!(
        credits(80, 2500)
            .render(&Brand::default())
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
    let email = BillingEmail {
        organization_name: hostile,
        about: About::PaymentFailed(facts),
        page: PAGE,
    };
    let email = email.render(&Brand::default()).unwrap();
    assert!(!email.subject.contains(['\r', '\n', '\u{202e}']));
    assert!(!email.html.contains("<img") && !email.html.contains("<b>"));
    assert!(!email.text.contains("\nBcc:") && !email.text.contains('\u{202e}'));
    assert!(email.text.contains("{{ 7 }}"));
}

#[test]
fn subject_with_a_long_name_is_short() {
    let long = "x".repeat(999);
    let email = BillingEmail {
        organization_name: &long,
        ..credits(80, 2400)
    };
    assert!(
        email
            .render(&Brand::default())
            .unwrap()
            .subject
            .chars()
            .count()
            < 120
    );
}
