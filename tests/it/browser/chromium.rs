//! Chromium, with what only chromedriver can do.

use std::process::Command;

use serde_json::{Value, json};

use super::{Browser, Extension, Kind, driver::Driver};

/// For running anywhere, without network requests of the browser's own.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    // It exits with its driver, even if that is killed.
    "--remote-debugging-pipe",
];

/// A screen in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    width: u32,
    height: u32,
    is_phone: bool,
}

impl Screen {
    pub(crate) const DESKTOP: Self = Self::new(1280, 900, false);
    pub(crate) const PHONE: Self = Self::new(390, 844, true);
    pub(crate) const SMALL_PHONE: Self = Self::new(360, 780, true);

    const fn new(width: u32, height: u32, is_phone: bool) -> Self {
        Self {
            width,
            height,
            is_phone,
        }
    }
}

/// A feature that style sheets ask for, and its value.
pub(crate) type MediaFeature = (&'static str, &'static str);
pub(crate) const LIGHT: MediaFeature = ("prefers-color-scheme", "light");
pub(crate) const DARK: MediaFeature = ("prefers-color-scheme", "dark");
pub(crate) const FORCED_COLORS: MediaFeature = ("forced-colors", "active");
pub(crate) const REDUCED_MOTION: MediaFeature = ("prefers-reduced-motion", "reduce");

pub(super) async fn start() -> Browser {
    let folder = Driver::new_folder();
    let profile = format!("--user-data-dir={}", folder.display());
    let mut command = Command::new("chromedriver");
    command.arg("--port=0");
    let mut driver = Driver::start(command, "started successfully on port ", folder);
    let flags = FLAGS.map(str::to_owned).into_iter();
    let capabilities = json!({
        "goog:chromeOptions": { "args": flags.chain([profile]).collect::<Vec<_>>() },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    Browser {
        client: driver.connect(&capabilities).await,
        kind: Kind::Chromium,
        _driver: driver,
    }
}

impl Browser {
    /// Gives the page another screen. Only in Chromium, like the others below.
    pub(crate) async fn emulate_screen(&self, screen: Screen) {
        let Screen {
            width,
            height,
            is_phone,
        } = screen;
        let scale = if is_phone { 2 } else { 1 };
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": is_phone
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics)
            .await;
    }

    /// Gives the page the screen of a phone.
    pub(crate) async fn emulate_phone(&self) {
        self.emulate_screen(Screen::SMALL_PHONE).await;
    }

    /// Gives the page these features instead of those of the last call.
    pub(crate) async fn emulate_media(&self, features: &[MediaFeature]) {
        let features: Vec<_> = features
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        self.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        )
        .await;
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, name: &str, parameters: &Value) -> Value {
        let command = json!({ "cmd": name, "params": parameters });
        let extension = Extension("goog/cdp/execute", command);
        self.client.issue_cmd(extension).await.unwrap()
    }

    pub(super) async fn chromium_messages(&self) -> Vec<String> {
        let extension = Extension("se/log", json!({ "type": "browser" }));
        let entries = self.client.issue_cmd(extension).await.unwrap();
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }
}
