//! What a person sees who opens in a browser what is meant for programs.

use reqwest::{Method, Response, Url};

use crate::harness::{Server, WEBHOOK, problem};

/// What Chromium sends when it opens an address.
const BROWSER: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

async fn open(server: &Server, method: Method, path: &str) -> Response {
    let request = server.request(method, path).header("accept", BROWSER);
    request.send().await.unwrap()
}

/// Where the one link of a page leads that a proxy serves under a path of its own.
fn link(page: &str, path: &str) -> String {
    let (_, link) = page.split_once("<a href=\"").unwrap();
    let (link, rest) = link.split_once('"').unwrap();
    assert!(!rest.contains("href"), "{page}");
    let opened = Url::parse(&format!("https://example.com/comfy{path}")).unwrap();
    opened.join(link).unwrap().to_string()
}

#[tokio::test]
async fn a_browser_sees_a_page_that_links_to_the_runs() {
    let server = Server::with_tokens("", "reader", &[]).await;
    let slash = format!("{WEBHOOK}/");
    let nowhere = "/nowhere/at/all?token=reader";
    let webhook = "takes updates from ComfyDeploy";
    for (path, status, text) in [
        (WEBHOOK, 405, webhook),
        (&slash, 405, webhook),
        ("/webhooks/run-update", 405, webhook),
        (nowhere, 404, "nothing at this address"),
        ("/api/runs", 401, "?token=TOKEN"),
        ("/", 401, "?token=TOKEN"),
    ] {
        let response = open(&server, Method::GET, path).await;
        assert_eq!(response.status(), status, "{path}");
        let headers = response.headers().clone();
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        let allow = headers.get("allow").map(|allow| allow.to_str().unwrap());
        assert_eq!(allow, (status == 405).then_some("POST"), "{path}");
        let challenges = headers.get_all("www-authenticate").iter().count();
        assert_eq!(challenges, if status == 401 { 2 } else { 0 }, "{path}");
        let page = response.text().await.unwrap();
        assert!(page.contains(text), "{path}: {page}");
        assert_eq!(link(&page, path), "https://example.com/comfy/", "{path}");
        let head = open(&server, Method::HEAD, path).await;
        let size = head.headers()["content-length"].to_str().unwrap();
        let same = ["content-type", "content-security-policy"];
        assert!(
            same.iter()
                .all(|name| head.headers()[*name] == headers[*name])
        );
        assert_eq!(size, page.len().to_string(), "{path}");
    }
}

#[tokio::test]
async fn programs_get_problem_json() {
    let server = Server::start().await;
    for accept in [None, Some("*/*"), Some("application/json, text/plain, */*")] {
        for (path, status) in [(WEBHOOK, 405), ("/nowhere", 404)] {
            let mut request = server.request(Method::GET, path);
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            problem(request.send().await.unwrap(), status).await;
        }
    }
    problem(open(&server, Method::PUT, WEBHOOK).await, 405).await;
    problem(open(&server, Method::GET, "/api/runs/x").await, 400).await;
}
