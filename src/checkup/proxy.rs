//! Does an HTTP proxy lead connections on? Asked as clients ask it, by `CONNECT`; what is opened is let go at once.

use super::check::{Finding, Inspection};
use super::network::{Place, connect};
use crate::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The head of an answer is not longer.
const MOST_OF_AN_ANSWER: u64 = 8 * 1024;

/// A proxy that is spoken to without TLS.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Where it is, and what names it.
    pub place: Place,
    /// What it is told of who we are (`Proxy-Authorization`).
    pub login: Option<Secret>,
    /// What to do when it wants to know who we are.
    pub to_sign_in: String,
    /// What to do when it does not lead to a place.
    pub to_pass: String,
}

impl Proxy {
    /// The name of the check whether it leads to `target` (`host:port`).
    pub fn name_to(&self, target: &str) -> String {
        format!("proxy {} to {target}", self.place.address())
    }

    /// Does it lead to `target`?
    pub fn leads_to(self, target: String) -> Inspection {
        let (name, needs) = (self.name_to(&target), self.place.tcp_name());
        let late = format!(
            "the proxy of {} does not answer: look at it, or at its own firewall",
            self.place.setting
        );
        let work = async move {
            match self.try_to(&target).await {
                Ok(()) => Finding::good(format!("it leads there; {} names it", self.place.setting)),
                Err((said, to_do)) => Finding::failed(said, to_do),
            }
        };
        Inspection::new(name, work).after([needs]).or_late(late)
    }

    /// Opens a way to `target` and lets it go. An error says what is wrong, and what to do.
    pub async fn try_to(&self, target: &str) -> Result<(), (String, String)> {
        connect(&self.place).await?;
        let address = self.place.address();
        let answer = self.ask(target).await.map_err(|error| {
            let to_do = format!("look at the proxy, or correct {}", self.place.setting);
            (format!("the proxy {address} breaks off: {error}"), to_do)
        })?;
        let said = answer.lines().next().unwrap_or_default().trim();
        match status(said) {
            Some(200..=299) => Ok(()),
            Some(407) => Err((
                format!("the proxy {address} wants to know who we are: {said}"),
                self.to_sign_in.clone(),
            )),
            Some(_) => {
                Err((format!("the proxy {address} does not lead to {target}: {said}"), self.to_pass.clone()))
            }
            None => Err((
                format!("{address} does not answer as an HTTP proxy"),
                format!("correct host and port of the proxy in {}", self.place.setting),
            )),
        }
    }

    /// The head of its answer.
    async fn ask(&self, target: &str) -> std::io::Result<String> {
        let Place { host, port, .. } = &self.place;
        let mut stream = TcpStream::connect((host.as_str(), *port)).await?;
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        if let Some(login) = &self.login {
            request = request + "Proxy-Authorization: " + login.expose() + "\r\n";
        }
        stream.write_all((request + "\r\n").as_bytes()).await?;
        let (mut answer, mut stream) = (Vec::new(), stream.take(MOST_OF_AN_ANSWER));
        while !answer.windows(4).any(|four| four == b"\r\n\r\n") && stream.read_buf(&mut answer).await? > 0 {}
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// The number in `HTTP/1.1 200 …`.
fn status(line: &str) -> Option<u16> {
    line.strip_prefix("HTTP/")?.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn an_answer_has_a_number() {
        for (line, number) in [
            ("HTTP/1.1 200 Connection established", Some(200)),
            ("HTTP/1.0 407", Some(407)),
            ("HTTP/1.1", None),
            ("SSH-2.0-OpenSSH", None),
            ("", None),
        ] {
            assert_eq!(status(line), number, "{line}");
        }
    }
}
