//! Two requests at once: with the interleaving forced (one is held between its
//! decision and its commit while the other runs through), and with real
//! concurrency.

use std::future::Future;

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::{Fixture, Reply, Session, World},
    invariants,
    wire::Fault,
};

/// The first request decides; the second runs through; the first commits.
pub async fn interleave(
    world: &World,
    first: impl Future<Output = Reply> + Send + 'static,
    second: impl Future<Output = Reply>,
) -> (String, String) {
    let mut held = world.wire.hold("TransactWriteItems");
    let first = tokio::spawn(first);
    held.arrived().await;
    let second = second.await;
    held.release();
    let first = first.await.unwrap();
    invariants::hold(world).await;
    (first.outcome(), second.outcome())
}

pub fn request(
    session: &Session,
    method: Method,
    path: String,
    body: Option<serde_json::Value>,
) -> impl Future<Output = Reply> + Send + 'static {
    let session = session.clone();
    async move { session.send(method, &path, body).await }
}

fn accept(session: &Session, invite_id: &str) -> impl Future<Output = Reply> + Send + 'static {
    request(
        session,
        Method::POST,
        format!("/v1/account/invites/{invite_id}/accept"),
        None,
    )
}

impl Fixture {
    fn accepting(&self) -> impl Future<Output = Reply> + Send + 'static {
        accept(&self.dana, &self.invite_id)
    }

    fn cancelling(&self) -> impl Future<Output = Reply> + Send + 'static {
        let path = format!("{}/invites/{}", self.organization, self.invite_id);
        request(&self.admin, Method::DELETE, path, None)
    }

    fn making_it_admin(&self) -> impl Future<Output = Reply> + Send + 'static {
        let path = format!("{}/invites/{}", self.organization, self.invite_id);
        request(
            &self.owner,
            Method::PATCH,
            path,
            Some(json!({"role": "admin"})),
        )
    }

    fn inviting(&self, who: &Session, email: &str) -> impl Future<Output = Reply> + Send + 'static {
        let path = format!("{}/invites", self.organization);
        request(
            who,
            Method::POST,
            path,
            Some(json!({"email": email, "role": "user"})),
        )
    }

    pub fn giving_role(
        &self,
        who: &Session,
        whom: &Session,
        role: &str,
    ) -> impl Future<Output = Reply> + Send + 'static {
        let path = format!("{}/members/{}", self.organization, whom.user_id);
        request(who, Method::PATCH, path, Some(json!({"role": role})))
    }

    pub fn removing(
        &self,
        who: &Session,
        whom: &Session,
    ) -> impl Future<Output = Reply> + Send + 'static {
        let path = format!("{}/members/{}", self.organization, whom.user_id);
        request(who, Method::DELETE, path, None)
    }

    fn changing_the_plan(
        &self,
        who: &Session,
        plan: &str,
    ) -> impl Future<Output = Reply> + Send + 'static {
        request(
            who,
            Method::PATCH,
            self.billing(),
            Some(json!({"plan": plan})),
        )
    }

    async fn danas_role(&self) -> Option<String> {
        let account = self.dana.get(&self.organization).await;
        account.body["role"].as_str().map(str::to_owned)
    }
}

#[track_caller]
pub fn assert_outcomes(outcomes: (String, String), first: &str, second: &str) {
    assert_eq!((outcomes.0.as_str(), outcomes.1.as_str()), (first, second));
}

#[tokio::test]
async fn two_accepts_at_once_make_one_member() {
    let fixture = Fixture::new().await;
    let outcomes = interleave(&fixture.world, fixture.accepting(), fixture.accepting()).await;
    assert_outcomes(outcomes, "200", "200");
}

#[tokio::test]
async fn invite_to_a_shared_address_admits_one_person() {
    let fixture = Fixture::new().await;
    let twin = fixture.world.sign_in_as(local::SignIn {
        user_id: "another-dana".into(),
        ..local::SignIn::with_email("dana@example.com")
    });
    let outcomes = interleave(
        &fixture.world,
        fixture.accepting(),
        accept(&twin, &fixture.invite_id),
    )
    .await;
    assert_outcomes(outcomes, "410 invite_accepted", "200");
    assert_eq!(fixture.danas_role().await, None);
}

#[tokio::test]
async fn invite_cancelled_during_accept_is_cancelled() {
    let fixture = Fixture::new().await;
    let outcomes = interleave(&fixture.world, fixture.accepting(), fixture.cancelling()).await;
    assert_outcomes(outcomes, "410 invite_cancelled", "204");
    assert_eq!(fixture.danas_role().await, None);
}

#[tokio::test]
async fn invite_accepted_during_cancel_is_accepted() {
    let fixture = Fixture::new().await;
    let outcomes = interleave(&fixture.world, fixture.cancelling(), fixture.accepting()).await;
    assert_outcomes(outcomes, "410 invite_accepted", "200");
    assert_eq!(fixture.danas_role().await.as_deref(), Some("user"));
}

#[tokio::test]
async fn accept_during_update_gives_the_role_at_that_instant() {
    let fixture = Fixture::new().await;
    let outcomes = interleave(
        &fixture.world,
        fixture.accepting(),
        fixture.making_it_admin(),
    )
    .await;
    assert_outcomes(outcomes, "200", "200");
    assert_eq!(fixture.danas_role().await.as_deref(), Some("admin"));

    let fixture = Fixture::new().await;
    let outcomes = interleave(
        &fixture.world,
        fixture.making_it_admin(),
        fixture.accepting(),
    )
    .await;
    assert_outcomes(outcomes, "410 invite_accepted", "200");
    assert_eq!(fixture.danas_role().await.as_deref(), Some("user"));
}

#[tokio::test]
async fn address_invited_twice_at_once_has_one_invite() {
    let fixture = Fixture::new().await;
    let (owner, admin) = (fixture.owner.clone(), fixture.admin.clone());
    let outcomes = interleave(
        &fixture.world,
        fixture.inviting(&owner, "new@example.com"),
        fixture.inviting(&admin, "NEW@example.com"),
    )
    .await;
    assert_outcomes(outcomes, "409 invite_outstanding", "201");
}

#[tokio::test]
async fn inviter_demoted_during_the_request_is_refused() {
    let fixture = Fixture::new().await;
    let inviting = fixture.inviting(&fixture.admin, "new@example.com");
    let outcomes = interleave(
        &fixture.world,
        inviting,
        fixture.giving_role(&fixture.owner, &fixture.admin, "user"),
    )
    .await;
    assert_outcomes(outcomes, "403 owner_or_admin_required", "200");

    let fixture = Fixture::new().await;
    let demoting = fixture.giving_role(&fixture.owner, &fixture.admin, "user");
    let outcomes = interleave(
        &fixture.world,
        demoting,
        fixture.inviting(&fixture.admin, "new@example.com"),
    )
    .await;
    assert_outcomes(outcomes, "200", "201");
}

/// The version of a membership that begins again is that of the earlier one, so the
/// transaction of the removed admin met what it expected.
#[tokio::test]
async fn member_who_joins_again_has_lost_the_earlier_authority() {
    let fixture = Fixture::new().await;
    let wire = &fixture.world.wire;
    let mut held = wire.hold("TransactWriteItems");
    let inviting = tokio::spawn(fixture.inviting(&fixture.admin, "new@example.com"));
    held.arrived().await;
    let removing = fixture.removing(&fixture.owner, &fixture.admin);
    removing.await.expect("200");
    fixture.world.clock.advance(chrono::TimeDelta::seconds(1));
    let owner = &fixture.owner;
    owner
        .add_member(&fixture.organization, &fixture.admin, "user")
        .await;
    // Another transaction was writing one of the items: the held one is sent again.
    let conflict = Fault::Cancelled(&["TransactionConflict"]);
    wire.fail_action("TransactWriteItems", 0, 1, conflict);
    held.release();
    let invited = inviting.await.unwrap();
    invited.expect("403 owner_or_admin_required");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn admin_demoted_during_plan_change_is_refused() {
    let fixture = Fixture::new().await;
    let outcomes = interleave(
        &fixture.world,
        fixture.changing_the_plan(&fixture.admin, "basic"),
        fixture.giving_role(&fixture.owner, &fixture.admin, "user"),
    )
    .await;
    assert_outcomes(outcomes, "403 owner_or_admin_required", "200");
    let seen = fixture.owner.get(&fixture.billing()).await.expect("200");
    assert_eq!(seen["plan"]["id"], "free");
}

#[tokio::test]
async fn plan_changes_at_once_follow_each_other() {
    let fixture = Fixture::new().await;
    let outcomes = interleave(
        &fixture.world,
        fixture.changing_the_plan(&fixture.admin, "basic"),
        fixture.changing_the_plan(&fixture.owner, "pro"),
    )
    .await;
    assert_outcomes(outcomes, "200", "200");
    let seen = fixture.owner.get(&fixture.billing()).await.expect("200");
    assert_eq!(seen["plan"]["id"], "basic");
}

#[tokio::test]
async fn invite_whose_inviter_leaves_during_accept_is_refused() {
    let fixture = Fixture::new().await;
    let invite_id = fixture
        .admin
        .invite(&fixture.organization, "fred@example.com", "user")
        .await;
    let fred = fixture.world.sign_in("fred@example.com");
    let outcomes = interleave(
        &fixture.world,
        accept(&fred, &invite_id),
        fixture.removing(&fixture.owner, &fixture.admin),
    )
    .await;
    assert_outcomes(outcomes, "409 invite_needs_resend", "200");

    let fixture = Fixture::new().await;
    let invite_id = fixture
        .admin
        .invite(&fixture.organization, "fred@example.com", "user")
        .await;
    let fred = fixture.world.sign_in("fred@example.com");
    let outcomes = interleave(
        &fixture.world,
        fixture.removing(&fixture.owner, &fixture.admin),
        accept(&fred, &invite_id),
    )
    .await;
    assert_outcomes(outcomes, "200", "200");
}

/// Accepting reads twice. What changes between the two reads must not be taken
/// for a refusal: here the invite passes to another inviter, or is accepted by
/// the same person.
#[tokio::test]
async fn invite_changed_between_two_reads_is_read_again() {
    let fixture = Fixture::new().await;
    let mut held = fixture.world.wire.hold("BatchGetItem");
    let accepting = tokio::spawn(fixture.accepting());
    held.arrived().await;
    assert_eq!(fixture.making_it_admin().await.outcome(), "200");
    held.release();
    assert_eq!(accepting.await.unwrap().outcome(), "200");
    assert_eq!(fixture.danas_role().await.as_deref(), Some("admin"));
    invariants::hold(&fixture.world).await;

    let fixture = Fixture::new().await;
    let mut held = fixture.world.wire.hold("BatchGetItem");
    let accepting = tokio::spawn(fixture.accepting());
    held.arrived().await;
    assert_eq!(fixture.accepting().await.outcome(), "200");
    held.release();
    assert_eq!(accepting.await.unwrap().outcome(), "200");
    invariants::hold(&fixture.world).await;
}

#[tokio::test]
async fn owners_demoting_each_other_at_once_leave_one() {
    let fixture = Fixture::new().await;
    let second = fixture.world.sign_in("second@example.com");
    fixture
        .creator
        .add_member(&fixture.organization, &second, "owner")
        .await;
    let outcomes = interleave(
        &fixture.world,
        fixture.giving_role(&fixture.owner, &second, "user"),
        fixture.giving_role(&second, &fixture.owner, "user"),
    )
    .await;
    assert_outcomes(outcomes, "403 owner_or_admin_required", "200");
}

#[tokio::test]
async fn member_removed_during_promotion_is_removed() {
    let fixture = Fixture::new().await;
    let promoting = fixture.giving_role(&fixture.owner, &fixture.user, "admin");
    let outcomes = interleave(
        &fixture.world,
        promoting,
        fixture.removing(&fixture.admin, &fixture.user),
    )
    .await;
    assert_outcomes(outcomes, "404 member_not_found", "200");
}

#[tokio::test]
async fn hundredth_invite_is_created_once() {
    let fixture = Fixture::without_limits().await;
    for n in 0..98 {
        fixture
            .creator
            .invite(
                &fixture.organization,
                &format!("guest{n}@example.com"),
                "user",
            )
            .await;
    }
    let outcomes = interleave(
        &fixture.world,
        fixture.inviting(&fixture.owner, "one@example.com"),
        fixture.inviting(&fixture.admin, "other@example.com"),
    )
    .await;
    assert_outcomes(outcomes, "409 too_many_invites", "201");
}

/// Both at once, many times over: whichever way they meet, the table is sound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_keep_the_invariants() {
    for round in 0..6 {
        let fixture = Fixture::new().await;
        let second = fixture.world.sign_in("second@example.com");
        fixture
            .creator
            .add_member(&fixture.organization, &second, "owner")
            .await;
        let invite_id = fixture
            .admin
            .invite(&fixture.organization, "fred@example.com", "user")
            .await;
        let fred = fixture.world.sign_in("fred@example.com");
        let all: Vec<_> = vec![
            tokio::spawn(fixture.accepting()),
            tokio::spawn(fixture.accepting()),
            tokio::spawn(fixture.cancelling()),
            tokio::spawn(fixture.making_it_admin()),
            tokio::spawn(fixture.inviting(&fixture.owner, "new@example.com")),
            tokio::spawn(fixture.inviting(&second, "New@example.com")),
            tokio::spawn(fixture.giving_role(&fixture.owner, &second, "user")),
            tokio::spawn(fixture.giving_role(&second, &fixture.owner, "user")),
            tokio::spawn(accept(&fred, &invite_id)),
            tokio::spawn(fixture.removing(&fixture.creator, &fixture.admin)),
        ]
        .into_iter()
        .collect();
        for request in all {
            let reply = request.await.unwrap();
            assert!(
                reply.status < 500 || reply.status == 503,
                "round {round}: {}",
                reply.body
            );
        }
        invariants::hold(&fixture.world).await;
        let owners = fixture
            .creator
            .get(&format!("{}/members?limit=100", fixture.organization))
            .await;
        let owners = owners.expect("200");
        let owners = owners["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|m| m["role"] == "owner");
        assert!(
            owners.count() >= 2,
            "two owners who demote each other leave one, and the creator"
        );
    }
}
