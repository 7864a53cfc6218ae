//! The limits on emails and on organizations, as somebody who abuses them meets them.

use chrono::TimeDelta;
use functions::{EmailLimits, Limits, OrganizationLimits};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    harness::{Fixture, Reply, Session, World},
    invariants,
};

async fn invite(by: &Session, organization: &str, email: &str) -> Reply {
    let input = json!({"email": email, "role": "user"});
    by.post(&format!("{organization}/invites"), input).await
}

/// Invites an address, and cancels the invite after its email has left.
async fn invite_and_cancel(world: &World, by: &Session, organization: &str, email: &str) -> Reply {
    let reply = invite(by, organization, email).await;
    world.drain().await;
    if let Some(id) = reply.body["id"].as_str().filter(|_| reply.status == 201) {
        let path = format!("{organization}/invites/{id}");
        by.delete(&path).await.expect("204");
    }
    reply
}

/// Returns how many emails have left to addresses that begin so.
pub async fn emails_to(world: &World, start: &str) -> usize {
    world.drain().await;
    let emails = world.stack.emails();
    let to = |email: &&local::CaughtEmail| email.to.iter().any(|to| to.starts_with(start));
    emails.iter().filter(to).count()
}

/// Runs requests at the same time, and returns how many were answered 201. Every other one
/// was refused by this code.
async fn succeeded(
    requests: Vec<impl Future<Output = Reply> + Send + 'static>,
    refused: &str,
) -> usize {
    let replies = requests
        .into_iter()
        .collect::<JoinSet<_>>()
        .join_all()
        .await;
    let mut created = 0;
    for reply in replies {
        if reply.status == 201 {
            created += 1;
        } else {
            assert_eq!(reply.outcome(), refused, "{}", reply.body);
        }
    }
    created
}

#[tokio::test]
async fn invite_and_cancel_loop_sends_three_emails_a_day() {
    let world = World::start().await;
    let mallory = world.sign_in("mallory@evil.example");
    let acme = mallory.create_organization("Acme").await;
    for _ in 0..40 {
        invite_and_cancel(&world, &mallory, &acme, "victim@example.com").await;
        world.clock.advance(TimeDelta::milliseconds(750));
    }
    assert_eq!(emails_to(&world, "victim").await, 1);
    for _ in 0..100 {
        invite_and_cancel(&world, &mallory, &acme, "victim@example.com").await;
        world.clock.advance(TimeDelta::minutes(5));
        world.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(emails_to(&world, "victim").await, 3);
}

#[tokio::test]
async fn tags_and_organizations_do_not_multiply_a_recipient() {
    let world = World::start().await;
    let mallory = world.sign_in("mallory@evil.example");
    for n in 0..5 {
        let organization = mallory.create_organization(&format!("Number {n}")).await;
        for tag in 0..20 {
            let email = format!("victim+{n}x{tag}@example.com");
            invite(&mallory, &organization, &email).await;
        }
    }
    assert_eq!(emails_to(&world, "victim+").await, 3);
}

/// The attack that once sent 1,800 emails: 18 organizations with 100 strangers each.
#[tokio::test]
async fn one_account_sends_at_most_500_emails_a_day() {
    let world = World::start().await;
    let mallory = world.sign_in("mallory@evil.example");
    let mut organizations = 0;
    for n in 0..18 {
        let name = json!({ "name": format!("Number {n}") });
        let created = mallory.post("/v1/organizations", name).await;
        if created.status != 201 {
            created.expect("429 organization_limit_reached");
            continue;
        }
        organizations += 1;
        let id = created.body["id"].as_str().unwrap();
        let path = format!("/v1/organizations/{id}");
        for stranger in 0..52 {
            invite(&mallory, &path, &format!("s{stranger}@number{n}.example")).await;
        }
    }
    assert_eq!(organizations, 10);
    assert_eq!(emails_to(&world, "s").await, 500);
}

#[tokio::test]
async fn refusals_say_the_limit_and_the_wait_in_words() {
    let limits = Limits {
        emails: EmailLimits {
            new_organization_per_day: 5,
            address: 2,
            recipient_per_day: 3,
            ..EmailLimits::default()
        },
        ..Limits::default()
    };
    let world = World::start_with_limits(limits).await;
    let ada = world.sign_in("ada@example.com");
    let acme = ada.create_organization("Acme").await;
    let refused = |reply: Reply, words: &str, wait: &str| {
        assert_eq!(reply.headers["retry-after"], wait, "{}", reply.body);
        assert_eq!(reply.refused("429 email_limit_reached"), words);
    };
    invite_and_cancel(&world, &ada, &acme, "dana@example.com")
        .await
        .expect("201");
    world.clock.advance(TimeDelta::seconds(20));
    refused(
        invite(&ada, &acme, "dana@example.com").await,
        "the last invite email to `d…@example.com` was sent less than 60 seconds ago; wait a moment",
        "40",
    );
    world.clock.advance(TimeDelta::seconds(40));
    let id = ada.invite(&acme, "dana@example.com", "user").await;
    world.clock.advance(TimeDelta::minutes(1));
    refused(
        ada.post_empty(&format!("{acme}/invites/{id}/resend")).await,
        "an organization can send at most 2 invite emails to `d…@example.com` in 14 days; \
         try again later",
        &(14 * 86_400 - 120).to_string(),
    );
    let olga = world.sign_in("olga@example.com");
    let other = olga.create_organization("Other").await;
    invite(&olga, &other, "dana@example.com")
        .await
        .expect("201");
    let third = olga.create_organization("Third").await;
    refused(
        invite(&olga, &third, "dana@example.com").await,
        "`d…@example.com` cannot receive more invite emails at the moment; try again later",
        &(86_400 - 120).to_string(),
    );
    for n in 0..3 {
        ada.invite(&acme, &format!("guest{n}@example.com"), "user")
            .await;
    }
    refused(
        invite(&ada, &acme, "last@example.com").await,
        "an organization can send at most 5 invite emails a day; try again tomorrow",
        &(12 * 3600 - 120).to_string(),
    );
    invariants::hold(&world).await;
}

#[tokio::test]
async fn resent_invite_counts_like_a_new_one() {
    let limits = Limits {
        emails: EmailLimits {
            new_organization_per_day: 2,
            ..EmailLimits::default()
        },
        ..Limits::default()
    };
    let world = World::start_with_limits(limits).await;
    let ada = world.sign_in("ada@example.com");
    let acme = ada.create_organization("Acme").await;
    let id = ada.invite(&acme, "dana@example.com", "user").await;
    world.drain().await;
    world.clock.advance(TimeDelta::minutes(1));
    let resend = format!("{acme}/invites/{id}/resend");
    ada.post_empty(&resend).await.expect("200");
    world.drain().await;
    world.clock.advance(TimeDelta::minutes(1));
    ada.post_empty(&resend)
        .await
        .expect("429 email_limit_reached");
    invite(&ada, &acme, "new@example.com")
        .await
        .expect("429 email_limit_reached");
    world.clock.advance(TimeDelta::days(1));
    let ada = world.sign_in("ada@example.com");
    ada.post_empty(&resend).await.expect("200");
    assert_eq!(emails_to(&world, "dana").await, 3);
}

#[tokio::test]
async fn removed_member_is_still_the_same_recipient() {
    let fixture = Fixture::new().await;
    for _ in 0..2 {
        let path = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
        fixture.creator.delete(&path).await.expect("200");
        fixture
            .creator
            .add_member(&fixture.organization, &fixture.user, "user")
            .await;
        fixture.world.clock.advance(TimeDelta::minutes(2));
    }
    let path = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    fixture.creator.delete(&path).await.expect("200");
    invite(&fixture.creator, &fixture.organization, &fixture.user.email)
        .await
        .expect("429 email_limit_reached");
}

#[tokio::test]
async fn twenty_invites_at_once_stop_at_the_days_limit() {
    let limits = Limits {
        emails: EmailLimits {
            new_organization_per_day: 7,
            ..EmailLimits::default()
        },
        ..Limits::default()
    };
    let world = World::start_with_limits(limits).await;
    let ada = world.sign_in("ada@example.com");
    let acme = ada.create_organization("Acme").await;
    let requests = (0..20).map(|n| {
        let (ada, acme) = (ada.clone(), acme.clone());
        async move { invite(&ada, &acme, &format!("guest{n}@example.com")).await }
    });
    let created = succeeded(requests.collect(), "429 email_limit_reached").await;
    assert_eq!(created, 7);
    invariants::hold(&world).await;
}

#[tokio::test]
async fn twenty_organizations_at_once_send_three_emails_to_one() {
    let limits = Limits {
        organizations: OrganizationLimits::NONE,
        ..Limits::default()
    };
    let world = World::start_with_limits(limits).await;
    let ada = world.sign_in("ada@example.com");
    let mut requests = Vec::new();
    for n in 0..20 {
        let organization = ada.create_organization(&format!("Number {n}")).await;
        let ada = ada.clone();
        requests.push(async move { invite(&ada, &organization, "dana@example.com").await });
    }
    let created = succeeded(requests, "429 email_limit_reached").await;
    assert_eq!(created, 3);
    assert_eq!(emails_to(&world, "dana").await, 3);
    invariants::hold(&world).await;
}

#[tokio::test]
async fn twenty_creations_at_once_make_ten_organizations() {
    let world = World::start().await;
    let sten = world.sign_in("sten@example.com");
    let requests = (0..20).map(|n| {
        let sten = sten.clone();
        let name = json!({ "name": format!("Number {n}") });
        async move { sten.post("/v1/organizations", name).await }
    });
    let created = succeeded(requests.collect(), "429 organization_limit_reached").await;
    assert_eq!(created, 10);
    invariants::hold(&world).await;
}

#[tokio::test]
async fn refused_creation_says_the_limit_and_the_wait() {
    let world = World::start().await;
    let sten = world.sign_in("sten@example.com");
    for n in 0..10 {
        sten.create_organization(&format!("Number {n}")).await;
    }
    let name = json!({ "name": "One more" });
    let refused = sten.post("/v1/organizations", name).await;
    assert_eq!(refused.headers["retry-after"], "43200");
    assert_eq!(
        refused.refused("429 organization_limit_reached"),
        "a person can create at most 10 organizations a day; try again tomorrow"
    );
}

#[tokio::test]
async fn switching_keeps_the_count_of_created_organizations() {
    let fixture = Fixture::new().await;
    let sten = &fixture.stranger;
    let mine = sten.create_organization("Mine").await;
    sten.create_organization("Also mine").await;
    let id = mine.rsplit('/').next().unwrap();
    sten.put(
        "/v1/account/current-organization",
        json!({ "organization_id": id }),
    )
    .await
    .expect("200");
    fixture
        .creator
        .add_member(&fixture.organization, sten, "user")
        .await;
    let key = json!({"pk": {"S": format!("USER#{}", sten.user_id)}, "sk": {"S": "ACCOUNT"}});
    let item = fixture
        .world
        .dynamodb("GetItem", json!({ "Key": key }))
        .await;
    assert_eq!(item["Item"]["created"]["M"]["total"]["N"], "2");
    let current: &Value = &item["Item"]["current_organization_id"]["S"];
    assert_eq!(current, fixture.organization_id());
}

#[tokio::test]
async fn record_of_a_recipient_names_nobody_and_is_forgotten() {
    let world = World::start().await;
    let ada = world.sign_in("ada@example.com");
    let acme = ada.create_organization("Acme").await;
    ada.invite(&acme, "dana@example.com", "user").await;
    let recipients = async || {
        let items = world.items().await.into_iter();
        let of_recipients = |item: &Value| item["sk"]["S"] == "RECIPIENT";
        items.filter(of_recipients).collect::<Vec<_>>()
    };
    let found = recipients().await;
    assert_eq!(found.len(), 1);
    assert!(!found[0].to_string().contains("dana"), "{}", found[0]);
    world
        .clock
        .advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    world.stack.sweep_ttl().unwrap();
    assert!(recipients().await.is_empty());
}

/// The figure is in "Against abuse" of `docs/operations.md`.
#[tokio::test]
async fn refused_invite_reads_four_units_and_writes_nothing() {
    let fixture = Fixture::new().await;
    let (world, owner) = (&fixture.world, &fixture.owner);
    let first = invite_and_cancel(world, owner, &fixture.organization, "new@example.com").await;
    first.expect("201");
    fixture.world.wire.take();
    let reply = invite(owner, &fixture.organization, "new@example.com").await;
    reply.expect("429 email_limit_reached");
    let read = fixture.world.wire.take();
    let units: f64 = read.iter().map(|exchange| exchange.capacity).sum();
    assert_eq!((read.len(), units), (1, 4.0));
}
