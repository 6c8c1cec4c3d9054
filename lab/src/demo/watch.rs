//! Waiting for states: the worker answers, every event has arrived. Each wait has an end and says what it saw last.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::ChildStdout,
    time::{Instant, MissedTickBehavior, interval},
};

use super::error::Error;
use super::show;
use super::terms::{PATIENCE, TABLE};
use crate::{connect::Connect, kusto::Kusto};

/// Between two lines of progress.
const TICK: Duration = Duration::from_secs(2);
/// Events printed in full before only their number is told.
const FULL_EVENTS: usize = 3;

/// Waits until the worker's REST answers.
pub async fn ready(connect: &Connect) -> Result<(), Error> {
    tokio::time::timeout(PATIENCE.start, connect.wait_until_ready()).await.map_err(|_elapsed| {
        Error::Part(format!("the worker's REST did not answer within {} s", PATIENCE.start.as_secs()))
    })
}

/// Whom to ask, and for how many events.
pub struct Watch<'a> {
    /// The worker.
    pub connect: &'a Connect,
    /// The table's service.
    pub adx: &'a Kusto,
    /// The connector's name.
    pub connector: &'a str,
    /// Events to come.
    pub want: usize,
}

impl Watch<'_> {
    /// Tells how far things are until the table has as many rows as there are events, or nothing has moved for too long.
    pub async fn until_all_arrived(&self, output: Option<ChildStdout>) -> Result<(), Error> {
        let mut lines = output.map(|output| BufReader::new(output).lines());
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let began = Instant::now();
        let (mut produced, mut rows, mut moved) = (0, 0, began);
        loop {
            tokio::select! {
                line = next_line(&mut lines), if lines.is_some() => match line {
                    Some(line) => {
                        let sent = line.starts_with("sent message to partition ");
                        if produced < FULL_EVENTS || !is_event_line(&line) {
                            show::done(&line);
                        }
                        produced += usize::from(sent);
                        moved = Instant::now();
                    }
                    None => lines = None,
                },
                _ = ticks.tick() => {
                    let now = self.adx.count(TABLE).await?;
                    if now != rows {
                        (rows, moved) = (now, Instant::now());
                    }
                    let state = self.state().await?;
                    show::progress(began.elapsed(), produced, self.want, rows, &state);
                    if lines.is_none() && rows >= self.want as u64 {
                        return Ok(());
                    }
                    if moved.elapsed() > PATIENCE.deliver {
                        return Err(Error::Late { have: rows, want: self.want, state });
                    }
                }
            }
        }
    }

    /// The connector's state; a failed one ends the wait with its trace.
    async fn state(&self) -> Result<String, Error> {
        match self.connect.state(self.connector).await {
            Ok(state) => match state.trace {
                Some(trace) => Err(Error::Part(format!("the connector failed ({}): {trace}", state.text))),
                None => Ok(state.text),
            },
            // Right after its creation a connector has no status yet.
            Err(crate::connect::Error::Refused { status: reqwest::StatusCode::NOT_FOUND, .. }) => {
                Ok("has no status yet".to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }
}

async fn next_line(lines: &mut Option<Lines<BufReader<ChildStdout>>>) -> Option<String> {
    lines.as_mut()?.next_line().await.ok().flatten()
}

/// The two lines per record; everything else the producer says is shown. A newline inside a value makes further lines.
fn is_event_line(line: &str) -> bool {
    !["events from ", "connected ", "waiting ", "topic ", "finished: ", "stopped: ", "sent "]
        .iter()
        .any(|start| line.starts_with(start) && !line.starts_with("sent message to partition "))
}
