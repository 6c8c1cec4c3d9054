//! `kusto-connect validate`: what REST would say of a connector's settings, without a worker and without the network.

use super::exit::WRONG;
use super::files;
use crate::cli::out::answer;
use crate::herder;
use crate::plugins::{BUILT_IN, ConfigInfos};
use crate::rest;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

/// Checks the file `connector` for the worker of the properties in `worker` and of `env`.
pub(super) async fn run(
    connector: &Path,
    worker: Option<&Path>,
    env: BTreeMap<String, String>,
    json: bool,
) -> ExitCode {
    let (path, worker) = (connector.to_owned(), worker.map(Path::to_owned));
    // Files may be slow, and expressions long.
    let checked = tokio::task::spawn_blocking(move || {
        let worker = files::worker(worker.as_deref(), env)?;
        let config = files::connector(&path, WRONG)?;
        Ok(herder::checked(BUILT_IN, &config, &worker))
    });
    let infos: ConfigInfos = match checked.await {
        Ok(Ok(infos)) => infos,
        Ok(Err(code)) => return code,
        Err(_) => return ExitCode::from(WRONG),
    };
    if json {
        answer(&format!("{:#}\n", rest::validation(&infos)));
    } else {
        answer(&text(&connector.display().to_string(), &infos));
    }
    if infos.error_count() == 0 { ExitCode::SUCCESS } else { ExitCode::from(WRONG) }
}

/// For people: a line for each error, then the warnings, then how many there are.
fn text(path: &str, infos: &ConfigInfos) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(&words.replace('\n', " "));
        text.push('\n');
    };
    for info in &infos.configs {
        for error in &info.value.errors {
            line(&format!("{}: {error}", info.value.name));
        }
    }
    for warning in &infos.warnings {
        line(&format!("warning: {warning}"));
    }
    let count = |number: usize, word: &str| match number {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{number} {word}s")),
    };
    let counts = [count(infos.error_count(), "error"), count(infos.warnings.len(), "warning")];
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    let found = if counts.is_empty() { "nothing is wrong".to_owned() } else { counts.join(", ") };
    line(&format!("{path}: {found}"));
    text
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::plugins::ConfigInfos;

    #[test]
    fn each_error_is_a_line_and_warnings_stand_apart() {
        let mut infos = ConfigInfos::default();
        assert_eq!(text("f", &infos), "f: nothing is wrong\n");
        infos.warnings.push("b has no effect".to_owned());
        assert_eq!(text("f", &infos), "warning: b has no effect\nf: 1 warning\n");
        infos.add_error("a", None, "is\nmissing".to_owned());
        infos.add_error("a", None, "and wrong".to_owned());
        assert_eq!(
            text("f", &infos),
            "a: is missing\na: and wrong\nwarning: b has no effect\nf: 2 errors, 1 warning\n"
        );
    }
}
