//! Each setting that has a value: what it is, and who said so.

use super::subject::Explained;
use crate::config::DefaultConverter;
use crate::configdef::shown;
use crate::sink::Supplied;

/// A line for each.
pub(super) fn of(subject: &Explained<'_>) -> String {
    let mut lines = vec!["Settings (value, and where it is from)".to_owned()];
    let supplied = subject.config.sink.supplied();
    let mut unset = 0;
    for info in &subject.infos.configs {
        let (key, value) = (info.value.name.as_str(), info.value.value.as_deref());
        let line = line(subject, &supplied, key, value);
        unset += usize::from(line.is_none());
        lines.extend(line);
    }
    lines.extend(of_worker(subject));
    lines.push(format!("  {unset} further settings are not set"));
    lines.join("\n") + "\n"
}

fn line(subject: &Explained<'_>, supplied: &[Supplied], key: &str, value: Option<&str>) -> Option<String> {
    let is_written = subject.raw.get(key).is_some_and(Option::is_some);
    if let Some(class) = converter(subject, key).filter(|_| !is_written) {
        let origin = if subject.worker.all.contains_key(key) { "worker" } else { "default" };
        return Some(format!("  {key} = {class} ({origin})"));
    }
    let used = supplied.iter().find(|supplied| supplied.key == key);
    match (value.filter(|value| is_written || !value.is_empty()), used) {
        (Some(written), Some(used)) if is_written && used.value != written.trim_end_matches('/') => {
            Some(format!("  {key} = {} (written as {written})", used.value))
        }
        (Some(value), _) if is_written => Some(format!("  {key} = {value} (written)")),
        (_, Some(used)) => Some(format!("  {key} = {} ({})", used.value, used.origin)),
        (Some(value), None) => Some(format!("  {key} = {value} (default)")),
        (None, None) => None,
    }
}

/// The class that reads keys, values or headers in fact: a connector may leave it to its worker, or to its sink.
fn converter(subject: &Explained<'_>, key: &str) -> Option<&'static str> {
    let config = subject.config;
    let used = match key {
        "key.converter" => &config.key_converter,
        "value.converter" => &config.value_converter,
        "header.converter" => &config.header_converter,
        _ => return None,
    };
    Some(used.row.class)
}

/// The settings of the worker's own converters, where the connector names none.
fn of_worker(subject: &Explained<'_>) -> Vec<String> {
    let worker = subject.worker;
    let sides = [("key", &worker.key_converter), ("value", &worker.value_converter)];
    let left = sides.into_iter().filter(|(side, _)| !subject.raw.contains_key(&format!("{side}.converter")));
    let own = left.flat_map(|(side, DefaultConverter { settings, .. })| {
        settings.iter().map(move |(own, value)| {
            let key = format!("{side}.converter.{own}");
            let value = shown(&key, value);
            format!("  {key} = {value} (worker)")
        })
    });
    own.collect()
}
