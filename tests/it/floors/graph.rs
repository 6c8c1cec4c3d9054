//! The graph of one crate's files: which file needs which, by what name; and the circles in it.
//!
//! A file needs the file that *defines* what it names. Re-exports are looked through, a module's name alone and `mod x;`
//! need nothing, and a name that is imported but not used in the code (`pub use child::Item`) needs nothing either. A
//! method of an `impl` that stands in another file than its type is needed by who knows the type and calls the method.

use super::Source;
use super::names::{Names, Use};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module's place: the words of its path from the crate's root.
type Place = Vec<String>;

/// Who needs whom, by which names.
type Needs = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// An item, and the module that defines it.
    Item(Place),
    Module(Place),
    /// Another crate, or nothing that the text shows.
    Elsewhere,
}

/// The modules of a crate, each a file.
struct Crate {
    /// What other targets of the package call its library.
    library: String,
    modules: BTreeMap<Place, Names>,
    files: BTreeMap<Place, String>,
}

/// Circles of the files in `sources`, which are a crate named `library`: one text each.
pub fn circles(library: &str, sources: &[Source]) -> Vec<String> {
    rings(&Crate::of(library, sources).needs())
}

impl Crate {
    fn of(library: &str, sources: &[Source]) -> Self {
        let mut modules = BTreeMap::new();
        let mut files = BTreeMap::new();
        let mut of_tests: BTreeSet<Place> = BTreeSet::new();
        for source in sources {
            let place = place(&source.path);
            let (code, tests) = source.code_and_test_modules();
            of_tests.extend(tests.into_iter().map(|name| child(&place, &name)));
            files.insert(place.clone(), source.path.display().to_string());
            modules.insert(place, Names::read(&code));
        }
        modules.retain(|place, _| !(0..=place.len()).any(|length| of_tests.contains(&place[..length])));
        Self { library: library.to_owned(), modules, files }
    }

    /// Where `path`, named in the module at `from`, leads to.
    fn target(&self, from: &Place, path: &[String], seen: &mut BTreeSet<(Place, String)>) -> Target {
        let mut here = from.clone();
        let mut rest = path;
        let mut found = Target::Elsewhere;
        while let Some(first) = rest.first() {
            match first.as_str() {
                "crate" => here.truncate(usize::from(is_binary(from))),
                "self" => {}
                "super" => drop(here.pop()),
                _ => break,
            }
            rest = &rest[1..];
            found = Target::Module(here.clone());
        }
        for (index, name) in rest.iter().enumerate() {
            // A function may be called like a module beside it; only a module has something in it.
            let inside = child(&here, name);
            found = if index + 1 < rest.len() && self.modules.contains_key(&inside) {
                Target::Module(inside)
            } else {
                match self.look_up(&here, name, seen) {
                    Some(found) => found,
                    // Something that a macro made, or that the text does not show.
                    None if index > 0 || rest.len() < path.len() => return Target::Item(here),
                    None if *name == self.library => Target::Module(Place::new()),
                    None => return Target::Elsewhere,
                }
            };
            match &found {
                Target::Module(place) => here.clone_from(place),
                Target::Elsewhere | Target::Item(_) => return found,
            }
        }
        found
    }

    /// What `name` is in the module at `place`.
    fn look_up(&self, place: &Place, name: &str, seen: &mut BTreeSet<(Place, String)>) -> Option<Target> {
        let names = self.modules.get(place);
        if names.is_some_and(|names| names.items.contains(name)) {
            return Some(Target::Item(place.clone()));
        }
        let module = child(place, name);
        if self.modules.contains_key(&module) {
            return Some(Target::Module(module));
        }
        if !seen.insert((place.clone(), name.to_owned())) {
            return None;
        }
        let uses = &names?.uses;
        if let Some(one) = uses.iter().find(|one| one.name == name && one.path != [name]) {
            return Some(self.target(place, &one.path, seen));
        }
        uses.iter().filter(|one| one.name == "*").find_map(|glob| {
            match self.target(place, &glob.path, seen) {
                Target::Module(other) => self.look_up(&other, name, seen),
                Target::Item(_) | Target::Elsewhere => None,
            }
        })
    }

    /// The file that defines what `path` names in `from`, when it is another file of the crate.
    fn need(&self, from: &Place, path: &[String]) -> Option<Place> {
        match self.target(from, path, &mut BTreeSet::new()) {
            Target::Item(place) => (place != *from && self.modules.contains_key(&place)).then_some(place),
            Target::Module(_) | Target::Elsewhere => None,
        }
    }

    /// True when `one` is more than a name passed on, or a module's.
    fn is_used(&self, from: &Place, names: &Names, one: &Use) -> bool {
        let is_trait = || {
            let place = self.need(from, &one.path);
            let last = one.path.last().cloned().unwrap_or_default();
            place.is_some_and(|place| self.modules[&place].traits.contains(&last))
        };
        names.words.contains(&one.name) || one.name == "_" || is_trait() && !one.is_public
    }

    fn needs(&self) -> Needs {
        let mut needs = Needs::new();
        let mut add = |from: &Place, to: &Place, what: String| {
            let inner = needs.entry(self.files[from].clone()).or_default();
            inner.entry(self.files[to].clone()).or_default().insert(what);
        };
        for (from, names) in &self.modules {
            let used = names.uses.iter().filter(|one| self.is_used(from, names, one)).map(|one| &one.path);
            for path in used.chain(&names.paths) {
                if let Some(to) = self.need(from, path) {
                    add(from, &to, path.join("::"));
                }
            }
            for one in names.uses.iter().filter(|one| one.name == "*") {
                if let Target::Module(to) = self.target(from, &one.path, &mut BTreeSet::new())
                    && to != *from
                {
                    let other = &self.modules[&to].items;
                    let named: Vec<_> = names.words.intersection(other).cloned().collect();
                    if !named.is_empty() {
                        add(from, &to, named.join(" "));
                    }
                }
            }
        }
        for (from, to, what) in self.calls() {
            add(&from, &to, what);
        }
        needs
    }

    /// Calls of methods whose `impl` stands apart from its type: who calls, where the method is, and its name.
    fn calls(&self) -> Vec<(Place, Place, String)> {
        let mut found = Vec::new();
        for (at, names) in &self.modules {
            for method in &names.methods {
                let Some(of) = self.need(at, &method.of) else { continue };
                let room = &at[..1.min(at.len())];
                let in_room = || self.modules.iter().filter(|(place, _)| place.starts_with(room));
                let alone =
                    in_room().all(|(place, other)| place == at || !other.functions.contains(&method.name));
                let type_name = method.of.last().cloned().unwrap_or_default();
                let knows = |place: &Place, other: &Names| *place == of || other.words.contains(&type_name);
                for (caller, other) in in_room().filter(|(place, _)| alone && *place != at) {
                    if other.calls.contains(&method.name) && knows(caller, other) {
                        found.push((caller.clone(), at.clone(), format!("{type_name}::{}()", method.name)));
                    }
                }
            }
        }
        found
    }
}

/// `sources` without the files that only tests have.
pub fn without_files_of_tests(mut sources: Vec<Source>) -> Vec<Source> {
    let mut of_tests: BTreeSet<Place> = BTreeSet::new();
    for source in &sources {
        let own = place(&source.path);
        let (_, tests) = source.code_and_test_modules();
        of_tests.extend(tests.into_iter().map(|name| child(&own, &name)));
    }
    sources.retain(|source| {
        let own = place(&source.path);
        !(0..=own.len()).any(|length| of_tests.contains(&own[..length]))
    });
    sources
}

/// The module that a file is. Binaries are roots of their own, told apart by a word that no module can be called.
fn place(path: &Path) -> Place {
    let mut place: Place =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    match place.last().map(String::as_str) {
        Some("lib") if place.len() == 1 => place.clear(),
        Some("main") if place.len() == 1 => place = vec!["binary main".to_owned()],
        Some("mod") => drop(place.pop()),
        _ if place.first().is_some_and(|first| first == "bin") => {
            place = vec![format!("binary {}", place[1])];
        }
        _ => {}
    }
    place
}

fn is_binary(place: &Place) -> bool {
    place.first().is_some_and(|first| first.starts_with("binary "))
}

fn child(place: &Place, name: &str) -> Place {
    let mut child = place.clone();
    child.push(name.to_owned());
    child
}

/// The circles: files that all reach each other, with the names by which each needs the next.
fn rings(needs: &Needs) -> Vec<String> {
    let reach: BTreeMap<&String, BTreeSet<&String>> =
        needs.keys().map(|file| (file, reached(needs, file))).collect();
    let mut done: BTreeSet<&String> = BTreeSet::new();
    let mut found = Vec::new();
    for (file, seen) in &reach {
        if !seen.contains(file) || !done.insert(file) {
            continue;
        }
        let ring: BTreeSet<&String> = seen
            .iter()
            .copied()
            .filter(|other| reach.get(other).is_some_and(|back| back.contains(file)))
            .collect();
        done.extend(&ring);
        let mut lines = vec![format!("a circle of {} files:", ring.len())];
        for from in &ring {
            for (to, names) in needs[*from].iter().filter(|(to, _)| ring.contains(to)) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                lines.push(format!("  {from} needs {to}: {}", names.join(", ")));
            }
        }
        found.push(lines.join("\n"));
    }
    found
}

/// All files that `file` needs, and those that they need.
fn reached<'a>(needs: &'a Needs, file: &'a String) -> BTreeSet<&'a String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        for to in needs.get(file).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(to) {
                open.push(to);
            }
        }
    }
    seen
}
