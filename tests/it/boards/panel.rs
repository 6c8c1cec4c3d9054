//! Panels of Grafana boards, of the kinds that its core has, as the JSON that it imports.

use serde_json::{Value, json};

/// Columns of a board.
pub const COLUMNS: u32 = 24;

/// One question to Prometheus.
#[derive(Debug, Clone)]
pub struct Query {
    /// An expression of Prometheus; `{@word}` is a scope of its board.
    pub expression: String,
    /// What a series of the answer is called; of a table, its column's title.
    pub legend: String,
    /// The unit of a table's column.
    unit: &'static str,
}

/// What a panel looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Lines over time.
    Graph,
    /// Areas on each other over time.
    Areas,
    /// The present numbers, large.
    Numbers,
    /// The present names of series.
    Words,
    /// A row for each value of this label.
    Table(&'static str),
    /// Markdown.
    Text(&'static str),
}

/// A panel.
#[derive(Debug, Clone)]
pub struct Panel {
    /// What stands above it.
    pub title: &'static str,
    /// What it shows and what to look for.
    pub help: &'static str,
    /// Grafana's id of the unit.
    pub unit: &'static str,
    /// What it looks like.
    pub look: Look,
    /// How much of [`COLUMNS`] it takes, and how high it is.
    pub size: (u32, u32),
    /// Its questions.
    pub queries: Vec<Query>,
    /// Colours of series by their names.
    colours: Vec<(&'static str, &'static str)>,
    /// From here on the colour is red.
    limit: Option<f64>,
    /// Where a click on a value of a table's first column leads.
    link: Option<&'static str>,
}

impl Panel {
    fn new(look: Look, title: &'static str, unit: &'static str, help: &'static str) -> Self {
        let size = match look {
            Look::Numbers | Look::Words => (4, 5),
            Look::Table(_) => (COLUMNS, 10),
            _ => (12, 8),
        };
        let (queries, colours) = (Vec::new(), Vec::new());
        Self { title, help, unit, look, size, queries, colours, limit: None, link: None }
    }

    /// Lines over time.
    pub fn graph(title: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(Look::Graph, title, unit, help)
    }

    /// Areas on each other.
    pub fn areas(title: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(Look::Areas, title, unit, help)
    }

    /// Present numbers.
    pub fn numbers(title: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self::new(Look::Numbers, title, unit, help)
    }

    /// Present names.
    pub fn words(title: &'static str, help: &'static str) -> Self {
        Self::new(Look::Words, title, "none", help)
    }

    /// A table with a row for each value of `label`.
    pub fn table(title: &'static str, label: &'static str, help: &'static str) -> Self {
        Self::new(Look::Table(label), title, "short", help)
    }

    /// Markdown.
    pub fn text(title: &'static str, help: &'static str, markdown: &'static str) -> Self {
        Self::new(Look::Text(markdown), title, "none", help)
    }

    /// One more question.
    pub fn query(self, expression: impl Into<String>, legend: &str) -> Self {
        self.column(expression, legend, "short")
    }

    /// One more column of a table; without a title only the labels are shown.
    pub fn column(mut self, expression: impl Into<String>, legend: &str, unit: &'static str) -> Self {
        self.queries.push(Query { expression: expression.into(), legend: legend.to_owned(), unit });
        self
    }

    /// As wide as this.
    pub fn wide(mut self, columns: u32) -> Self {
        self.size.0 = columns;
        self
    }

    /// As high as this.
    pub fn high(mut self, rows: u32) -> Self {
        self.size.1 = rows;
        self
    }

    /// Red from here on.
    pub fn red_from(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// A series of this name has this colour.
    pub fn coloured(mut self, series: &'static str, colour: &'static str) -> Self {
        self.colours.push((series, colour));
        self
    }

    /// A click on the first column leads there.
    pub fn linked(mut self, address: &'static str) -> Self {
        self.link = Some(address);
        self
    }

    /// Its JSON; `scoped` puts the board's scopes into an expression.
    pub fn json(&self, id: usize, (x, y): (u32, u32), scoped: impl Fn(&str) -> String) -> Value {
        let (width, height) = self.size;
        let targets: Vec<Value> = (b'A'..=b'Z')
            .zip(&self.queries)
            .map(|(letter, query)| {
                let now = !matches!(self.look, Look::Graph | Look::Areas);
                json!({
                    "refId": char::from(letter).to_string(),
                    "datasource": datasource(),
                    "editorMode": "code",
                    "expr": scoped(&query.expression),
                    "legendFormat": query.legend,
                    "format": if matches!(self.look, Look::Table(_)) { "table" } else { "time_series" },
                    "instant": now,
                    "range": !now,
                })
            })
            .collect();
        let mut panel = json!({
            "id": id,
            "type": self.plugin(),
            "title": self.title,
            "description": self.help,
            "gridPos": { "h": height, "w": width, "x": x, "y": y },
            "options": self.options(),
        });
        if !self.queries.is_empty() {
            panel["datasource"] = datasource();
            panel["fieldConfig"] = json!({ "defaults": self.defaults(), "overrides": self.overrides() });
            panel["targets"] = targets.into();
        }
        if let Look::Table(label) = self.look {
            panel["transformations"] = self.transformations(label);
        }
        panel
    }

    /// Grafana's name of the kind.
    pub fn plugin(&self) -> &'static str {
        match self.look {
            Look::Graph | Look::Areas => "timeseries",
            Look::Numbers | Look::Words => "stat",
            Look::Table(_) => "table",
            Look::Text(_) => "text",
        }
    }

    fn options(&self) -> Value {
        match self.look {
            Look::Graph | Look::Areas => json!({
                "legend": { "showLegend": true, "displayMode": "list", "placement": "bottom", "calcs": [] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Look::Numbers | Look::Words => json!({
                "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
                "textMode": if self.look == Look::Words { "name" } else { "auto" },
                "colorMode": if self.look == Look::Words { "none" } else { "value" },
                "graphMode": "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "wideLayout": true,
            }),
            Look::Table(_) => json!({ "showHeader": true, "cellHeight": "sm" }),
            Look::Text(markdown) => json!({ "mode": "markdown", "content": markdown }),
        }
    }

    fn defaults(&self) -> Value {
        let mut steps = vec![json!({ "color": "green", "value": null })];
        steps.extend(self.limit.map(|limit| json!({ "color": "red", "value": limit })));
        let mut defaults = json!({
            "unit": self.unit,
            "thresholds": { "mode": "absolute", "steps": steps },
            "mappings": [],
        });
        if matches!(self.look, Look::Graph | Look::Areas) {
            let is_stacked = self.look == Look::Areas;
            defaults["color"] = json!({ "mode": "palette-classic" });
            defaults["custom"] = json!({
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": if is_stacked { 40 } else { 8 },
                "showPoints": "never",
                "spanNulls": false,
                "stacking": { "mode": if is_stacked { "normal" } else { "none" }, "group": "A" },
                "thresholdsStyle": { "mode": if self.limit.is_some() { "line" } else { "off" } },
            });
        }
        defaults
    }

    fn overrides(&self) -> Vec<Value> {
        let named = |name: &str, properties: Value| json!({ "matcher": { "id": "byName", "options": name }, "properties": properties });
        let colour =
            |colour: &str| json!([{ "id": "color", "value": { "mode": "fixed", "fixedColor": colour } }]);
        let mut all: Vec<Value> =
            self.colours.iter().map(|(series, value)| named(series, colour(value))).collect();
        if !matches!(self.look, Look::Table(_)) {
            return all;
        }
        if let Some(url) = self.link {
            let links = json!([{ "title": "Show it", "url": url, "targetBlank": false }]);
            all.push(named("Connector", json!([{ "id": "links", "value": links }])));
        }
        for Query { legend, unit, .. } in self.queries.iter().filter(|query| !query.legend.is_empty()) {
            let mut properties = vec![json!({ "id": "unit", "value": unit })];
            if *unit == "dateTimeFromNow" {
                let never = json!([{ "type": "value", "options": { "0": { "text": "never", "index": 0 } } }]);
                properties.push(json!({ "id": "mappings", "value": never }));
            }
            all.push(named(legend, properties.into()));
        }
        all
    }

    /// One row for each value of `label`, one column for each question. An answer without any row is no hindrance.
    fn transformations(&self, label: &str) -> Value {
        let mut names = json!({
            "connector": "Connector", "status": "State", "instance": "Worker", "version": "Version",
        });
        let mut hidden = json!({ "Time": true });
        for ((letter, number), query) in (b'A'..=b'Z').zip(1..).zip(&self.queries) {
            // Each answer has a time of its own.
            hidden[format!("Time {number}")] = true.into();
            let value = format!("Value #{}", char::from(letter));
            if query.legend.is_empty() {
                hidden[value] = true.into();
            } else {
                names[value] = query.legend.clone().into();
            }
        }
        json!([
            { "id": "joinByField", "options": { "byField": label, "mode": "outer" } },
            { "id": "organize", "options": { "excludeByName": hidden, "indexByName": {}, "renameByName": names } },
        ])
    }
}

/// The source that the board's first variable names.
pub fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}
