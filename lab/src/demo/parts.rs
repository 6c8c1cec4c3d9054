//! The parts the demo starts, in the order they end. Logs go to a folder of this run, kept only when something went wrong.

use std::{future::Future, net::Ipv4Addr, path::Path};

use adx_emulator::{Emulator, Options};
use tempfile::TempDir;
use tokio::process::ChildStdout;

use super::{args::Args, error::Error, kafka::Kafka, show, terms::PATIENCE};
use crate::{
    pace::Rate,
    process::{Process, Spec, sibling},
};

/// What runs.
pub struct Parts {
    producer: Option<Process>,
    worker: Option<Process>,
    emulator: Option<Emulator>,
    kafka: Option<Kafka>,
    folder: Option<TempDir>,
}

/// Log lines shown when a part failed.
const LAST_LINES: usize = 20;

impl Parts {
    /// Nothing runs yet.
    pub fn new() -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("kusto-connect-demo-")
            .tempdir()
            .map_err(|error| Error::Io(error.to_string()))?;
        Ok(Self { producer: None, worker: None, emulator: None, kafka: None, folder: Some(folder) })
    }

    /// Where this run's files are.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().map_or(Path::new("."), TempDir::path)
    }

    /// Kafka's address.
    pub fn kafka_servers(&self) -> &str {
        self.kafka.as_ref().map_or("", |kafka| &kafka.servers)
    }

    /// Starts the emulator and gives its URL.
    pub async fn start_emulator(&mut self, args: &Args) -> Result<String, Error> {
        let options = Options { listen: (Ipv4Addr::LOCALHOST, args.adx_port).into(), ..Options::default() };
        let emulator = Emulator::start(options).await.map_err(|error| Error::Emulator(error.to_string()))?;
        self.emulator = Some(emulator);
        let url = format!("http://localhost:{}", args.adx_port);
        show::done(&format!("ADX emulator   {url}  (in memory, in this process)"));
        Ok(url)
    }

    /// Starts the worker with the variables the container has.
    pub fn start_worker(&mut self, args: &Args, kafka: Kafka) -> Result<(), Error> {
        let program = match &args.worker {
            Some(program) => program.clone(),
            None => sibling("kusto-connect").map_err(|error| Error::Io(error.to_string()))?,
        };
        let worker = Spec::new("kusto-connect", &program)
            .env("BOOTSTRAP_SERVERS", &kafka.servers)
            .env("GROUP_ID", kafka.name("adx"))
            .env("CONFIG_STORAGE_TOPIC", kafka.name("my_connect_configs"))
            .env("OFFSET_STORAGE_TOPIC", kafka.name("my_connect_offsets"))
            .env("STATUS_STORAGE_TOPIC", kafka.name("my_connect_statuses"))
            .env("CONNECT_LISTENERS", format!("http://127.0.0.1:{}", args.rest_port));
        // Kafka must outlive the worker from this moment on, whether it starts or not.
        self.kafka = Some(kafka);
        self.worker = Some(worker.start(self.folder())?);
        Ok(())
    }

    /// Starts the producer and gives what it says.
    pub fn start_producer(&mut self, args: &Args, topic: &str) -> Result<Option<ChildStdout>, Error> {
        let program = sibling("storm-events-producer").map_err(|error| Error::Io(error.to_string()))?;
        let rate = match args.rate {
            Rate::Max => "max".to_owned(),
            Rate::PerSecond(rate) => rate.to_string(),
        };
        let mut producer = Spec::new("storm-events-producer", &program)
            .env("KAFKA_BOOTSTRAP_SERVER", self.kafka_servers())
            .env("KAFKA_TOPIC", topic)
            .env("RATE", rate)
            .env("COUNT", args.events.to_string())
            .args(["--seed", &args.seed.to_string()]);
        if let Some(file) = &args.source_file {
            producer = producer.env("SOURCE_FILE", file);
        }
        if args.tricky {
            producer = producer.args(["--tricky"]);
        }
        let (producer, lines) = producer.start_reading(self.folder())?;
        self.producer = Some(producer);
        Ok(lines)
    }

    /// The outcome of `work`, or the reason why the worker ended before it.
    pub async fn unless_worker_ends<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        let Some(worker) = &mut self.worker else { return Ok(work.await) };
        tokio::select! {
            outcome = work => Ok(outcome),
            status = worker.wait() => {
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                let lines = worker.last_lines(LAST_LINES);
                Err(Error::Part(format!("the worker ended ({status}); its last lines:\n{lines}")))
            }
        }
    }

    /// The producer has ended, and with success.
    pub async fn producer_ended_well(&mut self) -> Result<(), Error> {
        let Some(producer) = &mut self.producer else { return Ok(()) };
        match producer.wait().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Error::Part(format!(
                "the producer ended ({status}): {}",
                producer.last_lines(LAST_LINES)
            ))),
            Err(error) => Err(Error::Io(error.to_string())),
        }
    }

    /// After a failure the logs are worth more than a clean machine.
    pub fn keep_logs(&mut self, error: &Error) {
        let empty = std::fs::read_dir(self.folder()).is_ok_and(|mut files| files.next().is_none());
        if !empty
            && !matches!(error, Error::Stopped)
            && let Some(folder) = self.folder.take()
        {
            show::note(&format!("logs are in {}", folder.keep().display()));
        }
    }

    /// Ends all, in order.
    pub async fn stop(mut self) {
        for process in [self.producer.take(), self.worker.take()].into_iter().flatten() {
            stop(process).await;
        }
        if let Some(emulator) = self.emulator.take() {
            emulator.stop().await;
        }
        if let Some(kafka) = self.kafka.take()
            && let Some(left) = kafka.clean_up().await
        {
            show::note(&left);
        }
    }
}

async fn stop(mut process: Process) {
    let name = process.name;
    let running = process.id().is_some();
    match process.stop(PATIENCE.end).await {
        Ok(status) if running && !status.success() => {
            show::note(&format!("{name} did not end in good order: {status}"));
        }
        Ok(_) => {}
        Err(error) => show::note(&format!("{name} could not be ended: {error}")),
    }
}
