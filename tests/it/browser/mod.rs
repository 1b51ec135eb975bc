//! A headless browser, for the tests of the live page.

mod axe;
mod chromium;
mod driver;
mod firefox;

use std::time::Duration;

use fantoccini::{
    Client, Locator,
    actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction},
    elements::Element,
    wd::WebDriverCompatibleCommand,
};
use reqwest::{Method, Url};
use serde_json::Value;

use self::driver::Driver;
pub(crate) use self::{
    axe::has_axe,
    chromium::{DARK, FORCED_COLORS, LIGHT, MediaFeature, REDUCED_MOTION, Screen},
};
use crate::harness::{is_installed, with_timeout};

/// Runs a test in a Chromium of its own. Where it is not installed, the test is skipped and says so.
pub(crate) async fn with_browser(test: impl AsyncFnOnce(&Browser)) {
    if is_installed("chromedriver") && is_installed("chromium") {
        test(&chromium::start().await).await;
    }
}

/// The same with Firefox.
pub(crate) async fn with_firefox(test: impl AsyncFnOnce(&Browser)) {
    if is_installed("geckodriver") && is_installed("firefox") {
        test(&firefox::start().await).await;
    }
}

pub(crate) struct Browser {
    pub(crate) client: Client,
    kind: Kind,
    /// Closes the browser when it is dropped.
    _driver: Driver,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Chromium,
    Firefox,
}

impl Browser {
    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The value of an expression in the page.
    pub(crate) async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return ({expression})");
        self.client.execute(&script, vec![]).await.unwrap()
    }

    pub(crate) async fn run(&self, script: &str) {
        self.client.execute(script, vec![]).await.unwrap();
    }

    /// Waits until an expression in the page is true.
    pub(crate) async fn wait_until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];
             const look = () => ({expression}) ? done() : setTimeout(look, 10);
             look();"
        );
        if let Err(error) = with_timeout(self.client.execute_async(&script, vec![])).await {
            let page = self
                .evaluate("document.body.innerText.slice(0, 2000)")
                .await;
            panic!("{expression}: {error}\n{}", page.as_str().unwrap());
        }
    }

    /// Waits until the browser has drawn what has changed.
    pub(crate) async fn until_drawn(&self) {
        let script = "const done = arguments[0];
            requestAnimationFrame(() => requestAnimationFrame(() => done()));";
        let drawn = self.client.execute_async(script, vec![]);
        with_timeout(drawn).await.unwrap();
    }

    /// Waits for an element.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(Duration::from_mins(1));
        found
            .for_element(Locator::Css(selector))
            .await
            .expect(selector)
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.expect(selector);
    }

    /// Clicks in an element, so many pixels right of its middle.
    pub(crate) async fn click_at(&self, selector: &str, x: f64) {
        let element = self.find(selector).await;
        let pointer = MouseActions::new("mouse".to_owned())
            .then(PointerAction::MoveToElement {
                element,
                duration: None,
                x,
                y: 0.0,
            })
            .then(PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            })
            .then(PointerAction::Up {
                button: MOUSE_BUTTON_LEFT,
            });
        self.client.perform_actions(pointer).await.unwrap();
    }

    /// Presses a key in the focused element.
    pub(crate) async fn press(&self, key: fantoccini::key::Key) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(&key.to_string()).await.unwrap();
    }

    /// The messages in the console since the last call.
    pub(crate) async fn console_messages(&self) -> Vec<String> {
        match self.kind {
            Kind::Chromium => self.chromium_messages().await,
            Kind::Firefox => self.firefox_messages().await,
        }
    }

    pub(crate) async fn assert_no_console_errors(&self) {
        assert_eq!(self.console_messages().await, Vec::<String>::new());
    }
}

/// A command that only one driver has: its path and its body.
#[derive(Debug)]
struct Extension(&'static str, Value);

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(
        &self,
        base: &Url,
        session: Option<&str>,
    ) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}
