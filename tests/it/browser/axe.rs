//! axe-core: finds what keeps people from using the page, such as text of little contrast.

use serde_json::{Value, json};

use super::Browser;
use crate::harness::{is_found, read, root};

const AXE: &str = "tests/clients/node_modules/axe-core/axe.min.js";

/// All of the WCAG 2.2 that is checked for the levels A and AA, and advice beyond it.
const TAGS: [&str; 7] = [
    "wcag2a",
    "wcag2aa",
    "wcag21a",
    "wcag21aa",
    "wcag22aa",
    "best-practice",
    "experimental",
];

/// Whether axe-core is installed. If not, the test is skipped and says so.
pub(crate) fn has_axe() -> bool {
    is_found("axe-core (npm ci in tests/clients)", root(AXE).is_file())
}

impl Browser {
    /// Checks that axe-core finds nothing in the page as it is now. `state` is for the message.
    pub(crate) async fn assert_accessible(&self, state: &str) {
        if has_axe() {
            let violations = self.violations().await;
            assert!(violations.is_empty(), "{state}: {}", violations.join("\n"));
        }
    }

    /// What axe-core finds, each with its rule, its element and what to do about it.
    pub(crate) async fn violations(&self) -> Vec<String> {
        if self.evaluate("typeof axe").await == "undefined" {
            self.run(&read(AXE)).await;
        }
        // By the driver, which the page's Content-Security-Policy does not concern.
        let script = "
            const [tags, done] = arguments;
            // With forced colours the browser chooses readable ones, and axe-core sees those of the style sheet.
            const isForced = matchMedia('(forced-colors: active)').matches;
            const rules = { 'color-contrast': { enabled: !isForced } };
            axe.run({ runOnly: tags, rules, resultTypes: ['violations'] }).then(
                ({ violations }) => done(violations.flatMap(({ id, help, nodes }) =>
                    nodes.map(({ target, failureSummary }) =>
                        `${id}: ${help}\\n  ${target.join(' ')}\\n  ${failureSummary}`))),
                (error) => done([`axe failed: ${error.stack}`]));";
        let found = self.client.execute_async(script, vec![json!(TAGS)]).await;
        let found: Value = found.unwrap();
        serde_json::from_value(found).unwrap()
    }
}
