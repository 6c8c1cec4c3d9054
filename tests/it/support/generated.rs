//! Files, and parts of `docs/`, that are made from the code: a test fails when the committed text is another.
//!
//! `UPDATE_DOCS=1` makes the same tests write the text instead.

use std::fs;

use super::root;

/// Compares what stands in `page` between the comments `<!-- name: generated -->` and `<!-- name: end -->`.
pub fn check(page: &str, name: &str, text: &str) {
    let now = fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
    let (begin, end) = (format!("<!-- {name}: generated -->\n\n"), format!("<!-- {name}: end -->"));
    let (before, rest) = now.split_once(&begin).unwrap_or_else(|| panic!("{page} has no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{page} has no {end}"));
    compare(page, &now, &format!("{before}{begin}{}\n\n{end}{after}", text.trim_end()));
}

/// Compares a whole file, which may not be there yet.
pub fn check_file(file: &str, text: &str) {
    compare(file, &fs::read_to_string(root().join(file)).unwrap_or_default(), text);
}

fn compare(page: &str, now: &str, wanted: &str) {
    if now == wanted {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(page), wanted).expect("the file can be written");
        return;
    }
    let line = now.lines().zip(wanted.lines()).position(|(now, wanted)| now != wanted);
    panic!(
        "{page} is not what the code says (first in line {}); write it anew with\n  UPDATE_DOCS=1 cargo test --test it -- made_from",
        line.map_or(0, |line| line + 1)
    );
}
