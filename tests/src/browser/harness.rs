//! The browser harness: one stack, and a browser for each person.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use functions::Limits;
use serde_json::{Value, json};

use super::webdriver::{Driver, Element, Session, WebDriverError, screenshots};
use crate::harness::World;
use brand::Brand;

/// The time limit for a page: long, because test machines are busy.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between two checks of the page.
pub const POLL_INTERVAL: Duration = Duration::from_millis(40);

/// A stack, and browsers that open its pages.
pub struct Browsers {
    pub world: World,
    driver: Driver,
}

/// A person's browser.
pub struct Browser {
    pub session: Session,
    name: String,
    url: String,
}

/// A node of the page's accessibility tree.
#[derive(Debug, Clone)]
pub struct Node {
    id: i64,
    pub name: String,
    /// The accessible description, such as the reason why an action is not allowed.
    pub description: String,
    pub disabled: bool,
}

impl Browsers {
    /// Starts a stack and a driver. Without Chromium, prints so and returns `None`.
    pub async fn start() -> Option<Self> {
        let driver = Driver::start().await?;
        // Pages show times by the browser's clock, which tests do not move.
        let world = World::start_today(Limits::default()).await;
        Some(Self { world, driver })
    }

    /// Starts a stack that sends any number of emails.
    pub async fn without_limits() -> Option<Self> {
        let driver = Driver::start().await?;
        let world = World::start_today(Limits::NONE).await;
        Some(Self { world, driver })
    }

    /// Starts a stack with the brand of another company.
    pub async fn with_brand(brand: Brand) -> Option<Self> {
        let driver = Driver::start().await?;
        let world = World::start_with_brand(brand).await;
        Some(Self { world, driver })
    }

    /// Opens a browser without a sign-in.
    pub async fn open(&self, name: &str) -> Browser {
        let browser = Browser {
            session: self.driver.open(name).await,
            name: name.to_owned(),
            url: self.world.stack.url().to_owned(),
        };
        browser.size(1280, 900).await;
        browser
    }

    /// Returns the label of a known person on the provider's page.
    pub fn known(&self, email: &str) -> String {
        let people = self.world.stack.people();
        let person = people
            .iter()
            .find(|person| person.email.as_deref() == Some(email));
        let name = person.and_then(|person| person.name.clone()).unwrap();
        format!("{name} {email}")
    }

    /// Opens a browser on the account page, signed in with a verified address; the part
    /// before the `@` is the name.
    pub async fn sign_in(&self, email: &str) -> Browser {
        let name = email.split('@').next().unwrap();
        let browser = self.open(name).await;
        browser.goto("/account/settings").await;
        browser.sign_in_as(email, name, true).await;
        browser.sees("Your account").await;
        browser
    }
}

impl Browser {
    /// Fills in and submits the provider's page.
    pub async fn sign_in_as(&self, email: &str, name: &str, verified: bool) {
        self.sees("This is the local identity provider").await;
        self.fill("Email", email).await;
        self.fill("Name", name).await;
        if !verified {
            self.press("checkbox", "The address is verified").await;
        }
        self.press("button", "Sign in").await;
    }

    pub async fn goto(&self, path: &str) {
        self.session.goto(&format!("{}{path}", self.url)).await;
    }

    /// Returns the address without the origin.
    pub async fn path(&self) -> String {
        let url = self.session.current_url().await;
        url.strip_prefix(&self.url).unwrap_or(&url).to_owned()
    }

    /// Returns the API path of the organization whose settings are open.
    pub async fn organization(&self) -> String {
        let path = self.path().await;
        let (_, id) = path.split_once("organization=").unwrap();
        format!("/v1/organizations/{id}")
    }

    pub async fn size(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        // Most systems overlay scrollbars, so they take no width.
        self.cdp("Emulation.setScrollbarsHidden", json!({ "hidden": true }))
            .await;
    }

    pub async fn theme(&self, theme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": theme });
        self.cdp(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        )
        .await;
        // Chromium loses inherited colors if the window changes before it has applied them.
        let body = "document.body.getBoundingClientRect();
            return new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))";
        self.session.script(body, json!([])).await.unwrap();
    }

    pub async fn connected(&self, connected: bool) {
        self.cdp("Network.enable", json!({})).await;
        let conditions = json!({
            "offline": !connected, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.cdp("Network.emulateNetworkConditions", conditions)
            .await;
    }

    pub async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.session.cdp(command, parameters).await.unwrap()
    }

    /// Waits until `check` returns a value. Checks may fail while a page loads or
    /// renders again.
    #[track_caller]
    fn until<'a, T: 'a>(
        &'a self,
        condition: impl Debug + 'a,
        check: impl AsyncFn() -> Result<Option<T>, WebDriverError> + 'a,
    ) -> impl Future<Output = T> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let begun = Instant::now();
            let mut last_error = None;
            while begun.elapsed() < TIMEOUT {
                match check().await {
                    Ok(Some(found)) => return found,
                    Ok(None) => last_error = None,
                    Err(error) => last_error = Some(format!("{}: {}", error.code, error.message)),
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            let screenshot = screenshots().join(format!("failed-{}.png", self.name));
            self.photograph(&screenshot).await;
            panic!(
                "{caller}: {}'s browser never had {condition:?} (last error: {last_error:?}); {} shows (screenshot: {}):\n{}",
                self.name,
                self.path().await,
                screenshot.display(),
                self.text().await.unwrap_or_default(),
            );
        }
    }

    /// Returns the visible text of the page, with whitespace collapsed.
    pub async fn text(&self) -> Result<String, WebDriverError> {
        let text = self
            .session
            .script("return document.body.innerText", json!([]))
            .await?;
        let words: Vec<&str> = text
            .as_str()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        Ok(words.join(" "))
    }

    /// Waits for a text.
    #[track_caller]
    pub fn sees<'a>(&'a self, text: &'a str) -> impl Future<Output = ()> + 'a {
        self.until(text, async move || {
            Ok(self.text().await?.contains(text).then_some(()))
        })
    }

    /// Waits until a text is gone.
    #[track_caller]
    pub fn sees_no_more<'a>(&'a self, text: &'a str) -> impl Future<Output = ()> + 'a {
        self.until(format!("no more {text}"), async move || {
            Ok((!self.text().await?.contains(text)).then_some(()))
        })
    }

    /// Waits until the result of a script is as expected.
    #[track_caller]
    pub fn eventually<'a>(
        &'a self,
        script: &'a str,
        expected: impl Fn(&Value) -> bool + 'a,
    ) -> impl Future<Output = ()> + 'a {
        self.until(script, async move || {
            let result = self.session.script(script, json!([])).await?;
            Ok(expected(&result).then_some(()))
        })
    }

    /// Waits for an address.
    #[track_caller]
    pub fn is_at<'a>(&'a self, path: &'a str) -> impl Future<Output = ()> + 'a {
        self.until(path, async move || {
            Ok((self.path().await == path).then_some(()))
        })
    }

    /// Returns all visible nodes of a role from Chromium's accessibility tree.
    pub async fn all(&self, role: &str) -> Result<Vec<Node>, WebDriverError> {
        let document = self
            .session
            .cdp("DOM.getDocument", json!({ "depth": 0 }))
            .await?;
        let input = json!({ "nodeId": document["root"]["nodeId"], "role": role });
        let found = self.session.cdp("Accessibility.queryAXTree", input).await?;
        let nodes = found["nodes"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| {
            let words: Vec<&str> = value
                .as_str()
                .unwrap_or_default()
                .split_whitespace()
                .collect();
            words.join(" ")
        };
        Ok(nodes
            .iter()
            .filter(|node| node["ignored"] == false)
            .map(|node| {
                let properties = node["properties"].as_array().into_iter().flatten();
                let disabled = properties
                    .filter(|property| property["name"] == "disabled")
                    .any(|property| property["value"]["value"] == true);
                Node {
                    id: node["backendDOMNodeId"].as_i64().unwrap_or_default(),
                    name: text(&node["name"]["value"]),
                    description: text(&node["description"]["value"]),
                    disabled,
                }
            })
            .collect())
    }

    async fn named(&self, role: &str, name: &str) -> Result<Option<Node>, WebDriverError> {
        let all = self.all(role).await?;
        Ok(all.into_iter().find(|node| node.name == name))
    }

    /// Waits for a node of a role and name.
    #[track_caller]
    pub fn find<'a>(&'a self, role: &'a str, name: &'a str) -> impl Future<Output = Node> + 'a {
        self.until((role, name), async move || self.named(role, name).await)
    }

    /// Waits until no node has that role and name.
    #[track_caller]
    pub fn lacks<'a>(&'a self, role: &'a str, name: &'a str) -> impl Future<Output = ()> + 'a {
        self.until(("no", role, name), async move || {
            Ok(self.named(role, name).await?.is_none().then_some(()))
        })
    }

    /// Waits for a disabled node whose description gives the reason.
    #[track_caller]
    pub fn is_refused<'a>(
        &'a self,
        role: &'a str,
        name: &'a str,
        why: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        self.until((role, name, "with the reason", why), async move || {
            let node = self.named(role, name).await?;
            let refused = node.is_some_and(|node| node.disabled && node.description.contains(why));
            Ok(refused.then_some(()))
        })
    }

    /// Returns the element of a node.
    pub async fn element(&self, node: &Node) -> Result<Element, WebDriverError> {
        let resolved = self
            .session
            .cdp("DOM.resolveNode", json!({ "backendNodeId": node.id }))
            .await?;
        let keep = json!({
            "objectId": resolved["object"]["objectId"],
            "functionDeclaration": "function () { window.found = this; }",
        });
        self.session.cdp("Runtime.callFunctionOn", keep).await?;
        let found = self
            .session
            .script(
                "const { found } = window; delete window.found; return found;",
                json!([]),
            )
            .await?;
        Element::of(&found).ok_or_else(|| WebDriverError {
            code: "gone".to_owned(),
            message: node.name.clone(),
        })
    }

    async fn named_element(
        &self,
        role: &str,
        name: &str,
    ) -> Result<Option<Element>, WebDriverError> {
        match self.named(role, name).await? {
            Some(node) => self.element(&node).await.map(Some),
            None => Ok(None),
        }
    }

    /// Waits for a node and clicks it. A click that the node did not receive, because the
    /// page moved under the pointer, is repeated.
    #[track_caller]
    pub fn press<'a>(&'a self, role: &'a str, name: &'a str) -> impl Future<Output = ()> + 'a {
        const EXPECT: &str = "window.unclicked = true; \
             const received = () => { delete window.unclicked; }; \
             arguments[0].addEventListener('click', received, { capture: true, once: true })";
        self.until(("press", role, name), async move || {
            let Some(element) = self.named_element(role, name).await? else {
                return Ok(None);
            };
            self.session
                .script(EXPECT, json!([element.argument()]))
                .await?;
            self.session.click(&element).await?;
            let unclicked = "return window.unclicked === true";
            let unclicked = self.session.script(unclicked, json!([])).await;
            Ok((!matches!(unclicked, Ok(Value::Bool(true)))).then_some(()))
        })
    }

    /// Hovers over a node until its tooltip appears, and returns the text.
    #[track_caller]
    pub fn tip<'a>(&'a self, role: &'a str, name: &'a str) -> impl Future<Output = String> + 'a {
        self.until(("a tip at", role, name), async move || {
            if let Some(tip) = self.all("tooltip").await?.pop() {
                return Ok(Some(tip.name));
            }
            let Some(element) = self.named_element(role, name).await? else {
                return Ok(None);
            };
            let body = "arguments[0].scrollIntoView({ block: 'center' })";
            self.session
                .script(body, json!([element.argument()]))
                .await?;
            self.session.hover(&element).await?;
            Ok(None)
        })
    }

    /// Replaces the text of a field.
    #[track_caller]
    pub fn fill<'a>(&'a self, name: &'a str, text: &'a str) -> impl Future<Output = ()> + 'a {
        self.until(("fill", name), async move || {
            let mut field = self.named_element("textbox", name).await?;
            if field.is_none() {
                field = self.named_element("searchbox", name).await?;
            }
            let Some(field) = field else {
                return Ok(None);
            };
            self.session.clear(&field).await?;
            self.session.type_into(&field, text).await.map(Some)
        })
    }

    /// Chooses an option of a combobox, or of a menu of roles.
    #[track_caller]
    pub fn choose<'a>(&'a self, name: &'a str, option: &'a str) -> impl Future<Output = ()> + 'a {
        self.until(("choose", name, option), async move || {
            let Some(list) = self.named_element("combobox", name).await? else {
                return self
                    .press_in_menu(&format!("{name}: "), "menuitemradio", option)
                    .await;
            };
            for offered in self.session.select(&list, "option").await? {
                let text = self.session.property(&offered, "text").await?;
                if text.as_str().is_some_and(|text| text.trim() == option) {
                    return self.session.click(&offered).await.map(Some);
                }
            }
            Ok(None)
        })
    }

    /// Chooses an action from the menu of a row.
    #[track_caller]
    pub fn act<'a>(&'a self, row: &'a str, action: &'a str) -> impl Future<Output = ()> + 'a {
        self.until(("act", row, action), async move || {
            let button = format!("Actions for {row}");
            self.press_in_menu(&button, "menuitem", action).await
        })
    }

    /// Clicks an item of a menu, once the menu is open. Opens it otherwise.
    async fn press_in_menu(
        &self,
        button: &str,
        role: &str,
        item: &str,
    ) -> Result<Option<()>, WebDriverError> {
        if let Some(item) = self.named_element(role, item).await? {
            return self.session.click(&item).await.map(Some);
        }
        if self.all("menu").await?.is_empty() {
            let all = self.all("button").await?;
            if let Some(node) = all.iter().find(|node| node.name.starts_with(button)) {
                let button = self.element(node).await?;
                self.session.click(&button).await?;
            }
        }
        Ok(None)
    }

    /// Returns the items of the menu at a button with this beginning of its name, and
    /// closes the menu.
    #[track_caller]
    pub fn menu<'a>(&'a self, button: &'a str) -> impl Future<Output = Vec<Node>> + 'a {
        const ESCAPE: char = '\u{E00C}';
        self.until(("the menu", button), async move || {
            let mut items = self.all("menuitem").await?;
            items.extend(self.all("menuitemradio").await?);
            if items.is_empty() {
                self.press_in_menu(button, "menuitem", "").await?;
                return Ok(None);
            }
            self.session.key(ESCAPE).await;
            Ok(Some(items))
        })
    }

    /// Asserts that the menu of a row refuses an action, with the reason.
    pub async fn menu_refuses(&self, row: &str, action: &str, why: &str) {
        let items = self.menu(&format!("Actions for {row}")).await;
        let item = items.iter().find(|item| item.name == action);
        let item = item.unwrap_or_else(|| panic!("no {action}: {items:?}"));
        assert!(item.disabled && item.description.contains(why), "{item:?}");
    }

    /// Returns the value of a text field.
    #[track_caller]
    pub fn value<'a>(&'a self, name: &'a str) -> impl Future<Output = String> + 'a {
        self.until(("value", name), async move || {
            let Some(field) = self.named_element("textbox", name).await? else {
                return Ok(None);
            };
            let value = self.session.property(&field, "value").await?;
            Ok(value.as_str().map(str::to_owned))
        })
    }

    /// Waits until a dialog is open.
    #[track_caller]
    pub fn asks(&self) -> impl Future<Output = ()> + '_ {
        self.until("a dialog", async move || {
            let dialogs = self.all("dialog").await?;
            Ok((!dialogs.is_empty()).then_some(()))
        })
    }

    /// Advances the window's clock by a minute and gives the window the focus.
    pub async fn returns(&self) {
        let body = "const { now } = Date; Date.now = () => now() + 60_000; dispatchEvent(new Event('focus'))";
        self.session.script(body, json!([])).await.unwrap();
    }

    /// Types into the focused element.
    pub async fn types(&self, text: &str) {
        for key in text.chars() {
            self.session.key(key).await;
        }
    }

    /// Presses Tab until an element of that name has the focus.
    pub async fn tab_to(&self, name: &str) {
        const TAB: char = '\u{E004}';
        let mut passed = Vec::new();
        while passed.len() < 150 {
            self.session.key(TAB).await;
            let focused = self.focused().await;
            if focused == name {
                return;
            }
            passed.push(focused);
        }
        panic!("{name} is not among the tab stops {passed:?}");
    }

    /// Waits until an element of that name has the focus.
    #[track_caller]
    pub fn focus_is<'a>(&'a self, name: &'a str) -> impl Future<Output = ()> + 'a {
        self.until(("the focus on", name), async move || {
            Ok((self.focused().await == name).then_some(()))
        })
    }

    /// Returns the accessible name of the focused element.
    pub async fn focused(&self) -> String {
        let body = "const at = document.activeElement; \
             const by = document.getElementById(at.getAttribute('aria-labelledby')); \
             const label = by?.innerText ?? at.labels?.[0]?.innerText; \
             return at === document.body ? '' : at.getAttribute('aria-label') ?? label ?? at.innerText ?? ''";
        let name = self.session.script(body, json!([])).await.unwrap();
        let words: Vec<&str> = name
            .as_str()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        words.join(" ")
    }
}
