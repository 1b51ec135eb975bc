//! Firefox, with what only geckodriver can do.

use std::process::Command;

use serde_json::{Value, json};

use super::{Browser, Extension, Kind, driver::Driver};

pub(super) async fn start() -> Browser {
    let folder = Driver::new_folder();
    let mut command = Command::new("geckodriver");
    command
        .args(["--port=0", "--websocket-port=0"])
        // For the messages in the console, which belong to the browser and not to the page.
        .arg("--allow-system-access")
        .arg("--profile-root")
        .arg(&folder);
    let mut driver = Driver::start(command, "Listening on 127.0.0.1:", folder);
    let capabilities = json!({
        "moz:firefoxOptions": { "args": ["-headless"], "prefs": preferences() },
    });
    Browser {
        client: driver.connect(&capabilities).await,
        kind: Kind::Firefox,
        _driver: driver,
    }
}

/// No network requests of the browser's own; geckodriver sets most of the preferences for this.
fn preferences() -> Value {
    json!({
        "app.normandy.enabled": false,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "services.settings.server": "data:,",
    })
}

impl Browser {
    /// The errors of pages since the last call: of scripts, styles, requests and the Content-Security-Policy.
    /// WebDriver has no command for them, so this asks the browser's own console. That does not have what
    /// pages write by `console.error`.
    pub(super) async fn firefox_messages(&self) -> Vec<String> {
        self.set_context("chrome").await;
        let script = "
            const messages = Services.console.getMessageArray().filter((message) =>
                message instanceof Ci.nsIScriptError && /^https?:/.test(message.sourceName));
            Services.console.reset();
            return messages.map(String);";
        let messages = self.client.execute(script, vec![]).await.unwrap();
        self.set_context("content").await;
        serde_json::from_value(messages).unwrap()
    }

    /// Chooses where scripts run: in the browser itself, or in the page.
    async fn set_context(&self, context: &str) {
        let extension = Extension("moz/context", json!({ "context": context }));
        self.client.issue_cmd(extension).await.unwrap();
    }
}
