use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Uri},
};
use chrono::DateTime;
use functions::openapi::{Caller, Route};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    event::{Incoming, path_parameters, query_parameters},
    response::from_lambda,
};

const ROUTE: &str = "/v1/organizations/{organization_id}/members/{user_id}";

fn event(uri: &str, headers: &[(&'static str, &str)], body: &[u8]) -> Value {
    let claims = json!({ "sub": "a|b", "email_verified": "true" });
    let authorizer = json!({ "jwt": { "claims": claims, "scopes": null } });
    incoming(uri, headers, body, |incoming| {
        incoming.event(Some(authorizer))
    })
}

fn incoming(
    uri: &str,
    headers: &[(&'static str, &str)],
    body: &[u8],
    make: impl FnOnce(&Incoming<'_>) -> Value,
) -> Value {
    let route = Route {
        method: "PATCH".to_owned(),
        path: ROUTE.to_owned(),
        operation: "update-member".to_owned(),
        caller: Caller::Person,
    };
    let uri: Uri = uri.parse().unwrap();
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    make(&Incoming {
        route: &route,
        method: &Method::PATCH,
        uri: &uri,
        headers: &map,
        body: &Bytes::copy_from_slice(body),
        parameters: path_parameters(ROUTE, uri.path()).unwrap(),
        request_id: Uuid::from_u128(1),
        at: DateTime::from_timestamp_millis(1_730_871_464_000).unwrap(),
    })
}

#[test]
fn path_matches_part_by_part() {
    let parameters = path_parameters(ROUTE, "/v1/organizations/1/members/auth0%7Cx").unwrap();
    assert_eq!(parameters["user_id"], "auth0|x");
    for path in [
        "/v1/organizations/1/members",
        "/v1/organizations//members/2",
        "/v1/organizations/1/members/2/3",
        "/v1/organizations/1/members/2/",
    ] {
        assert!(path_parameters(ROUTE, path).is_none(), "{path}");
    }
}

#[test]
fn query_is_decoded() {
    let parameters = query_parameters("limit=2&cursor=a%3Db&x=1&x=2&flag");
    assert_eq!(parameters["cursor"], "a=b");
    assert_eq!(parameters["x"], "1,2");
    assert_eq!(parameters["flag"], "");
}

#[test]
fn event_is_readable_by_lambda_http() {
    let event = event(
        "/v1/organizations/1/members/auth0%7Cx?limit=2",
        &[("content-type", "application/json")],
        b"{}",
    );
    let read: lambda_http::request::LambdaRequest = serde_json::from_value(event).unwrap();
    let request = lambda_http::Request::from(read);
    assert_eq!(request.method(), "PATCH");
    assert_eq!(request.uri().query(), Some("limit=2"));
}

#[test]
fn event_has_the_path_decoded_and_the_query_raw() {
    let event = event("/v1/organizations/1/members/a%20b?cursor=a%3Db", &[], b"");
    assert_eq!(event["rawPath"], "/v1/organizations/1/members/a b");
    assert_eq!(event["rawQueryString"], "cursor=a%3Db");
    assert_eq!(event["pathParameters"]["user_id"], "a b");
    assert_eq!(event["queryStringParameters"], json!({ "cursor": "a=b" }));
    assert_eq!(event["routeKey"], format!("PATCH {ROUTE}"));
    assert_eq!(event["requestContext"]["timeEpoch"], 1_730_871_464_000_i64);
    assert_eq!(
        event["requestContext"]["time"],
        "06/Nov/2024:05:37:44 +0000"
    );
    assert_eq!(
        event["requestContext"]["authorizer"]["jwt"]["claims"]["email_verified"],
        "true"
    );
    assert!(event.get("body").is_none());
}

#[test]
fn authorizer_event_has_no_body() {
    let headers = [("authorization", "Basic a"), ("authorization", "Basic b")];
    let uri = "/v1/organizations/1/members/2?limit=2";
    let event = incoming(uri, &headers, b"{}", |incoming| {
        incoming.authorizer_event(&incoming.header("authorization"))
    });
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["identitySource"], json!(["Basic a,Basic b"]));
    assert_eq!(event["headers"]["authorization"], "Basic a,Basic b");
    assert_eq!(
        event["routeArn"],
        "arn:aws:execute-api:us-east-1:000000000000:local/$default/PATCH/v1/organizations/1/members/2"
    );
    assert_eq!(event["queryStringParameters"]["limit"], "2");
    assert_eq!(event["pathParameters"]["user_id"], "2");
    let context = &event["requestContext"];
    assert_eq!(context["http"]["method"], "PATCH");
    assert_eq!(context["routeKey"], event["routeKey"]);
    for absent in [
        &event["body"],
        &event["isBase64Encoded"],
        &context["authorizer"],
    ] {
        assert!(absent.is_null(), "{event}");
    }
}

#[test]
fn headers_are_joined_and_cookies_listed() {
    let headers = [
        ("accept", "text/html"),
        ("accept", "application/json"),
        ("cookie", "a=1; b=2"),
    ];
    let event = event("/v1/organizations/1/members/2", &headers, b"");
    assert_eq!(event["headers"]["accept"], "text/html,application/json");
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert!(event["headers"].get("cookie").is_none());
}

#[test]
fn body_is_text_or_base64_by_content_type() {
    let uri = "/v1/organizations/1/members/2";
    let json = [("content-type", "application/json; charset=utf-8")];
    for (headers, body, expected, encoded) in [
        (&json[..], &b"{}"[..], "{}", false),
        (&json[..], &b"\xff"[..], "/w==", true),
        (&[][..], &b"{}"[..], "e30=", true),
    ] {
        let event = event(uri, headers, body);
        assert_eq!(event["body"], expected);
        assert_eq!(event["isBase64Encoded"], encoded);
    }
}

#[test]
fn lambda_response_converts_to_http() {
    let response = from_lambda(&json!({
        "statusCode": 201,
        "headers": { "content-type": "text/plain" },
        "multiValueHeaders": { "content-type": ["text/plain"], "x-many": ["1", "2"] },
        "cookies": ["a=1", "b=2"],
        "body": "aGk=",
        "isBase64Encoded": true,
    }));
    assert_eq!(response.status(), 201);
    let headers = response.headers();
    assert_eq!(headers.get_all("content-type").iter().count(), 1);
    assert_eq!(headers.get_all("x-many").iter().count(), 2);
    assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
}
