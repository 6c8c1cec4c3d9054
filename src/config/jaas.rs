//! Login entries in the form of JAAS: `module.class required name="value" …;`, alone in `sasl.jaas.config` or in the
//! named sections of a file.
//!
//! Pure. The words are cut as Java's `StreamTokenizer` does it for Kafka: quotes of both kinds with backslash escapes,
//! `//` and `/* */` comments. Errors never repeat a value, which may be a password.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use crate::secret::Secret;

/// The JVM's option that names a file of sections.
pub const FILE_OPTION: &str = "-Djava.security.auth.login.config=";

/// What follows `option` (its `=` included) among the JVM's options in `KAFKA_OPTS`; none when it is not there or empty.
pub fn jvm_option<'a>(env: &'a BTreeMap<String, String>, option: &str) -> Option<&'a str> {
    let options = env.get("KAFKA_OPTS")?;
    let named =
        options.split_whitespace().find_map(|word| word.trim_matches(['"', '\'']).strip_prefix(option))?;
    Some(named.trim_matches(['"', '\'', '='])).filter(|path| !path.is_empty())
}

/// One login module and its options.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginEntry {
    /// The class as written.
    pub module: String,
    /// Its options.
    pub options: BTreeMap<String, Secret>,
}

impl fmt::Debug for LoginEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginEntry")
            .field("module", &self.module)
            .field("options", &self.options.keys())
            .finish()
    }
}

impl LoginEntry {
    /// The class without its package.
    pub fn simple_name(&self) -> &str {
        self.module.rsplit('.').next().unwrap_or_default()
    }

    /// The entry as text again, for `sasl.jaas.config`; it has the secrets in it.
    pub fn line(&self) -> String {
        let escaped = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        let option = |(name, value): (&String, &Secret)| {
            format!(" \"{}\"=\"{}\"", escaped(name), escaped(value.expose()))
        };
        format!(
            "\"{}\" required{};",
            escaped(&self.module),
            self.options.iter().map(option).collect::<String>()
        )
    }

    /// The text of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(Secret::expose)
    }
}

/// The one entry of `sasl.jaas.config`.
pub fn login_entry(text: &str) -> Result<LoginEntry, String> {
    let mut words = Words::of(text)?;
    let first = entry(&mut words)?.ok_or("Login module not specified in JAAS config")?;
    match words.next() {
        None => Ok(first),
        Some(_) => Err("JAAS config property contains more than one login module".to_owned()),
    }
}

/// The entries of `section` in a file; none when it has no such section.
pub fn section(text: &str, section: &str) -> Result<Option<Vec<LoginEntry>>, String> {
    let mut words = Words::of(text)?;
    let mut found = None;
    while let Some(word) = words.next() {
        let Word::Text(name) = word else { return Err("a section must begin with its name".to_owned()) };
        if !words.takes('{') {
            return Err(format!("section {name} must be opened by a brace"));
        }
        let mut entries = Vec::new();
        while !words.takes('}') {
            let entry = entry(&mut words)?;
            entries.push(entry.ok_or_else(|| format!("section {name} is not closed by a brace"))?);
        }
        words.takes(';');
        if name == section {
            found.get_or_insert(entries);
        }
    }
    Ok(found)
}

/// The next entry, up to its semicolon; none at the end of the text.
fn entry(words: &mut Words) -> Result<Option<LoginEntry>, String> {
    let module = match words.next() {
        None => return Ok(None),
        Some(Word::Text(module)) => module,
        Some(Word::Sign(_)) => return Err("Login module not specified in JAAS config".to_owned()),
    };
    let Some(Word::Text(flag)) = words.next() else {
        return Err("Login module control flag not specified in JAAS config".to_owned());
    };
    if !["required", "requisite", "sufficient", "optional"].contains(&flag.to_ascii_lowercase().as_str()) {
        return Err("Invalid login module control flag in JAAS config: use required".to_owned());
    }
    let mut options = BTreeMap::new();
    loop {
        match words.next() {
            Some(Word::Sign(';')) => return Ok(Some(LoginEntry { module, options })),
            Some(Word::Text(name)) => match (words.takes('='), words.next()) {
                (true, Some(Word::Text(value))) => drop(options.insert(name, Secret::new(value))),
                _ => return Err(format!("Value not specified for key '{name}' in JAAS config")),
            },
            _ => return Err("JAAS config entry not terminated by semi-colon".to_owned()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Text(String),
    Sign(char),
}

/// The words of a text, one after the other.
struct Words(Peekable<std::vec::IntoIter<Word>>);

impl Words {
    fn of(text: &str) -> Result<Self, String> {
        let mut cutter = Cutter(text.chars().peekable());
        let mut words = Vec::new();
        while let Some(word) = cutter.read()? {
            words.push(word);
        }
        Ok(Self(words.into_iter().peekable()))
    }

    fn next(&mut self) -> Option<Word> {
        self.0.next()
    }

    /// Takes the next word when it is `sign`.
    fn takes(&mut self, sign: char) -> bool {
        self.0.next_if(|word| *word == Word::Sign(sign)).is_some()
    }
}

/// Cuts a text into words.
struct Cutter<'a>(Peekable<Chars<'a>>);

impl Cutter<'_> {
    fn read(&mut self) -> Result<Option<Word>, String> {
        while let Some(c) = self.0.next() {
            match c {
                c if c.is_whitespace() => {}
                '/' if self.0.peek() == Some(&'/') => while self.0.next().is_some_and(|c| c != '\n') {},
                '/' if self.0.peek() == Some(&'*') => self.skip_comment(),
                '"' | '\'' => return self.quoted(c).map(|text| Some(Word::Text(text))),
                c if is_word(c) => {
                    let mut text = String::from(c);
                    while let Some(more) = self.0.next_if(|c| is_word(*c)) {
                        text.push(more);
                    }
                    return Ok(Some(Word::Text(text)));
                }
                c => return Ok(Some(Word::Sign(c))),
            }
        }
        Ok(None)
    }

    fn skip_comment(&mut self) {
        let mut last = '/';
        self.0.next();
        for c in self.0.by_ref() {
            if last == '*' && c == '/' {
                return;
            }
            last = c;
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let open = || "a quoted text in the JAAS config has no end".to_owned();
        loop {
            match self.0.next().ok_or_else(open)? {
                '\\' => match self.0.next().ok_or_else(open)? {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'f' => text.push('\u{c}'),
                    other => text.push(other),
                },
                c if c == quote => return Ok(text),
                '\n' => return Err(open()),
                c => text.push(c),
            }
        }
    }
}

/// Java's words, and numbers, which Kafka would refuse as bare values.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "._-$".contains(c)
}

#[cfg(test)]
mod tests {
    use super::{LoginEntry, login_entry, section};
    use crate::secret::Secret;
    use proptest::prelude::*;

    #[test]
    fn one_entry_with_its_options() {
        let entry = login_entry(
            "org.x.PlainLoginModule required // why\n username=\"u s\" /* x */ password='p\"\\'q' refresh=true\nserviceName=\"\";",
        )
        .unwrap();
        assert_eq!(entry.simple_name(), "PlainLoginModule");
        let options =
            ["username", "password", "refresh", "serviceName"].map(|name| entry.option(name).unwrap());
        assert_eq!(options, ["u s", "p\"'q", "true", ""]);
        assert!(!format!("{entry:?}").contains("u s"));
    }

    #[test]
    fn what_is_wrong_is_said_without_values() {
        for (text, expected) in [
            ("", "Login module not specified"),
            ("a.B", "control flag not specified"),
            ("a.B maybe;", "Invalid login module control flag"),
            ("a.B required x=\"geheim\"", "not terminated by semi-colon"),
            ("a.B required password \"geheim\";", "Value not specified for key 'password'"),
            ("a.B required x=\"geheim;", "has no end"),
            ("a.B required x=\"geheim\n\";", "has no end"),
            ("a.B required; a.C required;", "more than one login module"),
        ] {
            let error = login_entry(text).unwrap_err();
            assert!(error.contains(expected) && !error.contains("geheim"), "{text}: {error}");
        }
    }

    #[test]
    fn sections_of_a_file() {
        let text = "// users\nKafkaClient {\n a.B required;\n};\nKafkaConnect { c.D required file=\"/x\"; e.F optional; }";
        let entries = section(text, "KafkaConnect").unwrap().unwrap();
        assert_eq!((entries.len(), entries[0].option("file")), (2, Some("/x")));
        assert_eq!(section(text, "Other").unwrap(), None);
        assert!(section("KafkaConnect { a.B required;", "KafkaConnect").is_err());
        assert!(section("KafkaConnect a.B", "KafkaConnect").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics_or_hangs(text in "[a-b.;={}\"'/*\\\\ \n]{0,40}") {
            let _entry_or_error = login_entry(&text);
            let _section_or_error = section(&text, "a");
        }

        #[test]
        fn an_entry_is_read_back_from_its_line(
            module in "\\PC{0,9}",
            options in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..4)
        ) {
            let options = options.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
            let entry = LoginEntry { module, options };
            prop_assert_eq!(login_entry(&entry.line()), Ok(entry));
        }

        #[test]
        fn quoted_values_are_read_back(value in "[^\n\r\t\u{c}]{0,20}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let entry = login_entry(&format!("m.L required password=\"{quoted}\";")).unwrap();
            prop_assert_eq!(entry.option("password"), Some(value.as_str()));
        }
    }
}
