//! Queries through the engine's API: every operator and function, and every refusal.

mod query_tests;

use serde_json::{Value, json};

use crate::{Engine, Frames, KustoError, RequestOptions};

/// Ten storms, one row of every type, and an empty table.
fn engine() -> Engine {
    let engine = Engine::open(None).unwrap();
    let run = |text: &str| engine.execute(Some("lab"), text, &RequestOptions::default()).unwrap();
    run(
        ".create table Storms (StartTime: datetime, EventId: int, State: string, EventType: string, Damage: real)",
    );
    run(".ingest inline into table Storms <|
2007-01-01 00:00:00.0000000,1,TEXAS,Drought,1.5
2007-01-02 06:30:00,2,TEXAS,Flash Flood,
2007-01-02 12:00:00,3,TEXAS,Drought,3
2007-02-01,4,NORTH CAROLINA,Thunderstorm Wind,10
2007-02-03,5,OHIO,\"Hail, large\",0.25
,6,OHIO,Tornado,2
2007-03-01,,,\"\",");
    run(
        ".create table Types (s:string, i:int, l:long, r:real, b:bool, d:datetime, t:timespan, g:guid, m:decimal, j:dynamic)",
    );
    run(".ingest inline into table Types <|
é,1,2,0.5,true,2007-01-01,1.02:03:04.5,74be27de-1e4e-49d9-b579-fe0b331d3642,10.50,\"{\"\"a\"\":{\"\"b\"\":[1,\"\"x\"\"]},\"\"n\"\":7}\"
,,,,,,,,,
\"a b\",-7,9223372036854775807,NaN,false,9999-12-31T23:59:59.9999999Z,-00:00:01,,9,[1]");
    run(".create table Empty (a:string, n:long, r:real, t:timespan)");
    run(".create table ['odd name'] (['a b']:long, State:string, state:string)");
    run(".ingest inline into table ['odd name'] <| 1,upper,lower");
    engine
}

fn ask(query: &str) -> Result<Vec<Vec<Value>>, KustoError> {
    let answer = engine().execute(Some("lab"), query, &RequestOptions::default())?;
    Ok(answer.tables[0].rows.clone())
}

/// The rows of the answer.
fn rows(query: &str) -> Value {
    match ask(query) {
        Ok(rows) => json!(rows),
        Err(error) => panic!("{query}: {error}"),
    }
}

/// The names of the answer's columns with their types.
fn schema(query: &str) -> String {
    let answer = engine().execute(Some("lab"), query, &RequestOptions::default()).unwrap();
    let columns = answer.tables[0].columns.iter();
    columns.map(|column| format!("{}:{}", column.name, column.kind.as_str())).collect::<Vec<_>>().join(",")
}

/// The value of `print x = …`.
fn value(expression: &str) -> Value {
    rows(&format!("print x = {expression}"))[0][0].clone()
}

/// How many storms satisfy the predicate.
fn hits(predicate: &str) -> Value {
    rows(&format!("Storms | where {predicate} | count"))[0][0].clone()
}

#[test]
fn the_labs_queries_answer() {
    assert_eq!(rows("Storms | count"), json!([[7]]));
    assert_eq!(rows("Storms | take 10").as_array().unwrap().len(), 7);
    assert_eq!(
        rows(
            "Storms | where EventType == 'Drought' and State == 'TEXAS' | project StartTime, EventType, EventId"
        ),
        json!([
            ["2007-01-01T00:00:00.0000000Z", "Drought", 1],
            ["2007-01-02T12:00:00.0000000Z", "Drought", 3]
        ])
    );
    let chart = "Storms | summarize event_count=count() by State | where event_count > 2 | project State, event_count | render columnchart";
    assert_eq!(rows(chart), json!([["TEXAS", 3]]));
    let answer = engine().execute(Some("lab"), chart, &RequestOptions::default()).unwrap();
    assert_eq!(answer.visualization.as_deref(), Some("columnchart"));
    assert!(answer.to_v2(Frames::default())[1]["Rows"][0][2].as_str().unwrap().contains("columnchart"));
}

#[test]
fn every_type_goes_in_and_out() {
    assert_eq!(
        schema("Types"),
        "s:string,i:int,l:long,r:real,b:bool,d:datetime,t:timespan,g:guid,m:decimal,j:dynamic"
    );
    assert_eq!(
        rows("Types"),
        json!([
            ["é", 1, 2, 0.5, true, "2007-01-01T00:00:00.0000000Z", "1.02:03:04.5000000",
             "74be27de-1e4e-49d9-b579-fe0b331d3642", "10.5", {"a": {"b": [1, "x"]}, "n": 7}],
            ["", null, null, null, null, null, null, null, null, null],
            ["a b", -7, i64::MAX, "NaN", false, "9999-12-31T23:59:59.9999999Z", "-00:00:01", null, "9", [1]],
        ])
    );
}

#[test]
fn sources() {
    assert_eq!(rows("database('lab').Storms | count"), json!([[7]]));
    assert_eq!(rows("['odd name'] | project ['a b'], state, State"), json!([[1, "lower", "upper"]]));
    assert_eq!(rows("print 1, b = 'x'"), json!([[1, "x"]]));
    assert_eq!(schema("print 1, b = 'x'"), "print_0:long,b:string");
    assert_eq!(rows("Storms // comment\n| count;"), json!([[7]]));
}

#[test]
fn comparisons() {
    for (predicate, expected) in [
        ("State == 'TEXAS'", 3),
        ("State == 'texas'", 0),
        ("State =~ 'texas'", 3),
        ("State !~ 'texas'", 4),
        ("State != 'TEXAS'", 4),
        ("EventId > 3", 3),
        ("EventId >= 3", 4),
        ("EventId < 3", 2),
        ("EventId <= 3", 3),
        // A null is not a number: not equal to any, in no order with any.
        ("EventId != 3", 6),
        ("EventId == int(null)", 0),
        ("not(EventId > 3)", 3),
        ("Damage > 1", 4),
        ("Damage == 3", 1),
        ("Damage >= 1.5 and Damage < 10", 3),
        ("StartTime > datetime(2007-01-31)", 3),
        ("StartTime == datetime(2007-02-01)", 1),
        ("StartTime between (datetime(2007-01-01) .. 2d)", 3),
        ("StartTime between (datetime(2007-01-02) .. datetime(2007-01-02 12:00))", 2),
        ("EventId between (2 .. 4)", 3),
        ("EventId !between (2 .. 4)", 3),
        ("Damage between (0.25 .. 2)", 3),
        ("State in ('TEXAS', \"OHIO\")", 5),
        ("State !in ('TEXAS', 'OHIO')", 2),
        ("State in~ ('texas')", 3),
        ("State !in~ ('texas')", 4),
        ("EventId in (1, 2, 99)", 2),
        ("EventId !in (1, 2)", 5),
        ("true", 7),
        ("false or EventId == 1", 1),
        ("EventId == 1 or EventId == 2 and State == 'OHIO'", 1),
        ("(EventId == 1 or EventId == 2) and State == 'TEXAS'", 2),
    ] {
        assert_eq!(hits(predicate), expected, "{predicate}");
    }
}

#[test]
fn text_tests() {
    for (predicate, expected) in [
        ("EventType has 'flood'", 1),
        ("EventType has 'floo'", 0),
        ("EventType has_cs 'flood'", 0),
        ("EventType !has 'flood'", 6),
        ("EventType contains 'LOO'", 1),
        ("EventType contains_cs 'LOO'", 0),
        ("EventType !contains 'o'", 2),
        ("EventType startswith 'dro'", 2),
        ("EventType !startswith 'dro'", 5),
        ("EventType startswith_cs 'dro'", 0),
        ("EventType endswith 'LARGE'", 1),
        ("EventType !endswith 'large'", 6),
        ("EventType endswith_cs 'LARGE'", 0),
        ("EventType has ''", 7),
        ("State contains ''", 7),
    ] {
        assert_eq!(hits(predicate), expected, "{predicate}");
    }
}

#[test]
fn empty_and_null() {
    for (predicate, expected) in [
        ("isempty(State)", 1),
        ("isnotempty(State)", 6),
        ("isnull(State)", 0),
        ("isnotnull(State)", 7),
        ("isnull(EventId)", 1),
        ("isnotnull(EventId)", 6),
        ("isempty(EventId)", 1),
        ("isnull(StartTime)", 1),
        ("isnull(Damage)", 2),
    ] {
        assert_eq!(hits(predicate), expected, "{predicate}");
    }
    assert_eq!(rows("Types | where isnull(r) | count"), json!([[1]]));
}

#[test]
fn arithmetic_and_literals() {
    for (expression, expected) in [
        ("1 + 2 * 3", json!(7)),
        ("(1 + 2) * 3", json!(9)),
        ("7 / 2", json!(3)),
        ("7.0 / 2", json!(3.5)),
        ("-14 % 12", json!(10)),
        ("14 % -12", json!(2)),
        ("1 / 0", json!(null)),
        ("1.0 / 0", json!("Infinity")),
        ("0.0 / 0", json!("NaN")),
        ("- - 5", json!(5)),
        ("-(2)", json!(-2)),
        ("2d + 3h", json!("2.03:00:00")),
        ("1d / 1h", json!(24.0)),
        ("1h * 3", json!("03:00:00")),
        ("1h / 2", json!("00:30:00")),
        ("1h * 1.5", json!("01:30:00")),
        ("datetime(2007-01-02) - datetime(2007-01-01)", json!("1.00:00:00")),
        ("datetime(2007-01-02) - 1d", json!("2007-01-01T00:00:00.0000000Z")),
        ("bool(true)", json!(true)),
        ("timespan(2)", json!("2.00:00:00")),
        ("time(15 seconds)", json!("00:00:15")),
        ("guid(74be27de-1e4e-49d9-b579-fe0b331d3642)", json!("74be27de-1e4e-49d9-b579-fe0b331d3642")),
        ("decimal(1.50)", json!("1.5")),
        ("decimal(2) > decimal(10)", json!(false)),
        ("decimal(2) == 2", json!(true)),
        ("dynamic({\"a\": 1})", json!({"a": 1})),
        ("long(null)", json!(null)),
        ("int(null) == int(null)", json!(null)),
        ("int(null) == 5", json!(false)),
        ("0x1F", json!(31)),
        ("1e3", json!(1000.0)),
        ("real(nan) == real(nan)", json!(false)),
        ("'it''s'", json!("its")),
        ("@'a\\b'", json!("a\\b")),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
    assert_eq!(schema("Types | project x = i + i, y = i * r, z = -i"), "x:long,y:real,z:long");
}

#[test]
fn functions() {
    for (expression, expected) in [
        ("tostring(5)", json!("5")),
        ("tostring(true)", json!("true")),
        ("tostring(int(null))", json!("")),
        ("tostring(datetime(2007-01-01))", json!("2007-01-01T00:00:00.0000000Z")),
        ("tostring(1d)", json!("1.00:00:00")),
        ("tostring(dynamic(\"x\"))", json!("x")),
        ("tostring(dynamic({\"a\":1}))", json!("{\"a\":1}")),
        ("tolong('12')", json!(12)),
        ("tolong('x')", json!(null)),
        ("tolong(2.9)", json!(2)),
        ("toint('2147483648')", json!(null)),
        ("toint(2147483648)", json!(null)),
        ("toint(7)", json!(7)),
        ("todouble('1.5')", json!(1.5)),
        ("toreal(2)", json!(2.0)),
        ("tobool('true')", json!(true)),
        ("todatetime('2007-01-01')", json!("2007-01-01T00:00:00.0000000Z")),
        ("totimespan('1.00:00:00')", json!("1.00:00:00")),
        ("toguid('x')", json!(null)),
        ("todecimal('2.50')", json!("2.5")),
        ("strlen('é-')", json!(2)),
        ("tolower('AÉ')", json!("aé")),
        ("toupper('aé')", json!("AÉ")),
        ("strcat('a', 1, true)", json!("a1true")),
        ("substring('héllo', 1, 3)", json!("éll")),
        ("substring('héllo', 3)", json!("lo")),
        ("iff(1 < 2, 'a', 'b')", json!("a")),
        ("not(true)", json!(false)),
        ("bin(7, 5)", json!(5)),
        ("bin(-1, 5)", json!(-5)),
        ("bin(7.5, 2.0)", json!(6.0)),
        ("bin(datetime(2007-01-01 13:45), 1h)", json!("2007-01-01T13:00:00.0000000Z")),
        ("startofday(datetime(2007-01-01 13:45))", json!("2007-01-01T00:00:00.0000000Z")),
        ("parse_json('{\"a\":[5]}').a[0]", json!(5)),
        ("dynamic({\"a b\":1})['a b']", json!(1)),
        ("dynamic({\"a\":1}).b", json!(null)),
        ("dynamic({\"a\":\"x\"}).a == 'x'", json!(true)),
        ("dynamic({\"a\":\"5\"}).a == 5", json!(false)),
        ("tolong(dynamic({\"a\":\"5\"}).a)", json!(5)),
        ("now() - now()", json!("00:00:00")),
        ("now(1h) - ago(1h)", json!("02:00:00")),
        ("ago(1d) > datetime(2020-01-01)", json!(true)),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}
