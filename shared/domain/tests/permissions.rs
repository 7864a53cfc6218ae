//! Every permission, written out in `docs/permissions.md` for people to read.
//!
//! The test below compares the page with what the code decides, for every
//! action, every role of who acts, every role of whom it is done to, creator
//! or not, oneself or not. To change a rule, change the code and run the test
//! with `UPDATE_DOCS=1`; what the change means then shows in the page's diff.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fmt::Write, fs, path::PathBuf};

use chrono::DateTime;
use domain::{Action, Caller, EmailAddress, Member, OrganizationId, Refusal, Role, UserId, permit};
use uuid::Uuid;

fn member(user_id: &str, role: Role, is_creator: bool) -> Member {
    Member {
        organization_id: OrganizationId::new(Uuid::from_u128(1)),
        user_id: UserId::parse(user_id).unwrap(),
        email: EmailAddress::parse("somebody@example.com").unwrap(),
        name: None,
        role,
        receives_billing_emails: true,
        is_creator,
        joined_at: DateTime::UNIX_EPOCH,
        version: 1,
    }
}

/// Everybody there can be: the creator is an owner always.
const PEOPLE: [(&str, Role, bool); 4] = [
    ("the creator", Role::Owner, true),
    ("an owner", Role::Owner, false),
    ("an admin", Role::Admin, false),
    ("a user", Role::User, false),
];

fn people(prefix: &str) -> Vec<(&'static str, Member)> {
    PEOPLE
        .into_iter()
        .enumerate()
        .map(|(n, (name, role, is_creator))| {
            (name, member(&format!("{prefix}{n}"), role, is_creator))
        })
        .collect()
}

fn decide(actor: &Member, action: Action<'_>) -> Result<(), Refusal> {
    permit(&Caller::Member(actor.clone()), action)
}

fn cell(decision: Result<(), Refusal>) -> String {
    match decision {
        Ok(()) => "yes".to_owned(),
        Err(refusal) => format!("no: {refusal}"),
    }
}

fn row(page: &mut String, name: &str, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    writeln!(page, "| {name} | {} |", cells.join(" | ")).unwrap();
}

fn head(page: &mut String, names: &[&str]) {
    writeln!(page, "| {} |", names.join(" | ")).unwrap();
    writeln!(page, "|{}", " --- |".repeat(names.len())).unwrap();
}

fn page() -> String {
    let mut page = "# Who may do what\n\n\
        Made from the code by `shared/domain/tests/permissions.rs`, which fails when the two differ.\n\n\
        The creator is an owner for good. There is one creator, so what a creator may do to another\n\
        creator does not come up. Whoever is not a member may do nothing, and is told that there is\n\
        no such organization.\n"
        .to_owned();
    let actors = people("actor");

    writeln!(page, "\n## In the organization\n").unwrap();
    head(
        &mut page,
        &["may …", "the creator", "an owner", "an admin", "a user"],
    );
    let mut actions = vec![
        ("see everything but secrets".to_owned(), Action::View),
        (
            "create images with the API keys".to_owned(),
            Action::CreateImages,
        ),
        (
            "rename it, change its metadata".to_owned(),
            Action::UpdateOrganization,
        ),
        ("delete it".to_owned(), Action::DeleteOrganization),
        (
            "see plan, billing period and usage".to_owned(),
            Action::View,
        ),
        (
            "see what stands on invoices".to_owned(),
            Action::ManageBilling,
        ),
        (
            "manage billing: change plan and what stands on invoices".to_owned(),
            Action::ManageBilling,
        ),
        (
            "create, rotate, revoke API keys".to_owned(),
            Action::ManageApiKeys,
        ),
        ("read the audit log".to_owned(), Action::ViewAuditLog),
    ];
    for role in Role::ALL {
        actions.push((format!("invite somebody as {role}"), Action::Invite(role)));
    }
    for from in Role::ALL {
        for to in Role::ALL {
            let what = if from == to {
                format!("change the billing emails of a pending {from} invite")
            } else {
                format!("change a pending {from} invite to {to}")
            };
            actions.push((what, Action::UpdateInvite { from, to }));
        }
    }
    for role in Role::ALL {
        actions.push((
            format!("cancel a pending {role} invite"),
            Action::CancelInvite(role),
        ));
    }
    for role in Role::ALL {
        actions.push((
            format!("resend a pending {role} invite"),
            Action::ResendInvite(role),
        ));
    }
    for (what, action) in actions {
        row(
            &mut page,
            &what,
            actors.iter().map(|(_, actor)| cell(decide(actor, action))),
        );
    }

    // Which operations let an API key in, a test of the whole system compares.
    writeln!(
        page,
        "\n## What an API key may do\n\n\
         A key stands for the organization, whoever made it, and has no role.\n\n\
         | may … | an API key |\n\
         | --- | --- |\n\
         | use the organization's credits: `record-usage` | yes |\n\
         | see the organization's usage: `get-usage` | yes |\n\
         | do anything else | no |"
    )
    .unwrap();

    for (name, actor) in &actors {
        writeln!(page, "\n## What {name} may do with members\n").unwrap();
        head(
            &mut page,
            &[
                "with …",
                "make them a user",
                "make them an admin",
                "make them an owner",
                "turn billing emails on",
                "turn billing emails off",
                "remove them (oneself: leave)",
            ],
        );
        let mut targets = people("target");
        if actor.is_creator {
            targets.retain(|(_, target)| !target.is_creator);
        }
        targets.push(("themselves", actor.clone()));
        for (whom, target) in &targets {
            let roles = Role::ALL.map(|to| Action::ChangeRole { of: target, to });
            let billing = [true, false].map(|to| Action::SetBillingEmails { of: target, to });
            let all = roles
                .into_iter()
                .chain(billing)
                .chain([Action::RemoveMember(target)]);
            row(
                &mut page,
                whom,
                all.map(|action| cell(decide(actor, action))),
            );
        }
    }
    page
}

#[test]
fn the_page_of_permissions_says_what_the_code_decides() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/permissions.md is out of date: read the change, then run this test with UPDATE_DOCS=1"
    );
}

#[test]
fn nothing_that_anybody_does_takes_power_from_the_creator() {
    let creator = member("creator", Role::Owner, true);
    for (name, actor) in people("actor") {
        for to in Role::ALL {
            let change = Action::ChangeRole { of: &creator, to };
            assert!(
                decide(&actor, change).is_err(),
                "{name} makes the creator {to}"
            );
        }
        assert!(
            decide(&actor, Action::RemoveMember(&creator)).is_err(),
            "{name} removes the creator"
        );
        let unbill = Action::SetBillingEmails {
            of: &creator,
            to: false,
        };
        assert!(
            decide(&actor, unbill).is_err(),
            "{name} unbills the creator"
        );
    }
    assert!(
        decide(&creator, Action::RemoveMember(&creator)).is_err(),
        "the creator leaves"
    );
}

#[test]
fn nobody_gives_a_role_above_their_own() {
    for (name, actor) in people("actor") {
        for (whom, target) in people("target")
            .into_iter()
            .chain([("themselves", actor.clone())])
        {
            for to in Role::ALL.into_iter().filter(|to| *to > actor.role) {
                let change = Action::ChangeRole { of: &target, to };
                assert!(decide(&actor, change).is_err(), "{name} makes {whom} {to}");
                assert!(
                    decide(&actor, Action::Invite(to)).is_err(),
                    "{name} invites {to}"
                );
            }
        }
    }
}
