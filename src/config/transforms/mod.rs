//! The settings of transformations and predicates (`connect-runtime.md` §7): which classes there are, with which keys,
//! and what a connector's settings say of them.
//!
//! What the classes do is `transform`'s part.

mod specs;
mod tables;

pub use specs::{parse_casts, parse_renames};

use super::check::{Checked, Value, trim};
use super::def::{ConfigKey, DefaultValue, Kind};
use super::errors::{ConfigError, Problems};
use super::keys::FRAMEWORK;
use super::plugins::{self, ClassKind};
use super::validate::check_table;
use super::values::Values;
use super::{CONNECT_VERSION, ConnectorProperties, Properties};
use std::borrow::Cow;
use tables::{ClassRow, FOREIGN, PREDICATES, STEP, TRANSFORMATIONS};

/// A transformation or predicate of a connector, its settings without errors.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its alias in the settings.
    pub alias: String,
    /// Its full Java name.
    pub class: String,
    /// `transforms.<alias>.` or `predicates.<alias>.`.
    prefix: String,
    checked: Vec<Checked>,
}

impl Class {
    fn get(&self, key: &str) -> Option<&Value> {
        let of_key = |checked: &&Checked| checked.key.name.strip_prefix(&*self.prefix) == Some(key);
        self.checked.iter().find(of_key).map(|checked| &checked.value)
    }

    /// A text that is set or has a default.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A list; empty when it is not set.
    pub fn list(&self, key: &str) -> &[String] {
        match self.get(key) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    /// A whole number.
    pub fn number(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A truth value.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A key as it stands in the connector's settings.
    pub fn full_key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// What a connector's settings say of transformations and predicates.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order in which they are applied.
    pub transformations: Vec<Class>,
    /// In the order of the settings.
    pub predicates: Vec<Class>,
}

/// Reads `transforms`, `predicates` and the keys below their aliases; no other key is looked at.
///
/// # Errors
/// All that the tables of keys say against them.
pub fn read(properties: &Properties) -> Result<Plan, Vec<ConfigError>> {
    let raw: ConnectorProperties =
        properties.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let lists = FRAMEWORK.iter().filter(|row| matches!(row.0, "transforms" | "predicates"));
    let lists = check_table(lists.map(ConfigKey::from), &raw);
    let mut all = check(&raw, &lists);
    let mut problems = Problems::default();
    for checked in lists.iter().chain(&all) {
        for message in &checked.errors {
            problems.add(checked.key.name.to_string(), message.clone());
        }
    }
    let values = Values::new(&lists, properties);
    rules(&values, properties, &mut problems);
    predicates_are_there(&values, properties, &mut problems);
    if !problems.0.is_empty() {
        return Err(problems.0);
    }
    let mut classes = |list: &str| {
        let aliases = Values::new(&lists, properties).list(list);
        aliases.iter().filter_map(|alias| take_class(list, alias, &mut all)).collect()
    };
    Ok(Plan { transformations: classes("transforms"), predicates: classes("predicates") })
}

fn take_class(list: &str, alias: &str, all: &mut Vec<Checked>) -> Option<Class> {
    let prefix = format!("{list}.{alias}.");
    // An alias with a dot may begin like another one: only keys of the class itself are taken.
    let (checked, rest) = std::mem::take(all)
        .into_iter()
        .partition(|checked| checked.key.group.as_deref() == Some(&*group(list, alias)));
    *all = rest;
    let class = Class { alias: alias.to_owned(), class: String::new(), prefix, checked };
    let name = class.text("type")?.to_owned();
    Some(Class { class: name, ..class })
}

/// Checks the keys of all transformations and predicates; `lists` has the checked lists of their aliases.
pub(super) fn check(raw: &ConnectorProperties, lists: &[Checked]) -> Vec<Checked> {
    let none = Properties::new();
    let values = Values::new(lists, &none);
    let mut all: Vec<Checked> = Vec::new();
    for (list, kind) in [("transforms", ClassKind::Transformation), ("predicates", ClassKind::Predicate)] {
        for alias in values.list(list) {
            let class = raw.get(&format!("{list}.{alias}.type")).and_then(Option::as_deref).map(trim);
            let class = class.and_then(|text| plugins::resolve(kind, text));
            all.extend(check_table(alias_keys((list, alias), kind, class.as_deref()), raw));
        }
    }
    all
}

/// The rule between keys that Connect checks before it takes a connector: only a predicate can be negated.
pub(super) fn rules(values: &Values<'_>, written: &Properties, problems: &mut Problems) {
    for alias in values.list("transforms") {
        let key = format!("transforms.{alias}.predicate");
        let negate = format!("transforms.{alias}.negate");
        if written.contains_key(&negate) && !written.contains_key(&key) {
            problems.add(
                negate.clone(),
                format!(
                    "Config '{negate}' was provided but there is no config '{key}' defining a predicate to be negated."
                ),
            );
        }
    }
}

/// The rule that it checks only when a task starts: a transformation's predicate must be there.
fn predicates_are_there(values: &Values<'_>, written: &Properties, problems: &mut Problems) {
    let predicates = values.list("predicates");
    for alias in values.list("transforms") {
        let key = format!("transforms.{alias}.predicate");
        let Some(predicate) = written.get(&key).map(|text| trim(text)) else { continue };
        if !predicates.iter().any(|known| known == predicate) {
            let detail = format!(
                "Unknown configuration 'predicates.{predicate}.type'; predicates does not have this alias"
            );
            problems.invalid(&key, predicate, &detail);
        }
    }
}

/// The names of all classes of this kind, in the order of the tables.
pub(super) fn classes(kind: ClassKind) -> impl Iterator<Item = &'static str> {
    rows(kind).iter().flat_map(|row| row.classes).copied()
}

fn rows(kind: ClassKind) -> &'static [ClassRow] {
    match kind {
        ClassKind::Transformation => TRANSFORMATIONS,
        ClassKind::Predicate => PREDICATES,
        ClassKind::Converter | ClassKind::HeaderConverter => &[],
    }
}

/// The keys that a class defines, in its order; none for other classes.
pub(super) fn own_keys(class: &str) -> Option<Vec<ConfigKey>> {
    let row = TRANSFORMATIONS.iter().chain(PREDICATES).find(|row| row.classes.contains(&class))?;
    Some(row.keys.iter().map(ConfigKey::from).collect())
}

/// What to say besides of a class that another project has.
pub(super) fn nearest(class: &str) -> Option<String> {
    let (_, ours) = FOREIGN.iter().find(|(name, _)| class.starts_with(name))?;
    Some(format!("Only Kafka's own transformations are built in; the nearest is {ours}"))
}

fn group(list: &str, alias: &str) -> String {
    let title = if list == "transforms" { "Transforms" } else { "Predicates" };
    format!("{title}: {alias}")
}

/// The keys below an alias: type, version, then all others in order of name.
fn alias_keys((list, alias): (&str, &str), kind: ClassKind, class: Option<&str>) -> Vec<ConfigKey> {
    let mut own = class.and_then(own_keys).unwrap_or_default();
    if kind == ClassKind::Transformation && class.is_some() {
        own.extend(STEP.iter().map(ConfigKey::from));
    }
    own.sort_by(|a, b| a.name.cmp(&b.name));
    let mut keys = typed((list, alias), kind, class.is_some());
    keys.extend(
        own.into_iter()
            .map(|key| ConfigKey { name: Cow::Owned(format!("{list}.{alias}.{}", key.name)), ..key }),
    );
    let group: Cow<'static, str> = Cow::Owned(group(list, alias));
    for (order, key) in (0..).zip(&mut keys) {
        key.group = Some(group.clone());
        key.order = order;
    }
    keys
}

/// The keys `type` and `plugin.version`.
fn typed((list, alias): (&str, &str), kind: ClassKind, is_known: bool) -> Vec<ConfigKey> {
    let word = if kind == ClassKind::Transformation { "Transformation" } else { "Predicate" };
    let mut class = plugins::dynamic_key(
        format!("{list}.{alias}.type"),
        Kind::Class(kind),
        DefaultValue::Required,
        format!("{word} type for {alias}"),
    );
    class.recommended = plugins::recommended(kind);
    let default =
        if is_known { DefaultValue::Is(Cow::Borrowed(CONNECT_VERSION)) } else { DefaultValue::Null };
    let mut version = plugins::dynamic_key(
        format!("{list}.{alias}.plugin.version"),
        Kind::String,
        default,
        format!("{word} version for {alias}"),
    );
    version.recommended = if is_known { vec![CONNECT_VERSION.to_owned()] } else { Vec::new() };
    vec![class, version]
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
