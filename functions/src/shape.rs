//! The shape of an operation in the API: the source of the OpenAPI document and of the
//! tables in `docs/api.md`.
//!
//! A shape stands beside its handler but apart from the
//! [`Operation`](crate::Operation), so that no Lambda binary links the schemas.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};

use crate::views::List;

/// Builds a schema, with its definitions in the generator.
pub(crate) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// The route of an operation as its callers see it.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub(crate) summary: &'static str,
    pub(crate) callers: &'static str,
    pub(crate) body: Option<Body>,
    pub(crate) server_body: Option<Body>,
    pub(crate) status: u16,
    pub(crate) view: Option<MakeSchema>,
    pub(crate) server_view: Option<MakeSchema>,
    pub(crate) is_paged: bool,
    pub(crate) query: &'static [(&'static str, &'static str)],
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    pub(crate) conditional_on: Option<MakeSchema>,
    pub(crate) server_conditional_on: Option<MakeSchema>,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) refusals: &'static [&'static str],
    pub(crate) changes: bool,
}

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    pub(crate) schema: fn() -> Schema,
    pub(crate) is_required: bool,
}

/// The `Idempotency-Key` header of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdempotencyKey {
    pub(crate) is_required: bool,
    pub(crate) description: &'static str,
}

impl Shape {
    /// Describes a read operation by a summary in the imperative and its callers.
    pub(crate) const fn read(summary: &'static str, callers: &'static str) -> Self {
        Self {
            summary,
            callers,
            body: None,
            server_body: None,
            status: 204,
            view: None,
            server_view: None,
            is_paged: false,
            query: &[],
            idempotency_key: None,
            conditional_on: None,
            server_conditional_on: None,
            headers: &[],
            refusals: &[],
            changes: false,
        }
    }

    /// Describes a mutation, which may respond `busy`.
    pub(crate) const fn change(summary: &'static str, callers: &'static str) -> Self {
        let mut shape = Self::read(summary, callers);
        shape.changes = true;
        shape
    }

    /// Declares the body.
    pub(crate) const fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(Body {
            schema: inline::<T>,
            is_required: true,
        });
        self
    }

    /// Declares another body for the server.
    pub(crate) const fn takes_from_server<T: JsonSchema>(mut self) -> Self {
        self.server_body = Some(Body {
            schema: inline::<T>,
            is_required: true,
        });
        self
    }

    /// Declares an optional body.
    pub(crate) const fn takes_if_any<T: JsonSchema>(mut self) -> Self {
        self.body = Some(Body {
            schema: inline::<T>,
            is_required: false,
        });
        self
    }

    /// Declares the view of the response.
    pub(crate) const fn responds<T: JsonSchema>(mut self, status: u16) -> Self {
        self.status = status;
        self.view = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Declares another view for the server.
    pub(crate) const fn responds_to_server<T: JsonSchema>(mut self) -> Self {
        self.server_view = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Declares a page of views as the response.
    pub(crate) const fn lists<T: JsonSchema>(mut self) -> Self {
        self.is_paged = true;
        self.responds::<List<T>>(200)
    }

    /// Declares text parameters of the query, with their descriptions.
    pub(crate) const fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.query = query;
        self
    }

    /// Declares that the operation accepts or requires an idempotency key.
    pub(crate) const fn idempotent(mut self, is_required: bool, description: &'static str) -> Self {
        self.idempotency_key = Some(IdempotencyKey {
            is_required,
            description,
        });
        self
    }

    /// Declares that the change can be conditional on the version of an item, and the
    /// view of that item.
    pub(crate) const fn conditional_on<T: JsonSchema>(mut self) -> Self {
        self.conditional_on = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Declares another view of that item for the server.
    pub(crate) const fn conditional_on_for_server<T: JsonSchema>(mut self) -> Self {
        self.server_conditional_on = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Declares numeric headers of the response.
    pub(crate) const fn headers(
        mut self,
        headers: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.headers = headers;
        self
    }

    /// Declares the refusal codes, besides the codes common to all operations.
    pub(crate) const fn refuses(mut self, codes: &'static [&'static str]) -> Self {
        self.refusals = codes;
        self
    }
}

/// Every body type has the same name; inlined, their schemas do not collide.
fn inline<T: JsonSchema>() -> Schema {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    T::json_schema(&mut settings.into_generator())
}
