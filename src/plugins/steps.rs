//! The transformations and predicates that a connector names (`connect-runtime.md` §7): their keys, and what is read of
//! them.
//!
//! What the classes do is `transform`'s part.

use super::Plugins;
use crate::config::FRAMEWORK;
use crate::configdef::def::{Checked, ConfigKey, DefaultValue, KeyType, dynamic_key};
use crate::configdef::{
    CONNECT_VERSION, ClassSettings, Classes, ConfigError, ConnectorProperties, PluginKind, Problems,
    Properties, Values, check_table, trim,
};
use crate::transform::{Plan, PredicateConfig, STEP_KEYS, TransformationConfig};
use std::borrow::Cow;

impl Plugins {
    /// Reads `transforms`, `predicates` and the keys below their aliases; no other key is looked at.
    ///
    /// # Errors
    /// All that the tables of keys say against them.
    pub fn transformations(&self, properties: &Properties) -> Result<Plan, Vec<ConfigError>> {
        let raw: ConnectorProperties =
            properties.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        let lists = FRAMEWORK.iter().filter(|row| matches!(row.0, "transforms" | "predicates"));
        let mut checked = check_table(lists.map(ConfigKey::from), &raw, self);
        checked.extend(check(self, &raw, &checked));
        let mut problems = Problems::default();
        for checked in &checked {
            for message in &checked.errors {
                problems.add(checked.key.name.to_string(), message.clone());
            }
        }
        rules(&Values::new(&checked, properties), properties, &mut problems);
        let plan = plan(self, &checked, properties);
        problems.0.extend(plan.missing_predicates());
        if problems.0.is_empty() { Ok(plan) } else { Err(problems.0) }
    }
}

/// What the checked keys say; a class with errors is left out.
pub(super) fn plan(plugins: &Plugins, checked: &[Checked], written: &Properties) -> Plan {
    let values = Values::new(checked, written);
    let settings = |list: &str, alias: &str| {
        // An alias with a dot may begin like another one: only keys of the class itself are taken.
        let group = group(list, alias);
        let own = checked.iter().filter(|checked| checked.key.group.as_deref() == Some(&*group));
        ClassSettings::new(format!("{list}.{alias}."), own.cloned().collect(), written)
    };
    let transformations = values.list("transforms").iter().filter_map(|alias| {
        let settings = settings("transforms", alias);
        let class = settings.values().text("type")?;
        let row = plugins.transformation(class)?;
        let class = row.classes.iter().find(|known| **known == class)?;
        Some(TransformationConfig { class, row, settings })
    });
    let predicates = values.list("predicates").iter().filter_map(|alias| {
        let settings = settings("predicates", alias);
        let row = plugins.predicate(settings.values().text("type")?)?;
        Some(PredicateConfig { alias: alias.clone(), row, settings })
    });
    Plan { transformations: transformations.collect(), predicates: predicates.collect() }
}

/// Checks the keys of all transformations and predicates; `lists` has the checked lists of their aliases.
pub(super) fn check(plugins: &Plugins, raw: &ConnectorProperties, lists: &[Checked]) -> Vec<Checked> {
    let none = Properties::new();
    let values = Values::new(lists, &none);
    let mut all: Vec<Checked> = Vec::new();
    for (list, kind) in [("transforms", PluginKind::Transformation), ("predicates", PluginKind::Predicate)] {
        for alias in values.list(list) {
            let class = raw.get(&format!("{list}.{alias}.type")).and_then(Option::as_deref).map(trim);
            let class = class.and_then(|text| plugins.resolve(kind, text));
            all.extend(check_table(alias_keys(plugins, (list, alias), kind, class), raw, plugins));
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

/// The keys that a transformation or predicate defines, in its order; none for other classes.
pub(super) fn own_keys(plugins: &Plugins, class: &str) -> Option<Vec<ConfigKey>> {
    let of_transformation = plugins.transformation(class).map(|row| row.keys);
    let keys = of_transformation.or_else(|| plugins.predicate(class).map(|row| row.keys))?;
    Some(keys.iter().map(ConfigKey::from).collect())
}

fn group(list: &str, alias: &str) -> String {
    let title = if list == "transforms" { "Transforms" } else { "Predicates" };
    format!("{title}: {alias}")
}

/// The keys below an alias: type, version, then all others in order of name.
fn alias_keys(
    plugins: &Plugins,
    (list, alias): (&str, &str),
    kind: PluginKind,
    class: Option<&str>,
) -> Vec<ConfigKey> {
    let mut own = class.and_then(|class| own_keys(plugins, class)).unwrap_or_default();
    if kind == PluginKind::Transformation && class.is_some() {
        own.extend(STEP_KEYS.iter().map(ConfigKey::from));
    }
    own.sort_by(|a, b| a.name.cmp(&b.name));
    let mut keys = typed(plugins, (list, alias), kind, class.is_some());
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
fn typed(plugins: &Plugins, (list, alias): (&str, &str), kind: PluginKind, is_known: bool) -> Vec<ConfigKey> {
    let word = kind.word();
    let mut class = dynamic_key(
        format!("{list}.{alias}.type"),
        KeyType::Class(kind),
        DefaultValue::Required,
        format!("{word} type for {alias}"),
    );
    class.recommended = plugins.names(kind).into_iter().map(str::to_owned).collect();
    let default =
        if is_known { DefaultValue::Is(Cow::Borrowed(CONNECT_VERSION)) } else { DefaultValue::Null };
    let mut version = dynamic_key(
        format!("{list}.{alias}.plugin.version"),
        KeyType::String,
        default,
        format!("{word} version for {alias}"),
    );
    version.recommended = if is_known { vec![CONNECT_VERSION.to_owned()] } else { Vec::new() };
    vec![class, version]
}

#[cfg(test)]
#[path = "steps_tests.rs"]
mod tests;
