//! A schema registry with one schema, for the case of Avro.

use std::net::Ipv4Addr;

use axum::{Json, Router, routing::get};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use super::{case::Packing, error::Error};

/// It ends with this.
pub struct Registry {
    /// Its address.
    pub url: String,
    _server: JoinSet<()>,
}

impl Registry {
    /// Starts it.
    pub async fn start() -> Result<Self, Error> {
        let answer = || async { Json(json!({ "schema": Packing::avro_schema() })) };
        let router = Router::new().route("/schemas/ids/1", get(answer));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut server = JoinSet::new();
        server.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("bench: the registry ended: {error}");
            }
        });
        Ok(Self { url, _server: server })
    }
}
