//! The converters that a connector or a worker names: their keys, and what is read of them.

use super::{Plugins, converter_keys};
use crate::configdef::def::Checked;
use crate::configdef::{ClassSettings, Classes, ConfigErrors, PluginKind, Problems, Properties};
use crate::convert::{self, ConverterRow, Made};
use crate::registry::RegistryConfig;

/// A converter and its settings.
#[derive(Debug, Clone)]
pub struct ConverterConfig {
    /// Its row.
    pub row: &'static ConverterRow,
    /// Its settings, without errors.
    pub settings: ClassSettings,
}

impl ConverterConfig {
    /// Makes it.
    pub fn make(&self) -> Result<Made, convert::Error> {
        (self.row.make)(&self.settings.values())
    }

    /// Where its schemas are; none when it needs no registry.
    pub fn registry(&self) -> Option<RegistryConfig> {
        RegistryConfig::read(self.row.registry?, &self.settings.values(), &mut Problems::default())
    }
}

impl Plugins {
    /// The converter that `<side>.converter=class` is, with these settings (without the prefix).
    pub fn converter(
        &self,
        side: &str,
        class: &str,
        settings: &Properties,
    ) -> Result<ConverterConfig, ConfigErrors> {
        let mut problems = Problems::default();
        let kind = if side == "header" { PluginKind::HeaderConverter } else { PluginKind::Converter };
        let prefix = format!("{side}.converter.");
        let full = |(key, value): (&String, &String)| (format!("{prefix}{key}"), value.clone());
        let all: Properties = settings.iter().map(full).collect();
        let raw = all.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        let row = self.resolve(kind, class).and_then(|class| self.converter_row(class));
        let Some(row) = row else {
            problems.invalid(
                &format!("{side}.converter"),
                class,
                &format!("Class {class} could not be found."),
            );
            return Err(ConfigErrors::new(problems.0));
        };
        let checked = converter_keys::check(self, (side, row.class), &raw, &mut problems);
        for Checked { key, errors, .. } in &checked {
            for message in errors {
                problems.add(key.name.to_string(), message.clone());
            }
        }
        if problems.0.is_empty() {
            Ok(ConverterConfig { row, settings: ClassSettings::new(prefix, checked, &all) })
        } else {
            Err(ConfigErrors::new(problems.0))
        }
    }
}
