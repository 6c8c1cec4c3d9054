//! Whole queries: operators after each other, commands as sources, and what fails.

use serde_json::{Value, json};

use super::{ask, engine, hits, rows, schema, value};
use crate::{KustoError, RequestOptions};

#[test]
fn projections() {
    assert_eq!(
        schema("Storms | project EventId, x = strlen(State), strlen(State), tostring(EventId)"),
        "EventId:int,x:long,Column1:long,EventId1:string"
    );
    assert_eq!(
        schema("Storms | project-away StartTime, Damage"),
        "EventId:int,State:string,EventType:string"
    );
    assert_eq!(schema("Storms | project-keep State, EventId"), "EventId:int,State:string");
    assert_eq!(schema("Storms | project-rename Id = EventId | project Id"), "Id:int");
    assert_eq!(
        schema("Storms | extend State = strlen(State), Double = EventId * 2 | project State, Double"),
        "State:long,Double:long"
    );
    assert_eq!(
        rows("Storms | extend n = EventId + 1 | where n > 6 | extend n = n * 10, m = n | project n, m"),
        json!([[70, 7]])
    );
    assert_eq!(rows("Types | project j.a.b[1] | take 1"), json!([["x"]]));
}

#[test]
fn orders_limits_and_distinct() {
    assert_eq!(rows("Storms | sort by EventId | take 2 | project EventId"), json!([[6], [5]]));
    assert_eq!(rows("Storms | order by EventId asc | take 2 | project EventId"), json!([[null], [1]]));
    assert_eq!(rows("Storms | sort by EventId asc nulls last | take 1 | project EventId"), json!([[1]]));
    assert_eq!(
        rows("Storms | sort by State asc, EventId desc | project EventId | take 4"),
        json!([[null], [4], [6], [5]])
    );
    assert_eq!(rows("Storms | top 2 by Damage | project EventId"), json!([[4], [3]]));
    assert_eq!(
        rows("Storms | top 1 by Damage asc nulls last | extend x = 1 | project EventId, x"),
        json!([[5, 1]])
    );
    assert_eq!(rows("Types | sort by r asc | project r"), json!([[null], ["NaN"], [0.5]]));
    assert_eq!(rows("Types | sort by r desc | project r"), json!([[0.5], ["NaN"], [null]]));
    assert_eq!(rows("Storms | take 0"), json!([]));
    assert_eq!(rows("Storms | limit 3 | count"), json!([[3]]));
    assert_eq!(rows("Storms | take 3 | take 5 | count"), json!([[3]]));
    assert_eq!(
        rows("Storms | sort by EventId asc nulls last | take 2 | where EventId > 1 | project EventId"),
        json!([[2]])
    );
    assert_eq!(rows("Storms | distinct State | count"), json!([[4]]));
    assert_eq!(rows("Storms | distinct State, EventType | count"), json!([[6]]));
    assert_eq!(
        rows("Storms | project State | distinct * | sort by State asc"),
        json!([[""], ["NORTH CAROLINA"], ["OHIO"], ["TEXAS"]])
    );
    // The order outlives the columns it was made from.
    assert_eq!(
        rows("Storms | sort by EventId asc nulls last | project State | extend x = 1 | take 2"),
        json!([["TEXAS", 1], ["TEXAS", 1]])
    );
    // Columns that changed their places are sorted by what they are now.
    assert_eq!(
        rows("Storms | project State, EventType, EventId | sort by EventId asc nulls last"),
        rows("Storms | sort by EventId asc nulls last | project State, EventType, EventId")
    );
    assert_eq!(
        rows(
            "Storms | project EventType, State, EventId | top 2 by EventId asc nulls last | project EventId"
        ),
        rows("Storms | top 2 by EventId asc nulls last | project EventId")
    );
}

#[test]
fn aggregates() {
    assert_eq!(
        schema(
            "Storms | summarize count(), sum(EventId), avg(Damage), min(StartTime), dcount(State), countif(EventId > 1), count() by State, bin(StartTime, 1d)"
        ),
        "State:string,StartTime:datetime,count_:long,sum_EventId:long,avg_Damage:real,min_StartTime:datetime,dcount_State:long,countif_:long,count_1:long"
    );
    assert_eq!(
        rows(
            "Storms | summarize n=count(), s=sum(EventId), m=max(EventId), a=avg(Damage), d=dcount(EventType) by State | sort by State asc"
        ),
        json!([
            ["", 1, 0, null, "NaN", 1],
            ["NORTH CAROLINA", 1, 4, 4, 10.0, 1],
            ["OHIO", 2, 11, 6, 1.125, 2],
            ["TEXAS", 3, 6, 3, 2.25, 2]
        ])
    );
    assert_eq!(
        rows("Storms | summarize sum(Damage), min(Damage), countif(isnull(Damage))"),
        json!([[16.75, 0.25, 2]])
    );
    assert_eq!(rows("Storms | summarize sumif(EventId, State == 'OHIO') / count()"), json!([[1]]));
    assert_eq!(rows("Storms | summarize count_distinct(State)"), json!([[4]]));
    assert_eq!(rows("Storms | summarize by State | count"), json!([[4]]));
    assert_eq!(rows("Storms | summarize n = count() by month = bin(StartTime, 31d) | count"), json!([[4]]));
    assert_eq!(rows("Storms | summarize max(State), min(EventType)"), json!([["TEXAS", ""]]));
    assert_eq!(
        rows(
            "Empty | summarize count(), sum(n), sum(r), sum(t), avg(n), max(n), max(a), dcount(a), countif(n > 0)"
        ),
        json!([[0, 0, 0.0, "00:00:00", "NaN", null, "", 0, 0]])
    );
    assert_eq!(rows("Empty | summarize count() by a"), json!([]));
    assert_eq!(rows("Types | summarize sum(r)"), json!([["NaN"]]));
    assert_eq!(rows("Types | summarize avg(t)"), json!([["13:01:31.7500000"]]));
}

#[test]
fn results_of_commands_can_be_queried() {
    assert_eq!(rows(".show tables | count"), json!([[4]]));
    assert_eq!(
        rows(".show tables | where TableName startswith 'st' | project TableName"),
        json!([["Storms"]])
    );
    assert_eq!(rows(".show table Storms details | project TotalRowCount, TotalExtents"), json!([[7, 1]]));
    assert_eq!(rows(".show databases | where IsCurrent | project DatabaseName"), json!([["lab"]]));
    assert_eq!(rows(".show ingestion failures | where FailedOn > ago(1d) | count"), json!([[0]]));
    assert!(ask(".show tables | where Nope == 1").is_err());
    // A failed pipeline leaves nothing behind that would disturb the next one.
    let engine = engine();
    let run = |text: &str| engine.execute(Some("lab"), text, &RequestOptions::default());
    assert!(run(".show tables | extend x = 9223372036854775807 + strlen(TableName)").is_err());
    assert!(run(".show tables | count").is_ok());
}

#[test]
fn names_and_types_are_checked() {
    for (query, part) in [
        ("Nope | count", "'Nope'"),
        ("database('nope').Storms", "'nope'"),
        ("Storms | where Nope == 1", "'Nope'"),
        ("Storms | where state == 'x'", "'state'"),
        ("Storms | project Nope", "'Nope'"),
        ("Storms | project-away Nope", "'Nope'"),
        ("Storms | project-rename x = Nope", "'Nope'"),
        ("Storms | distinct Nope", "'Nope'"),
        ("Storms | where EventId == 'x'", "Cannot compare values of types int and string"),
        ("Storms | where State > 5", "string and long"),
        ("Storms | where StartTime > '2007'", "datetime and string"),
        ("Storms | where EventId", "expected a bool"),
        ("Storms | where EventId has 'x'", "expected a string"),
        ("Storms | where State in (1)", "string and long"),
        ("Storms | where State between ('a' .. 'b')", "between"),
        ("Storms | extend x = State + 1", "string and long"),
        ("Storms | extend x = nope(State)", "'nope'"),
        ("Storms | extend x = strlen()", "'strlen'"),
        ("Storms | extend x = count()", "'count'"),
        ("Storms | summarize State", "'State'"),
        ("Storms | summarize sum(State)", "sum()"),
        ("Storms | summarize sum(count())", "'count'"),
        ("Storms | extend x = tostring(Damage)", "tostring()"),
        ("Storms | extend x = iff(true, 1, 'a')", "iff()"),
        ("Types | sort by j", "dynamic"),
        ("Types | summarize count() by j", "dynamic"),
        ("Types | where b > true", "no order"),
        ("Storms | join (Types) on a", "'join'"),
        ("Storms | mv-expand x", "'mv-expand'"),
        ("Storms | where State matches regex 'x'", "'matches'"),
        ("Storms | where State has_any ('x')", "'has_any'"),
        ("Storms | where StartTime > datetime(nonsense)", "datetime"),
    ] {
        let error = ask(query).unwrap_err();
        assert!(error.message.contains(part), "{query}: {}", error.message);
        assert_eq!((error.status, error.permanent), (400, true), "{query}");
    }
}

#[test]
fn failures_while_running_are_the_querys_fault() {
    for query in [
        "print 9223372036854775807 + 1",
        "print bin(5, 0)",
        "print datetime(9999-12-31) + 10d",
        "Types | summarize sum(l)",
        "Types | where isnotnull(l) | extend x = l * 2",
    ] {
        let error = ask(query).unwrap_err();
        assert_eq!((error.status, error.permanent), (400, true), "{query}: {}", error.message);
    }
}

#[test]
fn permissions_can_be_checked_without_running() {
    let engine = engine();
    let options = RequestOptions { validate_permissions: true, ..RequestOptions::default() };
    let answer = engine.execute(Some("lab"), "Storms | count", &options).unwrap();
    assert_eq!(answer.tables[0].rows, vec![vec![json!("OK")]]);
    assert!(engine.execute(Some("lab"), "Nope | count", &options).is_err());
    assert!(engine.execute(Some("nope"), "Storms | count", &options).is_err());
}

#[test]
fn long_and_deep_queries_still_run() {
    let many: Vec<String> = (0..400).map(|n| format!("EventId == {n}")).collect();
    assert_eq!(hits(&many.join(" or ")), 6);
    let pipeline = " | extend x = EventId + 1 | where x > 0".repeat(24);
    assert_eq!(rows(&format!("Storms{pipeline} | count")), json!([[6]]));
    let sum = " + 1".repeat(95);
    assert_eq!(value(&format!("0{sum}")), 95);
    let nested = format!("{}1{}", "(".repeat(38), ")".repeat(38));
    assert_eq!(value(&nested), 1);
    let nested = format!("{}true{}", "not(".repeat(38), ")".repeat(38));
    assert_eq!(value(&nested), true);
}

/// The answer to `query` with these parameter values.
fn with_parameters(query: &str, given: &[(&str, &str)]) -> Result<Value, KustoError> {
    let parameters = given.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let options = RequestOptions { parameters, ..RequestOptions::default() };
    let answer = engine().execute(Some("lab"), query, &options)?;
    Ok(json!(answer.tables[0].rows))
}

#[test]
fn declared_parameters_have_the_values_that_come_with_the_query() {
    let query = "declare query_parameters(state:string, least:long = 2);\n\
                 Storms | where State == state and EventId >= least | count";
    for text in ["TEXAS", "'TEXAS'", "\"TEXAS\"", "h@'TEXAS'"] {
        assert_eq!(with_parameters(query, &[("state", text)]).unwrap(), json!([[2]]), "{text}");
    }
    assert_eq!(with_parameters(query, &[("state", "TEXAS"), ("least", "long(3)")]).unwrap(), json!([[1]]));
    // What looks like KQL is a text.
    assert_eq!(with_parameters(query, &[("state", "' or true or '")]).unwrap(), json!([[0]]));
    let take = "declare query_parameters(rows:int); declare query_parameters(); Storms | take rows | count";
    assert_eq!(with_parameters(take, &[("rows", "3")]).unwrap(), json!([[3]]));
    let top = "declare query_parameters(rows:long); Storms | top rows by EventId asc | project EventId";
    assert_eq!(with_parameters(top, &[("rows", "2")]).unwrap(), json!([[null], [1]]));
    // A column hides a parameter of its name.
    let hidden = "declare query_parameters(State:string = 'x'); Storms | where State == 'OHIO' | count";
    assert_eq!(with_parameters(hidden, &[]).unwrap(), json!([[2]]));
}

#[test]
fn a_parameter_may_have_any_type() {
    for (kind, text, expected) in [
        ("int", "-7", json!(-7)),
        ("long", "long(9223372036854775807)", json!(i64::MAX)),
        ("real", "0.5", json!(0.5)),
        ("real", "real(1e3)", json!(1000.0)),
        ("bool", "true", json!(true)),
        ("bool", "bool(false)", json!(false)),
        ("datetime", "2007-01-01", json!("2007-01-01T00:00:00.0000000Z")),
        ("datetime", "datetime(2007-01-01)", json!("2007-01-01T00:00:00.0000000Z")),
        ("timespan", "1.02:03:04.5", json!("1.02:03:04.5000000")),
        ("timespan", "1d", json!("1.00:00:00")),
        ("guid", "74be27de-1e4e-49d9-b579-fe0b331d3642", json!("74be27de-1e4e-49d9-b579-fe0b331d3642")),
        ("decimal", "decimal(10.50)", json!("10.5")),
        ("dynamic", "dynamic({\"a\":[1]})", json!({"a": [1]})),
        ("dynamic", "{\"a\":[1]}", json!({"a": [1]})),
        ("long", "long(null)", json!(null)),
    ] {
        let query = format!("declare query_parameters(p:{kind}); print x = p");
        assert_eq!(with_parameters(&query, &[("p", text)]).unwrap(), json!([[expected]]), "{kind} {text}");
    }
    for (declared, expected) in [
        ("p:long = -5", json!(-5)),
        ("p:real = 2", json!(2.0)),
        ("p:string = 'a'", json!("a")),
        ("p:datetime = datetime(2007-01-01)", json!("2007-01-01T00:00:00.0000000Z")),
    ] {
        let query = format!("declare query_parameters({declared}); print x = p");
        assert_eq!(with_parameters(&query, &[]).unwrap(), json!([[expected]]), "{declared}");
    }
}

#[test]
fn wrong_parameters_are_refused_by_name() {
    for (query, given, name) in [
        ("declare query_parameters(p:long); print p", "", "'p' has neither"),
        ("declare query_parameters(p:colour); print p", "1", "colour"),
        ("declare query_parameters(p:long); print p", "1; drop", "1; drop"),
        ("declare query_parameters(p:long = now()); print p", "", "not a literal"),
        ("declare query_parameters(p:string); Storms | take p", "x", "'p' is not a number"),
        ("Storms | take p", "1", "'p'"),
        ("print p", "1", "'p'"),
        ("declare pattern x; print 1", "1", "query_parameters"),
    ] {
        let given = if given.is_empty() { Vec::new() } else { vec![("p", given)] };
        let error = with_parameters(query, &given).unwrap_err();
        assert!(error.message.contains(name), "{query}: {}", error.message);
        assert_eq!((error.status, error.permanent), (400, true));
    }
}

#[test]
fn an_object_with_a_private_name_comes_out_as_it_went_in() {
    let engine = engine();
    let run = |text: &str| engine.execute(Some("lab"), text, &RequestOptions::default()).unwrap();
    run(".create table Odd (j:dynamic)");
    run(
        ".ingest inline into table Odd <| \"{\"\"$serde_json::private::RawValue\"\":\"\"5\"\",\"\"a\"\":1}\"",
    );
    let rows = |query: &str| json!(run(query).tables[0].rows);
    assert_eq!(rows("Odd").to_string(), r#"[[{"$serde_json::private::RawValue":"5","a":1}]]"#);
    assert_eq!(rows("Odd | project x = j.a, y = j['$serde_json::private::RawValue']"), json!([[1, "5"]]));
}
