//! A front of a broker that can say, as a broker that goes down may, that its cluster has no brokers, and can be silent to
//! whom it said so.
//!
//! It passes Kafka's protocol on, and takes the brokers out of answers to Metadata while it is told to. The broker has a
//! listener for it, which advertises the front's address; the test itself uses another one.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use super::Kafka;
use super::process::free_ports;

/// The request that asks for brokers and topics.
const METADATA: i16 = 3;
/// From here on its answers have tagged fields and short lengths.
const FLEXIBLE: i16 = 9;

/// A running front; dropping it ends it.
pub struct Front {
    port: u16,
    told: Arc<Told>,
    cut: broadcast::Sender<()>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Told {
    no_brokers: AtomicBool,
    /// Client ids of those that it said so to.
    deceived: Mutex<HashSet<String>>,
    silent: AtomicBool,
}

impl Front {
    /// A broker and its front.
    pub async fn of_a_broker() -> (Kafka, Self) {
        let port = free_ports(4);
        let (controller, behind) = (port + 1, port + 2);
        let front = Self::start(port + 3, behind).await;
        let kafka = Kafka::with(port, |dir| {
            let plain = format!("PLAINTEXT://127.0.0.1:{port}");
            let lines = format!(
                "listeners={plain},FRONT://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}\n\
                 advertised.listeners={plain},FRONT://{}\n\
                 listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FRONT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
                 inter.broker.listener.name=PLAINTEXT\n",
                front.address()
            );
            std::fs::write(dir.join("extra.properties"), lines).expect("settings of the broker");
        });
        (kafka.await, front)
    }

    async fn start(port: u16, broker: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the front's port");
        let told = Arc::<Told>::default();
        let (cut, _) = broadcast::channel(1);
        let mut server = JoinSet::new();
        let (shared, cuts) = (Arc::clone(&told), cut.clone());
        server.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (told, mut cut) = (Arc::clone(&shared), cuts.subscribe());
                clients.spawn(async move {
                    tokio::select! {
                        // Either side may go away in the middle.
                        _ended = serve(client, broker, &told) => {}
                        _cut = cut.recv() => {}
                    }
                });
            }
        });
        Self { port, told, cut, _server: server }
    }

    /// `host:port`, for `bootstrap.servers`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where the broker itself listens for what goes by the front.
    pub fn behind(&self) -> String {
        format!("127.0.0.1:{}", self.port - 1)
    }

    /// Says from now on whether there are brokers.
    pub fn say_there_are_none(&self, none: bool) {
        self.told.no_brokers.store(none, Ordering::Release);
    }

    /// From now on, the connection on which it first told a client so has no answer to a question about topics or brokers.
    pub fn be_silent_where_it_lied_first(&self) {
        self.told.silent.store(true, Ordering::Release);
    }

    /// Closes all connections.
    pub fn cut(&self) {
        // Nobody may be connected.
        let _listeners = self.cut.send(());
    }

    /// True when it has said to the client of this id that there are none.
    pub fn has_lied_to(&self, client: &str) -> bool {
        self.told.deceived.lock().expect("no panic before").contains(client)
    }
}

async fn serve(client: TcpStream, broker: u16, told: &Told) -> std::io::Result<()> {
    let broker = TcpStream::connect(("127.0.0.1", broker)).await?;
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    let asked = Mutex::default();
    tokio::try_join!(
        requests(from_client, to_broker, &asked),
        answers(from_broker, to_client, &asked, told)
    )?;
    Ok(())
}

/// The Metadata requests under way, by correlation id: their versions and who asks.
type Asked = Mutex<HashMap<i32, (i16, String)>>;

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, asked: &Asked) -> std::io::Result<()> {
    loop {
        let frame = frame(&mut from).await?;
        let [key, version] = [0, 2].map(|at| i16::from_be_bytes([frame[at], frame[at + 1]]));
        if key == METADATA {
            let length = usize::from(u16::from_be_bytes([frame[8], frame[9]]));
            let client = String::from_utf8_lossy(&frame[10..10 + length]).into_owned();
            asked.lock().expect("no panic before").insert(int(&frame[4..]), (version, client));
        }
        send(&mut to, &frame).await?;
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    asked: &Asked,
    told: &Told,
) -> std::io::Result<()> {
    let mut has_lied = false;
    loop {
        let mut frame = frame(&mut from).await?;
        let question = asked.lock().expect("no panic before").remove(&int(&frame));
        if question.is_some() && has_lied && told.silent.load(Ordering::Acquire) {
            continue;
        }
        if let Some((version, client)) = question.filter(|_| told.no_brokers.load(Ordering::Acquire)) {
            assert!(
                version >= FLEXIBLE,
                "a client asks in version {version}: its answers are read otherwise"
            );
            frame = without_brokers(&frame);
            has_lied |= told.deceived.lock().expect("no panic before").insert(client);
        }
        send(&mut to, &frame).await?;
    }
}

/// The answer with an empty list of brokers.
fn without_brokers(frame: &[u8]) -> Vec<u8> {
    // Correlation id, no tagged fields, throttle time; then the brokers.
    let head = 4 + 1 + 4;
    let mut rest = &frame[head..];
    for _ in 1..length(&mut rest) {
        rest = &rest[4..];
        skip_text(&mut rest);
        rest = &rest[4..];
        skip_text(&mut rest);
        assert_eq!(length(&mut rest), 0, "tagged fields of a broker");
    }
    [&frame[..head], &[1], rest].concat()
}

fn skip_text(rest: &mut &[u8]) {
    let length = length(rest).saturating_sub(1);
    *rest = &rest[length..];
}

/// A length as Kafka writes it in these answers: seven bits a byte, lowest first; one more than it is, 0 for none.
fn length(rest: &mut &[u8]) -> usize {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let byte = rest[0];
        *rest = &rest[1..];
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

fn int(bytes: &[u8]) -> i32 {
    i32::from_be_bytes(bytes[..4].try_into().expect("four bytes"))
}

async fn frame(from: &mut OwnedReadHalf) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; from.read_u32().await?.try_into().expect("a length")];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

async fn send(to: &mut OwnedWriteHalf, frame: &[u8]) -> std::io::Result<()> {
    to.write_u32(frame.len().try_into().expect("a length")).await?;
    to.write_all(frame).await
}
