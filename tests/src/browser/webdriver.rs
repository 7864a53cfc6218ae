//! Chromium through `chromedriver`: the WebDriver protocol, and Chromium's own protocol
//! for what WebDriver lacks.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::harness::{POLL_INTERVAL, TIMEOUT};

/// Limits browsers to one test at a time: they take much memory.
static TURN: Semaphore = Semaphore::const_new(1);

/// A shell script that starts `chromedriver`, ends it when the script's input closes,
/// and removes the folder once the browsers are gone. The input closes when the
/// [`Driver`] is dropped or the test process ends in any way.
const WATCHDOG: &str = r#"
    trap : HUP INT TERM
    "$0" --port=0 &
    read _
    kill -9 $!
    while pgrep -f "user-data-dir=$1/" >/dev/null; do sleep 0.1; done
    rm -rf "$1"
"#;

/// A `chromedriver` and its browsers, which end when this is dropped.
pub struct Driver {
    /// Keeps the script's input open.
    _watchdog: Child,
    /// Keeps the output open, so that writing to it does not fail.
    _output: BufReader<ChildStdout>,
    url: String,
    folder: PathBuf,
    chromium: PathBuf,
    http: Client,
    _turn: SemaphorePermit<'static>,
}

/// An error of the WebDriver protocol.
#[derive(Debug)]
pub struct WebDriverError {
    /// The protocol's error code, such as `stale element reference`.
    pub code: String,
    pub message: String,
}

/// A browser with a profile of its own.
pub struct Session {
    url: String,
    http: Client,
}

/// A reference to an element of the current page.
#[derive(Clone)]
pub struct Element(String);

/// The key of element references in the WebDriver protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

impl Driver {
    /// Starts `chromedriver`. Without Chromium, prints so and returns `None`; in CI this
    /// is a failure.
    pub async fn start() -> Option<Self> {
        let chromium = on_path(&["chromium", "chromium-browser", "google-chrome"]);
        let (Some(chromium), Some(driver)) = (chromium, on_path(&["chromedriver"])) else {
            let in_ci = env::var_os("CI").is_some();
            assert!(
                !in_ci,
                "the browser tests need `chromium` and `chromedriver`"
            );
            let test = std::thread::current().name().unwrap_or("").to_owned();
            let notice = format!("SKIPPED {test}: no `chromium` and `chromedriver` here\n");
            // The test runner captures `eprintln` of passing tests.
            std::io::stderr().write_all(notice.as_bytes()).unwrap();
            return None;
        };
        let turn = TURN.acquire().await.unwrap();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("browsers-{}-{number}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let mut watchdog = Command::new("sh")
            .args(["-c", WATCHDOG])
            .args([&driver, &folder])
            .env("TMPDIR", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(watchdog.stdout.take().unwrap());
        let mut lines = String::new();
        let port = loop {
            let from = lines.len();
            assert_ne!(output.read_line(&mut lines).unwrap(), 0, "{lines}");
            if let Some((_, port)) = lines[from..].split_once("successfully on port ") {
                break port.trim_end().trim_end_matches('.').to_owned();
            }
        };
        Some(Self {
            _watchdog: watchdog,
            _output: output,
            url: format!("http://127.0.0.1:{port}"),
            folder,
            chromium,
            http: Client::new(),
            _turn: turn,
        })
    }

    /// Opens a browser with a named profile.
    pub async fn open(&self, name: &str) -> Session {
        let profile = self.folder.join(name);
        fs::create_dir_all(&profile).unwrap();
        let profile = format!("--user-data-dir={}", profile.display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // Ends the browser with `chromedriver`, in whatever way that ends.
            "--remote-debugging-pipe",
            "--lang=en-US",
            "--force-prefers-reduced-motion",
            &profile,
        ];
        let input = json!({ "capabilities": { "alwaysMatch": {
            "timeouts": { "script": 60_000, "pageLoad": 60_000 },
            "goog:chromeOptions": { "args": arguments, "binary": self.chromium },
        }}});
        let sessions = format!("{}/session", self.url);
        let answer = send(&self.http, Method::POST, &sessions, Some(input)).await;
        let id = answer.unwrap()["sessionId"].as_str().unwrap().to_owned();
        Session {
            url: format!("{sessions}/{id}"),
            http: self.http.clone(),
        }
    }
}

async fn send(
    http: &Client,
    method: Method,
    url: &str,
    body: Option<Value>,
) -> Result<Value, WebDriverError> {
    let mut request = http.request(method, url);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
    let value = answer["value"].take();
    match value["error"].as_str() {
        Some(code) => Err(WebDriverError {
            code: code.to_owned(),
            message: value["message"].as_str().unwrap_or_default().to_owned(),
        }),
        None => Ok(value),
    }
}

impl Session {
    async fn get(&self, path: &str) -> Result<Value, WebDriverError> {
        send(
            &self.http,
            Method::GET,
            &format!("{}{path}", self.url),
            None,
        )
        .await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, WebDriverError> {
        let url = format!("{}{path}", self.url);
        send(&self.http, Method::POST, &url, Some(body)).await
    }

    pub async fn goto(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await.unwrap();
    }

    pub async fn refresh(&self) {
        self.post("/refresh", json!({})).await.unwrap();
    }

    pub async fn back(&self) {
        self.post("/back", json!({})).await.unwrap();
    }

    pub async fn current_url(&self) -> String {
        let url = self.get("/url").await.unwrap();
        url.as_str().unwrap().to_owned()
    }

    /// Runs the body of a function in the page.
    pub async fn script(&self, body: &str, arguments: Value) -> Result<Value, WebDriverError> {
        let input = json!({ "script": body, "args": arguments });
        self.post("/execute/sync", input).await
    }

    /// Sends a command of Chromium's own protocol.
    pub async fn cdp(&self, command: &str, parameters: Value) -> Result<Value, WebDriverError> {
        let input = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", input).await
    }

    pub async fn click(&self, element: &Element) -> Result<(), WebDriverError> {
        let path = format!("/element/{}/click", element.0);
        self.post(&path, json!({})).await.map(drop)
    }

    pub async fn clear(&self, element: &Element) -> Result<(), WebDriverError> {
        let path = format!("/element/{}/clear", element.0);
        self.post(&path, json!({})).await.map(drop)
    }

    pub async fn type_into(&self, element: &Element, text: &str) -> Result<(), WebDriverError> {
        let path = format!("/element/{}/value", element.0);
        self.post(&path, json!({ "text": text })).await.map(drop)
    }

    /// Returns a property of an element, such as `checked` or `value`.
    pub async fn property(&self, element: &Element, name: &str) -> Result<Value, WebDriverError> {
        let path = format!("/element/{}/property/{name}", element.0);
        self.get(&path).await
    }

    /// Returns the elements that match a CSS selector within an element.
    pub async fn select(
        &self,
        within: &Element,
        css: &str,
    ) -> Result<Vec<Element>, WebDriverError> {
        let input = json!({ "using": "css selector", "value": css });
        let path = format!("/element/{}/elements", within.0);
        let found = self.post(&path, input).await?;
        let found = found.as_array().into_iter().flatten();
        Ok(found.filter_map(Element::of).collect())
    }

    /// Presses and releases a key on the focused element.
    pub async fn key(&self, key: char) {
        let actions = json!([
            { "type": "keyDown", "value": key },
            { "type": "keyUp", "value": key },
        ]);
        let input = json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] });
        self.post("/actions", input).await.unwrap();
    }

    /// Moves the pointer onto an element from outside.
    pub async fn hover(&self, element: &Element) -> Result<(), WebDriverError> {
        let to = |origin: Value| json!({ "type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": origin });
        let moves = [to(json!("viewport")), to(element.argument())];
        let input = json!({ "actions": [{
            "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": moves,
        }]});
        self.post("/actions", input).await.map(drop)
    }
}

impl Element {
    pub fn of(value: &Value) -> Option<Self> {
        value[ELEMENT].as_str().map(|id| Self(id.to_owned()))
    }

    /// Returns the element as an argument of a script.
    pub fn argument(&self) -> Value {
        json!({ ELEMENT: self.0 })
    }
}

/// Returns the folder for screenshots, `target/screenshots`, which git ignores.
pub fn screenshots() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    let folder = target.join("screenshots");
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn dropped_driver_leaves_no_browser_behind() {
    let Some(driver) = Driver::start().await else {
        return;
    };
    driver.open("somebody").await;
    let folder = driver.folder.clone();
    assert!(folder.join("somebody").is_dir());
    drop(driver);
    // The script removes the folder after the last browser has ended.
    let begun = Instant::now();
    while folder.exists() {
        assert!(begun.elapsed() < TIMEOUT, "{} is left", folder.display());
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
