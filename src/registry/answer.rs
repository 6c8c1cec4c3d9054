//! What registries answer, read.

use serde::Deserialize;

/// Confluent's answer to `GET /schemas/ids/{id}`, `/schemas/guids/{guid}` and `/subjects/{subject}/versions/{version}`.
#[derive(Debug, Deserialize)]
pub(super) struct Schema {
    #[serde(rename = "schema")]
    pub(super) text: String,
    /// Missing for Avro.
    #[serde(rename = "schemaType")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
}

impl Schema {
    /// The bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let references = self.references.iter();
        self.text.len() + references.map(|of| of.name.len() + of.subject.len() + 64).sum::<usize>()
    }
}

/// A reference in it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) subject: String,
    pub(super) version: i64,
}

/// A reference in Apicurio's answer to `GET …/references`.
#[derive(Debug, Deserialize)]
pub(super) struct Artifact {
    pub(super) name: String,
    #[serde(rename = "groupId")]
    pub(super) group: Option<String>,
    #[serde(rename = "artifactId")]
    pub(super) id: String,
    pub(super) version: Option<String>,
}

/// The body of a refusal, of either registry.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    error_code: Option<i64>,
    message: Option<String>,
}

/// The most that is told of a refusal's words.
const MOST_WORDS: usize = 300;

impl Refusal {
    /// Number and words; without control characters, and nothing of an HTML page.
    pub(super) fn read(body: &[u8]) -> (Option<i64>, String) {
        let Self { error_code, message } = serde_json::from_slice(body).unwrap_or_default();
        let message = message.unwrap_or_default();
        let words = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_WORDS).collect();
        (error_code, words)
    }
}
