//! A firewall in front of one host after the other, of which a part drops packets and a part refuses them. The test runs itself
//! again in a network of its own, where that can be done to nobody else; on a machine that allows none it says so.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::demo::Demo;
use super::desk::Desk;
use crate::support::Registry;

/// Set where the network is ours.
const INSIDE: &str = "KUSTO_CONNECT_TEST_NETWORK";
const THIS: &str = "doctor::firewall::each_host_behind_a_firewall_is_named";

/// In their order: each is `10.77.0.n` in the network.
const HOSTS: [&str; 6] =
    ["kafka.test", "ingest.test", "engine.test", "blob.test", "queue.test", "registry.test"];

/// What the firewall does.
#[derive(Clone, Copy)]
enum Manner {
    Drops,
    Refuses,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_host_behind_a_firewall_is_named() {
    if std::env::var_os(INSIDE).is_none() {
        return again_in_an_own_network().await;
    }
    let _names = set_network();
    let mut demo = Demo::set().await;
    let (desk, registry) = (Desk::before(&demo.adx).await, Registry::start().await);
    let of_kafka = port(demo.kafka.bootstrap());
    let (of_desk, of_adx, of_registry) = (port(&desk.url()), port(&demo.adx.url()), port(&registry.url()));
    let ports = [of_kafka, of_desk, of_adx, of_adx, of_adx, of_registry];
    let mut ways = JoinSet::new();
    for (host, port) in HOSTS.into_iter().zip(ports) {
        lead(&mut ways, host, port).await;
    }
    let storage = [("TempStorage", "blob.test", "c"), ("SecuredReadyForAggregationQueue", "queue.test", "q")];
    let urls = storage.map(|(kind, host, name)| {
        [kind.to_owned(), format!("http://{host}:{of_adx}/acct1/{name}?sig=s3cret")]
    });
    let rows: Vec<Vec<&str>> = urls.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    desk.answer(".get ingestion resources", &["ResourceTypeName", "StorageRoot"], &rows);
    demo.worker_with("bootstrap.servers", &format!("kafka.test:{of_kafka}"));
    demo.worker_with("worker.allow.insecure.http", "true");
    demo.connector_with(json!({
        "kusto.ingestion.url": format!("http://ingest.test:{of_desk}"),
        "kusto.query.url": format!("http://engine.test:{of_adx}"),
        "value.converter": "io.confluent.connect.avro.AvroConverter",
        "value.converter.schema.registry.url": format!("http://registry.test:{of_registry}"),
    }));
    demo.examine().await.assert_good();
    for (number, (host, port)) in HOSTS.into_iter().zip(ports).enumerate() {
        let manner = if number % 2 == 0 { Manner::Drops } else { Manner::Refuses };
        block(host, manner);
        let report = demo.examine().await;
        let check = match host {
            "blob.test" | "queue.test" => format!("{} host {host}:{port}", &host[..host.len() - 5]),
            _ => format!("TCP {host}:{port}"),
        };
        let said = if matches!(manner, Manner::Drops) { "no " } else { "No route to host" };
        report.assert_names(&check, said, &format!("{host}:{port}"));
        let to_do = report.check(&check)["to_do"].as_str().expect("a sentence").to_owned();
        assert!(to_do.contains("firewall"), "{to_do}");
        assert!(!report.json.to_string().contains("s3cret"), "a signature was shown");
        open(host);
    }
    demo.examine().await.assert_good();
}

/// Runs this test where it may change the network: as root of a namespace.
async fn again_in_an_own_network() {
    let own = ["--map-root-user", "--net", "--mount", "--fork", "--kill-child"];
    let ip = [&own[..], &["ip", "link", "set", "lo", "up"]].concat();
    let tried = Command::new("unshare").args(ip).output();
    if !tried.as_ref().is_ok_and(|output| output.status.success()) {
        eprintln!("NOT TESTED: this machine allows no network of one's own (unshare, ip): {tried:?}");
        return;
    }
    let this = std::env::current_exe().expect("this program");
    let mut command = Command::new("unshare");
    // The broker of all tests is not in it.
    command.args(own).arg(this).args([THIS, "--exact", "--nocapture"]).env(INSIDE, "1");
    command.env_remove("KUSTO_CONNECT_TEST_KAFKA");
    let output = tokio::task::spawn_blocking(move || command.output().expect("unshare runs")).await;
    let Output { status, stdout, stderr } = output.expect("its end");
    let (said, complained) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success() && said.contains("1 passed"), "{said}\n{complained}");
}

fn port(address: &str) -> u16 {
    let digits = address.trim_end_matches('/').rsplit(':').next().expect("a port");
    digits.parse().expect("a number")
}

fn address(host: &str) -> String {
    let number = HOSTS.iter().position(|known| *known == host).expect("a host of ours");
    format!("10.77.0.{}", number + 1)
}

/// Takes connections to `host` and leads them to the same port of this machine.
async fn lead(ways: &mut JoinSet<()>, host: &str, port: u16) {
    let at: SocketAddr = format!("{}:{port}", address(host)).parse().expect("an address");
    let listener = TcpListener::bind(at).await.expect("a port");
    ways.spawn(async move {
        let mut clients = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            clients.spawn(async move {
                if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                    // Who goes away in the middle is no matter of the way.
                    drop(copy_bidirectional(&mut client, &mut server).await);
                }
            });
        }
    });
}

/// Sets the network up, of which this process is root: all hosts and their names, which are in the folder. Behind `out` there is
/// nobody, and nobody says so.
fn set_network() -> tempfile::TempDir {
    ip("link set lo up");
    ip("link add out type veth peer name nowhere");
    ip("link set out up");
    ip("link set nowhere up");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let names = folder.path().join("hosts");
    let mut text = "127.0.0.1 localhost\n".to_owned();
    for host in HOSTS {
        ip(&format!("addr add {}/32 dev lo", address(host)));
        writeln!(text, "{} {host}", address(host)).expect("text");
    }
    std::fs::write(&names, text).expect("a file");
    run(Command::new("mount").arg("--bind").arg(&names).arg("/etc/hosts"));
    folder
}

fn block(host: &str, manner: Manner) {
    let address = address(host);
    ip(&format!("addr del {address}/32 dev lo"));
    match manner {
        Manner::Refuses => ip(&format!("route add unreachable {address}")),
        Manner::Drops => {
            ip(&format!("neigh replace {address} lladdr 02:00:00:00:00:01 dev out nud permanent"));
            ip(&format!("route add {address} dev out"));
        }
    }
}

fn open(host: &str) {
    let address = address(host);
    ip(&format!("route del {address}"));
    ip(&format!("addr add {address}/32 dev lo"));
}

fn ip(arguments: &str) {
    run(Command::new("ip").args(arguments.split(' ')));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
