//! Bodies of HTTP answers, read up to a bound: an endpoint that is not what it seems may send without an end, or a few
//! megabytes that unpack to gigabytes.
//!
//! The bound is on what was unpacked. Time is the caller's business. Keeps nothing, retries nothing.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, Transport};
use futures::{StreamExt, TryStreamExt, future};

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is longer than anything that makes sense there.
    #[error("the answer is larger than {0} bytes")]
    TooLong(usize),
    /// The connection broke off.
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
}

/// The whole body of `response`, if it is no longer than `most` bytes.
pub async fn body(mut response: reqwest::Response, most: usize) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Err(Error::TooLong(most));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `client` for one of Azure's own crates, whose answers are no longer than `most` bytes.
pub fn transport(client: reqwest::Client, most: usize) -> Transport {
    Transport::new(Arc::new(Bounded { client, most }))
}

#[derive(Debug)]
struct Bounded {
    client: reqwest::Client,
    most: usize,
}

#[async_trait]
impl HttpClient for Bounded {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let (status, headers, body) = self.client.execute_request(request).await?.deconstruct();
        let (most, mut read) = (self.most, 0_usize);
        let body = body.and_then(move |chunk| {
            read = read.saturating_add(chunk.len());
            let too_long =
                || azure_core::Error::with_error(ErrorKind::Io, Error::TooLong(most), "the answer");
            future::ready(if read > most { Err(too_long()) } else { Ok(chunk) })
        });
        Ok(AsyncRawResponse::new(status, headers, body.boxed()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, body, transport};
    use axum::Router;
    use axum::body::Body;
    use azure_core::http::{Context, Method, Request};
    use futures::stream;
    use std::io::Write;
    use tokio::task::JoinSet;
    use url::Url;

    /// Serves `/endless`, and at `/packed` a megabyte of zeros as a kilobyte.
    async fn server(owner: &mut JoinSet<()>) -> Url {
        let endless =
            || async { Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 1024]))) };
        let packed = || async {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            gzip.write_all(&vec![0; 1 << 20]).unwrap();
            ([("content-encoding", "gzip")], gzip.finish().unwrap())
        };
        let router = Router::new()
            .route("/endless", axum::routing::get(endless))
            .route("/packed", axum::routing::get(packed));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        owner.spawn(async move { axum::serve(listener, router).await.unwrap() });
        url.parse().unwrap()
    }

    #[tokio::test]
    async fn what_is_longer_once_unpacked_is_refused() {
        let mut owner = JoinSet::new();
        let base = server(&mut owner).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for (path, most, fits) in
            [("endless", 100_000, false), ("packed", (1 << 20) - 1, false), ("packed", 1 << 20, true)]
        {
            let url = base.join(path).unwrap();
            let answer = client.get(url.clone()).send().await.unwrap();
            match body(answer, most).await {
                Ok(body) => assert!(fits && body.len() == 1 << 20, "{path}"),
                Err(error) => assert!(!fits && matches!(error, Error::TooLong(_)), "{path}: {error}"),
            }
            let answer = transport(client.clone(), most)
                .send(&Context::default(), &mut Request::new(url, Method::Get))
                .await
                .unwrap();
            let read = answer.into_body().collect().await;
            match read {
                Ok(body) => assert!(fits && body.len() == 1 << 20, "{path}"),
                Err(error) => {
                    assert!(!fits && format!("{error:?}").contains("TooLong"), "{path}");
                }
            }
        }
    }
}
