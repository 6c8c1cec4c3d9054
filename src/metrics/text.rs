//! Prometheus' text form, version 0.0.4: lines, labels and their escapes. Pure.

use super::number::whole;
use std::fmt::Write;

/// A page in the making.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) String);

/// Labels of a series as [`labels`] gives them: the first ones, and more that stand behind them. Either may be empty.
pub(super) type Labels<'a> = [&'a str; 2];

/// A name and its value.
type Label<'a> = (&'a str, &'a str);

impl Text {
    /// What stands before the series of a name.
    pub(super) fn head(&mut self, name: &str, help: &str, kind: &str) {
        for part in ["# HELP ", name, " "] {
            self.0.push_str(part);
        }
        escape(&mut self.0, help, false);
        for part in ["\n# TYPE ", name, " ", kind, "\n"] {
            self.0.push_str(part);
        }
    }

    /// One series.
    pub(super) fn series(&mut self, name: &str, [first, more]: Labels<'_>, value: f64) {
        let text = &mut self.0;
        text.push_str(name);
        if !(first.is_empty() && more.is_empty()) {
            text.push('{');
            text.push_str(first);
            if !first.is_empty() && !more.is_empty() {
                text.push(',');
            }
            text.push_str(more);
            text.push('}');
        }
        text.push(' ');
        number(text, value);
        text.push('\n');
    }
}

/// A number as Prometheus reads it.
pub(super) fn number(text: &mut String, value: f64) {
    if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        // Writing into memory does not fail. It gives `NaN`, and whole numbers without a point; most are whole, and those are
        // written several times faster as what they are.
        let _written = match whole(value) {
            Some(value) => write!(text, "{value}"),
            None => write!(text, "{value}"),
        };
    }
}

/// Labels in their order, without braces.
pub(super) fn labels<'a>(all: impl IntoIterator<Item = Label<'a>>) -> String {
    let mut text = String::new();
    for (name, value) in all {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        escape(&mut text, value, true);
        text.push('"');
    }
    text
}

fn escape(text: &mut String, value: &str, in_quotes: bool) {
    // Most have nothing of that, and a page has hundreds of thousands.
    if !value.contains(['\\', '\n', '"']) {
        return text.push_str(value);
    }
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if in_quotes => text.push_str("\\\""),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, labels};

    #[test]
    fn what_has_a_meaning_is_escaped() {
        let mut text = Text::default();
        text.head("a_total", "b\\c\n\"d\"", "counter");
        text.series("a_total", [&labels([("x", "a\"b\\c\nd"), ("y", "")]), ""], 3.0);
        text.series("a_total", ["a=\"1\"", "b=\"2\""], -7.0);
        text.series("a_total", ["", "b=\"2\""], 1e300);
        text.series("a_total", ["", ""], 0.25);
        text.series("a_total", ["", ""], f64::INFINITY);
        text.series("a_total", ["", ""], f64::NAN);
        assert_eq!(
            text.0,
            "# HELP a_total b\\\\c\\n\"d\"\n# TYPE a_total counter\na_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 3\n\
             a_total{a=\"1\",b=\"2\"} -7\na_total{b=\"2\"} 1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\na_total 0.25\na_total +Inf\na_total NaN\n"
        );
    }
}
