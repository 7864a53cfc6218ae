//! Upgrades: each data folder in `tests/upgrade`, as a release has left it, works with the
//! present stack. A table of another format is refused.
//!
//! `MAKE_DATA_FOLDER=1` keeps the folder of the present release.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use local::{DatabaseLocation, Options, StartError};
use serde_json::{Value, json};

use crate::{
    completeness::{repository, template},
    harness::{Fixture, World, audit_kinds},
    imported_keys, invariants,
    usage::{refund, render},
};

const RELEASE: &str = env!("CARGO_PKG_VERSION");
const IMPORTED: &str = "img_live_fC94kdKq0zXb7Rw2MnT5";

/// What the test of an upgrade knows of a kept folder.
const KNOWN: &str = "known.json";

/// The files of a data folder that a later release finds. Without the key of the sign-in,
/// it makes a new one.
const FILES: [&str; 7] = [
    "emails.jsonl",
    "link-key",
    "organizations.db",
    "people.jsonl",
    "server-key",
    "stream-positions.json",
    "webhook-key",
];

/// A data folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("upgrade-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Copies a kept folder.
    fn of(kept: &Path) -> Self {
        let folder = Self::new();
        for name in FILES {
            let mut content = Vec::new();
            let packed = fs::File::open(kept.join(format!("{name}.gz"))).unwrap();
            GzDecoder::new(packed).read_to_end(&mut content).unwrap();
            fs::write(folder.0.join(name), content).unwrap();
        }
        folder
    }

    /// Keeps the folder in the repository.
    fn keep(&self, kept: &Path) {
        for name in FILES {
            let content = fs::read(self.0.join(name)).unwrap();
            let packed = fs::File::create(kept.join(format!("{name}.gz"))).unwrap();
            let mut packed = GzEncoder::new(packed, Compression::best());
            packed.write_all(&content).unwrap();
            packed.finish().unwrap();
        }
    }

    fn options(&self, options: Options) -> Options {
        Options {
            database: DatabaseLocation::Folder(self.0.clone()),
            ..options
        }
    }

    async fn start(&self, now: DateTime<Utc>) -> World {
        World::start_at(now, |options| self.options(options)).await
    }

    /// Starts the stack, which is expected to fail.
    async fn refusal(&self, world: World) -> StartError {
        let options = Options::for_tests(functions::Clock::system());
        world.stack.stop().await;
        let started = local::Stack::start(self.options(options)).await;
        started.err().expect("a refusal")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the kept folders.
fn kept() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository("tests/upgrade")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

/// Puts a marker into the table.
async fn mark(world: &World, format: u32) {
    let item = json!({
        "pk": {"S": "TABLE"}, "sk": {"S": "FORMAT"},
        "format": {"N": format.to_string()}, "release": {"S": "9.8.7"},
    });
    world.dynamodb("PutItem", json!({ "Item": item })).await;
}

/// Returns the table's marker.
async fn marker(world: &World) -> Option<Value> {
    let items = world.items().await;
    items.into_iter().find(|item| item["pk"]["S"] == "TABLE")
}

/// Fills a data folder with the things that an upgrade must not lose.
async fn fill(fixture: &Fixture) -> Value {
    let world = &fixture.world;
    let organization = &fixture.organization;
    let server = world.server();
    let named = json!({"external_id": "team_1", "private_metadata": {"crm": "42"}});
    server.patch(&fixture.managed(), named).await.expect("200");
    imported_keys::imported(fixture, imported_keys::row(IMPORTED)).await;
    fixture.change_plan("basic", "now").await;
    fixture.change_plan("free", "period_end").await;
    let details = json!({"company_name": "Acme Images Ltd"});
    fixture
        .admin
        .patch(&fixture.billing(), details)
        .await
        .expect("200");
    render(&fixture.api_client, "render-1", 7)
        .await
        .expect("200");
    render(&fixture.api_client, "render-2", 3)
        .await
        .expect("200");
    fixture.bill().await;
    let [gone, late] = ["gone@example.com", "late@example.com"];
    let cancelled = fixture.owner.invite(organization, gone, "admin").await;
    let path = format!("{organization}/invites/{cancelled}");
    fixture.owner.delete(&path).await.expect("204");
    fixture.owner.invite(organization, late, "user").await;
    let body = json!({"name": "Deleted"});
    let deleted = fixture
        .stranger
        .post_once("/v1/organizations", "once", body)
        .await
        .expect("201");
    let deleted = format!("/v1/organizations/{}", deleted["id"].as_str().unwrap());
    fixture.stranger.delete(&deleted).await.expect("200");
    world.drain().await;
    json!({
        "now": world.clock.now(),
        "organization": organization,
        "deleted": deleted,
        "api_key": fixture.key.secret,
        "invite": fixture.invite_id,
        "link": world.link_token("dana@example.com"),
        "settings": fixture.creator.get(&format!("{organization}/settings")).await.expect("200"),
        "api_keys": fixture.creator.get(&format!("{organization}/api-keys")).await.expect("200"),
    })
}

#[tokio::test]
async fn data_folder_of_this_release_is_kept_on_demand() {
    if std::env::var_os("MAKE_DATA_FOLDER").is_none() {
        return;
    }
    let kept = repository(&format!("tests/upgrade/{RELEASE}"));
    assert!(!kept.exists(), "a kept folder never changes");
    let folder = Folder::new();
    let world = folder.start("2026-03-01T12:00:00Z".parse().unwrap()).await;
    let fixture = Fixture::in_world(world).await;
    let known = fill(&fixture).await;
    fixture.world.stack.stop().await;
    // Otherwise a part of the data would be in another file.
    assert!(!folder.0.join("organizations.db-wal").exists());
    fs::create_dir_all(&kept).unwrap();
    folder.keep(&kept);
    let text = serde_json::to_string_pretty(&known).unwrap();
    fs::write(kept.join(KNOWN), format!("{text}\n")).unwrap();
}

#[tokio::test]
async fn data_folder_of_each_release_works() {
    for kept in kept() {
        let known: Value = serde_json::from_slice(&fs::read(kept.join(KNOWN)).unwrap()).unwrap();
        let text = |name: &str| known[name].as_str().unwrap();
        let folder = Folder::of(&kept);
        let made: DateTime<Utc> = text("now").parse().unwrap();
        let world = folder.start(made + TimeDelta::hours(1)).await;
        reads(&world, &known).await;
        changes(&world, &known).await;
        invariants::hold(&world).await;

        // 15 days on, the schedules and the emails go on, too.
        world.clock.advance(TimeDelta::days(15));
        world.drain().await;
        world.stack.run_schedules().await;
        let owner = world.sign_in("olga@example.com");
        let kinds = audit_kinds(&owner, text("organization")).await;
        assert!(kinds.contains(&"invite.expired".to_owned()), "{kinds:?}");
        world.stack.stop().await;
    }
}

/// Reads what a release has stored.
async fn reads(world: &World, known: &Value) {
    let organization = known["organization"].as_str().unwrap();
    let creator = world.sign_in("ada@example.com");
    let path = format!("{organization}/settings");
    let settings = creator.get(&path).await.expect("200");
    // A later release may say more.
    for (part, before) in known["settings"].as_object().unwrap() {
        assert_includes(&settings[part], before, part);
    }
    let path = format!("{organization}/api-keys");
    let keys = creator.get(&path).await.expect("200");
    assert_includes(&keys, &known["api_keys"], "api_keys");
    let kinds = audit_kinds(&creator, organization).await;
    for kind in [
        "organization.created",
        "member.added",
        "invite.cancelled",
        "api_key.created",
        "billing.plan_changed",
        "billing.invoice_issued",
    ] {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind}: {kinds:?}");
    }
    let link = format!("/v1/invites/{}", known["link"].as_str().unwrap());
    let preview = world.nobody().get(&link).await.expect("200");
    assert_eq!(preview["organization_name"], "Acme");
    let server = world.server();
    let found = server.get("/v1/server/organizations?external_id=team_1");
    let found = found.await.expect("200");
    assert_eq!(found["items"][0]["private_metadata"], json!({"crm": "42"}));
    let imported = imported_keys::client(world, IMPORTED);
    imported.get("/v1/usage").await.expect("200");
    let emails = world.stack.emails();
    let to_dana = |email: &&local::CaughtEmail| email.to.contains(&"dana@example.com".to_owned());
    assert_eq!(emails.iter().filter(to_dana).count(), 1);
}

/// Asserts that a value has everything of an earlier one.
fn assert_includes(value: &Value, earlier: &Value, at: &str) {
    match earlier {
        Value::Object(fields) => {
            for (name, earlier) in fields {
                assert_includes(&value[name], earlier, &format!("{at}.{name}"));
            }
        }
        Value::Array(items) => {
            for (number, earlier) in items.iter().enumerate() {
                assert_includes(&value[number], earlier, &format!("{at}[{number}]"));
            }
        }
        earlier => assert_eq!(value, earlier, "{at}"),
    }
}

/// Changes what a release has stored.
async fn changes(world: &World, known: &Value) {
    let text = |name: &str| known[name].as_str().unwrap();
    let organization = text("organization");
    let [owner, dana, sten] =
        ["olga", "dana", "sten"].map(|name| world.sign_in(&format!("{name}@example.com")));
    let renamed = owner.patch(organization, json!({"name": "Acme Images"}));
    assert_eq!(renamed.await.expect("200")["name"], "Acme Images");
    dana.accept(text("invite")).await.expect("200");
    let members = owner.get(&format!("{organization}/members")).await;
    let members = members.expect("200")["items"].clone();
    let members = members.as_array().unwrap().iter();
    assert!(
        members
            .clone()
            .any(|member| member["email"] == "dana@example.com")
    );
    assert_eq!(members.count(), 5);
    let again = json!({"email": "late@example.com", "role": "user"});
    let again = owner.post(&format!("{organization}/invites"), again).await;
    again.expect("409 invite_outstanding");

    let key = world.with_token(
        Some(text("api_key").to_owned()),
        String::new(),
        String::new(),
    );
    let repeated = render(&key, "render-1", 7).await.expect("200");
    assert_eq!(repeated["used"], 7, "the first response again");
    let used = render(&key, "render-3", 1).await.expect("200");
    assert_eq!(
        (&used["used"], &used["allowed"]),
        (&json!(11), &json!(3000))
    );
    let given_back = json!({"idempotency_key": "render-2", "credits": 3});
    refund(&key, given_back).await.expect("200");

    let deleted = text("deleted");
    sten.get(deleted).await.expect("200");
    let restored = sten.post_empty(&format!("{deleted}/restore")).await;
    restored.expect("200");
    sten.patch(deleted, json!({"name": "Restored"}))
        .await
        .expect("200");
}

#[tokio::test]
async fn new_table_gets_the_marker_of_its_fixture() {
    let fixture = repository("shared/store/tests/items/table-marker.only.json");
    let mut expected: Value = serde_json::from_slice(&fs::read(fixture).unwrap()).unwrap();
    expected["release"] = json!({ "S": RELEASE });
    let world = World::start().await;
    assert_eq!(marker(&world).await.as_ref(), Some(&expected));
    let url = format!("{}/local/reset", world.stack.url());
    let reset = reqwest::Client::new().post(url).send().await.unwrap();
    assert_eq!(reset.status().as_u16(), 204);
    assert_eq!(marker(&world).await, Some(expected));
}

#[tokio::test]
async fn table_without_a_marker_gets_one() {
    let world = World::start().await;
    let marked = marker(&world).await;
    for schedule in template().schedules {
        let key = json!({"pk": {"S": "TABLE"}, "sk": {"S": "FORMAT"}});
        world.dynamodb("DeleteItem", json!({ "Key": key })).await;
        world.stack.run_schedule(&schedule.operation).await;
        assert_eq!(marker(&world).await, marked, "{}", schedule.operation);
    }
}

#[tokio::test]
async fn data_folder_of_another_format_is_refused_in_one_line() {
    for format in [0, 2] {
        let folder = Folder::new();
        let world = folder.start(Utc::now()).await;
        mark(&world, format).await;
        let refusal = folder.refusal(world).await.to_string();
        let expected = format!(
            "the data folder `{}` cannot be used: the table has format {format}, of release 9.8.7; \
             this is release {RELEASE}, which works with format 1 only; choose another one with \
             `--data`",
            folder.0.display()
        );
        assert_eq!(refusal, expected);
    }
}

#[tokio::test]
async fn scheduled_operations_refuse_another_format() {
    let fixture = Fixture::new().await;
    fixture.change_plan("basic", "period_end").await;
    fixture
        .owner
        .delete(&fixture.organization)
        .await
        .expect("200");
    let world = &fixture.world;
    world.clock.advance(TimeDelta::days(40));
    mark(world, 2).await;
    let before = world.items().await;
    let schedules = template().schedules;
    assert!(!schedules.is_empty());
    for schedule in schedules {
        let path = format!("{}/local/run/{}", world.stack.url(), schedule.operation);
        let refused = reqwest::Client::new().post(path).send().await.unwrap();
        assert_eq!(refused.status().as_u16(), 500, "{}", schedule.operation);
        let refused = refused.text().await.unwrap();
        assert!(refused.contains("the table has format 2"), "{refused}");
    }
    assert_eq!(world.items().await, before);
}
