//! The codes by which the service says why an ingestion failed (`kusto-protocol.md` §9.1): whether it is for good, and whether it is
//! about the records themselves, so that a part of them may be taken.
//!
//! Pure. A test holds the list against the contract.

/// Codes that are about the bytes of a blob: others of its records may be taken without the bad ones.
const OF_CONTENT: [&str; 11] = [
    "BadRequest_EmptyArchive",
    "BadRequest_FileTooLarge",
    "BadRequest_InvalidArchive",
    "BadRequest_InvalidBlob",
    "BadRequest_NoRecordsOrWrongFormat",
    "BadRequest_UnexpectedCharacterInInputStream",
    "Stream_ClosingQuoteMissing",
    "Stream_DynamicPropertyBagTooLarge",
    "Stream_InputStreamTooLarge",
    "Stream_NoDataToIngest",
    "Stream_WrongNumberOfFields",
];

/// Codes of what may pass.
const TRANSIENT: [&str; 11] = [
    "Download_TransientNameResolutionFailure",
    "Download_UnknownError",
    "General_InternalServerError",
    "General_ThrottledIngestion",
    "General_TransientSchemaMismatch",
    "OutOfMemory",
    "Timeout",
    "Unknown",
    "UpdatePolicy_FailedDescendantTransaction",
    "UpdatePolicy_IngestionError",
    "UpdatePolicy_UnknownError",
];

/// Codes of what comes again with every try, beside those that begin with [`PERMANENT_BEGINNING`].
const PERMANENT: [&str; 14] = [
    "BlobAlreadyReceived_BlobAlreadyFoundInBatch",
    "Download_AccessConditionNotSatisfied",
    "Download_AccountNotFound",
    "Download_BadRequest",
    "Download_Forbidden",
    "Download_NotTransient",
    "Download_SourceNotFound",
    "Forbidden",
    "General_BadRequest",
    "General_RetryAttemptsExceeded",
    "Schema_PermanentUpdateFailure",
    "UpdatePolicy_BadRequest",
    "UpdatePolicy_Cyclic_Update_Not_Allowed",
    "UpdatePolicy_QuerySchemaDoesNotMatchTableSchema",
];

/// Something is wrong with the request or the rows.
const PERMANENT_BEGINNING: &str = "BadRequest_";

/// Will every other try fail too? None for a code that nobody knows.
pub fn is_permanent(code: &str) -> Option<bool> {
    if TRANSIENT.contains(&code) {
        return Some(false);
    }
    let is_known = code.starts_with(PERMANENT_BEGINNING) || PERMANENT.contains(&code) || is_of_content(code);
    is_known.then_some(true)
}

/// Is it about the records, so that some of them may be taken without the others?
pub fn is_of_content(code: &str) -> bool {
    OF_CONTENT.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::{OF_CONTENT, PERMANENT, TRANSIENT, is_permanent};
    use std::collections::BTreeMap;

    /// The codes of the contract, and whether they are permanent there.
    fn contract() -> BTreeMap<String, bool> {
        let page = include_str!("../../../docs/spec/kusto-protocol.md");
        let (_, section) = page.split_once("### 9.1 ").unwrap();
        let (section, _) = section.split_once("### 9.2 ").unwrap();
        let mut codes = BTreeMap::new();
        for row in section.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
            let (kind, cells) = row.trim_start_matches("| ").split_once(" | ").unwrap();
            let mut since = Vec::new();
            // `a` `b` P; `c` T: a letter is about all before it that have none yet.
            for (place, piece) in cells.split('`').enumerate() {
                if place % 2 == 1 {
                    since.push(piece.to_owned());
                } else if let Some(is_permanent) = letter(piece) {
                    codes.extend(since.drain(..).map(|code| (code, is_permanent)));
                }
            }
            let of_all = kind.contains("(P)");
            assert!(of_all || since.is_empty(), "{row}");
            codes.extend(since.into_iter().map(|code| (code, true)));
        }
        codes
    }

    fn letter(piece: &str) -> Option<bool> {
        let words: Vec<_> = piece.split(|c: char| !c.is_alphanumeric()).collect();
        if words.contains(&"P") {
            return Some(true);
        }
        words.contains(&"T").then_some(false)
    }

    #[test]
    fn the_list_is_the_contracts() {
        let contract = contract();
        assert!(contract.len() > 50, "{} codes", contract.len());
        for (code, is_permanent_there) in &contract {
            assert_eq!(is_permanent(code), Some(*is_permanent_there), "{code}");
        }
        for code in OF_CONTENT.iter().chain(&PERMANENT).chain(&TRANSIENT) {
            assert!(contract.contains_key(*code), "{code} is not in the contract");
        }
        for code in ["", "Timeouts", "General_", "7"] {
            assert_eq!(is_permanent(code), None, "{code}");
        }
    }
}
