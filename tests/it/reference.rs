//! Our transformations and converters against Kafka's own, value by value and error by error, on the corpus in
//! `tests/reference`.
//!
//! One test for each kind of case; a failure lists every case that differs. Where ours is meant to differ, [`DECIDED`]
//! says why; an entry there that no case needs is a failure too.

mod client_keys;
mod converters;

use kusto_connect::plugins::BUILT_IN;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::LazyLock;

use kusto_connect::config::WorkerConfig;
use kusto_connect::configdef::ConfigError;
use kusto_connect::data::{self, Record, literal};
use kusto_connect::plugins::SinkConnectorConfig;
use kusto_connect::transform::TransformationChain;
use serde_json::{Value as Json, json};

use crate::support::reference::{Case, cases, read_record, records, same, write_both, write_record};
use crate::support::{rigs, root};

/// A difference that is meant.
struct Decision {
    kind: &'static str,
    /// The ids of its cases; `*` is any text.
    cases: &'static [&'static str],
    /// What ours does there.
    ours: Ours,
    /// Why; it is printed with a failure.
    why: &'static str,
}

/// What ours does where it differs.
enum Ours {
    /// It fails or refuses as Java does, in words that begin alike.
    Begins(&'static str),
    /// It fails with another exception.
    Fails(&'static str),
    /// It refuses the settings, where Java breaks on them.
    Refuses,
    /// It goes on, where Java fails or does something else.
    GoesOn,
    /// What is wanted, and what ours does, are as this says.
    Is(fn(&Json, &Json) -> bool),
}

const DECIDED: &[Decision] = &[
    Decision {
        kind: "transform",
        cases: &["cast/config/9", "extract/config/6", "timestamp-router/config/0"],
        ours: Ours::Refuses,
        why: "Java takes the connector, whose tasks then fail; ours says it at once",
    },
    Decision {
        kind: "transform",
        cases: &["insert/config/1"],
        ours: Ours::Begins(
            "Invalid value null for configuration static.value: No value specified for static field: ",
        ),
        why: "Java prints the address of an object there",
    },
    Decision {
        kind: "transform",
        cases: &["cast/text/float32/30", "cast/text/float64/30"],
        ours: Ours::Fails(data::DATA_EXCEPTION),
        why: "hexadecimal floating numbers are not read",
    },
    Decision {
        kind: "transform",
        cases: &["cast/text/int*/27", "mask/*/10/value/*-kinds"],
        ours: Ours::Fails(data::DATA_EXCEPTION),
        why: "digits of other scripts are no digits",
    },
    Decision {
        kind: "transform",
        cases: &["cast/whole/*/s/decimal", "flatten/kind/decimal"],
        ours: Ours::GoesOn,
        why: "Java has no decimals without a schema; ours reads integers beyond 64 bits as such, and refuses none of its own",
    },
    Decision {
        kind: "transform",
        cases: &["flatten/*/s-keys"],
        ours: Ours::Begins("class java.lang.Long cannot be cast to class java.lang.String"),
        why: "Java goes on to speak of its modules and class loaders",
    },
    Decision {
        kind: "transform",
        cases: &["replace/all/*/s-keys"],
        ours: Ours::GoesOn,
        why: "a key that is not a text has no name that could be asked for",
    },
    Decision {
        kind: "transform",
        cases: &["*/all/*c-nested-default"],
        ours: Ours::GoesOn,
        why: "Java cannot store the default of a struct: its schema is not the field's, which has the default",
    },
    Decision {
        kind: "transform",
        cases: &["*/default/*false/value/c-required-defaults"],
        ours: Ours::GoesOn,
        why: "Java cannot store null in a required field that has a default, though it came so",
    },
    Decision {
        kind: "transform",
        cases: &["regex-router/33/6"],
        ours: Ours::GoesOn,
        why: "\\w of Java is ASCII; Kafka's topics are ASCII, too",
    },
    Decision {
        kind: "predicate",
        cases: &["topic-matches/13/6"],
        ours: Ours::GoesOn,
        why: "\\p{Alpha} of Java is ASCII; Kafka's topics are ASCII, too",
    },
    Decision {
        kind: "transform",
        cases: &["regex-router/config/*"],
        ours: Ours::Begins("Invalid value "),
        why: "what is wrong with an expression is said in the words of another library",
    },
    Decision {
        kind: "predicate",
        cases: &["topic-matches/14/*", "topic-matches/15/*"],
        ours: Ours::Begins("Invalid value "),
        why: "what is wrong with an expression is said in the words of another library",
    },
    Decision {
        kind: "transform",
        cases: &["regex-router/config/0", "regex-router/config/2"],
        ours: Ours::Begins("Missing required configuration "),
        why: "Java compiles the missing expression, too",
    },
    Decision {
        kind: "predicate",
        cases: &["topic-matches/nothing"],
        ours: Ours::Begins("Missing required configuration "),
        why: "Java compiles the missing expression, too",
    },
    Decision {
        kind: "transform",
        cases: &["regex-router/config/5", "regex-router/config/7"],
        ours: Ours::GoesOn,
        why: "the other library takes {2,1} as text, and more names of groups",
    },
];

#[test]
fn the_corpus_is_what_its_generator_makes() {
    let run = Command::new(rigs().join("python/bin/python"))
        .arg(root().join("tests/reference/generate.py"))
        .arg("--check")
        .output()
        .expect("python runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// What the other tests compare is what the corpus says: nothing is lost on the way to our data model and back.
#[test]
fn records_of_the_corpus_survive_our_data_model() {
    let records = records();
    assert!(records.len() > 100, "{} records", records.len());
    for (name, record) in records {
        let back = write_record(&read_record(&record));
        // The corpus leaves out what is false in a schema.
        let again = write_record(&read_record(&back));
        assert!(same(&back, &again), "{name}:\n{back}\n{again}");
        for (side, given) in [("key", &record["key"]), ("value", &record["value"])] {
            assert!(same(&given["value"], &back[side]["value"]), "{name}:\n{given}\n{back}");
        }
    }
}

#[test]
fn literals_are_read_as_kafka_reads_them() {
    compare("literal", |case| {
        // Java has nothing at all for null, where ours has null without a schema.
        let both = literal::parse(case.text("text"));
        let is_nothing = both.schema.is_none() && both.value.is_null();
        json!({ "value": if is_nothing { Json::Null } else { write_both(&both) } })
    });
}

#[test]
fn transformations_do_what_kafkas_do() {
    compare("transform", |case| {
        let mut settings = settings(case, "transforms.x");
        settings.insert("transforms".to_owned(), "x".to_owned());
        match transformed(&settings, case.record()) {
            Ok(record) => json!({ "record": record.as_ref().map(write_record) }),
            Err(error) => error,
        }
    });
}

/// A predicate is asked whether it lets `Filter` drop the record.
#[test]
fn predicates_say_what_kafkas_say() {
    compare("predicate", |case| {
        let mut settings = settings(case, "predicates.p");
        let filter = [
            ("transforms", "x"),
            ("transforms.x.type", "org.apache.kafka.connect.transforms.Filter"),
            ("transforms.x.predicate", "p"),
            ("predicates", "p"),
        ];
        settings.extend(filter.map(|(key, value)| (key.to_owned(), value.to_owned())));
        match transformed(&settings, case.record()) {
            Ok(record) => json!({ "test": record.is_none() }),
            Err(error) => error,
        }
    });
}

/// A case's settings as those of a connector.
fn settings(case: &Case, prefix: &str) -> BTreeMap<String, String> {
    let own = case.config().map(|(key, value)| (format!("{prefix}.{key}"), value.to_owned()));
    own.chain([(format!("{prefix}.type"), case.text("class").to_owned())]).collect()
}

/// A connector with these settings among others, as a worker takes it; or all that it says against them.
fn validated(settings: &BTreeMap<String, String>) -> Result<SinkConnectorConfig, Vec<ConfigError>> {
    static WORKER: LazyLock<WorkerConfig> = LazyLock::new(|| {
        let env = [
            ("BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
            ("GROUP_ID", "reference"),
            ("CONFIG_STORAGE_TOPIC", "configs"),
            ("OFFSET_STORAGE_TOPIC", "offsets"),
            ("STATUS_STORAGE_TOPIC", "statuses"),
        ];
        let env = env.map(|(key, value)| (key.to_owned(), value.to_owned()));
        WorkerConfig::load(&BUILT_IN, None, BTreeMap::from(env)).expect("good settings")
    });
    let own = [
        ("name", "reference"),
        ("connector.class", "com.microsoft.azure.kusto.kafka.connect.sink.KustoSinkConnector"),
        ("topics", "t"),
        ("kusto.ingestion.url", "http://127.0.0.1:8080"),
        ("kusto.query.url", "http://127.0.0.1:8080"),
        ("kusto.tables.topics.mapping", "[{'topic':'*','db':'d','table':'t'}]"),
    ];
    let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let all = settings.clone().into_iter().chain(own).map(|(key, value)| (key, Some(value))).collect();
    BUILT_IN.parse(&all, &WORKER).map_err(|errors| errors.entries().to_vec())
}

fn transformed(settings: &BTreeMap<String, String>, record: Record) -> Result<Option<Record>, Json> {
    let refused = |errors: Vec<ConfigError>| {
        // Java's transformations do not know the connector's prefixes.
        let own =
            |error: &ConfigError| error.message.replace("transforms.x.", "").replace("predicates.p.", "");
        json!({ "config_errors": errors.iter().map(own).collect::<Vec<_>>() })
    };
    let config = validated(settings).map_err(refused)?;
    let chain = TransformationChain::new(&config.transforms).map_err(refused)?;
    chain.apply(record).map_err(|failure| failed(&failure.error))
}

/// Runs `ours` on all cases of a kind; fails with all that differ.
fn compare(kind: &str, ours: impl Fn(&Case) -> Json) {
    let cases = cases(kind);
    let decisions: Vec<&Decision> = DECIDED.iter().chain(converters::DECIDED).collect();
    let mut used = vec![false; decisions.len()];
    let mut different = Vec::new();
    for case in &cases {
        let got =
            catch_unwind(AssertUnwindSafe(|| ours(case))).unwrap_or_else(|_| json!({ "panic": "see above" }));
        if agree(&case.wanted, &got) {
            continue;
        }
        let decided = decisions.iter().position(|decision| {
            decision.kind == kind
                && decision.cases.iter().any(|ids| fits(ids, &case.id))
                && decision.ours.allow(&case.wanted, &got)
        });
        match decided {
            Some(place) => used[place] = true,
            None => different.push((case, got)),
        }
    }
    let mut report = String::new();
    for (case, got) in different.iter().take(20) {
        writeln!(report, "case   {}\nwanted {}\ngot    {got}\n", case.given, case.wanted).expect("text");
    }
    let ids: Vec<&str> = different.iter().map(|(case, _)| case.id.as_str()).collect();
    let unused = decisions.iter().zip(used).filter(|(decision, used)| decision.kind == kind && !used);
    for (decision, _) in unused {
        writeln!(report, "decided but no case needs it: {:?} ({})", decision.cases, decision.why)
            .expect("text");
    }
    println!("{} cases of kind {kind}", cases.len());
    assert!(report.is_empty(), "{report}{} of {} differ: {ids:#?}", ids.len(), cases.len());
}

/// True when an id is one of these: `*` stands for any text.
fn fits(ids: &str, id: &str) -> bool {
    let Some((start, rest)) = ids.split_once('*') else { return ids == id };
    let Some(id) = id.strip_prefix(start) else { return false };
    id.char_indices().map(|(at, _)| at).chain([id.len()]).any(|at| fits(rest, &id[at..]))
}

/// True when two results are one: values by [`same`], errors by class and message.
fn agree(wanted: &Json, got: &Json) -> bool {
    if let (Some(wanted), Some(got)) = (wanted["config_errors"].as_array(), got["config_errors"].as_array()) {
        // In which order Java looks at the settings is nobody's concern.
        let sorted = |errors: &[Json]| {
            let mut texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
            texts.sort();
            texts
        };
        return sorted(wanted) == sorted(got);
    }
    if wanted["error"].is_null() {
        return same(wanted, got);
    }
    ["class", "message"].iter().all(|part| wanted["error"][part] == got["error"][part])
}

impl Ours {
    fn allow(&self, wanted: &Json, got: &Json) -> bool {
        match self {
            Self::Begins(beginning) => {
                let text = |json: &Json| {
                    let text = json["config_errors"][0].as_str().or(json["error"]["message"].as_str());
                    text.is_some_and(|text| text.starts_with(beginning))
                };
                wanted["error"]["class"] == got["error"]["class"] && text(wanted) && text(got)
            }
            Self::Fails(class) => got["error"]["class"] == *class,
            Self::Refuses => !wanted["error"].is_null() && !got["config_errors"].is_null(),
            Self::Is(allowed) => allowed(wanted, got),
            Self::GoesOn => ["error", "config_errors", "panic"].iter().all(|failure| got[failure].is_null()),
        }
    }
}

fn failed(error: &data::Error) -> Json {
    json!({ "error": { "class": error.class(), "message": error.to_string() } })
}
