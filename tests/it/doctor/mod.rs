//! `kusto-connect doctor`: all is well where all is well, and each planted fault is named by its check, with what to do.

mod acls;
mod demo;
mod desk;
mod firewall;
mod kafka;
mod letters;
mod proxies;

use std::time::Duration;

use adx_emulator::faults::{Effect, Rule};
use adx_emulator::options::AuthOptions;
use adx_emulator::{Operation, Options};
use serde_json::json;

use crate::support::{Adx, Authority, DATABASE, Kafka, Proxy, Registry, Tls, free_port, wait_for};
use demo::{Demo, wait_until_closed};
use desk::Desk;

const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const TENANT: &str = "99999999-8888-7777-6666-555555555555";
const KEY: &str = "s3cr3t-key-of-the-application";
const WRONG_KEY: &str = "wr0ng-key-of-the-application";

fn application(key: &str) -> serde_json::Value {
    json!({ "aad.auth.appid": CLIENT, "aad.auth.appkey": key, "aad.auth.authority": TENANT })
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_and_nothing_is_written() {
    let demo = Demo::set().await;
    let report = demo.examine().await;
    report.assert_good();
    assert_eq!(report.names("warning"), [""; 0], "{:#}", report.json);
    for (name, said) in [
        ("sign-in to Kafka (the worker)", "cluster "),
        ("topic examined", "is made when a worker starts"),
        (&format!("topic {}", demo.topic), "2 partitions"),
        (&format!("rights to read {}", demo.topic), "connect-examined has committed 0 of 2"),
        ("sign-in to the cluster", "no token"),
        ("ingestion resources", "containers"),
        ("blob host localhost", "answers"),
        ("queue host localhost", "answers"),
        ("clock", "cluster"),
        ("table lab.Storms", "there"),
        ("mapping Storms_CSV_Mapping", "has its columns"),
        ("batching policy", "300 s"),
        ("streaming policy", "not asked for"),
    ] {
        let text = report.check(name)["said"].as_str().expect("a sentence");
        assert!(text.contains(said), "{name}: {text}");
    }
    let topics = demo.kafka.topics().await;
    assert!(!topics.iter().any(|topic| topic.starts_with(&demo.cluster)), "{topics:?}");
    assert_eq!(demo.adx.requests(Operation::PutBlob) + demo.adx.requests(Operation::PutMessage), 0);
    assert_eq!(demo.adx.count("Storms").await, 0);
    let (code, said, _) = demo.run(&[]).await;
    assert!(code == Some(0) && said.trim_end().ends_with("0 failed, 0 skipped. All is well."), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_goes_the_whole_way_where_it_is_asked_for() {
    let demo = Demo::set().await;
    let report = demo.examine_with(&["--ingest", &format!("{DATABASE}.Storms")]).await;
    report.assert_good();
    assert!(report.check("one row into lab.Storms")["said"].as_str().unwrap().contains("handed over"));
    let arrived = async || (demo.adx.count("Storms").await == 1).then_some(());
    wait_for("the row", Duration::from_mins(1), arrived).await;
    let (code, _, complaints) = demo.run(&["--ingest", "Storms"]).await;
    assert!(code == Some(2) && complaints.contains("a database, a dot and a table"), "{complaints}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_named_by_their_file() {
    let mut demo = Demo::set().await;
    demo.connector_with(json!({ "tasks.max": "many", "flush.size.bytes": "x" }));
    let report = demo.examine().await;
    report.assert_names("settings of the connector", "tasks.max: Invalid value many", "validate");
    assert!(report.check("settings of the connector")["said"].as_str().unwrap().contains("flush.size.bytes"));
    demo.worker.remove("group.id");
    demo.examine().await.assert_names("settings of the worker", "group.id", "correct these keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_of_the_application_is_named_and_not_shown() {
    let auth = AuthOptions {
        require: true,
        client_id: Some(CLIENT.to_owned()),
        client_secret: Some(KEY.to_owned()),
        dev_token: Some("t0ken".to_owned()),
        token_lifetime: None,
    };
    let tls_listen = Some(([127, 0, 0, 1], 0).into());
    let adx = Adx::with(Options { auth, tls_listen, ..Options::default() }).await.authorized("t0ken");
    let (url, ca) = (adx.https_url(), adx.ca_file().to_str().expect("a path").to_owned());
    let mut demo = Demo::on(adx).await;
    demo.environment.push(("SSL_CERT_FILE".to_owned(), ca));
    demo.connector_with(json!({ "kusto.ingestion.url": url, "kusto.query.url": url }));
    demo.connector_with(application(KEY));
    let report = demo.examine().await;
    report.assert_good();
    assert_eq!(report.check("sign-in to the cluster")["said"], "there is a token");
    demo.connector_with(application(WRONG_KEY));
    let report = demo.examine().await;
    report.assert_names("sign-in to the cluster", "AADSTS7000215", "aad.auth.appkey");
    assert!(!report.json.to_string().contains(WRONG_KEY));
    demo.environment.clear();
    let report = demo.examine().await;
    report.assert_names("TLS localhost", "is not trusted here", "SSL_CERT_FILE");
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_addresses_and_a_wrong_clock_are_named() {
    let mut demo = Demo::set().await;
    let desk = Desk::before(&demo.adx).await;
    demo.connector_with(json!({ "kusto.ingestion.url": desk.url() }));
    demo.examine().await.assert_good();
    desk.says_the_time("Sun, 06 Nov 1994 08:49:37 GMT");
    demo.examine().await.assert_names("clock", "ahead of the cluster's", "timedatectl");
    let desk = Desk::before(&demo.adx).await;
    demo.connector_with(json!({ "kusto.ingestion.url": demo.adx.url(), "kusto.query.url": desk.url() }));
    let report = demo.examine().await;
    report.assert_names(
        "ingestion and query URL",
        "they are swapped",
        "exchange the values of kusto.ingestion.url",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_firewall_keeps_from_us_is_named_by_its_host() {
    let mut demo = Demo::set().await;
    let desk = Desk::before(&demo.adx).await;
    demo.connector_with(json!({ "kusto.ingestion.url": desk.url() }));
    let (open, closed) = (demo.adx.url(), format!("http://127.0.0.1:{}", free_port()));
    for (kind, blob, queue) in [("blob host", &closed, &open), ("queue host", &open, &closed)] {
        let (blob, queue) = (format!("{blob}/acct1/c?sig=s3cret"), format!("{queue}/acct1/q?sig=s3cret"));
        let rows: [&[&str]; 2] = [&["TempStorage", &blob], &["SecuredReadyForAggregationQueue", &queue]];
        desk.answer(".get ingestion resources", &["ResourceTypeName", "StorageRoot"], &rows);
        let report = demo.examine().await;
        report.assert_names(&format!("{kind} {}", &closed["http://".len()..]), "no answer", "firewall");
        assert!(!report.json.to_string().contains("s3cret"), "a signature was shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_its_way_is_looked_at() {
    let mut demo = Demo::set().await;
    let proxy = Proxy::start().await;
    let port = proxy.port();
    demo.connector_with(json!({ "proxy.host": "127.0.0.1", "proxy.port": port.to_string() }));
    let report = demo.examine().await;
    report.assert_good();
    assert_eq!(report.check(&format!("TCP 127.0.0.1:{port}"))["result"], "ok");
    drop(proxy);
    wait_until_closed(&format!("127.0.0.1:{port}")).await;
    let report = demo.examine().await;
    report.assert_names(&format!("TCP 127.0.0.1:{port}"), "refused", "proxy.host");
    assert_eq!(report.check("sign-in to the cluster")["result"], "skipped");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_rights_are_named_with_the_command_that_gives_them() {
    let mut demo = Demo::set().await;
    demo.connector_with(application(KEY));
    let principal = format!("'aadapp={CLIENT};{TENANT}'");
    let refused = Effect::Status { status: 403, code: None, retry_after: None };
    demo.adx.faults().add(Rule::new(Operation::IngestionResources, refused));
    let role = format!(".add database ['{DATABASE}'] ingestors ({principal})");
    demo.examine().await.assert_names("ingestion resources", "403", &role);
    demo.adx.faults().clear();
    demo.adx.command(".add table Storms ingestors ('aadapp=somebody-else;tenant')").await;
    let role = format!(".add table ['Storms'] ingestors ({principal})");
    demo.examine().await.assert_names("rights on lab.Storms", "may not ingest", &role);
    demo.adx.command(&format!(".add table Storms ingestors ({principal})")).await;
    demo.examine().await.assert_good();
    // Without the right to see what failed, batches go in all the same.
    let refused = Effect::Status { status: 403, code: None, retry_after: None };
    demo.adx.faults().add(Rule {
        path_contains: Some(".show ingestion failures".to_owned()),
        ..Rule::new(Operation::Mgmt, refused)
    });
    let report = demo.examine().await;
    report.assert_good();
    let seen = report.check("what failed");
    let role = format!(".add database ['{DATABASE}'] monitors ({principal})");
    assert!(seen["result"] == "warning" && seen["to_do"].as_str().unwrap().contains(&role), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_targets_are_named_with_the_command_that_makes_them() {
    let mut demo = Demo::set().await;
    demo.map_to("nowhere", "Storms", "Storms_CSV_Mapping", "");
    demo.examine().await.assert_names(
        "table nowhere.Storms",
        "not found",
        "the database, in the Azure portal",
    );
    demo.map_to(DATABASE, "Nothing", "Storms_CSV_Mapping", "");
    demo.examine().await.assert_names("table lab.Nothing", "not found", ".create table ['Nothing']");
    demo.map_to(DATABASE, "Storms", "No_Mapping", "");
    let create = ".create table ['Storms'] ingestion csv mapping 'No_Mapping'";
    demo.examine().await.assert_names("mapping No_Mapping of lab.Storms", "not found", create);
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_do_not_go_with_the_settings_are_said() {
    let mut demo = Demo::set().await;
    demo.connector_with(json!({ "flush.interval.ms": "500" }));
    let report = demo.examine().await;
    report.assert_good();
    let batching = report.check("batching policy");
    assert!(
        batching["result"] == "warning" && batching["to_do"].as_str().unwrap().contains(".alter table"),
        "{batching}"
    );
    demo.map_to(DATABASE, "Storms", "Storms_CSV_Mapping", ",'streaming':'true'");
    let report = demo.examine().await;
    report.assert_good();
    let streaming = report.check("streaming policy");
    assert!(
        streaming["result"] == "warning" && streaming["said"].as_str().unwrap().contains("queued instead"),
        "{streaming}"
    );
    // Its tasks would fail.
    demo.connector_with(json!({ "kusto.validation.table.enable": "true" }));
    let enable = ".alter table ['Storms'] policy streamingingestion enable";
    demo.examine().await.assert_names("streaming policy of lab.Storms", "not enabled", enable);
    demo.adx.command(enable).await;
    demo.examine().await.assert_good();
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_that_are_closed_strict_or_out_of_date_are_named() {
    let mut demo = Demo::set().await;
    let avro = |url: &str| json!({ "value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": url });
    let registry = Registry::guarded(Some("Basic YW5uOnMzY3JldA==")).await;
    demo.connector_with(avro(&registry.url().replace("//", "//ann:s3cret@")));
    demo.examine().await.assert_good();
    demo.connector_with(avro(&registry.url().replace("//", "//ann:wr0ng@")));
    let report = demo.examine().await;
    report.assert_names("schema registry of the value converter", "401", "password");
    assert!(!report.json.to_string().contains("wr0ng"));
    let closed = format!("127.0.0.1:{}", free_port());
    demo.connector_with(avro(&format!("http://{closed}")));
    demo.examine().await.assert_names(&format!("TCP {closed}"), "refused", "schema.registry.url");
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new(folder.path());
    let ended = Tls::showing(&authority.ended_keys("old")).await;
    let address = format!("127.0.0.1:{}", ended.port());
    let mut server = tokio::task::JoinSet::new();
    server.spawn(async move { axum::serve(ended, axum::Router::new()).await });
    demo.connector_with(avro(&format!("https://{address}")));
    demo.connector_with(
        json!({ "value.converter.schema.registry.ssl.truststore.location": authority.pem_file(),
        "value.converter.schema.registry.ssl.truststore.type": "PEM" }),
    );
    demo.examine().await.assert_names(&format!("TLS {address}"), "has ended", "renew the certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_be_looked_at_alone() {
    let kafka = Kafka::shared().await;
    let run = |arguments: &'static [&'static str], bootstrap: String| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kusto-connect"));
        command.arg("doctor").args(arguments).env("BOOTSTRAP_SERVERS", bootstrap);
        for kind in ["CONFIG", "OFFSET", "STATUS"] {
            command.env(format!("{kind}_STORAGE_TOPIC"), format!("alone-{}", kind.to_lowercase()));
        }
        tokio::task::spawn_blocking(move || command.output().expect("the command runs"))
    };
    let output = run(&["--json"], kafka.bootstrap().to_owned()).await.expect("its end");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &report["ok"]), (Some(0), &json!(true)), "{report:#}");
    let output = run(&["--ingest", "a.b"], kafka.bootstrap().to_owned()).await.expect("its end");
    assert_eq!(output.status.code(), Some(2), "there is nobody to ingest as");
}
