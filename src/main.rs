//! The program `kusto-connect`: hands the command line and the environment to the library and ends as it says.

use std::process::ExitCode;
use std::time::Duration;

use kusto_connect::{app, cli};
use tokio::runtime::Builder;

/// A blocking call of a Kafka client may still wait for a broker when everything else has ended.
const LAST_CALLS: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let runtime = match Builder::new_multi_thread().enable_all().thread_stack_size(app::STACK_BYTES).build() {
        Ok(runtime) => runtime,
        Err(error) => {
            cli::say(&format!("cannot start: {error}"));
            return ExitCode::from(3);
        }
    };
    // Variables that are no text cannot be settings of ours.
    let env = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    let code = runtime.block_on(cli::run(std::env::args_os(), env.collect()));
    runtime.shutdown_timeout(LAST_CALLS);
    code
}
