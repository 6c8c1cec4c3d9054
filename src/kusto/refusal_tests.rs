//! Which errors of a batch may be skipped: every kind of them, with each `behavior.on.error`.

use crate::config::fixtures;
use crate::kusto::config::{BehaviorOnError, KustoSinkConfig, SinkDeadLetters};
use crate::kusto::ingest::{Class, Error, Refusal, SasUrl};
use crate::sink::{self, RefusalPolicy};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

const BEHAVIORS: [BehaviorOnError; 3] =
    [BehaviorOnError::Fail, BehaviorOnError::Log, BehaviorOnError::Ignore];

fn url() -> SasUrl {
    SasUrl::new("https://engine/".parse().unwrap())
}

fn refusal(operation: &'static str, (status, class): (u16, Class), code: Option<&str>, text: &str) -> Error {
    Error::Refused(Box::new(Refusal {
        operation,
        url: url(),
        status,
        code: code.map(str::to_owned),
        text: text.to_owned(),
        advice: None,
        class,
        retry_after: Some(Duration::from_secs(1)),
    }))
}

/// One of each kind that is no refusal. A new kind does not compile before it has its place here.
fn others() -> Vec<Error> {
    let text = || "Stream_ClosingQuoteMissing RequestBodyTooLarge 413".to_owned();
    let (operation, setting) = ("put blob", "kusto.ingestion.url");
    let all = vec![
        Error::Unreachable { operation, url: url(), text: text(), setting },
        Error::Malformed { operation, url: url(), text: text(), setting },
        Error::Credentials { url: url(), text: text(), setting, status: Some(401), retriable: false },
        Error::Credentials { url: url(), text: text(), setting, status: None, retriable: true },
        Error::Untrusted { url: url(), text: text(), setting },
        Error::MessageTooLarge { bytes: 5_000_000, limit: 65_536, identity: 4_990_000 },
        Error::TargetNotFound { what: text(), url: url(), code: None, text: text(), create: text() },
        Error::TargetUnfit { what: text(), url: url(), repair: text() },
        Error::Setup(text()),
    ];
    for error in &all {
        match error {
            Error::Refused(_)
            | Error::Unreachable { .. }
            | Error::Malformed { .. }
            | Error::Credentials { .. }
            | Error::Untrusted { .. }
            | Error::MessageTooLarge { .. }
            | Error::TargetNotFound { .. }
            | Error::TargetUnfit { .. }
            | Error::Targets(_)
            | Error::Exhausted { .. }
            | Error::Setup(_) => {}
        }
    }
    all
}

fn policy(behavior: BehaviorOnError, dead_letters: Option<SinkDeadLetters>) -> RefusalPolicy {
    static CONFIG: LazyLock<KustoSinkConfig> =
        LazyLock::new(|| fixtures::kusto_of(&fixtures::sink_of_texts(&[])).clone());
    super::policy(&KustoSinkConfig { behavior_on_error: behavior, dead_letters, ..CONFIG.clone() })
}

fn check(error: Error, is_of_batch: bool) {
    let text = format!("{error:?}");
    let error = sink::Error::from(error);
    for behavior in BEHAVIORS {
        let goes_on = behavior != BehaviorOnError::Fail;
        let topic = SinkDeadLetters { topic: "letters".to_owned(), client: BTreeMap::new() };
        assert_eq!(
            policy(behavior, Some(topic)).may_skip(&error),
            goes_on,
            "{behavior:?} with a topic: {text}"
        );
        let dropped = policy(behavior, None).may_skip(&error);
        assert_eq!(dropped, goes_on && is_of_batch, "{behavior:?} without a topic: {text}");
    }
}

#[test]
fn nothing_but_a_refusal_of_the_records_themselves_may_drop_them() {
    let content =
        || refusal("streaming ingestion", (400, Class::Permanent), Some("Stream_WrongNumberOfFields"), "");
    for error in others() {
        check(error.clone(), false);
        check(Error::Targets(vec![error.clone(), content()]), false);
        check(Error::Exhausted { tries: 9, seconds: 300, last: Box::new(error) }, false);
    }
    check(Error::Exhausted { tries: 9, seconds: 300, last: Box::new(content()) }, false);
    check(content(), true);

    // Whatever else is asked of the services, with any answer: tokens, names and accounts are no records.
    let operations = [
        "put blob",
        "put message",
        "post batch",
        "streaming ingestion",
        "get ingestion resources",
        "get ingestion configuration",
        "get identity token",
        "get auth metadata",
        "check target",
    ];
    let classes = [Class::Transient, Class::Permanent, Class::Token, Class::Signature, Class::Gone];
    for operation in operations {
        for status in [200, 400, 401, 403, 404, 407, 409, 413, 415, 429, 431, 500, 503] {
            for class in classes {
                for code in
                    [None, Some("RequestBodyTooLarge"), Some("Stream_Broken"), Some("General_BadRequest")]
                {
                    for text in ["", "Stream_Broken", "StreamingIngestionRequestException"] {
                        let is_engines = operation == "streaming ingestion";
                        let of_content = is_engines
                            && (status, class) == (400, Class::Permanent)
                            && (code == Some("Stream_Broken") || !text.is_empty());
                        let carries = is_engines || operation == "put blob";
                        let of_size = carries && status == 413 && code.is_some();
                        check(refusal(operation, (status, class), code, text), of_content || of_size);
                    }
                }
            }
        }
    }
}
