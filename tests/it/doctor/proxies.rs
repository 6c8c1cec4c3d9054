//! Proxies of the environment: the way by them is said, and one that does not lead on is named with what mends it.

use adx_emulator::Options;
use adx_emulator::options::AuthOptions;
use serde_json::json;

use super::demo::{Demo, wait_until_closed};
use super::{KEY, application};
use crate::support::{Adx, Proxy};

/// A name that no resolver knows (RFC 2606): only the proxy leads there.
const NAME: &str = "adx.invalid";

/// A cluster of that name; nothing of the environment is set.
async fn set() -> Demo {
    let auth = AuthOptions {
        require: true,
        client_secret: Some(KEY.to_owned()),
        dev_token: Some("ours".to_owned()),
        ..AuthOptions::default()
    };
    let tls_listen = Some(([127, 0, 0, 1], 0).into());
    let options = Options { auth, tls_listen, tls_names: vec![NAME.to_owned()], ..Options::default() };
    let mut demo = Demo::on(Adx::with(options).await.authorized("ours")).await;
    let url = demo.adx.https_url().replace("localhost", NAME);
    // The name is not known to be ADX's.
    demo.worker_with("worker.allow.insecure.http", "true");
    demo.connector_with(application(KEY));
    demo.connector_with(json!({ "kusto.ingestion.url": url, "kusto.query.url": url }));
    demo.environment
        .push(("SSL_CERT_FILE".to_owned(), demo.adx.ca_file().to_str().expect("a path").to_owned()));
    demo
}

fn variable(demo: &mut Demo, name: &str, value: &str) {
    demo.environment.retain(|(known, _)| known != name);
    demo.environment.push((name.to_owned(), value.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_by_a_proxy_of_the_environment_is_said_and_one_that_refuses_is_named() {
    let (mut demo, proxy) = (set().await, Proxy::start().await);
    let address = format!("127.0.0.1:{}", proxy.port());
    variable(&mut demo, "HTTPS_PROXY", &format!("http://ann:s3cret@{address}"));
    let report = demo.examine().await;
    report.assert_good();
    let leads = format!("proxy {address} to {NAME}");
    for (check, words) in [(&*leads, "HTTPS_PROXY"), ("blob host", &*address), ("queue host", &*address)] {
        let said = report.check(check)["said"].as_str().expect("a sentence").to_owned();
        assert!(said.contains(words), "{check}: {said}");
    }
    assert!(proxy.seen().iter().all(|line| line.starts_with("CONNECT adx.invalid:")), "{:?}", proxy.seen());
    assert!(!report.json.to_string().contains("s3cret"));

    for (status, said, to_do) in [
        ("403 Forbidden", "does not lead to adx.invalid", "NO_PROXY"),
        ("407 Proxy Authentication Required", "wants to know who we are", "password into HTTPS_PROXY"),
    ] {
        proxy.refuse(Some(status));
        let report = demo.examine().await;
        report.assert_names(&leads, said, to_do);
        assert_eq!(report.check("sign-in to the cluster")["result"], "skipped");
        assert!(!report.json.to_string().contains("s3cret"));
    }
    proxy.refuse(None);
    // Who is left out is gone to straight.
    variable(&mut demo, "NO_PROXY", ".invalid");
    demo.examine().await.assert_names(&format!("DNS {NAME}"), "not known here", "kusto.ingestion.url");
    variable(&mut demo, "NO_PROXY", "");
    drop(proxy);
    wait_until_closed(&address).await;
    demo.examine().await.assert_names(&format!("TCP {address}"), "refused", "HTTPS_PROXY");
}
