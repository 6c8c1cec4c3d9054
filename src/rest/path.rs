//! Names in paths: decoded on the way in, encoded for `Location`.

use super::error::Error;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use utoipa::IntoParams;

/// The `{name}` of a path, percent-decoded.
#[derive(IntoParams)]
#[into_params(names("name"), parameter_in = Path)]
pub(super) struct Name(
    /// The name, percent-encoded.
    pub(super) String,
);

/// The `{name}` and `{task}` of a path.
#[derive(IntoParams)]
#[into_params(names("name", "task"), parameter_in = Path)]
pub(super) struct NameAndTask(
    /// The connector's name, percent-encoded.
    pub(super) String,
    /// The task's number.
    pub(super) u32,
);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(name) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| not_utf8())?;
        Ok(Self(name))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NameAndTask {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((name, task)) = path.map_err(|_| not_utf8())?;
        // To Connect's server a task that is no number is no path of its.
        let task = task.parse().map_err(|_| Error::http(StatusCode::NOT_FOUND))?;
        Ok(Self(name, task))
    }
}

fn not_utf8() -> Error {
    Error::bad_request("The path is not percent-encoded UTF-8")
}

/// A name as one segment of a path (RFC 3986 `pchar` stays as it is, all else is percent-encoded).
pub(super) fn encode(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push('%');
            for digit in [byte >> 4, byte & 15] {
                path.extend(char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn names_are_encoded_as_the_real_worker_does() {
        assert_eq!(encode("with space"), "with%20space");
        assert_eq!(encode("ünï"), "%C3%BCn%C3%AF");
        assert_eq!(encode("semi;colon"), "semi;colon");
        assert_eq!(encode("a+b"), "a+b");
        assert_eq!(encode("a/b%"), "a%2Fb%25");
    }
}
