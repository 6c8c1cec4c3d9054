//! Shared access signatures of the emulator's own storage: made for each URL handed out, checked at each request.
//!
//! The checks are real, so that an expired or damaged signature is refused as the service would.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::error::StorageError;
use crate::signature::sign;

const VERSION: &str = "2024-11-04";

/// The query text (without `?`) that opens `resource` of `account` with `permissions` until `expiry`.
pub(crate) fn make(
    account: &str,
    resource: &str,
    permissions: &str,
    expiry: OffsetDateTime,
) -> Option<String> {
    let expiry = expiry.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).ok()?;
    let signature = sign(&[account, resource, permissions, &expiry])?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("sv", VERSION).append_pair("sr", "c").append_pair("sp", permissions);
    query.append_pair("se", &expiry).append_pair("sig", &signature);
    Some(query.finish())
}

/// Checks the signature in a request's query.
pub(crate) fn check(
    account: &str,
    resource: &str,
    query: &[(String, String)],
    now: OffsetDateTime,
) -> Result<(), StorageError> {
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (Some(permissions), Some(expiry), Some(signature)) = (value("sp"), value("se"), value("sig")) else {
        return Err(refused("the request has no complete SAS (sp, se, sig)"));
    };
    let until = OffsetDateTime::parse(expiry, &Rfc3339).map_err(|_| refused("se is not a UTC time"))?;
    if until <= now {
        return Err(refused("Signature not valid in the specified time frame: the SAS has expired"));
    }
    if sign(&[account, resource, permissions, expiry]).is_none_or(|right| right != signature) {
        return Err(refused("Signature did not match"));
    }
    Ok(())
}

fn refused(detail: &str) -> StorageError {
    let message = format!(
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed \
         correctly including the signature. {detail}"
    );
    StorageError::new(403, "AuthenticationFailed", &message)
}

#[cfg(test)]
mod tests {
    use super::{check, make};
    use time::{Duration, OffsetDateTime};

    fn query(text: &str) -> Vec<(String, String)> {
        url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }

    #[test]
    fn only_the_right_resource_before_the_end_is_open() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let sas = query(&make("acct1", "box", "rw", now + Duration::HOUR).unwrap());
        check("acct1", "box", &sas, now).unwrap();
        let late = check("acct1", "box", &sas, now + Duration::HOUR).unwrap_err();
        assert_eq!((late.status, late.code.as_str()), (403, "AuthenticationFailed"));
        check("acct1", "other", &sas, now).unwrap_err();
        check("acct2", "box", &sas, now).unwrap_err();
        check("acct1", "box", &sas[..4], now).unwrap_err();
        check("acct1", "box", &[], now).unwrap_err();
    }
}
