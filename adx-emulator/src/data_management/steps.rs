//! Failures on demand at the steps of a source: which code a rule means at which step, and whether a later try may succeed.
//!
//! Keeps nothing. Codes and what they mean are the service's (`kusto-protocol.md` §9.1).

use std::time::Duration;

use tokio::time::sleep;

use super::failure::Failure;
use super::message::IngestionMessage;
use crate::app::App;
use crate::backend::DownloadError;
use crate::faults::{Effect, Subject};
use crate::gzip::is_gzip;
use crate::operation::Operation;

/// The codes of failures that a later try may not meet; all others are for good.
const TRANSIENT: [&str; 11] = [
    "Download_UnknownError",
    "Download_TransientNameResolutionFailure",
    "General_InternalServerError",
    "General_TransientSchemaMismatch",
    "General_ThrottledIngestion",
    "OutOfMemory",
    "Timeout",
    "Unknown",
    "UpdatePolicy_FailedDescendantTransaction",
    "UpdatePolicy_IngestionError",
    "UpdatePolicy_UnknownError",
];

/// The engine's steps on the content of a source, in their order.
const ON_CONTENT: [Operation; 3] = [Operation::Parse, Operation::Mapping, Operation::UpdatePolicy];

/// What a rule does with a message that was just read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Acceptance {
    /// Its source is ingested after this time.
    After(Duration),
    /// Its source is never ingested and nobody is told.
    Lost,
    /// It is refused and reported.
    Refused(Failure),
}

/// What a rule does with `message`, which was just read; none without one.
pub(crate) fn acceptance(app: &App, message: &IngestionMessage) -> Option<Acceptance> {
    let effect = pick(app, Operation::Accept, &subject(message))?;
    if effect == Effect::Lose {
        return Some(Acceptance::Lost);
    }
    Some(match effect.delay() {
        Some(delay) => Acceptance::After(delay),
        // There are no tries before a source is ingested.
        None => Acceptance::Refused(Failure { permanent: true, ..failure_of(Operation::Accept, effect) }),
    })
}

/// When the end of a source is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// After this time.
    After(Duration),
    /// It is not told, in no way.
    Never,
}

/// What a rule says of telling the end of `message`'s source.
pub(crate) fn telling(app: &App, message: &IngestionMessage) -> Telling {
    match pick(app, Operation::Report, &subject(message)) {
        None => Telling::After(Duration::ZERO),
        Some(effect) => effect.delay().map_or(Telling::Never, Telling::After),
    }
}

/// Applies the rules for a sealed batch, all for one table, which match when they match one of its blobs.
pub(crate) async fn batch(app: &App, messages: &[&IngestionMessage]) -> Result<(), Failure> {
    let paths: Vec<&str> = messages.iter().map(|message| message.blob.path()).collect();
    let table = messages.first().map(|message| message.properties.table.as_str());
    let effect = pick(app, Operation::Batch, &Subject { path: &paths.join("\n"), table, content: None });
    apply(Operation::Batch, effect).await
}

/// Applies the rules for Download.
pub(crate) async fn download(app: &App, message: &IngestionMessage) -> Result<(), Failure> {
    apply(Operation::Download, pick(app, Operation::Download, &subject(message))).await
}

/// Applies the rules for the engine's steps that come before the content of the source is known.
pub(crate) async fn before_content(app: &App, message: &IngestionMessage) -> Result<(), Failure> {
    apply(Operation::Ingest, pick(app, Operation::Ingest, &subject(message))).await?;
    if is_gzip(message.blob.path()) {
        apply(Operation::Decompress, pick(app, Operation::Decompress, &subject(message))).await?;
    }
    Ok(())
}

/// Applies the rules for the engine's steps on the uncompressed `content`.
pub(crate) async fn on_content(app: &App, message: &IngestionMessage, content: &[u8]) -> Result<(), Failure> {
    for step in ON_CONTENT {
        apply(step, pick(app, step, &Subject { content: Some(content), ..subject(message) })).await?;
    }
    Ok(())
}

fn subject(message: &IngestionMessage) -> Subject<'_> {
    Subject { path: message.blob.path(), table: Some(&message.properties.table), content: None }
}

fn pick(app: &App, step: Operation, subject: &Subject<'_>) -> Option<Effect> {
    let effect = app.faults.pick_for(step, subject)?;
    tracing::info!(operation = step.as_str(), ?effect, "fault injected");
    Some(effect)
}

async fn apply(step: Operation, effect: Option<Effect>) -> Result<(), Failure> {
    let Some(effect) = effect else { return Ok(()) };
    match effect.delay() {
        Some(delay) => {
            sleep(delay).await;
            Ok(())
        }
        None => Err(failure_of(step, effect)),
    }
}

/// The failure that an effect, which is no delay, means at a step.
fn failure_of(step: Operation, effect: Effect) -> Failure {
    let of_status =
        |status: u16| Failure::from(DownloadError::of_status(status, "A fault on demand.".to_owned()));
    match effect {
        Effect::Fail { code, permanent, details } => {
            let by_code = || code.as_deref().is_none_or(|code| !TRANSIENT.contains(&code));
            let permanent = permanent.unwrap_or_else(by_code);
            let details = details.unwrap_or_else(|| "A fault on demand.".to_owned());
            let code = code.unwrap_or_else(|| usual_code(step, permanent).to_owned());
            Failure { code, details, permanent }
        }
        Effect::Status { status, code, .. } => {
            let failure = of_status(status);
            Failure { code: code.unwrap_or(failure.code), ..failure }
        }
        Effect::ExpiredSas => of_status(403),
        Effect::ContainerNotFound => of_status(404),
        _ => of_status(503),
    }
}

fn usual_code(step: Operation, permanent: bool) -> &'static str {
    match (step, permanent) {
        (Operation::Download, true) => "Download_NotTransient",
        (Operation::Download, false) => "Download_UnknownError",
        (Operation::Decompress, true) => "BadRequest_InvalidArchive",
        (Operation::Decompress, false) => "OutOfMemory",
        (Operation::Parse, true) => "BadRequest_InvalidBlob",
        (Operation::Parse, false) => "Timeout",
        (Operation::Mapping, true) => "BadRequest_InvalidMapping",
        (Operation::Mapping, false) => "General_TransientSchemaMismatch",
        (Operation::UpdatePolicy, true) => "UpdatePolicy_BadRequest",
        (Operation::UpdatePolicy, false) => "UpdatePolicy_UnknownError",
        (_, true) => "General_BadRequest",
        (_, false) => "General_InternalServerError",
    }
}

#[cfg(test)]
mod tests {
    use super::{Effect, Failure, ON_CONTENT, Operation, TRANSIENT, failure_of, usual_code};

    fn fail(step: Operation, code: Option<&str>, permanent: Option<bool>) -> (String, bool) {
        let effect = Effect::Fail { code: code.map(str::to_owned), permanent, details: None };
        let Failure { code, permanent, .. } = failure_of(step, effect);
        (code, permanent)
    }

    #[test]
    fn a_code_says_whether_it_may_pass_unless_the_rule_does() {
        let wrong = "Stream_WrongNumberOfFields";
        assert_eq!(fail(Operation::Parse, Some(wrong), None), (wrong.to_owned(), true));
        assert_eq!(fail(Operation::Parse, Some("Timeout"), None), ("Timeout".to_owned(), false));
        assert_eq!(fail(Operation::Parse, Some(wrong), Some(false)), (wrong.to_owned(), false));
        assert_eq!(fail(Operation::UpdatePolicy, None, None), ("UpdatePolicy_BadRequest".to_owned(), true));
        assert_eq!(
            fail(Operation::UpdatePolicy, None, Some(false)),
            ("UpdatePolicy_UnknownError".to_owned(), false)
        );
    }

    #[test]
    fn the_usual_code_of_a_step_is_of_the_kind_that_the_rule_asks_for() {
        let before = [Operation::Accept, Operation::Download, Operation::Ingest, Operation::Decompress];
        for step in before.into_iter().chain(ON_CONTENT) {
            assert!(!TRANSIENT.contains(&usual_code(step, true)), "{step:?}");
            assert!(TRANSIENT.contains(&usual_code(step, false)), "{step:?}");
        }
    }

    #[test]
    fn a_status_is_that_of_the_storage() {
        let status = |status| Effect::Status { status, code: None, retry_after: None };
        assert_eq!(failure_of(Operation::Download, status(404)).code, "Download_SourceNotFound");
        assert!(!failure_of(Operation::Download, status(503)).permanent);
        assert_eq!(failure_of(Operation::Download, Effect::ExpiredSas).code, "Download_Forbidden");
    }
}
