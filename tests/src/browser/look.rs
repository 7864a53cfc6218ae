//! Accessibility checks with axe-core, and screenshots for review.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{harness::Browser, webdriver::screenshots};

/// The script of axe-core, which `npm ci` in `functions/pages` installs.
const AXE: &str = "../functions/pages/node_modules/axe-core/axe.min.js";

/// The rules of WCAG 2.2 AA, and axe-core's best practices.
const TAGS: [&str; 7] = [
    "wcag2a",
    "wcag2aa",
    "wcag21a",
    "wcag21aa",
    "wcag22a",
    "wcag22aa",
    "best-practice",
];

const SIZES: [(u32, u32); 2] = [(375, 812), (1280, 900)];
const THEMES: [&str; 2] = ["light", "dark"];

impl Browser {
    /// Asserts in both themes and sizes that axe-core finds no violation and that nothing
    /// overflows sideways, and saves a screenshot of each.
    pub async fn is_accessible(&self, page: &str) {
        for theme in THEMES {
            self.theme(theme).await;
            for (width, height) in SIZES {
                self.size(width, height).await;
                // Sticky elements cover nothing at the top of the page.
                self.session
                    .script("scrollTo(0, 0)", json!([]))
                    .await
                    .unwrap();
                let file = format!("{page}-{width}-{theme}.png");
                self.photograph(&screenshots().join(&file)).await;
                let violations = self.violations().await;
                assert!(violations.is_empty(), "{file}: {violations:#?}");
                self.fits(&file).await;
            }
        }
        // The narrowest supported width.
        self.size(320, 640).await;
        self.fits(&format!("{page} at 320 px")).await;
        self.size(1280, 900).await;
        self.theme("light").await;
    }

    /// Asserts in both themes, at the present size, that axe-core finds no violation: a menu
    /// closes when the window changes.
    pub async fn is_open_and_accessible(&self, page: &str) {
        for theme in THEMES {
            self.theme(theme).await;
            let file = format!("{page}-{theme}.png");
            let picture = self.cdp("Page.captureScreenshot", json!({})).await;
            save(&picture, &screenshots().join(&file));
            assert_eq!(self.all("menu").await.unwrap().len(), 1);
            let violations = self.violations().await;
            assert!(violations.is_empty(), "{file}: {violations:#?}");
        }
        self.theme("light").await;
    }

    /// Asserts that the page does not scroll sideways.
    async fn fits(&self, page: &str) {
        let body =
            "const page = document.scrollingElement; return page.scrollWidth - page.clientWidth";
        let overflow = self.session.script(body, json!([])).await.unwrap();
        assert_eq!(overflow, json!(0), "{page} overflows by this many pixels");
    }

    /// Returns the violations that axe-core finds. It runs through Chromium's own
    /// protocol, because the page's policy blocks foreign scripts.
    async fn violations(&self) -> Vec<String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
        let Ok(axe) = fs::read_to_string(&file) else {
            let in_ci = std::env::var_os("CI").is_some();
            assert!(!in_ci, "axe-core is missing: `npm ci` in functions/pages");
            use std::io::Write;
            let notice = b"SKIPPED axe-core: `npm ci` in functions/pages installs it\n";
            std::io::stderr().write_all(notice).unwrap();
            return Vec::new();
        };
        let loaded = self.evaluate("typeof axe").await;
        if loaded != "object" {
            self.evaluate(&format!("{axe}; typeof axe")).await;
        }
        let options = json!({ "runOnly": TAGS, "resultTypes": ["violations"] });
        let found = self
            .evaluate(&format!(
                "axe.run(document, {options}).then(({{ violations }}) => violations.flatMap(({{ id, nodes }}) => \
                 nodes.map((node) => `${{id}}: ${{node.html}} ${{node.failureSummary}}`)))"
            ))
            .await;
        serde_json::from_value(found).unwrap()
    }

    async fn evaluate(&self, expression: &str) -> Value {
        let input =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.cdp("Runtime.evaluate", input).await;
        assert!(answer["exceptionDetails"].is_null(), "{answer:#}");
        answer["result"]["value"].take()
    }

    /// Saves a screenshot of the whole page.
    pub async fn photograph(&self, file: &Path) {
        let metrics = self.cdp("Page.getLayoutMetrics", json!({})).await;
        let size = &metrics["cssContentSize"];
        let clip =
            json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let input = json!({ "captureBeyondViewport": true, "clip": clip });
        let picture = self.cdp("Page.captureScreenshot", input).await;
        save(&picture, file);
    }
}

fn save(picture: &Value, file: &Path) {
    let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
    fs::write(file, picture).unwrap();
}
