//! A Grafana board: variables, and rows of panels under the operator's questions, as the JSON that Grafana imports.

use serde_json::{Value, json};

use super::panel::{COLUMNS, Panel, datasource};

/// The JSON's version: that of Grafana 10, which newer ones read.
const SCHEMA: u32 = 39;
/// By this the boards find each other.
const TAG: &str = "kusto-connect";

/// A board.
pub struct Board {
    /// The end of its address in Grafana, and its file's name.
    pub uid: &'static str,
    /// What stands above it.
    pub title: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What is chosen above it, behind the data source.
    pub variables: Vec<Variable>,
    /// What `{@word` stands for in expressions: the labels that variables ask for.
    pub scopes: &'static [(&'static str, &'static str)],
    /// Its questions.
    pub rows: Vec<Row>,
}

/// A question and its panels.
pub struct Row {
    /// The question.
    pub question: &'static str,
    /// What answers it.
    pub panels: Vec<Panel>,
}

/// Values of a label, to choose from.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name and the label's.
    pub name: &'static str,
    /// What stands beside it.
    pub label: &'static str,
    /// Whose label it is.
    pub series: &'static str,
    /// What stands for all of them; none: one is chosen.
    pub all: Option<&'static str>,
}

/// The workers of one cluster, as Prometheus was told to call them.
pub const CLUSTER: Variable =
    Variable { name: "job", label: "Cluster (job)", series: "kusto_build_info", all: None };
/// Any number of them.
pub const WORKERS: Variable =
    Variable { name: "instance", label: "Worker", series: "kusto_build_info{job=\"$job\"}", all: Some(".+") };
/// Any number of connectors.
pub const CONNECTORS: Variable = Variable {
    name: "connector",
    label: "Connector",
    series: "kafka_connect_worker_connector_total_task_count{job=\"$job\"}",
    all: Some(".+"),
};

impl Variable {
    /// The same, to choose one.
    pub const fn one(self) -> Self {
        Self { all: None, ..self }
    }

    fn json(&self) -> Value {
        let query = format!("label_values({}, {})", self.series, self.name);
        let mut variable = json!({
            "name": self.name,
            "label": self.label,
            "type": "query",
            "datasource": datasource(),
            "definition": query,
            "query": { "qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery" },
            "refresh": 2,
            "sort": 1,
            "regex": "",
            "hide": 0,
            "multi": self.all.is_some(),
            "includeAll": self.all.is_some(),
            "options": [],
            "current": {},
        });
        if let Some(all) = self.all {
            variable["allValue"] = all.into();
            variable["current"] = json!({ "selected": true, "text": ["All"], "value": ["$__all"] });
        }
        variable
    }
}

impl Board {
    /// Its file below `deploy/grafana`.
    pub fn file(&self) -> String {
        format!("{}.json", self.uid)
    }

    /// `expression` with the scopes of the board.
    fn scoped(&self, expression: &str) -> String {
        let put = |text: String, (word, labels): &(&str, &str)| {
            text.replace(&format!("{{@{word}"), &format!("{{{labels}"))
        };
        let expression = self.scopes.iter().fold(expression.to_owned(), put);
        assert!(!expression.contains("{@"), "no such scope: {expression}");
        expression
    }

    /// What Grafana imports.
    pub fn json(&self) -> Value {
        let choice = json!({
            "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
            "refresh": 1, "regex": "", "hide": 0, "multi": false, "includeAll": false, "options": [], "current": {},
        });
        let variables: Vec<Value> =
            std::iter::once(choice).chain(self.variables.iter().map(Variable::json)).collect();
        json!({
            "id": null,
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": [TAG],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": true,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": { "from": "now-1h", "to": "now" },
            "timepicker": {},
            "timezone": "",
            "fiscalYearStartMonth": 0,
            "weekStart": "",
            "annotations": { "list": [] },
            "links": [{
                "type": "dashboards", "tags": [TAG], "title": "", "tooltip": "", "icon": "external link", "url": "",
                "asDropdown": false, "includeVars": true, "keepTime": true, "targetBlank": false,
            }],
            "templating": { "list": variables },
            "panels": self.panels(),
        })
    }

    /// Panels stand beside each other until the line is full.
    fn panels(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut y = 0;
        for row in &self.rows {
            all.push(json!({
                "id": all.len() + 1, "type": "row", "title": row.question, "collapsed": false, "panels": [],
                "gridPos": { "h": 1, "w": COLUMNS, "x": 0, "y": y },
            }));
            y += 1;
            let (mut x, mut height) = (0, 0);
            for panel in &row.panels {
                let (width, own) = panel.size;
                if x + width > COLUMNS {
                    (x, y, height) = (0, y + height, 0);
                }
                all.push(panel.json(all.len() + 1, (x, y), |expression| self.scoped(expression)));
                (x, height) = (x + width, height.max(own));
            }
            y += height;
        }
        all
    }
}
