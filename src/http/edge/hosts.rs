//! The names under which everyone may read, and a warning where everyone may report.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use tracing::{field::display, warn};

use crate::{
    hosts::{AllowedHost, Host, NoHost},
    http::{app::App, problem::Problem},
};

/// Where proxies that replace Host keep what the client sent.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Checks that everyone may read under the name at which a request arrives.
///
/// Behind a proxy or a tunnel the service listens on loopback, and yet all the world can reach it. And a page whose
/// name its owner lets point to 127.0.0.1 (DNS rebinding) reads what a browser can reach there. Both use a public name.
pub(super) fn check(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let allows = |host: &Host| app.allowed_hosts.iter().any(|it| it.allows(host));
    let is_rejected =
        |host: &Result<Host, NoHost>| !matches!(host, Ok(host) if host.is_local() || allows(host));
    if app.allowed_hosts.contains(&AllowedHost::Any) {
        return Ok(());
    }
    let Some(rejected) = hosts(headers, uri).find(is_rejected) else {
        return Ok(());
    };
    let name = match rejected {
        Ok(Host::Name(name)) => Some(name),
        Ok(Host::Address) | Err(NoHost) => None,
    };
    app.hosts_log.line(|suppressed| {
        let host = name.as_ref().map(display);
        warn!(
            host,
            suppressed,
            "rejected a reader: without READ_TOKEN, runs are shown under local names only; set READ_TOKEN, or, if \
             everyone who can reach this host may read every run, --allow-host"
        );
    });
    Err(Problem::PublicHost(name))
}

/// Warns of the first update that arrives at a public name, if it needed no token.
pub(in crate::http) fn warn_of_open_webhook(app: &App, headers: &HeaderMap, uri: &Uri) {
    if app.webhook_tokens.is_some() || app.open_webhook_warning.is_completed() {
        return;
    }
    let mut names = hosts(headers, uri).filter_map(|host| match host {
        Ok(Host::Name(name)) if !name.is_local() => Some(name),
        _ => None,
    });
    if let Some(host) = names.next() {
        app.open_webhook_warning.call_once(|| {
            warn!(%host, "an update arrived at a public name: anyone can send updates there; set WEBHOOK_TOKEN");
        });
    }
}

/// All hosts that a request names; at least one, which is none if it names none. A proxy may go by any of them, so each
/// counts.
fn hosts<'a>(
    headers: &'a HeaderMap,
    uri: &'a Uri,
) -> impl Iterator<Item = Result<Host, NoHost>> + 'a {
    let of_target = uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let of_header = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let missing = of_target.or(of_header).is_none().then_some(&b""[..]);
    let forwarded = headers.get_all(FORWARDED_HOST).into_iter();
    let forwarded = forwarded.flat_map(|list| list.as_bytes().split(|&byte| byte == b','));
    [of_target, of_header, missing]
        .into_iter()
        .flatten()
        .chain(forwarded)
        .map(|text| str::from_utf8(text.trim_ascii()).map_or(Err(NoHost), str::parse))
}
