//! Every permission, written out in `docs/permissions.md` for people to read.
//!
//! The test below compares the page with the decisions of the code: for every
//! action, every role of the caller and of the target, creator or not, oneself
//! or not. To change a rule, change the code and run the test with
//! `UPDATE_DOCS=1`; the page's diff then shows the effect of the change.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fmt::Write, fs, path::PathBuf};

use chrono::DateTime;
use domain::{
    Action, Caller, EmailAddress, Member, OrganizationId, Refusal, Role, Server, UserId, permit,
};
use uuid::Uuid;

fn member(user_id: &str, role: Role, is_creator: bool) -> Member {
    Member {
        organization_id: OrganizationId::new(Uuid::from_u128(1)),
        user_id: UserId::parse(user_id).unwrap(),
        email: EmailAddress::parse("somebody@example.com").unwrap(),
        name: None,
        role,
        receives_billing_emails: true,
        billing_emails_stopped: None,
        is_creator,
        joined_at: DateTime::UNIX_EPOCH,
        profile_at: None,
        last_event_id: None,
        version: 1,
    }
}

/// All kinds of members: the creator is always an owner.
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

fn server() -> Caller {
    Caller::Server(Server {
        organization_id: OrganizationId::new(Uuid::from_u128(1)),
        on_behalf_of: None,
    })
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
    let mut page = "# Permissions\n\n\
        Generated from the code by `shared/domain/tests/permissions.rs`, which fails if this page is\n\
        out of date.\n\n\
        The creator always stays an owner, and an organization has one creator. Non-members may do\n\
        nothing: they get 404 for an organization and everything in it.\n"
        .to_owned();
    let actors = people("actor");

    writeln!(page, "\n## Permissions in the organization\n").unwrap();
    head(
        &mut page,
        &[
            "action",
            "the creator",
            "an owner",
            "an admin",
            "a user",
            "the server",
        ],
    );
    let mut actions = vec![
        ("view everything except secrets".to_owned(), Action::View),
        (
            "create images with the API keys".to_owned(),
            Action::CreateImages,
        ),
        (
            "rename the organization, change its metadata".to_owned(),
            Action::UpdateOrganization,
        ),
        (
            "delete the organization".to_owned(),
            Action::DeleteOrganization,
        ),
        (
            "hand the creator's place to another owner".to_owned(),
            Action::HandOver,
        ),
        (
            "view plan, billing period and usage".to_owned(),
            Action::View,
        ),
        ("view billing details".to_owned(), Action::ManageBilling),
        (
            "manage billing: change the plan and billing details".to_owned(),
            Action::ManageBilling,
        ),
        (
            "create, rotate and revoke API keys".to_owned(),
            Action::ManageApiKeys,
        ),
        ("read the audit log".to_owned(), Action::ViewAuditLog),
    ];
    for role in Role::ALL {
        actions.push((format!("invite a person as {role}"), Action::Invite(role)));
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
            actors
                .iter()
                .map(|(_, actor)| cell(decide(actor, action)))
                .chain([cell(permit(&server(), action))]),
        );
    }

    // A test of the whole system compares the operations that accept an API key.
    writeln!(
        page,
        "\n## What an API key may do\n\n\
         An API key acts for the organization, not for the member who created it, and has no role.\n\n\
         | action | an API key |\n\
         | --- | --- |\n\
         | view itself, its organization and the credits left: `get-api-key` | yes |\n\
         | use the organization's credits: `record-usage` | with the scope `usage:write` |\n\
         | give credits back: `refund-usage` | with the scope `usage:write` |\n\
         | view the organization's usage: `get-usage` | with the scope `usage:read` |\n\
         | everything else | no |"
    )
    .unwrap();

    let callers = actors
        .iter()
        .map(|(name, actor)| (*name, Caller::Member(actor.clone())))
        .chain([("the server", server())]);
    for (name, caller) in callers {
        writeln!(page, "\n## Permissions of {name} on members\n").unwrap();
        head(
            &mut page,
            &[
                "member",
                "change role to user",
                "change role to admin",
                "change role to owner",
                "turn billing emails on",
                "turn billing emails off",
                "remove (oneself: leave)",
            ],
        );
        let mut targets = people("target");
        if let Caller::Member(actor) = &caller {
            if actor.is_creator {
                targets.retain(|(_, target)| !target.is_creator);
            }
            targets.push(("themselves", actor.clone()));
        }
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
                all.map(|action| cell(permit(&caller, action))),
            );
        }
    }
    page
}

#[test]
fn permissions_page_matches_the_code() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/permissions.md is out of date: review the change, then run this test with UPDATE_DOCS=1"
    );
}

#[test]
fn creator_cannot_be_demoted_removed_or_unbilled() {
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
fn caller_cannot_grant_a_role_above_their_own() {
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
