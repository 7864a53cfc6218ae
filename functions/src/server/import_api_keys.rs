//! `POST /v1/server/organizations/{organization_id}/api-keys/import`.

use domain::{
    ApiKeyId, ApiKeyName, ApiKeyScopes, Caller, HexHash, ImportedApiKey, KeyHint, Refusal, Server,
    import_api_key,
};
use lambda_http::Request;
use schemars::JsonSchema;
use serde::Deserialize;
use store::{Key, Transaction};

use crate::{
    App, Operation, Shape,
    access::Scope,
    error::Error,
    input,
    mutate::Decision,
    response::Response,
    views::{ApiKeyView, ImportedKey, ImportedKeysView},
};

/// The maximum number of keys in a request: an organization has no more.
const MAX: usize = 50;

/// Imports API keys of an earlier system by their hashes: their owners go on to use them.
/// Each is imported on its own; a repeated request changes nothing.
pub static OPERATION: Operation = Operation::http("import-api-keys", |app, request| {
    Box::pin(handle(app, request))
});

/// How the API describes it.
pub const SHAPE: Shape = Shape::change(
    "Import up to 50 API keys of an earlier system by their hashes",
    "server",
)
.takes::<Body>()
.responds::<ImportedKeysView>(200)
.refuses(&["invalid_request", "organization_not_found"]);

/// The keys to import.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    /// 1 to 50 keys.
    api_keys: Vec<Row>,
}

/// A key to import.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The key's name: 1 to 200 characters on one line.
    name: ApiKeyName,
    /// The SHA-256 of the key's whole text, in hexadecimal. The text must have at least
    /// 128 random bits: nothing else protects it from a guess.
    secret_hash: HexHash,
    /// The part of the key that people recognize it by, such as `img_live_…3f2a`. It
    /// begins with one of the deployment's `ImportedApiKeyPrefixes`.
    hint: KeyHint,
    /// The key's scopes; all if absent.
    #[serde(default)]
    scopes: ApiKeyScopes,
    /// When the key expires; never if absent.
    #[serde(default)]
    expires_at: Option<input::Time>,
}

async fn handle(app: &App, request: &Request) -> Result<Response, Error> {
    let scope = Scope::of(app, request)?;
    let Body { api_keys } = input::body(request)?;
    if !(1..=MAX).contains(&api_keys.len()) {
        return Err(Error::field("api_keys", "must be 1 to 50 keys"));
    }
    for (index, row) in api_keys.iter().enumerate() {
        check_hint(app, row)
            .map_err(|why| Error::field(&format!("api_keys[{index}].hint"), why))?;
    }
    let (caller, ()) = scope.read(app, ()).await?;
    let Caller::Server(server) = &caller else {
        return Err(Error::NotSignedIn);
    };
    let mut items = Vec::with_capacity(api_keys.len());
    for row in &api_keys {
        let imported = match import(app, server, row).await {
            Ok(imported) => imported,
            Err(Error::Refused(refusal)) => ImportedKey::refused(&row.hint, &refusal),
            Err(error) => return Err(error),
        };
        items.push(imported);
    }
    Ok(Response::ok(&ImportedKeysView { items }))
}

/// Refuses a hint by which the authorizer would not recognize the key, and one that is the
/// key itself.
fn check_hint(app: &App, row: &Row) -> Result<(), &'static str> {
    let (prefixes, hint) = (&app.imported_prefixes, row.hint.as_str());
    if !prefixes.begin(hint) {
        return Err("must begin with a prefix of the parameter `ImportedApiKeyPrefixes`");
    }
    if prefixes.hash(hint).as_ref() == Some(row.secret_hash.as_hash()) {
        return Err("must not be the whole key");
    }
    Ok(())
}

async fn import(app: &App, server: &Server, row: &Row) -> Result<ImportedKey, Error> {
    let id = server.organization_id;
    let caller = &Caller::Server(server.clone());
    let hash = row.secret_hash.as_hash();
    app.mutate(move |now| async move {
        let keys = (Key::counts(id), Key::api_key_pointer(hash));
        let (counts, pointer) = app.store.read(keys).await?;
        if let Some(pointer) = pointer {
            if pointer.organization_id != id {
                return Err(Refusal::ApiKeyTaken.into());
            }
            let key = app.store.read(Key::api_key(id, pointer.api_key_id)).await?;
            return Ok(match key {
                Some(key) => Decision::Unchanged(ImportedKey::present(
                    &row.hint,
                    ApiKeyView::of(&key, caller, now),
                )),
                None => Decision::Reload,
            });
        }
        let input = ImportedApiKey {
            id: ApiKeyId::new(app.new_id()),
            name: row.name.clone(),
            hash: hash.clone(),
            hint: row.hint.clone(),
            scopes: row.scopes.clone(),
            expires_at: row.expires_at.map(|at| at.0),
        };
        let (mut key, event) = import_api_key(server, &counts.unwrap_or_default(), input, now)?;
        let transaction = Transaction::by(caller, now, [event])
            .import_api_key(&mut key)
            .increment_api_keys(id);
        let view = ApiKeyView::of(&key, caller, now);
        Ok(Decision::Commit(
            transaction,
            ImportedKey::imported(&row.hint, view),
        ))
    })
    .await
}
