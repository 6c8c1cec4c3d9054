//! `kusto-connect explain`: what will happen to a record, in words, and each setting with its value and where it is from.
//!
//! Pure: nothing is asked. What a sink does is said by the sink.

mod settings;
mod subject;
mod way;

pub use subject::Explained;

/// Text for people; no secret is in it.
pub fn explain(subject: &Explained<'_>) -> String {
    let text = format!("{}\n{}", way::of(subject.config, subject.raw, subject.topics), settings::of(subject));
    subject.config.hidden.redact(&text).into_owned()
}
