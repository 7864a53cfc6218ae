//! Two requests at once: with the interleaving forced (one is held between its
//! decision and its commit while the other runs through), and with real
//! concurrency.

use std::future::Future;

use reqwest::Method;
use serde_json::json;

use crate::{
    harness::{Fixture, Reply, Session, World},
    invariants,
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
async fn accept_and_accept_make_one_member() {
    let cast = Fixture::new().await;
    let outcomes = interleave(&cast.world, cast.accepting(), cast.accepting()).await;
    assert_outcomes(outcomes, "200", "200");
}

#[tokio::test]
async fn one_link_admits_one_person_though_two_have_the_address() {
    let cast = Fixture::new().await;
    let twin = cast.world.sign_in_as(local::SignIn {
        user_id: "another-dana".into(),
        ..local::SignIn::with_email("dana@example.com")
    });
    let outcomes = interleave(
        &cast.world,
        cast.accepting(),
        accept(&twin, &cast.invite_id),
    )
    .await;
    assert_outcomes(outcomes, "410 invite_accepted", "200");
    assert_eq!(cast.danas_role().await, None);
}

#[tokio::test]
async fn cancelled_while_being_accepted_is_cancelled() {
    let cast = Fixture::new().await;
    let outcomes = interleave(&cast.world, cast.accepting(), cast.cancelling()).await;
    assert_outcomes(outcomes, "410 invite_cancelled", "204");
    assert_eq!(cast.danas_role().await, None);
}

#[tokio::test]
async fn accepted_while_being_cancelled_is_accepted() {
    let cast = Fixture::new().await;
    let outcomes = interleave(&cast.world, cast.cancelling(), cast.accepting()).await;
    assert_outcomes(outcomes, "410 invite_accepted", "200");
    assert_eq!(cast.danas_role().await.as_deref(), Some("user"));
}

#[tokio::test]
async fn accepting_gives_what_the_invite_says_at_that_instant() {
    let cast = Fixture::new().await;
    let outcomes = interleave(&cast.world, cast.accepting(), cast.making_it_admin()).await;
    assert_outcomes(outcomes, "200", "200");
    assert_eq!(cast.danas_role().await.as_deref(), Some("admin"));

    let cast = Fixture::new().await;
    let outcomes = interleave(&cast.world, cast.making_it_admin(), cast.accepting()).await;
    assert_outcomes(outcomes, "410 invite_accepted", "200");
    assert_eq!(cast.danas_role().await.as_deref(), Some("user"));
}

#[tokio::test]
async fn one_address_is_invited_once() {
    let cast = Fixture::new().await;
    let (owner, admin) = (cast.owner.clone(), cast.admin.clone());
    let outcomes = interleave(
        &cast.world,
        cast.inviting(&owner, "new@example.com"),
        cast.inviting(&admin, "NEW@example.com"),
    )
    .await;
    assert_outcomes(outcomes, "409 invite_outstanding", "201");
}

#[tokio::test]
async fn whoever_is_demoted_while_inviting_does_not_invite() {
    let cast = Fixture::new().await;
    let inviting = cast.inviting(&cast.admin, "new@example.com");
    let outcomes = interleave(
        &cast.world,
        inviting,
        cast.giving_role(&cast.owner, &cast.admin, "user"),
    )
    .await;
    assert_outcomes(outcomes, "403 owner_or_admin_required", "200");

    let cast = Fixture::new().await;
    let demoting = cast.giving_role(&cast.owner, &cast.admin, "user");
    let outcomes = interleave(
        &cast.world,
        demoting,
        cast.inviting(&cast.admin, "new@example.com"),
    )
    .await;
    assert_outcomes(outcomes, "200", "201");
}

#[tokio::test]
async fn whoever_is_demoted_while_changing_the_plan_does_not_change_it() {
    let cast = Fixture::new().await;
    let outcomes = interleave(
        &cast.world,
        cast.changing_the_plan(&cast.admin, "basic"),
        cast.giving_role(&cast.owner, &cast.admin, "user"),
    )
    .await;
    assert_outcomes(outcomes, "403 owner_or_admin_required", "200");
    let seen = cast.owner.get(&cast.billing()).await.expect("200");
    assert_eq!(seen["plan"]["id"], "free");
}

#[tokio::test]
async fn two_changes_of_plan_follow_each_other() {
    let cast = Fixture::new().await;
    let outcomes = interleave(
        &cast.world,
        cast.changing_the_plan(&cast.admin, "basic"),
        cast.changing_the_plan(&cast.owner, "pro"),
    )
    .await;
    assert_outcomes(outcomes, "200", "200");
    let seen = cast.owner.get(&cast.billing()).await.expect("200");
    assert_eq!(seen["plan"]["id"], "basic");
}

#[tokio::test]
async fn an_invite_dies_with_its_inviters_membership_even_while_being_accepted() {
    let cast = Fixture::new().await;
    let invite_id = cast
        .admin
        .invite(&cast.organization, "fred@example.com", "user")
        .await;
    let fred = cast.world.sign_in("fred@example.com");
    let outcomes = interleave(
        &cast.world,
        accept(&fred, &invite_id),
        cast.removing(&cast.owner, &cast.admin),
    )
    .await;
    assert_outcomes(outcomes, "409 invite_needs_resend", "200");

    let cast = Fixture::new().await;
    let invite_id = cast
        .admin
        .invite(&cast.organization, "fred@example.com", "user")
        .await;
    let fred = cast.world.sign_in("fred@example.com");
    let outcomes = interleave(
        &cast.world,
        cast.removing(&cast.owner, &cast.admin),
        accept(&fred, &invite_id),
    )
    .await;
    assert_outcomes(outcomes, "200", "200");
}

/// Accepting reads twice. What changes between the two reads must not be taken
/// for a refusal: here the invite passes to another inviter, or is accepted by
/// the same person.
#[tokio::test]
async fn what_changes_between_two_reads_is_read_again() {
    let cast = Fixture::new().await;
    let mut held = cast.world.wire.hold("BatchGetItem");
    let accepting = tokio::spawn(cast.accepting());
    held.arrived().await;
    assert_eq!(cast.making_it_admin().await.outcome(), "200");
    held.release();
    assert_eq!(accepting.await.unwrap().outcome(), "200");
    assert_eq!(cast.danas_role().await.as_deref(), Some("admin"));
    invariants::hold(&cast.world).await;

    let cast = Fixture::new().await;
    let mut held = cast.world.wire.hold("BatchGetItem");
    let accepting = tokio::spawn(cast.accepting());
    held.arrived().await;
    assert_eq!(cast.accepting().await.outcome(), "200");
    held.release();
    assert_eq!(accepting.await.unwrap().outcome(), "200");
    invariants::hold(&cast.world).await;
}

#[tokio::test]
async fn two_owners_who_demote_each_other_leave_one() {
    let cast = Fixture::new().await;
    let second = cast.world.sign_in("second@example.com");
    cast.creator
        .admit(&cast.organization, &second, "owner")
        .await;
    let outcomes = interleave(
        &cast.world,
        cast.giving_role(&cast.owner, &second, "user"),
        cast.giving_role(&second, &cast.owner, "user"),
    )
    .await;
    assert_outcomes(outcomes, "403 owner_or_admin_required", "200");
}

#[tokio::test]
async fn a_member_removed_while_being_promoted_is_out() {
    let cast = Fixture::new().await;
    let promoting = cast.giving_role(&cast.owner, &cast.user, "admin");
    let outcomes = interleave(
        &cast.world,
        promoting,
        cast.removing(&cast.admin, &cast.user),
    )
    .await;
    assert_outcomes(outcomes, "404 member_not_found", "200");
}

#[tokio::test]
async fn the_hundredth_invite_is_given_once() {
    let cast = Fixture::new().await;
    for n in 0..98 {
        cast.creator
            .invite(&cast.organization, &format!("guest{n}@example.com"), "user")
            .await;
    }
    let outcomes = interleave(
        &cast.world,
        cast.inviting(&cast.owner, "one@example.com"),
        cast.inviting(&cast.admin, "other@example.com"),
    )
    .await;
    assert_outcomes(outcomes, "409 too_many_invites", "201");
}

/// Both at once, many times over: whichever way they meet, the table is sound.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_way_they_meet_the_table_is_sound() {
    for round in 0..6 {
        let cast = Fixture::new().await;
        let second = cast.world.sign_in("second@example.com");
        cast.creator
            .admit(&cast.organization, &second, "owner")
            .await;
        let invite_id = cast
            .admin
            .invite(&cast.organization, "fred@example.com", "user")
            .await;
        let fred = cast.world.sign_in("fred@example.com");
        let all: Vec<_> = vec![
            tokio::spawn(cast.accepting()),
            tokio::spawn(cast.accepting()),
            tokio::spawn(cast.cancelling()),
            tokio::spawn(cast.making_it_admin()),
            tokio::spawn(cast.inviting(&cast.owner, "new@example.com")),
            tokio::spawn(cast.inviting(&second, "New@example.com")),
            tokio::spawn(cast.giving_role(&cast.owner, &second, "user")),
            tokio::spawn(cast.giving_role(&second, &cast.owner, "user")),
            tokio::spawn(accept(&fred, &invite_id)),
            tokio::spawn(cast.removing(&cast.creator, &cast.admin)),
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
        invariants::hold(&cast.world).await;
        let owners = cast
            .creator
            .get(&format!("{}/members?limit=100", cast.organization))
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
