//! `response.http.headers.config`: the worker's own headers in every answer.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::config::{HeaderAction, HeaderRule};

/// A date of HTTP, always of Greenwich.
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// Carries out the rules on the answer.
pub(super) async fn set(State(rules): State<Arc<[HeaderRule]>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    apply(&rules, response.headers_mut(), OffsetDateTime::now_utc());
    response
}

fn apply(rules: &[HeaderRule], headers: &mut HeaderMap, now: OffsetDateTime) {
    for rule in rules {
        let (text, replace) = match &rule.action {
            HeaderAction::Set(text) => (Some(text.clone()), true),
            HeaderAction::Add(text) => (Some(text.clone()), false),
            HeaderAction::SetDate(millis) => (date(now, *millis), true),
            HeaderAction::AddDate(millis) => (date(now, *millis), false),
        };
        let name = HeaderName::from_bytes(rule.name.as_bytes());
        let (Ok(name), Some(Ok(value))) = (name, text.map(|text| HeaderValue::from_str(&text))) else {
            continue;
        };
        if replace {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
}

fn date(now: OffsetDateTime, millis: i64) -> Option<String> {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let distance = time::Duration::try_from(distance).ok()?;
    let at = if millis < 0 { now.checked_sub(distance) } else { now.checked_add(distance) };
    at?.format(DATE).ok()
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::config::{HeaderAction as A, HeaderRule};
    use axum::http::{HeaderMap, HeaderValue};
    use time::macros::datetime;

    #[test]
    fn rules_set_and_add_texts_and_dates() {
        let rule = |name: &str, action| HeaderRule { name: name.to_owned(), action };
        let rules = [
            rule("X-Kept", A::Add("b".to_owned())),
            rule("X-Replaced", A::Set("c".to_owned())),
            rule("Expires", A::SetDate(86_400_000)),
            rule("Last", A::AddDate(-1000)),
            rule("Too-Far", A::SetDate(i64::MAX)),
        ];
        let mut headers = HeaderMap::new();
        headers.insert("x-kept", HeaderValue::from_static("a"));
        headers.insert("x-replaced", HeaderValue::from_static("a"));
        apply(&rules, &mut headers, datetime!(2026-11-25 20:00:00 UTC));
        assert_eq!(headers.get_all("x-kept").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(headers["x-replaced"], "c");
        assert_eq!(headers["expires"], "Thu, 26 Nov 2026 20:00:00 GMT");
        assert_eq!(headers["last"], "Wed, 25 Nov 2026 19:59:59 GMT");
        assert!(!headers.contains_key("too-far"));
    }
}
