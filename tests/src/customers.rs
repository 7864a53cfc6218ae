//! The commands of `docs/customers.md`, each run by bash against a stack.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{completeness::repository, harness::World};

/// A command with the parts that its output has, in this order.
struct Step {
    command: String,
    parts: Vec<String>,
}

/// Returns the commands of all `bash` blocks. The comment behind a command is what it
/// prints; `...` stands for anything.
fn steps(page: &str) -> Vec<Step> {
    let blocks = page.split("```bash\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines);
    // The test sets these two.
    let lines = lines.filter(|line| !line.starts_with("api=") && !line.starts_with("key="));
    lines
        .map(|line| {
            let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
            let parts = comment.split("...").map(str::trim);
            Step {
                command: command.trim().to_owned(),
                parts: parts
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect(),
            }
        })
        .collect()
}

/// Returns whether bash and the tools are here. In CI they have to be.
fn has_tools() -> bool {
    let script = "command -v curl sed paste split sha256sum cut";
    let found = Command::new("bash")
        .args(["-c", script])
        .stdout(Stdio::null())
        .status();
    let is_here = found.is_ok_and(|status| status.success());
    if !is_here {
        assert!(
            std::env::var_os("CI").is_none(),
            "bash, curl, sed, paste, split, sha256sum or cut is missing"
        );
        let notice = b"SKIPPED the commands of docs/customers.md: bash, curl, sed, paste, split, sha256sum or cut is missing\n";
        std::io::stderr().write_all(notice).unwrap();
    }
    is_here
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_page_prints_what_it_says() {
    if !has_tools() {
        return;
    }
    let world = World::start().await;
    let server = world.server();
    let acme = json!({"name": "Acme", "creator": {"user_id": "ada", "email": "ada@example.com"}});
    let acme = server
        .post("/v1/server/organizations", acme)
        .await
        .expect("201");
    let path = format!("/v1/server/organizations/{}", acme["id"].as_str().unwrap());
    let ben = json!({"user_id": "ben", "email": "ben@example.com", "role": "user"});
    let added = server
        .post(&format!("{path}/members"), json!({"members": [ben]}))
        .await;
    added.expect("200");
    let erin = json!({"email": "erin@example.com", "role": "user"});
    server
        .post(&format!("{path}/invites"), erin)
        .await
        .expect("201");

    let page = fs::read_to_string(repository("docs/customers.md")).unwrap();
    let steps = steps(&page);
    assert!(steps.len() > 30, "{}", steps.len());
    let mut script = String::new();
    for (n, step) in steps.iter().enumerate() {
        script.push_str(&format!("echo '=== {n}'\n{}\n", step.command));
    }
    let folder = format!(
        "{}/customers-{}",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    fs::create_dir_all(&folder).unwrap();
    let mut bash = Command::new("bash");
    bash.arg("-c")
        .arg(script)
        .current_dir(&folder)
        .env("api", world.stack.url())
        .env("key", world.stack.secrets().server_key());
    let output = tokio::task::spawn_blocking(move || bash.output()).await;
    let output = output.unwrap().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let mut wrong = String::new();
    for (n, step) in steps.iter().enumerate() {
        let begin = format!("=== {n}\n");
        let printed = output.split(&begin).nth(1).unwrap_or_default();
        let printed = printed.split("=== ").next().unwrap_or_default();
        let mut rest = printed;
        for part in &step.parts {
            match rest.split_once(part.as_str()) {
                Some((_, after)) => rest = after,
                None => {
                    wrong.push_str(&format!("{}\nprints no {part}:\n{printed}\n", step.command))
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
