//! Bad input: refused with the field's name, and nothing happens.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::Fixture;

async fn invalid(cast: &Fixture, method: Method, path: &str, body: &str) -> (String, String) {
    let reply = cast
        .owner
        .send_with(method, path, Some(body.to_owned()), &[])
        .await;
    let body = reply.expect("400 invalid_request");
    let field = body["field"].as_str().unwrap_or_default().to_owned();
    (field, body["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_field_that_is_wrong_is_named() {
    let cast = Fixture::new().await;
    let invites = format!("{}/invites", cast.organization);
    let member = format!("{}/members/{}", cast.organization, cast.user.user_id);
    let long = json!({"name": "x".repeat(201)}).to_string();
    let (post, patch) = (Method::POST, Method::PATCH);
    for (method, path, body, field, detail) in [
        (
            &post,
            invites.as_str(),
            r#"{"email":"nobody","role":"user"}"#,
            "email",
            "`email` must have the form `name@example.com`",
        ),
        (
            &post,
            &invites,
            r#"{"role":"user"}"#,
            "email",
            "`email` is missing",
        ),
        (
            &post,
            &invites,
            r#"{"email":"a@example.com"}"#,
            "role",
            "`role` is missing",
        ),
        (
            &post,
            &invites,
            r#"{"email":"a@example.com","role":"boss"}"#,
            "role",
            "`role` must be one of `user`, `admin`, `owner`",
        ),
        (
            &post,
            &invites,
            r#"{"email":5,"role":"user"}"#,
            "email",
            "`email` must be a string",
        ),
        (
            &post,
            &invites,
            r#"{"email":"a@example.com","role":"user","until":"x"}"#,
            "until",
            "`until` is not a field of this request",
        ),
        (
            &post,
            &invites,
            r#"{"email":"a@example.com","role":"user","role":"user"}"#,
            "role",
            "`role` is a duplicate field",
        ),
        (
            &patch,
            &member,
            r#"{"role":null}"#,
            "role",
            "`role` is not a valid value",
        ),
        (
            &patch,
            &member,
            r#"{"receives_billing_emails":"yes"}"#,
            "receives_billing_emails",
            "`receives_billing_emails` must be a boolean",
        ),
        (
            &patch,
            &member,
            r#"{"is_creator":true}"#,
            "is_creator",
            "`is_creator` is not a field of this request",
        ),
        (
            &patch,
            &cast.organization,
            r#"{"name":"  "}"#,
            "name",
            "`name` must not be empty",
        ),
        (
            &patch,
            &cast.organization,
            &long,
            "name",
            "`name` must be at most 200 characters",
        ),
        (
            &patch,
            &cast.organization,
            r#"{"name":"a\nb"}"#,
            "name",
            "`name` must not contain line breaks",
        ),
        (
            &patch,
            &cast.organization,
            r#"{"metadata":{"a":1}}"#,
            "metadata.a",
            "`metadata.a` must be a string",
        ),
        (
            &patch,
            &cast.organization,
            r#"{"metadata":{"":"x"}}"#,
            "metadata",
            "`metadata` must have keys of 1 to 40 characters",
        ),
        (
            &post,
            "/v1/organizations",
            "",
            "",
            "the body must be a JSON object",
        ),
        (
            &post,
            "/v1/organizations",
            "[]",
            "",
            "the body must be a JSON object",
        ),
        (
            &post,
            "/v1/organizations",
            "{",
            "",
            "the body must be a JSON object",
        ),
        (
            &post,
            "/v1/organizations",
            r#"{"name":"a"} x"#,
            "",
            "the body must be a JSON object",
        ),
    ] {
        let (named, words) = invalid(&cast, method.clone(), path, body).await;
        assert_eq!(named, field, "{body}: {words}");
        assert!(words.starts_with(detail), "{body}: {words}");
    }
}

#[tokio::test]
async fn paging_parameters_are_checked() {
    let cast = Fixture::new().await;
    for list in ["members", "invites", "audit-events"] {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("limit=", "limit"),
            ("limit=-1", "limit"),
            ("cursor=", "cursor"),
            ("cursor=%25", "cursor"),
        ] {
            let path = format!("{}/{list}?{query}", cast.organization);
            let reply = cast.owner.get(&path).await.expect("400 invalid_request");
            assert_eq!(reply["field"], field, "{list}?{query}");
        }
    }
}

#[tokio::test]
async fn ids_that_cannot_be_are_not_found() {
    let cast = Fixture::new().await;
    for id in ["x", "01930000000070008000000000000001", "ORGANIZATION"] {
        cast.owner
            .get(&format!("/v1/organizations/{id}"))
            .await
            .expect("404 organization_not_found");
        let invite = format!("{}/invites/{id}", cast.organization);
        cast.owner
            .delete(&invite)
            .await
            .expect("404 invite_not_found");
        cast.dana.accept(id).await.expect("404 invite_not_found");
        let member = format!("{}/members/{id}", cast.organization);
        cast.owner
            .delete(&member)
            .await
            .expect("404 member_not_found");
    }
    let body: Value = cast.owner.get("/v1/nothing").await.expect("404");
    assert_eq!(body, json!({"message": "Not Found"}));
}

#[tokio::test]
async fn an_idempotency_key_has_to_be_one() {
    let cast = Fixture::new().await;
    for key in ["", "two words", &"x".repeat(129)] {
        let body = Some(json!({"name": "A"}).to_string());
        let headers = [("idempotency-key", key)];
        let reply = cast
            .owner
            .send_with(Method::POST, "/v1/organizations", body, &headers)
            .await;
        assert_eq!(
            reply.expect("400 invalid_request")["field"],
            "idempotency-key",
            "{key:?}"
        );
    }
}
