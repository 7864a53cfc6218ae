//! People as the identity provider describes them: their addresses, names and ids.

use serde_json::{Value, json};

use crate::{
    access,
    costs::{Cost, cost_of},
    harness::Fixture,
};

/// Puts records of a member's and of an invite's address in 600 organizations into the
/// table, as if the address was in all of them, now or earlier.
async fn elsewhere(fixture: &Fixture, email: &str) {
    let disabled = json!({"StreamSpecification": {"StreamEnabled": false}});
    fixture.world.dynamodb("UpdateTable", disabled).await;
    let records: Vec<Value> = (0..300)
        .flat_map(|n| {
            let id = |kind: u8| format!("0192{kind:04}-0000-7000-8000-{n:012}");
            let record = |kind: u8, sk: String, holder: Value| {
                json!({"PutRequest": {"Item": {
                    "pk": {"S": format!("EMAIL#{email}")},
                    "sk": {"S": sk},
                    "organization_id": {"S": id(kind)},
                    "invite_id": {"S": id(9)},
                    "email": {"S": email},
                    "ended_at": {"S": "2026-03-01T12:00:00Z"},
                    "holder": {"M": holder},
                    "version": {"N": "1"},
                }}})
            };
            let member = json!({"kind": {"S": "member"}, "user_id": {"S": "somebody"}});
            let ended = json!({
                "kind": {"S": "ended"},
                "invite_id": {"S": id(9)},
                "outcome": {"S": "cancelled"},
                "at": {"S": "2026-03-01T12:00:00Z"},
            });
            [
                record(1, format!("ORG#{}", id(1)), member),
                record(2, format!("ORG#{}", id(2)), ended),
                record(2, format!("ENDED_INVITE#{}", id(9)), json!({})),
            ]
        })
        .collect();
    for chunk in records.chunks(25) {
        let request = json!({"RequestItems": {"organizations": chunk}});
        fixture.world.dynamodb("BatchWriteItem", request).await;
    }
    fixture.world.wire.take();
}

#[tokio::test]
async fn invite_is_listed_first_in_600_other_organizations() {
    let fixture = Fixture::new().await;
    elsewhere(&fixture, "dana@example.com").await;
    let mine = fixture
        .dana
        .get("/v1/account/invites?limit=1")
        .await
        .expect("200");
    assert_eq!(mine["items"][0]["id"], fixture.invite_id, "{mine}");
    assert_eq!(mine["next_cursor"], Value::Null);
}

#[tokio::test]
async fn answer_costs_the_same_in_600_other_organizations() {
    for operation in ["list-my-invites", "accept-invite", "decline-invite"] {
        let alone = cost_of(access::access(operation), &Fixture::new().await).await;
        let fixture = Fixture::new().await;
        elsewhere(&fixture, "dana@example.com").await;
        let among_others = cost_of(access::access(operation), &fixture).await;
        assert_eq!(among_others, alone, "{operation}");
    }
}

#[tokio::test]
async fn unknown_invite_costs_two_reads_in_600_organizations() {
    let fixture = Fixture::new().await;
    elsewhere(&fixture, "dana@example.com").await;
    let unknown = "01930000-0000-7000-8000-00000000ffff";
    let reply = fixture.dana.accept(unknown).await;
    reply.expect("404 invite_not_found");
    let cost = Cost::of(&fixture.world.wire.take());
    assert_eq!((cost.rounds, cost.units), (2, 2.0));
}

#[tokio::test]
async fn invite_resent_by_another_member_can_be_accepted() {
    let fixture = Fixture::new().await;
    let resend = format!(
        "{}/invites/{}/resend",
        fixture.organization, fixture.invite_id
    );
    fixture.owner.post_empty(&resend).await.expect("200");
    fixture.dana.accept(&fixture.invite_id).await.expect("200");
}

#[tokio::test]
async fn earlier_invite_tells_its_outcome_after_a_newer_one() {
    let fixture = Fixture::new().await;
    let invite = format!("{}/invites/{}", fixture.organization, fixture.invite_id);
    fixture.creator.delete(&invite).await.expect("204");
    let newer = fixture
        .creator
        .invite(&fixture.organization, "dana@example.com", "user")
        .await;
    let refused = fixture.dana.accept(&fixture.invite_id).await;
    refused.expect("410 invite_cancelled");
    fixture.dana.accept(&newer).await.expect("200");
    let refused = fixture.dana.accept(&fixture.invite_id).await;
    refused.expect("410 invite_cancelled");
    fixture.dana.accept(&newer).await.expect("200");
}
