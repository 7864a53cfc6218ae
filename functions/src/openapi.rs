//! The OpenAPI document, made from the types that requests are read into and
//! answers are made of.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    account, api_keys, billing,
    failure::Problem,
    invites, members, organizations,
    representation::{
        AcceptedView, AccountView, ApiKeyView, AuditEventView, BillingView, ConsumedView,
        InviteView, List, MemberView, MyInviteView, OrganizationView, PreviewView, RemovedView,
        SecretView, SettingsView, UpdatedMemberView, UsageView,
    },
    usage,
};

/// A route of the API, as the template declares it.
#[derive(Debug, Clone)]
pub struct Route {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path, with parameters in braces.
    pub path: String,
    /// The operation's name.
    pub operation: String,
    /// Whom API Gateway lets through to it.
    pub caller: Caller,
}

/// Whom a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Anyone at all.
    Anyone,
    /// A signed-in person.
    Person,
    /// A machine with an API key.
    ApiClient,
}

/// What an operation takes and gives.
struct Shape {
    summary: &'static str,
    body: Option<Schema>,
    body_required: bool,
    status: u16,
    answer: Option<Schema>,
    paged: bool,
    refusals: &'static [&'static str],
}

/// Makes the document. Operations that the routes name and this page does not
/// know are left out: a test sees to it that these are the pages alone.
pub fn document(routes: &[Route]) -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
        .for_serialize()
        .into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes {
        let Some(shape) = shape(&route.operation, &mut generator) else {
            continue;
        };
        let operation = describe(route, shape, &problem);
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Organization settings",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Organizations, members, roles and invites. Times are RFC 3339 in UTC. \
                Errors are problem details (RFC 9457) with a stable `code`.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "signed_in": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "api_key": {
                    "type": "http", "scheme": "basic",
                    "description": "The organization's id as user name, an API key as password.",
                },
                "api_key_as_bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "osk_…" },
            },
        },
    })
}

fn describe(route: &Route, shape: Shape, problem: &Schema) -> Value {
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    if shape.paged {
        parameters.push(json!({
            "name": "limit", "in": "query",
            "schema": { "type": "integer", "minimum": 1, "maximum": 100, "default": 25 },
        }));
        parameters.push(json!({ "name": "cursor", "in": "query", "schema": { "type": "string" } }));
    }
    if route.operation == "create-organization" {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header",
            "description": "Repeating a request with the same key within a day makes no second organization.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
        }));
    }
    if route.operation == "record-usage" {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "Repeating a request with the same key within a day uses no more credits.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 },
        }));
    }
    let mut answer = json!({ "description": "Done." });
    if route.operation == "record-usage" {
        let number = |what| json!({ "description": what, "schema": { "type": "integer" } });
        answer = json!({
            "description": "The credits are used.",
            "headers": {
                "x-renders-allowed": number("How many credits there are in the billing period."),
                "x-renders-consumed": number("How many this request used."),
                "x-renders-used": number("How many are used, with those of this request."),
            },
        });
    }
    if let (Some(schema), Some(answer)) = (shape.answer, answer.as_object_mut()) {
        answer.insert(
            "content".to_owned(),
            json!({ "application/json": { "schema": schema } }),
        );
    }
    let mut responses = Map::new();
    responses.insert(shape.status.to_string(), answer);
    responses.insert(
        "default".to_owned(),
        json!({
            "description": format!("A problem. Codes: {}.", shape.refusals.join(", ")),
            "content": { "application/problem+json": { "schema": problem } },
        }),
    );
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": shape.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(operation) = operation.as_object_mut() {
        if let Some(body) = shape.body {
            operation.insert(
                "requestBody".to_owned(),
                json!({ "required": shape.body_required, "content": { "application/json": { "schema": body } } }),
            );
        }
        let security = match route.caller {
            Caller::Anyone => None,
            Caller::Person => Some(json!([{ "signed_in": [] }])),
            Caller::ApiClient => Some(json!([{ "api_key": [] }, { "api_key_as_bearer": [] }])),
        };
        operation.extend(security.map(|security| ("security".to_owned(), security)));
    }
    operation
}

/// An operation that people and machines call by different routes has an id for each.
fn operation_id(route: &Route) -> String {
    match (route.operation.as_str(), route.caller) {
        ("get-usage", Caller::ApiClient) => "get-usage-by-api-key".to_owned(),
        (name, _) => name.to_owned(),
    }
}

impl Shape {
    fn new(summary: &'static str, refusals: &'static [&'static str]) -> Self {
        Self {
            summary,
            body: None,
            body_required: true,
            status: 204,
            answer: None,
            paged: false,
            refusals,
        }
    }

    fn taking<T: JsonSchema>(mut self) -> Self {
        // Every operation has a body type of that name; inlined, they do not meet.
        let mut settings = SchemaSettings::draft2020_12();
        settings.inline_subschemas = true;
        self.body = Some(T::json_schema(&mut settings.into_generator()));
        self
    }

    fn taking_if_any<T: JsonSchema>(mut self) -> Self {
        self.body_required = false;
        self.taking::<T>()
    }

    fn giving<T: JsonSchema>(mut self, status: u16, generator: &mut SchemaGenerator) -> Self {
        self.status = status;
        self.answer = Some(generator.subschema_for::<T>());
        self
    }

    fn listing<T: JsonSchema>(mut self, generator: &mut SchemaGenerator) -> Self {
        self.paged = true;
        self.giving::<List<T>>(200, generator)
    }
}

fn shape(operation: &str, schemas: &mut SchemaGenerator) -> Option<Shape> {
    Some(match operation {
        "create-organization" => Shape::new(
            "Create an organization",
            &["invalid_request", "email_required"],
        )
        .taking::<organizations::create_organization::Body>()
        .giving::<OrganizationView>(201, schemas),
        "list-organizations" => Shape::new("List my organizations", &["invalid_request"])
            .listing::<OrganizationView>(schemas),
        "get-organization" => Shape::new("Get an organization", &["organization_not_found"])
            .giving::<OrganizationView>(200, schemas),
        "update-organization" => Shape::new(
            "Rename an organization or replace its metadata",
            &[
                "invalid_request",
                "owner_required",
                "organization_not_found",
            ],
        )
        .taking::<organizations::update_organization::Body>()
        .giving::<OrganizationView>(200, schemas),
        "get-settings" => Shape::new(
            "Get all that the settings page shows",
            &["organization_not_found"],
        )
        .giving::<SettingsView>(200, schemas),
        "list-members" => Shape::new(
            "List members",
            &["invalid_request", "organization_not_found"],
        )
        .listing::<MemberView>(schemas),
        "update-member" => Shape::new(
            "Change a member's role or billing emails",
            &[
                "invalid_request",
                "owner_required",
                "owner_or_admin_required",
                "creator_protected",
                "organization_not_found",
                "member_not_found",
            ],
        )
        .taking::<members::update_member::Body>()
        .giving::<UpdatedMemberView>(200, schemas),
        "remove-member" => Shape::new(
            "Remove a member, or leave",
            &[
                "owner_required",
                "owner_or_admin_required",
                "creator_protected",
                "organization_not_found",
                "member_not_found",
            ],
        )
        .giving::<RemovedView>(200, schemas),
        "create-invite" => Shape::new(
            "Invite somebody",
            &[
                "invalid_request",
                "owner_required",
                "owner_or_admin_required",
                "organization_not_found",
                "already_member",
                "invite_outstanding",
                "too_many_invites",
            ],
        )
        .taking::<invites::create_invite::Body>()
        .giving::<InviteView>(201, schemas),
        "list-invites" => Shape::new(
            "List pending invites",
            &["invalid_request", "organization_not_found"],
        )
        .listing::<InviteView>(schemas),
        "update-invite" => Shape::new(
            "Change a pending invite",
            &[
                "invalid_request",
                "owner_required",
                "owner_or_admin_required",
                "organization_not_found",
                "invite_not_found",
                "invite_accepted",
                "invite_declined",
                "invite_cancelled",
                "invite_expired",
            ],
        )
        .taking::<invites::update_invite::Body>()
        .giving::<InviteView>(200, schemas),
        "cancel-invite" => Shape::new(
            "Cancel a pending invite",
            &[
                "owner_or_admin_required",
                "organization_not_found",
                "invite_not_found",
                "invite_accepted",
                "invite_declined",
                "invite_expired",
            ],
        ),
        "resend-invite" => Shape::new(
            "Send a pending invite again",
            &[
                "owner_required",
                "owner_or_admin_required",
                "organization_not_found",
                "invite_not_found",
                "invite_accepted",
                "invite_declined",
                "invite_cancelled",
                "invite_expired",
                "resend_too_soon",
                "resend_limit_reached",
            ],
        )
        .giving::<InviteView>(200, schemas),
        "create-api-key" => Shape::new(
            "Make an API key",
            &[
                "invalid_request",
                "owner_or_admin_required",
                "organization_not_found",
                "too_many_api_keys",
            ],
        )
        .taking::<api_keys::create_api_key::Body>()
        .giving::<SecretView>(201, schemas),
        "list-api-keys" => Shape::new(
            "List API keys, without their secrets",
            &["invalid_request", "organization_not_found"],
        )
        .listing::<ApiKeyView>(schemas),
        "update-api-key" => Shape::new(
            "Change an API key's name or expiry",
            &[
                "invalid_request",
                "owner_or_admin_required",
                "organization_not_found",
                "api_key_not_found",
            ],
        )
        .taking::<api_keys::update_api_key::Body>()
        .giving::<ApiKeyView>(200, schemas),
        "rotate-api-key" => Shape::new(
            "Give an API key a new secret",
            &[
                "invalid_request",
                "owner_or_admin_required",
                "organization_not_found",
                "api_key_not_found",
                "api_key_expired",
            ],
        )
        .taking_if_any::<api_keys::rotate_api_key::Body>()
        .giving::<SecretView>(200, schemas),
        "revoke-api-key" => Shape::new(
            "Revoke an API key",
            &[
                "owner_or_admin_required",
                "organization_not_found",
                "api_key_not_found",
            ],
        ),
        "list-audit-events" => Shape::new(
            "List what happened, newest first",
            &[
                "invalid_request",
                "owner_or_admin_required",
                "organization_not_found",
            ],
        )
        .listing::<AuditEventView>(schemas),
        "get-billing" => Shape::new(
            "Get plan, billing period and details",
            &["organization_not_found"],
        )
        .giving::<BillingView>(200, schemas),
        "update-billing" => Shape::new(
            "Change plan or billing details",
            &[
                "invalid_request",
                "owner_or_admin_required",
                "organization_not_found",
            ],
        )
        .taking::<billing::update_billing::Body>()
        .giving::<BillingView>(200, schemas),
        "get-usage" => Shape::new(
            "Get how many images were rendered when",
            &["organization_not_found"],
        )
        .giving::<UsageView>(200, schemas),
        "record-usage" => Shape::new(
            "Use credits, before images are rendered",
            &[
                "invalid_request",
                "organization_not_found",
                "idempotency_key_reused",
                "credits_used_up",
            ],
        )
        .taking::<usage::record_usage::Body>()
        .giving::<ConsumedView>(200, schemas),
        "get-account" => {
            Shape::new("Get who is signed in", &[]).giving::<AccountView>(200, schemas)
        }
        "switch-organization" => Shape::new(
            "Switch the current organization",
            &["invalid_request", "organization_not_found"],
        )
        .taking::<account::switch_organization::Body>()
        .giving::<AccountView>(200, schemas),
        "list-my-invites" => Shape::new(
            "List the pending invites to my address",
            &["invalid_request", "email_required", "email_not_verified"],
        )
        .listing::<MyInviteView>(schemas),
        "accept-invite" => Shape::new(
            "Accept an invite",
            &[
                "email_required",
                "email_not_verified",
                "invite_not_found",
                "already_member",
                "invite_needs_resend",
                "invite_accepted",
                "invite_declined",
                "invite_cancelled",
                "invite_expired",
            ],
        )
        .giving::<AcceptedView>(200, schemas),
        "decline-invite" => Shape::new(
            "Decline an invite",
            &[
                "email_required",
                "email_not_verified",
                "invite_not_found",
                "invite_accepted",
                "invite_cancelled",
                "invite_expired",
            ],
        ),
        "preview-invite" => Shape::new(
            "See what an invite's link is about",
            &[
                "invite_not_found",
                "link_replaced",
                "invite_accepted",
                "invite_declined",
                "invite_cancelled",
                "invite_expired",
            ],
        )
        .giving::<PreviewView>(200, schemas),
        "decline-invite-by-link" => Shape::new(
            "Decline an invite by its link",
            &[
                "invite_not_found",
                "link_replaced",
                "invite_accepted",
                "invite_cancelled",
                "invite_expired",
            ],
        ),
        _ => return None,
    })
}
