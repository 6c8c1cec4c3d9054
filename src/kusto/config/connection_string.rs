//! Kusto connection strings, as the Fabric connector takes them (`fabric-sink-connector.md` §3).
//!
//! Parts between semicolons, keywords in any letter case and with any blanks; unlike the SDK's, a value keeps what stands
//! behind its first `=`. A text of this kind may hold secrets: errors repeat keywords only.

use crate::secret::Secret;

/// What such a text says of what we use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ConnectionString {
    pub(super) data_source: Option<String>,
    pub(super) app_id: Option<String>,
    pub(super) app_key: Option<Secret>,
    pub(super) authority: Option<String>,
    pub(super) token: Option<Secret>,
}

/// What a keyword means to us.
#[derive(Clone, Copy)]
enum Meaning {
    DataSource,
    AppId,
    AppKey,
    Authority,
    Token,
    /// It changes nothing here.
    Nothing,
    /// The SDK knows it and does not take it.
    Refused,
}

/// Keywords without blanks, in small letters.
const KEYWORDS: &[(&[&str], Meaning)] = &[
    (&["datasource", "server", "addr", "address", "networkaddress"], Meaning::DataSource),
    (&["applicationclientid", "appclientid"], Meaning::AppId),
    (&["applicationkey", "appkey"], Meaning::AppKey),
    (&["authorityid", "tenant", "tenantid", "tid", "authority", "domainhint"], Meaning::Authority),
    (&["applicationtoken", "apptoken", "usertoken", "usrtoken"], Meaning::Token),
    (
        &[
            "initialcatalog",
            "database",
            "aadfederatedsecurity",
            "fed",
            "aadfed",
            "federated",
            "federatedsecurity",
            "userid",
            "uid",
            "user",
            "loginhint",
            "aaduserid",
            "applicationcertificatesendx5c",
            "applicationnamefortracing",
            "usernamefortracing",
        ],
        Meaning::Nothing,
    ),
    (
        &[
            "password",
            "streaming",
            "uncompressed",
            "enforcemfa",
            "accept",
            "queryconsistency",
            "datasourceuri",
            "region",
            "namespace",
            "applicationcertificatethumbprint",
            "applicationcertificateblob",
            "applicationcertificateissuer",
            "applicationcertificatesubject",
            "dstsfederatedsecurity",
        ],
        Meaning::Refused,
    ),
];

impl ConnectionString {
    /// Reads `text`; the error is a clause without any of its values.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.trim_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("sb://"))
            || text.to_ascii_lowercase().contains("endpoint=sb://")
        {
            return Err("an Eventstream cannot be written to, only an Eventhouse".to_owned());
        }
        let mut found = Self::default();
        for (index, part) in text.split(';').map(str::trim).filter(|part| !part.is_empty()).enumerate() {
            let (keyword, value) = match part.split_once('=') {
                Some((keyword, value)) => (keyword, value.trim()),
                None if index == 0 => ("Data Source", part),
                None => return Err("a part without '=' stands behind the first".to_owned()),
            };
            let plain: String =
                keyword.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
            let known = KEYWORDS.iter().find(|(words, _)| words.contains(&plain.as_str()));
            let Some((_, meaning)) = known else {
                return Err(format!("there is no keyword '{}'", keyword.trim()));
            };
            if value.is_empty() {
                return Err(format!("the keyword '{}' has no value", keyword.trim()));
            }
            found
                .take(*meaning, value)
                .map_err(|()| format!("the keyword '{}' cannot be used", keyword.trim()))?;
        }
        Ok(found)
    }

    fn take(&mut self, meaning: Meaning, value: &str) -> Result<(), ()> {
        match meaning {
            Meaning::DataSource => self.data_source = Some(value.to_owned()),
            Meaning::AppId => self.app_id = Some(value.to_owned()),
            Meaning::AppKey => self.app_key = Some(Secret::new(value)),
            Meaning::Authority => self.authority = Some(value.to_owned()),
            Meaning::Token => self.token = Some(Secret::new(value)),
            Meaning::Nothing => {}
            Meaning::Refused => return Err(()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::kusto::config::connection_string::ConnectionString;
    use proptest::prelude::*;

    #[test]
    fn keywords_come_in_many_spellings() {
        let text = "https://c.kusto.windows.net;;Fed=True; Application Client Id = id ;AppKey=a==b;TENANT=t;Database=d";
        let found = ConnectionString::parse(text).unwrap();
        assert_eq!(found.data_source.as_deref(), Some("https://c.kusto.windows.net"));
        assert_eq!((found.app_id.as_deref(), found.authority.as_deref()), (Some("id"), Some("t")));
        assert_eq!(found.app_key.unwrap().expose(), "a==b");
        let found = ConnectionString::parse("Data Source=https://c;UserToken=x").unwrap();
        assert_eq!(found.token.unwrap().expose(), "x");
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_value() {
        for (text, part) in [
            ("sb://x", "Eventstream"),
            ("Endpoint=sb://n.servicebus.windows.net/;SharedAccessKey=k3y", "Eventstream"),
            ("https://c;Color=k3y", "no keyword 'Color'"),
            ("https://c;Password=k3y", "'Password' cannot be used"),
            ("https://c;AppKey=", "'AppKey' has no value"),
            ("https://c;k3y", "without '='"),
        ] {
            let error = ConnectionString::parse(text).unwrap_err();
            assert!(error.contains(part) && !error.contains("k3y"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(?s).{0,80}") {
            let _read_or_refused = ConnectionString::parse(&text);
        }
    }
}
