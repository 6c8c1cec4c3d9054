//! Query parameters, read as Connect does: unknown ones are ignored, and nothing in them makes a request wrong.

use axum::extract::{FromRequestParts, RawQuery};
use axum::http::request::Parts;
use std::borrow::Cow;
use std::convert::Infallible;

/// The query of a request.
pub(super) struct Query(String);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        Ok(Self(query.unwrap_or_default()))
    }
}

impl Query {
    /// All values of a parameter, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        let pairs = url::form_urlencoded::parse(self.0.as_bytes());
        pairs.filter_map(move |(key, value)| (key == name).then_some(value))
    }

    /// The first value of a parameter.
    pub(super) fn first<'a>(&'a self, name: &'a str) -> Option<Cow<'a, str>> {
        self.all(name).next()
    }

    /// A flag: `true` in any letter case is true, everything else is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.first(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn flags_and_repeated_parameters_are_read() {
        let query = Query("expand=info&a=TRUE&expand=status%2Cx&b=yes&c&a=false&%FF=%".to_owned());
        assert_eq!(query.all("expand").collect::<Vec<_>>(), ["info", "status,x"]);
        assert!(query.flag("a") && !query.flag("b") && !query.flag("c") && !query.flag("d"));
    }
}
