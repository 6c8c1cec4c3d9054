//! What a key that names a class asks: which classes there are.
//!
//! The answer is the catalogue's (`plugins`); nothing here knows a class.

use super::def::Checked;
use super::{ConnectorProperties, PluginKind, Problems};

/// The classes that settings may name.
pub trait Classes: Send + Sync {
    /// The full name of the class of `kind` that is meant by `text`: its full name, or an alias that no other class has.
    fn resolve(&self, kind: PluginKind, text: &str) -> Option<&'static str>;

    /// The full names of the classes of `kind`, in the order in which they are offered.
    fn names(&self, kind: PluginKind) -> Vec<&'static str>;

    /// A sentence about a class that is not here but known elsewhere.
    fn hint(&self, text: &str) -> Option<String>;

    /// Reads the keys of a converter of `class` below `<side>.converter.` in `raw`; what its table cannot say goes to
    /// `problems`.
    fn check_converter(
        &self,
        side: &str,
        class: &str,
        raw: &ConnectorProperties,
        problems: &mut Problems,
    ) -> Vec<Checked>;
}

/// The simple name of `class`, and the simple name without the word of its kind.
pub fn aliases(kind: PluginKind, class: &str) -> impl Iterator<Item = &str> {
    let simple = class.rsplit(['.', '$']).next().unwrap_or(class);
    let cut = simple.rfind(kind.word()).map(|at| &simple[..at]).filter(|rest| !rest.is_empty());
    std::iter::once(simple).chain(cut)
}
