//! A forwarding proxy on loopback: CONNECT and plain requests. Every name it is asked for is this machine, so that what has
//! no address elsewhere can be reached by it alone.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The longest head of a request.
const HEAD_LIMIT: usize = 64 * 1024;

/// A running proxy; dropping it ends it.
pub struct Proxy {
    port: u16,
    /// What it says instead of leading on, if anything.
    refusal: Arc<Mutex<Option<&'static str>>>,
    seen: Arc<Mutex<Vec<String>>>,
    _server: JoinSet<()>,
}

impl Proxy {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (shared, refusal) = (Arc::clone(&seen), Arc::<Mutex<Option<&'static str>>>::default());
        let told = Arc::clone(&refusal);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                // A client or a server that goes away in the middle is no matter of the proxy.
                let told = *told.lock().expect("no panic before");
                let serving = serve(client, Arc::clone(&shared), told);
                clients.spawn(async move { drop(serving.await) });
            }
        });
        Self { port, refusal, seen, _server: server }
    }

    /// From now on it leads nowhere, and says this (`403 Forbidden`); or it leads on again.
    pub fn refuse(&self, status: Option<&'static str>) {
        *self.refusal.lock().expect("no panic before") = status;
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Method and target of each request so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no panic before").clone()
    }
}

async fn serve(
    mut client: TcpStream,
    seen: Arc<Mutex<Vec<String>>>,
    refusal: Option<&'static str>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > HEAD_LIMIT || client.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (first, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    seen.lock().expect("no panic before").push(format!("{method} {target}"));
    if let Some(status) = refusal {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return client.write_all(answer.as_bytes()).await;
    }
    if method == "CONNECT" {
        let port = target.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(443);
        let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let url = url::Url::parse(target).map_err(std::io::Error::other)?;
    let mut server = TcpStream::connect(("127.0.0.1", url.port_or_known_default().unwrap_or(80))).await?;
    let kept = headers.lines().filter(|line| !line.to_ascii_lowercase().contains("connection:"));
    // One request for each connection, so that each is seen.
    let mut forwarded =
        format!("{method} {} HTTP/1.1\r\nConnection: close\r\n", &url[url::Position::BeforePath..]);
    kept.for_each(|line| forwarded.extend([line, "\r\n"]));
    forwarded.push_str("\r\n");
    server.write_all(forwarded.as_bytes()).await?;
    server.write_all(&bytes[end + 4..]).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
