//! What web pages of other sites must not reach: every server of the stack answers only
//! to its own names, and refuses requests that such a page has made.
//!
//! A browser sends a page's requests to this machine, too, and a page can give this
//! machine a name of its own (DNS rebinding). `Host` tells the name, `Origin` the page.

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::net::TcpListener;

/// The names that a server answers to, and the pages that may call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    reach: Reach,
    /// Other names, which the developer has given.
    hosts: Vec<String>,
    /// The origins of pages elsewhere, which the developer has allowed.
    origins: Vec<String>,
}

/// The names that a server has by its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those of the loopback interface.
    Loopback,
    /// Also the one by which containers know this machine.
    Containers,
    /// Also any IP address: the server listens to the network.
    Network,
}

impl Names {
    fn of(reach: Reach) -> Self {
        Self {
            reach,
            hosts: Vec::new(),
            origins: Vec::new(),
        }
    }

    /// Returns the names of a server that stands in for AWS.
    pub(crate) fn of_aws(address: IpAddr) -> Self {
        Self::of(if address.is_loopback() {
            Reach::Containers
        } else {
            Reach::Network
        })
    }

    /// Returns the names of the API: that of its URL, and those which are given.
    pub(crate) fn of_api(address: IpAddr, url: &str, hosts: &[String]) -> Self {
        let reach = if address.is_loopback() {
            Reach::Loopback
        } else {
            Reach::Network
        };
        let own = url.parse::<Uri>().ok();
        let own = own.and_then(|url| url.host().map(str::to_owned));
        let mut names = Self::of(reach);
        names.hosts = hosts.iter().cloned().chain(own).collect();
        names
    }

    /// Lets pages of other origins call.
    pub(crate) fn with_pages_of(mut self, origins: Vec<String>) -> Self {
        self.origins = origins;
        self
    }

    fn contain(&self, host: &str) -> bool {
        let name = host_name(host);
        let address = name.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        // An address cannot be rebound.
        if let Some(address) = address {
            return address.is_loopback() || self.reach == Reach::Network;
        }
        name.eq_ignore_ascii_case("localhost")
            || self.is_given(name)
            || self.reach != Reach::Loopback && name.eq_ignore_ascii_case("host.docker.internal")
    }

    fn is_given(&self, name: &str) -> bool {
        let mut hosts = self.hosts.iter();
        hosts.any(|host| name.eq_ignore_ascii_case(host))
    }

    /// Returns whether a page of an origin may call: one of this machine, by a name of
    /// its own, or an allowed one.
    fn let_in(&self, origin: &str) -> bool {
        let host = origin.split_once("://").map(|(_, host)| host);
        let is_own =
            |host: &str| Self::of(Reach::Loopback).contain(host) || self.is_given(host_name(host));
        self.origins.iter().any(|allowed| allowed == origin) || host.is_some_and(is_own)
    }
}

/// Returns a `Host` header's value without the port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Guards a server.
pub(crate) fn guarded(router: Router, names: Names) -> Router {
    router.layer(middleware::from_fn_with_state(names, guard))
}

async fn guard(State(names): State<Names>, request: Request, next: Next) -> Response {
    match refusal(&names, request.headers()) {
        None => next.run(request).await,
        Some(refusal) => refusal.into_response(),
    }
}

fn refusal(names: &Names, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
    let header = |name| {
        let value = headers.get(name).map(|value| value.to_str());
        value.map(Result::unwrap_or_default)
    };
    if !header(header::HOST).is_some_and(|host| names.contain(host)) {
        let text = "this server does not answer to this name: use 127.0.0.1 in the address, or start it with `--host NAME`\n";
        return Some((StatusCode::MISDIRECTED_REQUEST, text));
    }
    let is_foreign = match header(header::ORIGIN) {
        None => false,
        // A page that hides its origin, such as the sign-in page's own form.
        Some("null") => headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site"),
        Some(origin) => !names.let_in(origin),
    };
    let text = "a page of another site sent this request, which is refused\n";
    is_foreign.then_some((StatusCode::FORBIDDEN, text))
}

/// Returns a guarded server in front of another one, to which it forwards requests.
pub(crate) fn in_front_of(inner: &str, names: Names) -> Router {
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    let forward = Forward {
        client,
        inner: inner.to_owned(),
    };
    guarded(Router::new().fallback(respond).with_state(forward), names)
}

#[derive(Clone)]
struct Forward {
    client: Client<HttpConnector, Body>,
    inner: String,
}

async fn respond(State(forward): State<Forward>, mut request: Request) -> Response {
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{}{path}", forward.inner).parse::<Uri>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    match forward.client.request(request).await {
        Ok(response) => {
            let mut response = response.map(Body::new);
            // No page has anything to read here.
            let headers = response.headers_mut();
            headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            response
        }
        Err(error) => {
            tracing::warn!(%error, "a request to the database was not answered");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// Listens where only this process finds it: at a random address of the loopback
/// interface, if the system has more than one, and a free port.
pub(crate) async fn hidden_listener() -> std::io::Result<TcpListener> {
    let [a, b, c] = std::array::from_fn(|_| fastrand::u8(1..=254));
    match TcpListener::bind((Ipv4Addr::new(127, a, b, c), 0)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_answers_only_to_its_own_names() {
        for (host, loopback, containers, network) in [
            ("127.0.0.1:3000", true, true, true),
            ("localhost:3000", true, true, true),
            ("LocalHost", true, true, true),
            ("[::1]:3000", true, true, true),
            ("host.docker.internal:8000", false, true, true),
            ("192.168.1.5:8000", false, false, true),
            ("[fe80::1]:8000", false, false, true),
            ("evil.example", false, false, false),
            ("evil.example:3000", false, false, false),
            ("127.0.0.1.evil.example", false, false, false),
            ("localhost.evil.example:3000", false, false, false),
            ("localhost:3000@evil.example", false, false, false),
            ("", false, false, false),
        ] {
            for (names, answers) in [
                (Reach::Loopback, loopback),
                (Reach::Containers, containers),
                (Reach::Network, network),
            ] {
                let names = Names::of(names);
                assert_eq!(names.contain(host), answers, "{host} by {names:?}");
            }
        }
    }

    #[test]
    fn request_of_a_foreign_page_is_refused() {
        for (origin, site, refused) in [
            (None, None, false),
            (Some("http://127.0.0.1:3000"), Some("same-origin"), false),
            (Some("http://localhost:5173"), Some("same-site"), false),
            (Some("http://[::1]:3000"), None, false),
            (Some("null"), Some("same-origin"), false),
            (Some("null"), None, false),
            (Some("null"), Some("cross-site"), true),
            (Some("https://evil.example"), Some("cross-site"), true),
            (Some("http://localhost.evil.example"), None, true),
            (Some("http://127.0.0.1@evil.example"), None, true),
            (Some("file"), None, true),
            (Some(""), None, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:3000".parse().unwrap());
            let sent = [("origin", origin), ("sec-fetch-site", site)];
            for (name, value) in sent {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            let refusal = refusal(&Names::of(Reach::Loopback), &headers);
            assert_eq!(refusal.is_some(), refused, "{origin:?} {site:?}");
        }
    }

    #[test]
    fn given_names_and_allowed_pages_are_answered() {
        let loopback: IpAddr = Ipv4Addr::LOCALHOST.into();
        let given = ["organizations".to_owned()];
        let names = Names::of_api(loopback, "https://dev.shop.test/base", &given);
        let names = names.with_pages_of(vec!["https://app.test".to_owned()]);
        for (host, origin, refused) in [
            ("organizations:3000", None, false),
            ("dev.shop.test", Some("https://dev.shop.test"), false),
            ("dev.shop.test", Some("https://app.test"), false),
            ("dev.shop.test", Some("https://app.test.evil.example"), true),
            ("app.test", None, true),
            ("10.0.0.7", None, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            let refusal = refusal(&names, &headers);
            assert_eq!(refusal.is_some(), refused, "{host} {origin:?}");
        }
    }

    #[test]
    fn request_without_a_host_is_refused() {
        let refusal = refusal(&Names::of(Reach::Network), &HeaderMap::new());
        assert_eq!(refusal.unwrap().0, StatusCode::MISDIRECTED_REQUEST);
    }
}
