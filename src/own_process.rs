//! Tests that need an environment of their own: a process has one for all its tests, so such a test starts itself once more.
//!
//! It never changes the environment of the process it is in.

use std::process::Command;

const MARK: &str = "KUSTO_CONNECT_TEST_IN_ITS_OWN_PROCESS";

/// True in the process that [`run`] has started: what the test is about is done there.
pub(crate) fn is_this() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Runs `test` (its module path and name) in a process with `environment`, where it must pass. Waits for its end.
pub(crate) fn run(test: &str, environment: &[(&str, &str)]) {
    let (_crate, name) = test.split_once("::").expect("a path");
    let output = Command::new(std::env::current_exe().expect("our own file"))
        .args(["--exact", name])
        .envs(environment.iter().copied())
        .env(MARK, "")
        .output()
        .expect("a process");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
