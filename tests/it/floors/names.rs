//! What a source file says, for the graph of files: what it defines, imports and names.
//!
//! It reads tokens, not syntax trees, which is enough for `use` trees, paths, items and inherent `impl`s.

use std::collections::BTreeSet;

/// A word or a mark of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// `::`
    Colons,
    Mark(char),
}

/// One name that a `use` brings in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The whole path, `self`, `super` and `crate` as written.
    pub path: Vec<String>,
    /// What it is called here: the last word, or behind `as`; `*` for all.
    pub name: String,
    /// True for `pub use`.
    pub is_public: bool,
}

/// A method of an `impl Type` block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Method {
    /// The path of the type as written.
    pub of: Vec<String>,
    pub name: String,
}

/// What one file says, tests left out.
#[derive(Debug, Default)]
pub struct Names {
    /// Modules declared with a file of their own.
    pub modules: BTreeSet<String>,
    /// Items defined at the top level.
    pub items: BTreeSet<String>,
    /// Those of them that are traits.
    pub traits: BTreeSet<String>,
    pub uses: Vec<Use>,
    /// Paths of two words and more in the code, without those of `use`.
    pub paths: BTreeSet<Vec<String>>,
    /// Words in the code, without those of `use`.
    pub words: BTreeSet<String>,
    /// Methods of `impl Type` blocks.
    pub methods: Vec<Method>,
    /// All functions, at whatever depth.
    pub functions: BTreeSet<String>,
    /// What is called behind a dot, or behind `Self::`.
    pub calls: BTreeSet<String>,
}

impl Names {
    /// Reads `code`, which holds no comments, strings and tests.
    pub fn read(code: &str) -> Self {
        let tokens = tokens(code);
        let mut names = Self::default();
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth = depth.saturating_sub(1),
                Token::Word("use") if tokens.get(at) != Some(&Token::Mark('<')) => {
                    let first = names.uses.len();
                    // What stands before: `pub`, or the `)` of `pub(crate)`.
                    let before = at.checked_sub(2).map(|before| tokens[before]);
                    at = use_tree(&tokens, at, &[], &mut names.uses);
                    for one in &mut names.uses[first..] {
                        one.is_public = matches!(before, Some(Token::Word("pub") | Token::Mark(')')));
                    }
                }
                Token::Word("impl") if depth == 0 => names.read_impl(&tokens[at..]),
                Token::Word("fn") => {
                    names.functions.extend(word(&tokens, at));
                    if depth == 0 {
                        names.items.extend(word(&tokens, at));
                    }
                }
                Token::Word(keyword) if depth == 0 && DEFINES.contains(keyword) => {
                    names.define(keyword, &tokens, at);
                }
                Token::Word(_) => at = names.read_path(&tokens, at - 1),
                Token::Colons | Token::Mark(_) => {}
            }
        }
        names
    }

    /// The item whose keyword stands before `at`.
    fn define(&mut self, keyword: &str, tokens: &[Token<'_>], at: usize) {
        // `const fn` and `static mut` are no names.
        let name = word(tokens, at).filter(|name| !["fn", "unsafe", "mut"].contains(&name.as_str()));
        let Some(name) = name else { return };
        if keyword == "mod" && tokens.get(at + 1) == Some(&Token::Mark(';')) {
            self.modules.insert(name);
            return;
        }
        if keyword == "trait" {
            self.traits.insert(name.clone());
        }
        self.items.insert(name);
    }

    /// The path that starts at `at`; where it ends.
    fn read_path(&mut self, tokens: &[Token<'_>], at: usize) -> usize {
        let mut path: Vec<String> = word(tokens, at).into_iter().collect();
        let mut end = at + 1;
        while tokens.get(end) == Some(&Token::Colons)
            && let Some(next) = word(tokens, end + 1)
        {
            path.push(next);
            end += 2;
        }
        self.words.extend(path.iter().cloned());
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let called = matches!(tokens.get(end), Some(Token::Mark('(') | Token::Colons));
        if before == Some(&Token::Mark('.')) {
            self.calls.extend(path.first().filter(|_| called).cloned());
        } else if before != Some(&Token::Colons) && path.len() > 1 {
            if path[0] == "Self" {
                self.calls.insert(path[1].clone());
            }
            self.paths.insert(path);
        }
        end
    }

    /// The methods of the `impl` block whose keyword stands before `tokens`, unless it is of a trait.
    fn read_impl(&mut self, tokens: &[Token<'_>]) {
        let mut at = 0;
        if tokens.first() == Some(&Token::Mark('<')) {
            at = behind_generics(tokens);
        }
        let open = tokens.iter().position(|token| *token == Token::Mark('{')).unwrap_or(tokens.len());
        if tokens[at.min(open)..open].contains(&Token::Word("for")) {
            return;
        }
        let mut of: Vec<String> = word(tokens, at).into_iter().collect();
        while tokens.get(at + 1) == Some(&Token::Colons)
            && let Some(next) = word(tokens, at + 2)
        {
            of.push(next);
            at += 2;
        }
        let mut depth = 0_usize;
        for (index, token) in tokens.iter().enumerate().skip(open) {
            match token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                Token::Word("fn") if depth == 1 => {
                    let method = |name| Method { of: of.clone(), name };
                    self.methods.extend(word(tokens, index + 1).map(method));
                }
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

/// Words before the name of an item.
const DEFINES: [&str; 8] = ["struct", "enum", "trait", "type", "const", "static", "mod", "union"];

/// The word at `at`.
fn word(tokens: &[Token<'_>], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(Token::Word(word)) => Some((*word).to_owned()),
        _ => None,
    }
}

/// The index behind the `<…>` that `tokens` start with.
fn behind_generics(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('<') => depth += 1,
            // The `>` of `->` closes nothing.
            Token::Mark('>') if index > 0 && tokens[index - 1] == Token::Mark('-') => {}
            Token::Mark('>') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// One member of a `use` tree, which starts at `at` and lies below `prefix`; the index behind it.
fn use_tree(tokens: &[Token<'_>], mut at: usize, prefix: &[String], found: &mut Vec<Use>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(at) {
            Some(Token::Word(word)) => {
                path.push((*word).to_owned());
                at += 1;
            }
            Some(Token::Mark('*')) => {
                found.push(Use { path, name: "*".to_owned(), is_public: false });
                return at + 1;
            }
            Some(Token::Mark('{')) => {
                at += 1;
                while at < tokens.len() && tokens[at] != Token::Mark('}') {
                    at = use_tree(tokens, at, &path, found);
                    at += usize::from(tokens.get(at) == Some(&Token::Mark(',')));
                }
                return at + 1;
            }
            _ => return at + 1,
        }
        if tokens.get(at) == Some(&Token::Colons) {
            at += 1;
            continue;
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if tokens.get(at) == Some(&Token::Word("as")) {
            name = word(tokens, at + 1).unwrap_or_default();
            at += 2;
        }
        found.push(Use { path, name, is_public: false });
        return at;
    }
}

/// Splits code into words and marks.
fn tokens(code: &str) -> Vec<Token<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let length = if is_word(c) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..length]));
            length
        } else if rest.starts_with("::") {
            tokens.push(Token::Colons);
            2
        } else if c == '\'' {
            // A lifetime.
            1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1)
        } else {
            if !c.is_whitespace() {
                tokens.push(Token::Mark(c));
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

#[test]
fn what_a_file_says_is_read() {
    let names = Names::read(
        "mod a; pub mod b; mod c { fn d() {} }
         pub use a::{self, E, f::{G as H, *}}; use super::I as _; use crate::J;
         pub trait K { fn l(&self); } const fn m() -> impl Fn() + use<'_> { b::n(self.o, Self::p()).q::<R>() }
         impl<T: Fn() -> u8> b::S<T> where T: K { async fn t(&self) { fn u() {} } pub fn v() {} }
         impl K for b::S { fn l(&self) { crate::x::y.z(); } }",
    );
    let set = |words: &str| words.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(names.modules, set("a b"));
    assert_eq!(names.items, set("K c m"));
    assert_eq!(names.traits, set("K"));
    let uses: Vec<String> =
        names.uses.iter().map(|one| format!("{}={}", one.name, one.path.join("::"))).collect();
    assert_eq!(uses.join(" "), "a=a E=a::E H=a::f::G *=a::f _=super::I J=crate::J");
    let paths: Vec<String> = names.paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths.join(" "), "Self::p b::S b::n crate::x::y");
    let methods: Vec<&str> = names.methods.iter().map(|method| method.name.as_str()).collect();
    assert_eq!(methods, ["t", "v"]);
    assert_eq!(names.methods[0].of, ["b", "S"]);
    assert_eq!(names.calls, set("p q z"));
}
