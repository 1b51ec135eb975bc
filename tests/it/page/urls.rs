//! Signed URLs: when they expire, and what is the same after they are signed again.

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::items::evaluate;

/// The titles that are shown where these URLs could not be loaded, on 2026-06-01.
fn titles(queries: &[&str]) -> Option<Value> {
    let items = queries.iter().map(|query| {
        json!({ "kind": "image", "name": "a.png", "url": format!("https://x.example/a.png?{query}") })
    });
    let function = "(items) => items.map((item) => loadError(item, Date.UTC(2026, 5, 1)).title)";
    evaluate(function, &items.collect())
}

/// A policy, as CloudFront writes it in a URL.
fn policy(json: &str) -> String {
    let text = BASE64_STANDARD.encode(json);
    let text = text.replace('+', "-").replace('=', "_").replace('/', "~");
    format!("Policy={text}&Signature=1&Key-Pair-Id=1")
}

/// A JWT with these claims.
fn token(json: &str) -> String {
    format!(
        "token=eyJhbGciOiJIUzI1NiJ9.{}.1",
        BASE64_URL_SAFE_NO_PAD.encode(json)
    )
}

#[test]
fn an_expired_url_is_recognised_whoever_signed_it() {
    let expired = [
        // Amazon, and those who follow it: R2, B2, MinIO
        "X-Amz-Date=20260301T130000Z&X-Amz-Expires=3600&X-Amz-Signature=1",
        "x-amz-expires=60&x-amz-date=20260301T130000Z",
        // Amazon's older way, CloudFront, Google's older way, and others who write `expires` so
        "AWSAccessKeyId=1&Expires=1772370000&Signature=1",
        "Expires=1772370000&Signature=1&Key-Pair-Id=1",
        "GoogleAccessId=1&Expires=1772370000&Signature=1",
        "token=1&expires=1772370000",
        // Google
        "X-Goog-Date=20260301T130000Z&X-Goog-Expires=604800&X-Goog-Signature=1",
        // Azure
        "sv=2024-11-04&se=2026-03-01T13%3A00%3A00Z&sr=b&sp=r&sig=1",
        "se=2026-03-01T13:00Z&sig=1",
        "se=2026-03-01&sig=1",
        "SE=2026-03-01T13:00:00.0000000Z&SIG=1",
        // CloudFront, with a policy
        &policy(
            r#"{"Statement":[{"Resource":"*?>","Condition":{"DateLessThan":{"AWS:EpochTime":1772370000}}}]}"#,
        ),
        // Supabase
        &token(r#"{"url":"a/ü?>.png","iat":1772366400,"exp":1772370000}"#),
        &token(r#"{"exp":1772370000.5}"#),
    ];
    if let Some(titles) = titles(&expired) {
        assert_eq!(titles, json!(expired.map(|_| "Expired")));
    }
}

#[test]
fn nothing_else_is_called_expired() {
    let others = [
        "",
        "X-Amz-Date=20260531T235000Z&X-Amz-Expires=3600",
        "X-Amz-Date=20260301T130000Z",
        "X-Amz-Date=soon&X-Amz-Expires=3600",
        "X-Amz-Date=20260301T130000Z&X-Amz-Expires=never",
        "X-Amz-Date=20260301T130000Z&X-Amz-Expires=",
        "Expires=4102444800&Signature=1",
        "Expires=3600",
        "Expires=-1",
        "Expires=true",
        "Expires=1772370000000000",
        "Expires=Wed, 21 Oct 2015 07:28:00 GMT",
        "se=2026-03-01",
        "se=2099-03-01T13:00:00Z&sig=1",
        "se=yesterday&sig=1",
        "se=2026-99-99&sig=1",
        &policy(r#"{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":4102444800}}}]}"#),
        &policy(
            r#"{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":{"toString":1}}}}]}"#,
        ),
        &policy(r#"{"Statement":[null]}"#),
        &policy(r#"{"Statement":"#),
        &policy(&"[".repeat(9_000)),
        "Policy=%00&Signature=1",
        &token(r#"{"exp":4102444800}"#),
        &token(r#"{"exp":"1772370000"}"#),
        &token(r#"{"exp":3600}"#),
        &token(r#"{"exp":-1e999}"#),
        &token("null"),
        "token=1",
        "token=.",
        "token=1.!.1",
    ];
    if let Some(titles) = titles(&others) {
        assert_eq!(titles, json!(others.map(|_| "Not available")));
    }
}

#[test]
fn a_url_that_is_signed_again_is_the_same_without_its_signature() {
    let pairs = [
        [
            "X-Amz-Date=1&X-Amz-Signature=1",
            "X-Amz-Date=2&X-Amz-Signature=2",
        ],
        [
            "X-Goog-Date=1&X-Goog-Signature=1",
            "X-Goog-Date=2&X-Goog-Signature=2",
        ],
        [
            "AWSAccessKeyId=1&Expires=1&Signature=1",
            "AWSAccessKeyId=2&Expires=2&Signature=2",
        ],
        [
            "Expires=1&Signature=1&Key-Pair-Id=1",
            "Expires=2&Signature=2&Key-Pair-Id=2",
        ],
        [
            "Policy=1&Signature=1&Key-Pair-Id=1",
            "Policy=2&Signature=2&Key-Pair-Id=2",
        ],
        [
            "sv=1&st=1&se=1&sr=b&sp=r&spr=https&sig=1",
            "sv=2&st=2&se=2&sr=b&sp=r&skoid=2&sktid=2&skt=2&ske=2&sks=b&skv=2&sig=2",
        ],
    ];
    let function = "(pairs) => pairs.map((pair) => pair.map((query) =>
        withoutSignature(new URL(`https://x.example/a.png?v=7&${query}#f`))))";
    if let Some(found) = evaluate(function, &json!(pairs)) {
        let unsigned = "https://x.example/a.png?v=7#f";
        assert_eq!(found, json!(pairs.map(|_| [unsigned, unsigned])));
    }
}

#[test]
fn other_parameters_stay() {
    let queries = [
        "se=1&st=2&sp=3",
        "v=1",
        "v=2",
        "sign=1&sigma=2&sk=3",
        "a=&b&=c",
    ];
    let function = "(queries) => queries.map((query) =>
        withoutSignature(new URL(`https://x.example/a.png?${query}`)))";
    if let Some(found) = evaluate(function, &json!(queries)) {
        let same = queries.map(|query| format!("https://x.example/a.png?{query}"));
        assert_eq!(found, json!(same));
    }
}

/// No signature has so many, and looking at each takes time.
#[test]
fn a_url_with_very_many_parameters_keeps_all() {
    let query: Vec<_> = (0..1_000).map(|n| format!("x-amz-{n}=1")).collect();
    let url = format!("https://x.example/a.png?{}", query.join("&"));
    if let Some(found) = evaluate("(url) => withoutSignature(new URL(url))", &json!(url)) {
        assert_eq!(found, url);
    }
}
