use chrono::TimeZone;

use super::*;

const LINK: &str = "https://app.example.com/invites/AZql3k.m2Jq-8w_xT4";
const OPT_OUT_PAGE: &str = "https://app.example.com/opt-outs/token";

fn email() -> InviteEmail<'static> {
    InviteEmail {
        organization_name: "Acme Images",
        inviter_name: Some("Ada Lovelace"),
        inviter_email: Some("ada@example.org"),
        role: "admin",
        receives_billing_emails: true,
        expires_at: Utc.with_ymd_and_hms(2026, 12, 8, 14, 5, 59).unwrap(),
        link: LINK,
        opt_out_page: OPT_OUT_PAGE,
        opt_out: "https://app.example.com/v1/opt-outs/token",
        recipient: "Ben@example.com",
    }
}

/// Renders an email in which every name is this one.
fn email_named(name: &str) -> Message {
    let email = InviteEmail {
        organization_name: name,
        inviter_name: Some(name),
        ..email()
    };
    email.render(&Brand::default()).unwrap()
}

/// Writes the zero-width spaces of a text visibly.
fn visible(text: &str) -> String {
    text.replace('\u{200B}', "|")
}

fn targets(html: &str) -> Vec<&str> {
    html.split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

#[test]
fn subject_names_the_inviter_and_the_organization() {
    insta::assert_snapshot!(email().render(&Brand::default()).unwrap().subject, @"“Ada Lovelace” invited you to join “Acme Images”");
}

#[test]
fn text_matches_the_snapshot() {
    insta::assert_snapshot!(visible(&email().render(&Brand::default()).unwrap().text), @r#"
    “Ada Lovelace” (ada@|example.|org) invited you to join “Acme Images” as an admin.

    Admins manage members, invites, API keys and billing, but not owners. You’ll also receive billing emails.

    View the invite to accept or decline it:
    https://app.example.com/invites/AZql3k.m2Jq-8w_xT4

    This invite expires on 8 December 2026, 14:05 UTC. Sign in as Ben@example.com to accept.

    Weren’t expecting this? You can ignore this email, or decline the invite.

    Report this email, and stop all invites to this address:
    https://app.example.com/opt-outs/token
    "#);
}

#[test]
fn html_matches_the_snapshot() {
    insta::assert_snapshot!(visible(&email().render(&Brand::default()).unwrap().html), @r#"
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
    <meta name="color-scheme" content="light dark">
    <meta name="supported-color-schemes" content="light dark">
    <title>“Ada Lovelace” invited you to join “Acme Images”</title>
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
    }
    </style>
    </head>
    <body class="page" style="margin: 0; padding: 0; background: #f4f4f6;">
    <div style="display: none; max-height: 0; overflow: hidden; mso-hide: all;">Accept by 8 December 2026, 14:05 UTC to join as an admin.</div>
    <div class="page" style="padding: 24px 12px; background: #f4f4f6;">
    <div class="card" style="max-width: 480px; margin: 0 auto; padding: 28px 22px; background: #ffffff; border: 1px solid #e5e6ea; border-radius: 12px; font-family: -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; font-size: 16px; line-height: 1.5; overflow-wrap: break-word; word-break: break-word;">
    <h1 class="text" style="margin: 0 0 16px; font-size: 22px; line-height: 1.3; font-weight: 600; text-wrap: balance; color: #1a1c20;"><bdi>“Ada Lovelace”</bdi> invited you to join <bdi>“Acme Images”</bdi></h1>
    <p class="soft" style="margin: 0 0 16px; color: #5b616e;">The email address of <bdi>“Ada Lovelace”</bdi> is <bdi>ada@|example.|org</bdi>.</p>
    <p class="text" style="margin: 0 0 24px; color: #1a1c20;">You’ve been invited as <strong>an admin</strong>. Admins manage members, invites, API keys and billing, but not owners. You’ll also receive billing emails.</p>
    <p style="margin: 0 0 24px;"><a class="button" href="https://app.example.com/invites/AZql3k.m2Jq-8w_xT4" style="display: inline-block; padding: 13px 26px; background: #4f46e5; border-radius: 8px; color: #ffffff; font-weight: 600; text-decoration: none;">View invite</a></p>
    <p class="text" style="margin: 0 0 24px; color: #1a1c20;">This invite expires on <strong style="white-space: nowrap;">8 December 2026, 14:05 UTC</strong>. Sign in as <bdi>Ben@example.com</bdi> to accept.</p>
    <p class="soft" style="margin: 0; font-size: 14px; color: #5b616e;">Or paste this link into your browser:<br><a class="link" href="https://app.example.com/invites/AZql3k.m2Jq-8w_xT4" style="color: #4f46e5; word-break: break-all;">https://app.example.com/invites/AZql3k.m2Jq-8w_xT4</a></p>
    <hr class="rule" style="margin: 24px 0; border: 0; border-top: 1px solid #e5e6ea;">
    <p class="soft" style="margin: 0; font-size: 14px; color: #5b616e;">Weren’t expecting this? You can ignore this email, or decline the invite. <a class="link" href="https://app.example.com/opt-outs/token" style="color: #4f46e5;">Report this email and stop all invites to this address</a>.</p>
    </div>
    </div>
    </body>
    </html>
    "#);
}

#[test]
fn invite_of_a_former_member_names_no_address() {
    let email = InviteEmail {
        inviter_email: None,
        ..email()
    };
    let message = email.render(&Brand::default()).unwrap();
    assert!(!message.html.contains("The email address"));
    let start = "“Ada Lovelace” invited you to join “Acme Images” as an admin.\n";
    assert!(message.text.starts_with(start), "{}", message.text);
}

#[test]
fn invite_without_billing_emails_does_not_mention_them() {
    let email = InviteEmail {
        role: "user",
        receives_billing_emails: false,
        ..email()
    };
    let message = email.render(&Brand::default()).unwrap();
    assert!(!message.html.contains("billing emails"));
    insta::assert_snapshot!(visible(&message.text), @r#"
    “Ada Lovelace” (ada@|example.|org) invited you to join “Acme Images” as a user.

    Users can view the organization and its usage, but can’t make changes.

    View the invite to accept or decline it:
    https://app.example.com/invites/AZql3k.m2Jq-8w_xT4

    This invite expires on 8 December 2026, 14:05 UTC. Sign in as Ben@example.com to accept.

    Weren’t expecting this? You can ignore this email, or decline the invite.

    Report this email, and stop all invites to this address:
    https://app.example.com/opt-outs/token
    "#);
}

#[test]
fn each_role_is_explained_in_a_sentence() {
    for (role, words) in [
        ("owner", "as an owner.\n\nOwners have "),
        ("admin", "as an admin.\n\nAdmins manage "),
        ("user", "as a user.\n\nUsers can "),
    ] {
        let message = InviteEmail { role, ..email() }
            .render(&Brand::default())
            .unwrap();
        assert!(message.text.contains(words), "{}", message.text);
    }
}

#[test]
fn unknown_role_is_an_error() {
    let error = InviteEmail {
        role: "king",
        ..email()
    }
    .render(&Brand::default())
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no invite email for the role `king`"
    );
}

#[test]
fn both_bodies_have_every_fact() {
    let message = email().render(&Brand::default()).unwrap();
    for body in [&message.text, &message.html] {
        for words in [
            "“Ada Lovelace”",
            "ada@\u{200B}example.\u{200B}org",
            "“Acme Images”",
            "an admin",
            "billing emails",
            "8 December 2026, 14:05 UTC",
            "Ben@example.com",
            "ignore this email",
            LINK,
        ] {
            assert!(body.contains(words), "`{words}` is missing in {body}");
        }
    }
}

#[test]
fn links_lead_to_the_invite_and_to_the_opt_out() {
    let message = email().render(&Brand::default()).unwrap();
    assert_eq!(targets(&message.html), [LINK, LINK, OPT_OUT_PAGE]);
    assert!(message.html.contains(&format!(">{LINK}</a>")));
    assert_eq!(message.text.matches("://").count(), 2);
}

#[test]
fn link_in_the_text_has_its_own_line() {
    let message = email().render(&Brand::default()).unwrap();
    assert!(message.text.lines().any(|line| line == LINK));
}

#[test]
fn html_in_a_name_is_escaped() {
    let message = email_named("<script>alert(1)</script><a href='https://evil.example'>&amp;");
    assert!(!message.html.contains("<script"));
    assert!(
        message
            .html
            .contains("“&#60;script&#62;alert(1)&#60;/script&#62;&#60;a href=&#39;")
    );
    assert!(message.html.contains("&#38;amp;”"));
    assert_eq!(targets(&message.html), [LINK, LINK, OPT_OUT_PAGE]);
    assert!(message.text.contains(
        "“<script>alert(1)</script><a href='https:\u{200B}//evil.\u{200B}example'>&amp;”"
    ));
}

#[test]
fn html_in_an_address_or_link_is_escaped() {
    let email = InviteEmail {
        recipient: "\"<b>\"@example.com",
        link: "https://app.example.com/\"><script>",
        ..email()
    };
    let html = email.render(&Brand::default()).unwrap().html;
    assert!(!html.contains("<b>"), "{html}");
    assert!(!html.contains("<script>"), "{html}");
}

#[test]
fn name_with_a_line_break_starts_no_header() {
    let subject = email_named("Acme\r\nBcc: victim@example.com\r\n\r\nHello").subject;
    assert_eq!(
        subject,
        "“Acme Bcc: victim@\u{200B}example.\u{200B}com Hello” invited you to join “Acme Bcc: victim@\u{200B}example.\u{200B}com Hello”"
    );
}

#[test]
fn subject_has_no_control_or_bidi_characters() {
    let hostile: String = ('\0'..='\u{2069}')
        .filter(|c| !c.is_alphanumeric())
        .collect();
    for c in hostile.chars() {
        let subject = email_named(&format!("a{c}b")).subject;
        assert!(!subject.chars().any(char::is_control), "{subject:?}");
        assert!(
            !subject.contains(|c| matches!(c,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')),
            "{subject:?}"
        );
    }
}

#[test]
fn subject_with_a_long_name_is_short() {
    let subject = email_named(&"語".repeat(5_000)).subject;
    assert_eq!(subject.matches('…').count(), 2);
    assert!(subject.chars().count() < 160, "{subject}");
}

#[test]
fn name_with_line_breaks_adds_no_lines_to_the_text() {
    let lines = email()
        .render(&Brand::default())
        .unwrap()
        .text
        .lines()
        .count();
    for end in [
        "\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}",
    ] {
        let name = format!("Acme{end}{end}View invite:{end}https://evil.example");
        let text = email_named(&name).text;
        assert_eq!(text.lines().count(), lines, "{text}");
        assert!(
            text.contains("“Acme View invite: https:\u{200B}//evil.\u{200B}example”"),
            "{text}"
        );
    }
}

#[test]
fn recipient_with_line_breaks_adds_no_lines_to_the_text() {
    let email = InviteEmail {
        recipient: "ben@example.com\n\nhttps://evil.example",
        ..email()
    };
    let text = email.render(&Brand::default()).unwrap().text;
    assert!(
        text.contains("Sign in as ben@example.com https://evil.example to accept.\n"),
        "{text}"
    );
}

#[test]
fn name_with_bidi_characters_keeps_the_reading_direction() {
    let message = email_named("Acme\u{202e}\u{2067}elpmaxe.live");
    for part in [&message.subject, &message.text, &message.html] {
        assert!(part.contains("“Acmeelpmaxe.\u{200B}live”"), "{part}");
    }
}

#[test]
fn address_as_a_name_is_broken_in_every_part() {
    for (name, broken) in [
        (
            "https://evil.example",
            "“https:\u{200B}//evil.\u{200B}example”",
        ),
        ("www.evil.example", "“www.\u{200B}evil.\u{200B}example”"),
        ("ceo@evil.example", "“ceo@\u{200B}evil.\u{200B}example”"),
    ] {
        let message = email_named(name);
        for part in [&message.subject, &message.text, &message.html] {
            assert!(part.contains(broken), "{part}");
            assert!(!part.contains("evil.example"), "{part}");
        }
        assert_eq!(targets(&message.html), [LINK, LINK, OPT_OUT_PAGE]);
    }
}

#[test]
fn inviter_address_that_looks_like_a_page_is_broken() {
    let email = InviteEmail {
        inviter_email: Some("www.evil.example/x@mail.example"),
        ..email()
    };
    let message = email.render(&Brand::default()).unwrap();
    for body in [&message.text, &message.html] {
        assert!(!body.contains("evil.example"), "{body}");
        assert!(!body.contains("mail.example"), "{body}");
    }
}

#[test]
fn sentence_as_a_name_stays_within_its_quotation() {
    let name = "Acme” as an owner. Your account is locked, call “us";
    let text = email_named(name).text;
    let quoted = "“Acme' as an owner. Your account is locked, call 'us”";
    assert!(
        text.starts_with(&format!(
            "{quoted} (ada@\u{200B}example.\u{200B}org) invited you to join {quoted} as an admin.\n"
        )),
        "{text}"
    );
}

#[test]
fn template_code_in_a_name_stays_text() {
    let text = email_named("{{ words.link }}{% if %}").text;
    let name = "“{{ words.\u{200B}link }}{% if %}”";
    assert!(text.contains(name), "{text}");
}

#[test]
fn invisible_name_is_replaced() {
    let subject = email_named(" \u{200b}\u{3164} ").subject;
    assert_eq!(subject, "Someone invited you to join an organization");
}

fn pixelpress() -> Brand {
    let url = |text: &str| Some(brand::Url::parse(text).unwrap());
    Brand {
        product: Some(brand::ProductName::parse("Pixelpress <b>&").unwrap()),
        logo: url("https://cdn.pixelpress.example/logo.png"),
        accent: Some(brand::Color::parse("#ffcc00").unwrap()),
        home: url("https://pixelpress.example"),
        support: Some(brand::Support::parse("help@pixelpress.example").unwrap()),
        terms: url("https://pixelpress.example/terms"),
        privacy: url("https://pixelpress.example/privacy"),
        after_accept: None,
    }
}

#[test]
fn invite_has_the_brand_of_the_deployment() {
    let message = email().render(&pixelpress()).unwrap();
    assert_eq!(
        message.subject,
        "“Ada Lovelace” invited you to join “Acme Images” on Pixelpress <b>&"
    );
    for part in [
        "to join “Acme Images” on Pixelpress <b>& as an admin.",
        "Pixelpress <b>&: https://pixelpress.example\n",
        "Help: help@pixelpress.example\n",
        "Terms: https://pixelpress.example/terms\n",
    ] {
        assert!(message.text.contains(part), "{part}: {}", message.text);
    }
    for part in [
        "<img src=\"https://cdn.pixelpress.example/logo.png\" alt=\"Pixelpress &#60;b&#62;&#38;\"",
        "background: #ffcc00; border-radius: 8px; color: #000000",
        "href=\"mailto:help@pixelpress.example\"",
        "only the links below are ours",
    ] {
        assert!(message.html.contains(part), "{part}: {}", message.html);
    }
    assert!(!message.html.contains("<b>"), "{}", message.html);
}

#[test]
fn invite_without_a_brand_names_no_product() {
    let message = email().render(&Brand::default()).unwrap();
    assert!(!message.html.contains("<img"), "{}", message.html);
    assert!(
        message.text.ends_with("/opt-outs/token"),
        "{}",
        message.text
    );
}
