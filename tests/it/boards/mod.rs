//! Boards for Grafana and alerts for Prometheus (`deploy/`): this folder is the program that makes them.
//!
//! A test fails when what is checked in is another, and `UPDATE_DOCS=1` writes it instead (`support::generated`). Names of series
//! are looked up in the table of metrics, so whoever renames one hears of it here. `in_prometheus` asks a real Prometheus.
//!
//! Grafana itself is not asked: what it needs of a board (ids, places, variables, units) is checked here.

mod alerts;
mod board;
mod cluster;
mod connector;
mod in_prometheus;
mod names;
mod panel;
mod workers;

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use crate::support::{generated, root};
use alerts::{Alert, PAGE, alerts};
use board::Board;
use names::{names, selectors, unknown};

const GRAFANA: &str = "deploy/grafana";
const RULES: &str = "deploy/prometheus/alerts.yaml";
const CASES: &str = "deploy/prometheus/alerts_test.yaml";
/// What opens the rules.
const HEAD: &str = "# Alerts for workers of kusto-connect; docs/operations.md says what to do about each.\n\
                    # Made by tests/it/boards (UPDATE_DOCS=1 cargo test --test it -- made_from): change it there.\n";

/// All boards.
fn boards() -> [Board; 3] {
    [cluster::board(), connector::board(), workers::board()]
}

/// A question of a board, as Grafana has it.
struct Target {
    /// The board and the panel.
    place: String,
    expression: String,
    legend: String,
}

/// All questions of a board as Grafana has it.
fn targets(board: &Value) -> Vec<Target> {
    let mut found = Vec::new();
    for panel in board["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let place = format!("{}: {}", text(&board["title"]), text(&panel["title"]));
            found.push(Target {
                place,
                expression: text(&target["expr"]),
                legend: text(&target["legendFormat"]),
            });
        }
    }
    assert!(!found.is_empty(), "{}", board["title"]);
    found
}

#[test]
fn boards_and_alerts_are_made_from_this_program() {
    let mut wanted = BTreeSet::new();
    for board in boards() {
        let text = serde_json::to_string_pretty(&board.json()).expect("JSON") + "\n";
        generated::check_file(&format!("{GRAFANA}/{}", board.file()), &text);
        wanted.insert(board.file());
    }
    let found = std::fs::read_dir(root().join(GRAFANA)).expect("boards");
    let found: BTreeSet<_> = found.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, wanted, "of boards that nobody makes");
    generated::check_file(RULES, &alerts::rules(HEAD));
    generated::check(PAGE, "alerts", &alerts::sections());
}

#[test]
fn every_expression_asks_for_series_that_the_table_has() {
    let names = names();
    let mut wrong = Vec::new();
    for board in boards() {
        for Target { place, expression, .. } in targets(&board.json()) {
            wrong.extend(unknown(&expression, &names).iter().map(|what| format!("{place}: {what}")));
        }
        for variable in &board.variables {
            wrong.extend(unknown(variable.series, &names));
        }
    }
    for alert in alerts() {
        wrong.extend(unknown(&alert.expression, &names).iter().map(|what| format!("{}: {what}", alert.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_board_is_what_grafana_takes() {
    let variable = Regex::new(r"\$\{?([a-z_]+)").unwrap();
    for board in boards() {
        let json = board.json();
        let variables: BTreeSet<_> = json["templating"]["list"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        let mut ids = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in json["panels"].as_array().unwrap() {
            let title = format!("{}: {}", board.title, panel["title"]);
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is there twice");
            let size = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            let [x, y, width, height] = size;
            assert!(x + width <= 24 && width > 0 && height > 0, "{title}: {size:?}");
            for place in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
                assert!(taken.insert(place), "{title}: lies on another");
            }
            if panel["type"] == "row" {
                continue;
            }
            assert!(
                panel["description"].as_str().is_some_and(|text| text.ends_with('.')),
                "{title}: no description"
            );
            let is_text = panel["type"] == "text";
            assert_eq!(panel["targets"].is_array(), !is_text, "{title}");
            assert!(is_text || panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}: no unit");
        }
        for Target { place, expression, .. } in targets(&json) {
            for found in variable.captures_iter(&expression).filter(|found| !found[1].starts_with("__")) {
                assert!(variables.contains(&found[1]), "{place}: ${} is no variable", &found[1]);
            }
            assert!(expression.contains("$job"), "{place}: of all clusters");
        }
    }
}

#[test]
fn an_alert_names_only_labels_that_it_has() {
    let by = Regex::new(r"by \(([a-z_, ]+)\)").unwrap();
    let template = Regex::new(r"\{\{ ([^}]*) \}\}").unwrap();
    for Alert { name, expression, summary, when, remedy, .. } in alerts() {
        let labels =
            by.captures(&expression).map_or_else(|| "job, instance".to_owned(), |found| found[1].to_owned());
        let labels: Vec<&str> = labels.split(", ").collect();
        for found in template.captures_iter(summary) {
            let (what, how) = found[1].split_once(" | ").unwrap_or((&found[1], "humanize"));
            let is_label = what.strip_prefix("$labels.").is_some_and(|label| labels.contains(&label));
            let is_form = ["humanize", "humanizeDuration", "humanizePercentage"].contains(&how);
            assert!((is_label || what == "$value") && is_form, "{name}: {}", &found[0]);
        }
        assert!(!when.contains("{{") && !remedy.contains("{{"), "{name}: its section is no template");
    }
}

/// The cases of promtool have the same labels as a scrape, or they prove nothing.
#[test]
fn every_alert_has_a_case_and_cases_have_series_as_workers_serve_them() {
    let names = names();
    let series = Regex::new(r"series: '([a-z_]+)\{([^}]*)\}'").unwrap();
    let label = Regex::new(r"([a-z_]+)=").unwrap();
    let text = std::fs::read_to_string(root().join(CASES)).expect("the cases");
    let mut used = BTreeSet::new();
    for found in series.captures_iter(&text) {
        let known = names.get(&found[1]).unwrap_or_else(|| panic!("no series is called {}", &found[1]));
        let mut wanted: BTreeSet<&str> = known.iter().map(String::as_str).collect();
        wanted.extend(["job", "instance"]);
        let labels: BTreeSet<&str> =
            label.captures_iter(&found[2]).map(|one| one.get(1).unwrap().as_str()).collect();
        assert_eq!(labels, wanted, "{}", &found[0]);
        used.insert(found[1].to_owned());
    }
    for alert in alerts() {
        assert!(text.contains(&format!("alertname=\"{}\"", alert.name)), "{} has no case", alert.name);
        for selector in selectors(&alert.expression) {
            assert!(used.contains(&selector.name), "{} is in no case", selector.name);
        }
    }
}
