//! What the empty page and "Connect" say: the commands for a shell, and the request that queues a run.

use std::process::Command;

use serde_json::{Value, json};

use super::{open_empty, page_url, report};
use crate::{
    browser::{Browser, with_browser},
    harness::{README, Server, WEBHOOK, code_blocks, is_installed, output, output_for, text},
};

async fn shown(browser: &Browser, selector: &str) -> String {
    let shown = format!("document.querySelector('{selector}').textContent");
    let shown = browser.evaluate(&shown).await;
    shown.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_commands_report_a_run_and_read_it_back() {
    with_browser(async |browser| {
        if !is_installed("curl") {
            return;
        }
        for (webhook, read) in [
            ("", ""),
            ("s3cret", ""),
            ("", "reader"),
            ("s3cret", "reader"),
        ] {
            let server = Server::with_tokens(webhook, read, &[]).await;
            open_empty(browser, &format!("{}?token={read}", page_url(&server))).await;
            let run = async |id| {
                let mut shell = Command::new("sh");
                shell.args(["-c", &shown(browser, id).await]);
                // An empty one must not be needed.
                for (name, token) in [("WEBHOOK_TOKEN", webhook), ("READ_TOKEN", read)] {
                    shell.env_remove(name);
                    if !token.is_empty() {
                        shell.env(name, token);
                    }
                }
                let output = output(shell).await;
                assert!(output.status.success(), "{output:?}");
                text(&output.stdout).to_owned()
            };
            assert_eq!(run("#curl").await, "");
            let read: Value = serde_json::from_str(&run("#curl-read").await).unwrap();
            assert_eq!(read["progress"], 45, "{read}");
            browser.find(".run[data-status=processing]").await;
        }
        browser.assert_no_console_errors().await;
    })
    .await;
}

/// What the button of a text copies.
async fn copied(browser: &Browser, button: &str) -> String {
    browser.run("window.copied = null").await;
    browser.click(button).await;
    browser.wait_until("window.copied !== null").await;
    let copied = browser.evaluate("window.copied").await;
    copied.as_str().unwrap().to_owned()
}

/// Checks that a program which prints the request that queues a run has the right webhook in it.
fn assert_queues(printed: &str, server: &Server, user: &str) {
    let request: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    let webhook = format!(
        "http://{user}{}{WEBHOOK}?target_events=run.output,run.updated",
        server.address
    );
    assert_eq!(request["webhook"], webhook);
    let is_intermediate = ["webhook_intermediate_status", "webhookIntermediateStatus"]
        .into_iter()
        .any(|name| request[name] == true);
    assert!(is_intermediate, "{request}");
}

/// Checks that the README shows the same requests as the page, with another address.
fn assert_readme_shows(requests: [&str; 3], server: &Server) {
    let shown = page_url(server);

    for (language, request) in ["sh", "js", "python"].into_iter().zip(requests) {
        let request = request.replace(&shown, "https://runs.example.com/");
        let blocks = code_blocks(README, language);
        assert!(
            blocks.iter().any(|block| block.trim_end() == request),
            "the README should show\n{request}"
        );
    }
}

/// Runs the request of each language with a stand-in for what sends it.
fn run_requests(requests: [&str; 3], server: &Server, token: &str, encoded: &str) {
    let [curl, javascript, python] = requests;
    let replaced = |text: &str, from, to| {
        assert!(text.contains(from), "{text}");
        text.replace(from, to)
    };
    let user = |password: &str| match token {
        "" => String::new(),
        _ => format!("hook:{password}@"),
    };

    let body = "curl() { for last; do :; done; printf %s \"$last\" | tr -d '\\n'; }";
    let printed = output_for(&format!("{body}\n{curl}"), Command::new("sh"));
    assert_queues(&printed, server, &user("TOKEN"));

    if is_installed("node") {
        let package = "const run = { async queue(request) { console.log(JSON.stringify(request)); return {}; } };
             class ComfyDeploy { run = { deployment: run }; }";
        let script = replaced(
            javascript,
            "import { ComfyDeploy } from \"comfydeploy\";",
            package,
        );
        let mut node = Command::new("node");
        node.args(["--input-type=module", "-"])
            .env("WEBHOOK_TOKEN", token);
        assert_queues(&output_for(&script, node), server, &user(encoded));
    }
    if is_installed("python3") {
        let package = "
class ComfyDeploy:
    def __init__(self, bearer):
        self.run = self.deployment = self.create_run_response = self
        self.run_id = bearer
    def __enter__(self):
        return self
    def __exit__(self, *error):
        pass
    def queue(self, request):
        import json
        print(json.dumps(request))
        return self";
        let script = replaced(python, "from comfydeploy import ComfyDeploy", package);
        let mut python = Command::new("python3");
        python
            .arg("-")
            .env("WEBHOOK_TOKEN", token)
            .env("COMFYDEPLOY_API_KEY", "key");
        assert_queues(&output_for(&script, python), server, &user(encoded));
    }
}

#[tokio::test]
async fn the_requests_queue_a_run_with_its_webhook_here_in_each_language() {
    with_browser(async |browser| {
        for (token, encoded) in [("", ""), ("s3/cret@", "s3%2Fcret%40")] {
            let server = Server::with_tokens(token, "", &[]).await;
            open_empty(browser, &page_url(&server)).await;
            browser
                .run(
                    "const writeText = async (text) => { window.copied = text; };
                     Object.defineProperty(navigator, 'clipboard', { value: { writeText } })",
                )
                .await;
            let mut requests = Vec::new();
            for language in ["curl", "js", "python"] {
                browser.click(&format!("[data-language={language}]")).await;
                let pressed = format!("[data-language={language}][aria-pressed=true]");
                browser.find(&pressed).await;
                let request = copied(browser, "[data-copies=queue]").await;
                assert_eq!(request, shown(browser, "#queue").await);
                for part in ["webhook", "webhook_intermediate_status", "target_events"] {
                    assert!(request.contains(part), "{request}");
                }
                requests.push(request);
            }
            let pressed = "document.querySelectorAll('[data-language][aria-pressed=true]').length";
            assert_eq!(browser.evaluate(pressed).await, 1);
            let [curl, javascript, python] = &requests[..] else {
                unreachable!()
            };
            if token.is_empty() {
                assert_readme_shows([curl, javascript, python], &server);
            }
            run_requests([curl, javascript, python], &server, token, encoded);
        }
        browser.assert_no_console_errors().await;
    })
    .await;
}

#[tokio::test]
async fn it_says_where_comfydeploy_cannot_reach_the_service() {
    with_browser(async |browser| {
        let server = Server::start().await;
        open_empty(browser, &page_url(&server)).await;
        let note = browser.find("#local-only").await;
        assert!(note.is_displayed().await.unwrap());
        let hosts = |hosts: &[&str]| format!("{}.filter(isLocalHost)", json!(hosts));
        let local = [
            "localhost",
            "runs.localhost",
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "[::1]",
            "[fd12:3456::1]",
            "[fe80::1]",
            "10.0.0.7",
            "192.168.1.2",
            "172.16.0.1",
            "172.31.255.1",
            "169.254.1.1",
            "nas.local",
            "nas.local.",
            "db.internal",
            "runs",
        ];
        assert_eq!(browser.evaluate(&hosts(&local)).await, json!(local));
        let public = [
            "runs.example.com",
            "localhost.example.com",
            "10.example.com",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "192.169.0.1",
            "[2001:db8::1]",
            "local.example",
            "127.0.0.1.example.com",
        ];
        assert_eq!(browser.evaluate(&hosts(&public)).await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn copy_buttons_say_what_they_copy_and_work_without_the_clipboard_api() {
    with_browser(async |browser| {
        let server = Server::start().await;
        report(&server, 1, "processing", 45.0, json!([])).await;
        browser.open(&page_url(&server)).await;
        browser.find(".run").await;
        browser.click("#connect-button").await;
        let mismatched = "[...document.querySelectorAll('.copyable .copy')]
            .filter((button) => !button.ariaLabel.startsWith(button.textContent.trim())).length";
        assert_eq!(browser.evaluate(mismatched).await, 0);
        for (id, has_clipboard) in [("queue", true), ("curl", false), ("curl-read", false)] {
            if !has_clipboard {
                browser
                    .run("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
                    .await;
            }
            browser.click(&format!("[data-copies={id}]")).await;
            browser
                .wait_until(&format!(
                    "document.querySelector('[data-copies={id}]').textContent === 'Copied'"
                ))
                .await;
            assert_eq!(browser.evaluate(mismatched).await, 0);
        }
        browser.assert_no_console_errors().await;
    })
    .await;
}
