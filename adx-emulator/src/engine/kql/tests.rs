//! Queries through the engine's door: every operator and function, and every refusal.

use serde_json::{Value, json};

use crate::engine::{Engine, KustoError, RequestOptions};

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
    assert!(answer.to_v2()[1]["Rows"][0][2].as_str().unwrap().contains("columnchart"));
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
        // A null is no number: not equal to any, in no order with any.
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
    let options = RequestOptions { validate_permissions: true };
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
