//! Invalid input: refused, naming the field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    access::{self, Access, Ids},
    harness::Fixture,
};

/// Sends an invalid body as an owner and returns the problem's field and detail.
async fn invalid(fixture: &Fixture, method: Method, path: &str, body: &str) -> (String, String) {
    let reply = fixture
        .owner
        .send_with(method, path, Some(body.to_owned()), &[])
        .await;
    let body = reply.expect("400 invalid_request");
    let field = body["field"].as_str().unwrap_or_default().to_owned();
    (field, body["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn invalid_field_is_named() {
    let fixture = Fixture::new().await;
    let invites = format!("{}/invites", fixture.organization);
    let member = format!("{}/members/{}", fixture.organization, fixture.user.user_id);
    let long = json!({"name": "x".repeat(201)}).to_string();
    let entries = (0..34).map(|n| (format!("k{n}"), json!("x".repeat(500))));
    let large = json!({"metadata": Value::Object(entries.collect())}).to_string();
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
            "`role` must be a string",
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
            &fixture.organization,
            r#"{"name":"  "}"#,
            "name",
            "`name` must not be empty",
        ),
        (
            &patch,
            &fixture.organization,
            &long,
            "name",
            "`name` must be at most 200 characters",
        ),
        (
            &patch,
            &fixture.organization,
            r#"{"name":"a\nb"}"#,
            "name",
            "`name` must not contain line breaks",
        ),
        (
            &patch,
            &fixture.organization,
            r#"{"metadata":{"a":1}}"#,
            "metadata.a",
            "`metadata.a` must be a string",
        ),
        (
            &patch,
            &fixture.organization,
            r#"{"metadata":{"":"x"}}"#,
            "metadata",
            "`metadata` must have keys of 1 to 40 characters",
        ),
        (
            &patch,
            &fixture.organization,
            &large,
            "metadata",
            "`metadata` must be at most 16384 bytes of JSON in all",
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
        let (actual_field, actual) = invalid(&fixture, method.clone(), path, body).await;
        assert_eq!(actual_field, field, "{body}: {actual}");
        assert!(actual.starts_with(detail), "{body}: {actual}");
    }
}

#[tokio::test]
async fn name_that_nobody_can_see_is_refused_everywhere() {
    let fixture = Fixture::new().await;
    let key = format!("{}/api-keys/{}", fixture.organization, fixture.key.id);
    let api_keys = format!("{}/api-keys", fixture.organization);
    let billing = format!("{}/billing", fixture.organization);
    for text in ["\u{200B}", "\u{3164}", "\u{2800}", "\u{301}\u{FE0F}"] {
        for (method, path, field) in [
            (Method::POST, "/v1/organizations", "name"),
            (Method::PATCH, &fixture.organization, "name"),
            (Method::POST, &api_keys, "name"),
            (Method::PATCH, &key, "name"),
            (Method::PATCH, &billing, "company_name"),
            (Method::PATCH, &billing, "tax_id"),
            (Method::PATCH, &billing, "invoice_address"),
        ] {
            let body = json!({ field: text }).to_string();
            let (named, detail) = invalid(&fixture, method, path, &body).await;
            assert_eq!(named, field, "{body}");
            assert_eq!(detail, format!("`{field}` must have a visible character"));
        }
    }
}

#[tokio::test]
async fn long_name_of_an_unknown_field_is_cut() {
    let fixture = Fixture::new().await;
    let body = json!({ "name": "A", "é".repeat(100_000): 1 }).to_string();
    let (field, detail) = invalid(&fixture, Method::POST, "/v1/organizations", &body).await;
    assert_eq!(field, format!("{}…", "é".repeat(100)));
    assert_eq!(detail, format!("`{field}` is not a field of this request"));
}

#[tokio::test]
async fn invalid_paging_parameter_is_named() {
    let fixture = Fixture::new().await;
    for list in ["members", "invites", "audit-events"] {
        for (query, field) in [
            ("order=newest", "order"),
            ("limit=5&Cursor=x", "Cursor"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("limit=", "limit"),
            ("limit=-1", "limit"),
            ("cursor=", "cursor"),
            ("cursor=%25", "cursor"),
        ] {
            let path = format!("{}/{list}?{query}", fixture.organization);
            let reply = fixture.owner.get(&path).await.expect("400 invalid_request");
            assert_eq!(reply["field"], field, "{list}?{query}");
        }
    }
}

#[tokio::test]
async fn malformed_id_is_not_found() {
    let fixture = Fixture::new().await;
    for id in ["x", "01930000000070008000000000000001", "ORGANIZATION"] {
        fixture
            .owner
            .get(&format!("/v1/organizations/{id}"))
            .await
            .expect("404 organization_not_found");
        let invite = format!("{}/invites/{id}", fixture.organization);
        fixture
            .owner
            .delete(&invite)
            .await
            .expect("404 invite_not_found");
        fixture.dana.accept(id).await.expect("404 invite_not_found");
        let member = format!("{}/members/{id}", fixture.organization);
        fixture
            .owner
            .delete(&member)
            .await
            .expect("404 member_not_found");
    }
    let body: Value = fixture.owner.get("/v1/nothing").await.expect("404");
    assert_eq!(body, json!({"message": "Not Found"}));
}

#[tokio::test]
async fn invalid_idempotency_key_is_refused() {
    let fixture = Fixture::new().await;
    for key in ["", "two words", &"x".repeat(129)] {
        let body = Some(json!({"name": "A"}).to_string());
        let headers = [("idempotency-key", key)];
        let reply = fixture
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

/// Sends a malformed body as a permitted caller, asserts the refusal and returns the
/// problem.
async fn refused(access: &Access, fixture: &Fixture, body: &str) -> Value {
    let (method, path, _) = (access.request)(&Ids::of(fixture));
    let session = access::session(fixture, access.permitted);
    let headers = [("idempotency-key", "once")];
    let reply = session
        .send_with(method, &path, Some(body.to_owned()), &headers)
        .await;
    assert_eq!(
        reply.outcome(),
        "400 invalid_request",
        "{}: {body}: {}",
        access.operation,
        reply.body
    );
    reply.body
}

/// Returns the operations with a body, each with the fields of its access row.
fn with_bodies() -> Vec<(&'static Access, serde_json::Map<String, Value>)> {
    let ids = Ids {
        organization: "/v1/organizations/1".to_owned(),
        invite_id: "2".to_owned(),
        key_id: "3".to_owned(),
        user_id: "4".to_owned(),
        admin_id: "4".to_owned(),
        creator_id: "4".to_owned(),
        link_token: "5".to_owned(),
        opt_out_token: "token".to_owned(),
    };
    let rows = access::ACCESS.iter();
    let rows: Vec<_> = rows
        .filter_map(|access| {
            let (_, _, body) = (access.request)(&ids);
            Some((access, body?.as_object().unwrap().clone()))
        })
        .collect();
    assert!(rows.len() >= 10, "{}", rows.len());
    rows
}

#[tokio::test]
async fn body_that_is_not_an_object_is_refused_everywhere() {
    let fixture = Fixture::new().await;
    for (access, fields) in with_bodies() {
        let positional: Vec<&Value> = fields.values().collect();
        let positional = json!(positional).to_string();
        for body in [
            positional.as_str(),
            "[]",
            "[[]]",
            "null",
            "\"x\"",
            "1",
            "true",
        ] {
            let problem = refused(access, &fixture, body).await;
            assert_eq!(
                problem["detail"], "the body must be a JSON object",
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn duplicate_field_is_refused_everywhere() {
    let fixture = Fixture::new().await;
    for (access, fields) in with_bodies() {
        for (name, value) in &fields {
            let body = format!(r#"{{"{name}":{value},"{name}":{value}}}"#);
            let problem = refused(access, &fixture, &body).await;
            assert_eq!(problem["field"], json!(name), "{body}: {problem}");
        }
    }
}

#[tokio::test]
async fn value_of_another_json_kind_is_refused_everywhere() {
    let fixture = Fixture::new().await;
    for (access, fields) in with_bodies() {
        for (name, value) in &fields {
            let mut wrong = vec![json!([value]), json!({"owner": null}), json!([])];
            if let Some(word) = value.as_str() {
                wrong.push(json!({ word: null }));
                wrong.push(json!({ word: [] }));
            }
            if value.is_object() {
                wrong.retain(|value| !value.is_object());
                wrong.push(json!([["a", "b"]]));
            }
            for wrong in wrong {
                let body = json!({ name: wrong }).to_string();
                let problem = refused(access, &fixture, &body).await;
                let field = problem["field"].as_str().unwrap_or_default();
                // A value inside a list is named with its place: `members[0]`.
                let field = field.split('[').next().unwrap_or_default();
                let all: Vec<&String> = fields.keys().collect();
                // A required field that is missing may be named first.
                assert!(
                    field == name || all.iter().any(|name| *name == field),
                    "{body}: {problem}"
                );
            }
        }
    }
}

#[tokio::test]
async fn duplicate_key_inside_a_value_is_refused() {
    let fixture = Fixture::new().await;
    let body = r#"{"name":"A","metadata":{"a":"1","a":"2"}}"#;
    for (method, path) in [
        (Method::POST, "/v1/organizations"),
        (Method::PATCH, fixture.organization.as_str()),
    ] {
        let (field, detail) = invalid(&fixture, method, path, body).await;
        assert_eq!(field, "metadata.a", "{detail}");
    }
}

#[tokio::test]
async fn id_in_another_spelling_is_not_found() {
    let fixture = Fixture::new().await;
    let id = fixture.organization_id().to_owned();
    let bare = id.replace('-', "");
    for other in [
        id.to_uppercase(),
        bare,
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
    ] {
        // In an id of digits only, upper case changes nothing.
        if other == id {
            continue;
        }
        let reply = fixture
            .owner
            .get(&format!("/v1/organizations/{other}"))
            .await;
        reply.expect("404 organization_not_found");
        let switch = json!({ "organization_id": other });
        let reply = fixture
            .owner
            .put("/v1/account/current-organization", switch)
            .await;
        let problem = reply.expect("400 invalid_request");
        assert_eq!(problem["field"], "organization_id");
    }
}
