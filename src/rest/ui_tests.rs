//! The page over a real socket: its headers, its one address, its tags, and what is not said by it when it is off.

use super::tests::{Server, server_of};
use crate::config::WorkerConfig;
use crate::storage::contract_tests::worker_config;
use reqwest::{Client, Response, header, redirect::Policy};
use serde_json::Value;

const POLICY: &str = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'";

fn with_page(page: bool) -> WorkerConfig {
    let mut config = worker_config("none:0");
    config.rest.page = page;
    config
}

fn text(response: &Response, name: &str) -> String {
    let value = response.headers().get(name).map(|value| value.to_str().unwrap());
    value.unwrap_or_default().to_owned()
}

async fn asked(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = server.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn the_page_and_its_files_come_with_strict_headers() {
    let server = server_of(with_page(true)).await;
    for (path, kind) in [
        ("/ui", "text/html; charset=utf-8"),
        ("/ui/app.js", "text/javascript; charset=utf-8"),
        ("/ui/style.css", "text/css; charset=utf-8"),
        ("/ui/icon.svg", "image/svg+xml"),
        ("/ui/secret-words.json", "application/json"),
    ] {
        // What a browser says that it wants of a page.
        let answer = asked(&server, "GET", path, &[("accept", "text/html,application/xhtml+xml")]).await;
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        let headers = [
            "content-type",
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
            "cache-control",
        ];
        let headers = headers.map(|name| text(&answer, name));
        assert_eq!(headers, [kind, POLICY, "nosniff", "no-referrer", "no-cache"], "{path}");
        assert!(!answer.text().await.unwrap().is_empty(), "{path}");
    }
    let head = asked(&server, "HEAD", "/ui", &[]).await;
    assert_eq!((head.status().as_u16(), text(&head, "content-security-policy")), (200, POLICY.to_owned()));
    let wrong = asked(&server, "POST", "/ui", &[]).await;
    assert_eq!((wrong.status().as_u16(), text(&wrong, "allow")), (405, "GET,HEAD,OPTIONS".to_owned()));
    assert_eq!(asked(&server, "GET", "/ui/other.js", &[]).await.status().as_u16(), 404);
    let document = asked(&server, "GET", "/openapi.json", &[]).await.json::<Value>().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/connectors") && paths.keys().all(|path| !path.contains("ui")), "{paths:?}");
}

#[tokio::test]
async fn the_page_needs_nothing_but_its_own_files() {
    let server = server_of(with_page(true)).await;
    let page = server.get("/ui").await.text().await.unwrap();
    assert!(!page.contains("<script>") && !page.contains("style=") && !page.contains("://"), "{page}");
    let links = page.split("href=\"").chain(page.split("src=\"")).filter_map(|part| part.split_once('"'));
    let files: Vec<_> = links.map(|(link, _)| link).filter(|link| link.starts_with("ui/")).collect();
    assert!(files.contains(&"ui/app.js") && files.contains(&"ui/style.css"), "{files:?}");
    let mut scripts = vec!["app.js".to_owned()];
    let mut at = 0;
    while let Some(script) = scripts.get(at).cloned() {
        let answer = server.get(&format!("/ui/{script}")).await;
        assert_eq!(answer.status().as_u16(), 200, "{script}");
        let text = answer.text().await.unwrap();
        for unsafe_call in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!text.contains(unsafe_call), "{script} has {unsafe_call}");
        }
        let imports = text.split("from \"./").skip(1).filter_map(|part| part.split_once('"'));
        for (import, _) in imports {
            if !scripts.contains(&import.to_owned()) {
                scripts.push(import.to_owned());
            }
        }
        at += 1;
    }
    assert_eq!(scripts.len(), 9, "{scripts:?}");
}

#[tokio::test]
async fn a_slash_at_the_end_leads_to_the_page_below_any_prefix() {
    let server = server_of(with_page(true)).await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let answer = client.get(format!("http://{}/ui/", server.address)).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), text(&answer, "location")), (308, "../ui".to_owned()));
    let below = url::Url::parse("https://proxy.example/kafka/connect/ui/").unwrap();
    assert_eq!(below.join("../ui").unwrap().path(), "/kafka/connect/ui");
    let followed = server.get("/ui/").await;
    assert_eq!((followed.status().as_u16(), followed.url().path()), (200, "/ui"));
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let server = server_of(with_page(true)).await;
    let first = server.get("/ui/app.js").await;
    let tag = text(&first, "etag");
    assert!(tag.len() > 10 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_ne!(tag, text(&server.get("/ui").await, "etag"));
    for known in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let again = asked(&server, "GET", "/ui/app.js", &[("if-none-match", &known)]).await;
        assert_eq!((again.status().as_u16(), text(&again, "etag")), (304, tag.clone()), "{known}");
        assert_eq!(text(&again, "cache-control"), "no-cache");
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let changed = asked(&server, "GET", "/ui/app.js", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(changed.status().as_u16(), 200);
}

#[tokio::test]
async fn a_worker_without_the_page_knows_no_such_path() {
    let server = server_of(with_page(false)).await;
    for path in ["/ui", "/ui/", "/ui/app.js", "/ui/secret-words.json"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status().as_u16(), 404, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["message"], "HTTP 404 Not Found", "{path}");
    }
    assert_eq!(server.get("/connectors").await.status().as_u16(), 200);
}

#[tokio::test]
async fn pages_of_other_sites_write_nothing() {
    let server = server_of(with_page(true)).await;
    let from = |site| [("sec-fetch-site", site), ("origin", "https://evil.example")];
    for site in ["cross-site", "same-site"] {
        let answer = asked(&server, "POST", "/connectors/x/restart", &from(site)).await;
        assert_eq!(answer.status().as_u16(), 403, "{site}");
        let error = answer.json::<Value>().await.unwrap();
        assert!(error["message"].as_str().unwrap().contains("access.control.allow.origin"), "{error}");
        assert_eq!(asked(&server, "GET", "/connectors", &from(site)).await.status().as_u16(), 200);
    }
    for site in ["same-origin", "none"] {
        let answer = asked(&server, "POST", "/connectors/x/restart", &from(site)).await;
        assert_eq!(answer.status().as_u16(), 404, "{site}");
    }
    let mut config = with_page(true);
    let allowed = [("CONNECT_ACCESS_CONTROL_ALLOW_ORIGIN", "https://evil.example")];
    config.rest.cors = crate::config::fixtures::worker(&allowed).rest.cors;
    let server = server_of(config).await;
    let answer = asked(&server, "POST", "/connectors/x/restart", &from("cross-site")).await;
    assert_eq!(answer.status().as_u16(), 404, "its origin is allowed");
}

#[test]
fn the_key_turns_it_off() {
    let page = |settings: &[(&str, &str)]| crate::config::fixtures::worker(settings).rest.page;
    assert!(page(&[]));
    assert!(!page(&[("CONNECT_UI_ENABLE", "false")]));
}

#[tokio::test]
async fn behind_basic_auth_the_browser_is_asked_for_a_password() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "alice=wonder\n").unwrap();
    let settings = [
        (
            "CONNECT_REST_EXTENSION_CLASSES",
            "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension",
        ),
        ("CONNECT_REST_BASIC_AUTH_USERS_FILE", file.path().to_str().unwrap()),
    ];
    let mut config = with_page(true);
    config.rest.users = crate::config::fixtures::worker(&settings).rest.users;
    let server = server_of(config).await;
    for path in ["/ui", "/ui/app.js", "/ui/"] {
        let answer = asked(&server, "GET", path, &[]).await;
        assert_eq!(answer.status().as_u16(), 401, "{path}");
        assert!(text(&answer, "www-authenticate").starts_with("Basic realm="), "{path}");
    }
    let rest = asked(&server, "GET", "/connectors", &[]).await;
    assert_eq!(
        (rest.status().as_u16(), text(&rest, header::WWW_AUTHENTICATE.as_str())),
        (401, String::new())
    );
    let signed_in = server.request("GET", "/ui").basic_auth("alice", Some("wonder")).send().await.unwrap();
    assert_eq!(signed_in.status().as_u16(), 200);
}
