//! The emulator as a program: reads the command line, runs one emulator until a signal, stops it in order.

use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use adx_emulator::options::Args;
use adx_emulator::{Emulator, Options};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    if args.health {
        return health(args.listen).await;
    }
    match run(args.into()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    // Before the ports open: a signal that comes then must not kill a half-written certificate.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let emulator = Emulator::start(options).await?;
    tracing::info!(
        http = emulator.http_url(),
        https = emulator.https_url().as_deref().unwrap_or("off"),
        ca = emulator.ca_file().map_or_else(|| "none".to_owned(), |file| file.display().to_string()),
        "adx-emulator is ready"
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    emulator.stop().await;
    Ok(())
}

async fn health(listen: SocketAddr) -> ExitCode {
    let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    let url = format!("http://{}/health", SocketAddr::new(ip, listen.port()));
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(3)).build();
    let Ok(client) = client else { return ExitCode::FAILURE };
    match client.get(url).send().await {
        Ok(answer) if answer.status().is_success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
