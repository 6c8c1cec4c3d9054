//! What can fail on the last part of the way, and what can be tolerated.

use adx_emulator::Operation;
use adx_emulator::Operation::{PutBlob, PutMessage, QueuedIngest, StreamingIngest};

use self::Meaning::{Content, Message, Passes, Place, Whole};
use self::Way::{Posted, Queued, Streamed};

/// How batches go to the service.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    Queued,
    Posted,
    Streamed,
}

/// What a failure means.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    /// Another try succeeds.
    Passes,
    /// One batch, or one record where a batch can be taken apart, is refused for what is in it.
    Content,
    /// One batch is refused for what is in it, and no part of it is.
    Whole,
    /// One batch is, for the message about it: its names and tokens, no record.
    Message,
    /// All batches are, whatever is in them.
    Place,
}

pub(super) const FOR_GOOD: u64 = u64::MAX;

pub(super) struct Failure {
    pub(super) way: Way,
    pub(super) meaning: Meaning,
    /// Request, status, code, how often.
    pub(super) faults: &'static [(Operation, u16, &'static str, u64)],
    /// Part of the reason that is told.
    pub(super) words: &'static str,
}

/// What the user tolerates: `behavior.on.error`, with a topic for it or not, and `errors.tolerance`.
#[derive(Clone, Copy)]
pub(super) struct Tolerance(pub(super) &'static str, pub(super) bool, pub(super) &'static str);

pub(super) const TOLERANCES: [Tolerance; 6] = [
    Tolerance("FAIL", false, "none"),
    Tolerance("fail", true, "all"),
    Tolerance("LOG", false, "none"),
    Tolerance("log", true, "none"),
    Tolerance("IGNORE", false, "all"),
    Tolerance("ignore", true, "none"),
];

#[rustfmt::skip] // a table: one row is one failure
pub(super) const QUEUE: &[Failure] = &[
    Failure { way: Queued, meaning: Passes, words: "", faults: &[(PutMessage, 503, "ServerBusy", 3)] },
    Failure { way: Queued, meaning: Passes, words: "", faults: &[(PutMessage, 429, "TooManyRequests", 2)] },
    Failure { way: Queued, meaning: Passes, words: "", faults: &[(PutMessage, 403, "AuthenticationFailed", 3)] },
    Failure { way: Queued, meaning: Passes, words: "", faults: &[(PutMessage, 404, "QueueNotFound", 3)] },
    Failure { way: Queued, meaning: Message, words: "RequestBodyTooLarge", faults: &[(PutMessage, 413, "RequestBodyTooLarge", 1)] },
    Failure { way: Queued, meaning: Place, words: "AuthenticationFailed", faults: &[(PutMessage, 403, "AuthenticationFailed", FOR_GOOD)] },
    Failure { way: Queued, meaning: Place, words: "QueueNotFound", faults: &[(PutMessage, 404, "QueueNotFound", FOR_GOOD)] },
    Failure { way: Queued, meaning: Place, words: "OutOfRangeInput", faults: &[(PutMessage, 400, "OutOfRangeInput", FOR_GOOD)] },
];

#[rustfmt::skip] // a table: one row is one failure
pub(super) const STREAMING: &[Failure] = &[
    Failure { way: Streamed, meaning: Passes, words: "", faults: &[(StreamingIngest, 503, "ServiceUnavailable", 2)] },
    Failure { way: Streamed, meaning: Passes, words: "", faults: &[(StreamingIngest, 429, "Throttled", 1)] },
    Failure { way: Streamed, meaning: Passes, words: "", faults: &[(StreamingIngest, 413, "TooLarge", 1)] },
    Failure { way: Streamed, meaning: Passes, words: "", faults: &[(StreamingIngest, 404, "Off", 1)] },
    // A row with a quote that has no end: the engine takes a request as a whole or not at all.
    Failure { way: Streamed, meaning: Content, words: "Stream_ClosingQuoteMissing", faults: &[] },
    Failure { way: Streamed, meaning: Whole, words: "Stream_Broken", faults: &[(StreamingIngest, 400, "Stream_Broken", 1)] },
    // Too much for both ways.
    Failure { way: Streamed, meaning: Content, words: "RequestBodyTooLarge", faults: &[(StreamingIngest, 413, "TooLarge", 1), (PutBlob, 413, "RequestBodyTooLarge", 1)] },
    Failure { way: Streamed, meaning: Message, words: "RequestBodyTooLarge", faults: &[(StreamingIngest, 413, "TooLarge", 1), (PutMessage, 413, "RequestBodyTooLarge", 1)] },
    Failure { way: Streamed, meaning: Place, words: "403", faults: &[(StreamingIngest, 403, "Forbidden", FOR_GOOD)] },
    Failure { way: Streamed, meaning: Place, words: "General_BadRequest", faults: &[(StreamingIngest, 400, "General_BadRequest", FOR_GOOD)] },
];

#[rustfmt::skip] // a table: one row is one failure
pub(super) const UPLOADS: &[Failure] = &[
    Failure { way: Queued, meaning: Passes, words: "", faults: &[(PutBlob, 403, "AuthenticationFailed", 2), (PutBlob, 404, "ContainerNotFound", 2)] },
    Failure { way: Queued, meaning: Content, words: "RequestBodyTooLarge", faults: &[(PutBlob, 413, "RequestBodyTooLarge", 1)] },
    Failure { way: Queued, meaning: Place, words: "InvalidHeaderValue", faults: &[(PutBlob, 400, "InvalidHeaderValue", FOR_GOOD)] },
    Failure { way: Posted, meaning: Passes, words: "", faults: &[(QueuedIngest, 503, "ServiceUnavailable", 2), (QueuedIngest, 429, "Throttled", 1)] },
    Failure { way: Posted, meaning: Message, words: "413", faults: &[(QueuedIngest, 413, "TooLarge", 1)] },
    Failure { way: Posted, meaning: Place, words: "403", faults: &[(QueuedIngest, 403, "Forbidden", FOR_GOOD)] },
];
