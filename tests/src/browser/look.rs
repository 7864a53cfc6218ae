//! How pages look: what axe-core finds in them, and pictures for people.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{harness::Browser, webdriver::screenshots};

/// What `npm ci` in `functions/pages` brings.
const AXE: &str = "../functions/pages/node_modules/axe-core/axe.min.js";

/// Rules of WCAG 2.2 AA, and those that axe-core's makers think good beside it.
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
    /// Looks at the page as it is in both themes and sizes: nothing that
    /// axe-core knows may be wrong, nothing may stand out to the side, and a
    /// picture of each is kept.
    pub async fn is_accessible(&self, page: &str) {
        for theme in THEMES {
            self.theme(theme).await;
            for (width, height) in SIZES {
                self.size(width, height).await;
                // What stays in sight when the page is scrolled covers none of it at the top.
                self.session
                    .script("scrollTo(0, 0)", json!([]))
                    .await
                    .unwrap();
                let file = format!("{page}-{width}-{theme}.png");
                self.photograph(&screenshots().join(&file)).await;
                let wrong = self.wrong().await;
                assert!(wrong.is_empty(), "{file}: {wrong:#?}");
                self.fits(&file).await;
            }
        }
        // The narrowest that there is.
        self.size(320, 640).await;
        self.fits(&format!("{page} at 320 px")).await;
        self.size(1280, 900).await;
        self.theme("light").await;
    }

    /// Nobody has to scroll sideways.
    async fn fits(&self, what: &str) {
        let body =
            "const page = document.scrollingElement; return page.scrollWidth - page.clientWidth";
        let out = self.session.script(body, json!([])).await.unwrap();
        assert_eq!(out, json!(0), "{what} stands out by so many pixels");
    }

    /// What axe-core finds wrong. It is asked by Chromium's own protocol: the
    /// page's policy lets no script in.
    async fn wrong(&self) -> Vec<String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
        let Ok(axe) = fs::read_to_string(&file) else {
            let in_ci = std::env::var_os("CI").is_some();
            assert!(!in_ci, "axe-core is missing: `npm ci` in functions/pages");
            use std::io::Write;
            let told = b"SKIPPED axe-core: `npm ci` in functions/pages brings it\n";
            std::io::stderr().write_all(told).unwrap();
            return Vec::new();
        };
        let known = self.evaluate("typeof axe").await;
        if known != "object" {
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

    /// The whole page, to its end.
    pub async fn photograph(&self, file: &Path) {
        let metrics = self.cdp("Page.getLayoutMetrics", json!({})).await;
        let size = &metrics["cssContentSize"];
        let clip =
            json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let input = json!({ "captureBeyondViewport": true, "clip": clip });
        let picture = self.cdp("Page.captureScreenshot", input).await;
        let picture = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        fs::write(file, picture).unwrap();
    }
}
