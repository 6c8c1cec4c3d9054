//! The bodies of requests, read before a handler runs: bounded in time, in size, and all of them together.
//!
//! The first block of a body is free, so that a usual config is always read; what is larger takes blocks of a number
//! that all connections share until its request is answered. Nothing is read for requests that need none.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use std::sync::Arc;

use super::MAX_BODY;
use super::basic_auth::is_internal;
use super::common::BODY_BLOCK;
use super::connection::Client;
use super::error::Error;

/// Reads the body, and hands it on as a whole.
pub(super) async fn read(request: Request, next: Next) -> Response {
    if is_internal(request.method(), request.uri().path()) {
        // Who has to prove itself does so by headers.
        return next.run(request.map(|_| Body::empty())).await;
    }
    let needs_none = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let client = request.extensions().get::<Client>().cloned().filter(|_| !needs_none);
    let Some(Client { turn, common, .. }) = client else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let mut reading = Reading { blocks: &common.blocks, taken: None, read: BytesMut::new() };
    turn.of_client();
    let whole = tokio::time::timeout(common.limits.body, reading.whole(&parts.headers, body)).await;
    turn.of_worker();
    if let Err(error) = whole.unwrap_or_else(|_| Err(too_slow(common.limits.body))) {
        return error.into_response();
    }
    let Reading { taken, read, .. } = reading;
    let answer = next.run(Request::from_parts(parts, Body::from(read.freeze()))).await;
    drop(taken);
    answer
}

/// A body that is being read.
struct Reading<'a> {
    blocks: &'a Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
    read: BytesMut,
}

impl Reading<'_> {
    async fn whole(&mut self, headers: &HeaderMap, body: Body) -> Result<(), Error> {
        let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        self.make_room(said.unwrap_or_default())?;
        let mut body = body.into_data_stream();
        let broken =
            |error: axum::Error| Error::bad_request(format!("The request body cannot be read: {error}"));
        while let Some(part) = body.try_next().await.map_err(broken)? {
            self.add(&part)?;
        }
        Ok(())
    }

    fn add(&mut self, part: &Bytes) -> Result<(), Error> {
        self.make_room(self.read.len() + part.len())?;
        self.read.extend_from_slice(part);
        Ok(())
    }

    /// Takes the blocks that a body of this length needs.
    fn make_room(&mut self, length: usize) -> Result<(), Error> {
        if length > MAX_BODY {
            return Err(Error::http(StatusCode::PAYLOAD_TOO_LARGE));
        }
        let needed = length.div_ceil(BODY_BLOCK).saturating_sub(1);
        let more = needed.saturating_sub(self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let Ok(more) = self.blocks.clone().try_acquire_many_owned(more) else { return Err(too_many()) };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

fn too_slow(most: Duration) -> Error {
    let message = format!("The request body was not there after {} ms", most.as_millis());
    Error::new(StatusCode::REQUEST_TIMEOUT, message)
}

fn too_many() -> Error {
    Error::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "The worker is busy with as many large requests as it takes; try again",
    )
}
