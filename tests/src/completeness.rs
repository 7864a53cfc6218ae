//! Completeness: every operation of the template has its implementation, its access
//! row and its documentation under the same name.

use std::{collections::BTreeSet, fs, path::PathBuf};

use local::{Options, Template};

use crate::access;

pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn template() -> Template {
    Template::read(&Options::shipped_template()).unwrap()
}

/// Returns the operations that the template's events invoke.
fn operations() -> BTreeSet<String> {
    let template = template();
    let routes = template.routes.into_iter().map(|route| route.operation);
    let streams = template.streams.into_iter().map(|stream| stream.operation);
    let schedules = template
        .schedules
        .into_iter()
        .map(|schedule| schedule.operation);
    let rules = template.rules.into_iter().map(|rule| rule.operation);
    let authorizers = template.lambda_authorizers.into_iter();
    let authorizers = authorizers.map(|authorizer| authorizer.operation);
    let piped = template.pipe.into_iter().map(|pipe| pipe.operation);
    let called = routes.chain(streams).chain(piped);
    let called = called.chain(schedules).chain(rules);
    let operations: BTreeSet<String> = called.chain(authorizers).collect();
    assert!(!operations.is_empty());
    operations
}

#[test]
fn template_operations_match_the_library() {
    let library: BTreeSet<String> = functions::OPERATIONS
        .iter()
        .map(|operation| operation.name.to_owned())
        .collect();
    assert_eq!(operations(), library);
}

#[test]
fn every_route_has_an_access_test() {
    let routes: BTreeSet<String> = template()
        .routes
        .into_iter()
        .map(|route| route.operation)
        .collect();
    let rows: BTreeSet<String> = access::ACCESS
        .iter()
        .map(|access| access.operation.to_owned())
        .collect();
    assert!(!rows.is_empty());
    assert_eq!(routes, rows);
}

#[test]
fn every_operation_is_in_the_docs() {
    let (data_model, api) = (read("docs/data-model.md"), read("docs/api.md"));
    for operation in operations() {
        let name = format!("`{operation}`");
        assert!(
            data_model.contains(&name),
            "docs/data-model.md does not mention {name}"
        );
        assert!(api.contains(&name), "docs/api.md does not mention {name}");
    }
}
