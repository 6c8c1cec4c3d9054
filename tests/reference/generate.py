#!/usr/bin/env python3
"""Writes the corpus of cases that Kafka's own code and ours both run: `cases.jsonl`, beside this file.

One JSON document per line. `{"define": name, "record": R}` names a record; everything else is a case with an `id`, a
`kind` and what that kind needs (`Reference.java` reads them). Values are typed: {"int8": "1"}, {"float32": "1.5"},
{"bytes": base64}, {"decimal": [unscaled, scale]}, {"date": ms}, {"array": [...]}, {"map": [[key, value], ...]},
{"struct": [...]} in the order of the schema's fields, null.

The cases are products of small lists, so that no combination is left to somebody's imagination. What depends on the order
of a HashMap, the default time zone or an object's address has no place here: it is not the same from run to run.

`generate.py` writes the file, `generate.py --check` fails when it would write another. Deterministic; Python 3 alone.
"""

import base64
import itertools
import json
import pathlib
import struct as binary
import sys

TRANSFORMS = "org.apache.kafka.connect.transforms."
DATA = "org.apache.kafka.connect.data."
CORPUS = pathlib.Path(__file__).with_name("cases.jsonl")

# Values.


def i8(n):
    return {"int8": str(n)}


def i16(n):
    return {"int16": str(n)}


def i32(n):
    return {"int32": str(n)}


def i64(n):
    return {"int64": str(n)}


def f32(text):
    return {"float32": str(text)}


def f64(text):
    return {"float64": str(text)}


def boolean(flag):
    return {"boolean": flag}


def string(text):
    return {"string": text}


def b64(data):
    return base64.b64encode(data).decode()


def blob(data):
    return {"bytes": b64(data)}


def decimal(unscaled, scale):
    return {"decimal": [str(unscaled), scale]}


def date(ms):
    return {"date": ms}


def array(*values):
    return {"array": list(values)}


def dictionary(*entries):
    return {"map": [list(entry) for entry in entries]}


def record_map(**fields):
    return dictionary(*((string(name), value) for name, value in fields.items()))


def struct(*values):
    return {"struct": list(values)}


# Schemas.


def schema(kind, **more):
    return {"type": kind, **more}


def optional(of, **more):
    return {**of, "optional": True, **more}


def with_default(of, value):
    return {**of, "default": value}


def array_of(items):
    return schema("ARRAY", items=items)


def map_of(keys, values):
    return schema("MAP", keys=keys, values=values)


def struct_of(*fields, **more):
    return schema("STRUCT", fields=[{"name": name, "schema": each} for name, each in fields], **more)


INT8, INT16, INT32, INT64 = (schema(f"INT{bits}") for bits in (8, 16, 32, 64))
FLOAT32, FLOAT64 = schema("FLOAT32"), schema("FLOAT64")
BOOLEAN, STRING, BYTES = schema("BOOLEAN"), schema("STRING"), schema("BYTES")
DATE = schema("INT32", name=DATA + "Date", version=1)
TIME = schema("INT32", name=DATA + "Time", version=1)
TIMESTAMP = schema("INT64", name=DATA + "Timestamp", version=1)


def decimal_of(scale):
    return schema("BYTES", name=DATA + "Decimal", version=1, parameters={"scale": str(scale)})


DAY = 86_400_000
NOON = 43_200_000
MOMENT = 1_700_000_000_123

# One of each type: name, schema, value, another value (as a default).
KINDS = [
    ("int8", INT8, i8(7), i8(-8)),
    ("int16", INT16, i16(300), i16(-301)),
    ("int32", INT32, i32(70_000), i32(-70_001)),
    ("int64", INT64, i64(5_000_000_000), i64(-5_000_000_001)),
    ("float32", FLOAT32, f32(1.5), f32(-2.5)),
    ("float64", FLOAT64, f64(2.25), f64(-3.125)),
    ("boolean", BOOLEAN, boolean(True), boolean(True)),
    ("string", STRING, string("12"), string("13")),
    ("bytes", BYTES, blob(b"\x01\xff"), blob(b"\x02")),
    ("decimal", decimal_of(2), decimal(12345, 2), decimal(-1, 2)),
    ("date", DATE, date(19_000 * DAY), date(DAY)),
    ("time", TIME, date(NOON + 1), date(1)),
    ("timestamp", TIMESTAMP, date(MOMENT), date(-1)),
    ("array", array_of(INT32), array(i32(1), i32(2)), array(i32(3))),
    ("map", map_of(STRING, INT32), dictionary((string("k"), i32(1))), dictionary()),
    ("struct", struct_of(("in", INT32)), struct(i32(9)), None),
]
SCALARS = KINDS[:13]
PRIMITIVES = KINDS[:8]


def both(of, value):
    return {"schema": of, "value": value}


def schemaless(value):
    return {"schema": None, "value": value}


# What a transformation works on, by name.
OPERANDS = {
    "s-null": schemaless(None),
    "s-empty": schemaless(dictionary()),
    "s-flat": schemaless(
        record_map(a=i64(1), b=string("x"), c=boolean(True), d=f64(1.5), n=None)
    ),
    "s-kinds": schemaless(record_map(**{name: value for name, _, value, _ in KINDS if name != "struct"})),
    "s-nested": schemaless(
        record_map(
            a=record_map(b=record_map(c=i64(1)), l=array(i64(1))),
            e=record_map(),
            l=array(i64(1), string("x"), None),
            n=None,
        )
    ),
    "s-dotted": schemaless(
        dictionary((string("a.b"), record_map(c=i64(5), **{"d`.e": i64(6)})), (string("a"), record_map(b=i64(7))))
    ),
    "s-keys": schemaless(dictionary((i64(1), i64(2)))),
    "s-string": schemaless(string("text")),
    "s-int64": schemaless(i64(5)),
    "s-boolean": schemaless(boolean(False)),
    "s-array": schemaless(array(i64(1))),
    "c-empty": both(struct_of(), struct()),
    "c-flat": both(
        struct_of(("a", INT64), ("b", STRING), ("c", BOOLEAN), ("d", optional(FLOAT64)), ("n", optional(STRING))),
        struct(i64(1), string("x"), boolean(True), f64("1.5"), None),
    ),
    "c-kinds": both(
        struct_of(*((name, of) for name, of, _, _ in KINDS)),
        struct(*(value for _, _, value, _ in KINDS)),
    ),
    "c-nulls": both(
        struct_of(*((name, optional(of)) for name, of, _, _ in KINDS)),
        struct(*(None for _ in KINDS)),
    ),
    "c-defaults": both(
        struct_of(*((name, optional(with_default(of, other))) for name, of, _, other in KINDS if other)),
        struct(*(None for _, _, _, other in KINDS if other)),
    ),
    "c-required-defaults": both(
        struct_of(*((name, with_default(of, other)) for name, of, _, other in KINDS if other)),
        struct(*(None for _, _, _, other in KINDS if other)),
    ),
    "c-nested": both(
        struct_of(
            ("a", struct_of(("b", struct_of(("c", INT32))), ("l", array_of(INT64)))),
            ("o", optional(struct_of(("x", INT32), ("y", with_default(STRING, string("dy")))))),
            ("p", optional(struct_of(("x", INT32), ("q", struct_of(("z", with_default(INT32, i32(4)))))))),
            ("l", array_of(struct_of(("x", INT32)))),
        ),
        struct(
            struct(struct(i32(1)), array(i64(2))),
            None,
            struct(i32(3), struct(None)),
            array(struct(i32(5))),
        ),
    ),
    "c-nested-default": both(
        struct_of(
            ("a", {**optional(struct_of(("x", INT32), ("y", optional(INT64)))), "default": struct(i32(6), None)}),
        ),
        struct(None),
    ),
    "c-dotted": both(
        struct_of(
            ("a.b", struct_of(("c", INT32), ("d`.e", INT32))),
            ("a", struct_of(("b", INT32))),
        ),
        struct(struct(i32(5), i32(6)), struct(i32(7))),
    ),
    "c-named": both(
        struct_of(
            ("a", schema("INT32", name="inner", version=2, doc="a number", parameters={"p": "q"})),
            ("b", optional(schema("STRING", doc="text"))),
            name="com.example.Named",
            version=7,
            doc="documented",
            parameters={"x": "1", "y": "2"},
        ),
        struct(i32(1), string("two")),
    ),
    "c-map": both(struct_of(("m", map_of(STRING, INT32)), ("a", INT64)), struct(dictionary((string("k"), i32(1))), i64(1))),
    "c-optional-map": both(
        struct_of(("m", optional(map_of(STRING, INT32))), ("a", INT64)), struct(None, i64(1))
    ),
    "c-null": both(optional(struct_of(("a", INT64), ("b", STRING))), None),
    "c-null-default": both(
        {**optional(struct_of(("a", INT64), ("b", STRING))), "default": struct(i64(3), string("y"))}, None
    ),
    "c-string": both(STRING, string("text")),
    "c-int64": both(INT64, i64(5)),
    "c-array": both(array_of(INT64), array(i64(1))),
    "c-plain-map": both(map_of(STRING, INT64), dictionary((string("a"), i64(1)))),
    "c-null-int64": both(optional(INT64), None),
}

CASES = []
RECORDS = {}
IDS = set()


def case(name, kind, **more):
    assert name not in IDS, f"two cases {name}"
    IDS.add(name)
    CASES.append({"id": name, "kind": kind, **more})


def define(name, record):
    known = RECORDS.setdefault(name, record)
    assert known == record, f"two records {name}"
    return name


def record(**changes):
    made = {
        "topic": "topic",
        "partition": 3,
        "offset": 42,
        "timestamp": MOMENT,
        "key": both(optional(STRING), string("key")),
        "value": both(optional(STRING), string("value")),
        "headers": [],
    }
    made.update(changes)
    return made


def of_operand(side, name):
    return define(f"{side}:{name}", record(**{side: OPERANDS[name]}))


def transform(name, which, config, record_name):
    case(name, "transform", **{"class": TRANSFORMS + which}, config=config, record=record_name)


def sided(name, which, config, operands, sides=("value",)):
    """One case for each operand, as a record's value or key or both in turn."""
    for side, operand in itertools.product(sides, operands):
        transform(
            f"{name}/{side}/{operand}", f"{which}${side.capitalize()}", config, of_operand(side, operand)
        )


def refused(name, which, configs, side="$Value"):
    """Configurations that are wrong, or look so, on a record that would do."""
    for number, config in enumerate(configs):
        transform(f"{name}/config/{number}", which + side, config, of_operand("value", "c-flat"))


BOTH = ("value", "key")
ALL = list(OPERANDS)
WRONG = [
    "s-string", "s-int64", "s-boolean", "s-array",
    "c-string", "c-int64", "c-array", "c-plain-map", "c-null-int64",
]
NULLS = ["s-null", "c-null", "c-null-default"]

# Cast.

TARGETS = ["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"]
TEXTS = [
    "", "0", "12", "-129", "128", "40000", "3000000000", "9223372036854775808", "+5", " 1", "1 ", "1.5", "1e3", "-0.0",
    "0x10", "1_000", "NaN", "Infinity", "-Infinity", "1f", "1d", "1e400", "true", "TRUE", "false", "yes", "x",
    "\u0663", ".5", "5.", "0x1p3", "1e-400", "3.4028236e38", "3.5e38",
]
EDGES = [
    *((INT8, i8(n)) for n in (0, 1, -1, 127, -128)),
    *((INT16, i16(n)) for n in (0, 128, -129, 32767, -32768)),
    *((INT32, i32(n)) for n in (0, 40_000, 2**24 + 1, 2**31 - 1, -(2**31))),
    *((INT64, i64(n)) for n in (0, 3_000_000_000, 2**53 + 1, 2**63 - 1, -(2**63), 256)),
    *((FLOAT32, f32(n)) for n in ("0.0", "-0.0", "0.5", "-1.5", "127.9", "300.7", "3.0E9", "1.0E20", "1.1", "0.001",
                                  "1.0E-4", "1.0E7", "1.23456E8", "3.4028235E38", "1.4E-45", "NaN", "Infinity",
                                  "-Infinity")),
    *((FLOAT64, f64(n)) for n in ("0.0", "-0.0", "0.1", "-1.5", "127.9", "300.7", "3.0E9", "1.0E19", "1.0E300", "0.001",
                                  "1.0E-4", "1.0E7", "12345678.9", "1.7976931348623157E308", "4.9E-324", "2.2E-322",
                                  "9007199254740993", "NaN", "Infinity", "-Infinity")),
    *((BOOLEAN, boolean(flag)) for flag in (True, False)),
    *((STRING, string(text)) for text in ("1", "0")),
]


def cast():
    for target in TARGETS:
        for name, of, value, _ in KINDS:
            for side, operand in (("c", both(of, value)), ("s", schemaless(value))):
                if name == "struct" and side == "s":
                    continue
                where = define(f"value:{side}-whole-{name}", record(value=operand))
                transform(f"cast/whole/{target}/{side}/{name}", "Cast$Value", {"spec": target}, where)
        for number, text in enumerate(TEXTS):
            where = define(f"value:text-{number}", record(value=both(STRING, string(text))))
            transform(f"cast/text/{target}/{number}", "Cast$Value", {"spec": target}, where)
        names = [f"f{number}" for number in range(len(EDGES))]
        spec = ",".join(f"{name}:{target}" for name in names)
        typed = both(struct_of(*zip(names, (of for of, _ in EDGES))), struct(*(value for _, value in EDGES)))
        loose = schemaless(dictionary(*((string(name), value) for name, (_, value) in zip(names, EDGES))))
        transform(f"cast/edges/c/{target}", "Cast$Value", {"spec": spec}, define("value:c-edges", record(value=typed)))
        transform(f"cast/edges/s/{target}", "Cast$Value", {"spec": spec}, define("value:s-edges", record(value=loose)))
        for name, of, _, other in SCALARS:
            for flag in ("true", "false"):
                config = {"spec": f"{name}:{target}", "replace.null.with.default": flag}
                transform(
                    f"cast/default/{target}/{name}/{flag}", "Cast$Value", config, of_operand("value", "c-defaults")
                )
        for name, _, _, _ in SCALARS:
            transform(
                f"cast/null/{target}/{name}", "Cast$Value", {"spec": f"{name}:{target}"}, of_operand("value", "c-nulls")
            )
        for number, ms in enumerate((0, -1, DAY, DAY + 1, 253_402_300_800_000, -62_135_596_800_001)):
            for name, of in (("date", DATE), ("time", TIME), ("timestamp", TIMESTAMP)):
                operand = both(struct_of(("f", of)), struct(date(ms)))
                where = define(f"value:c-{name}-{number}", record(value=operand))
                transform(f"cast/dates/{target}/{name}/{number}", "Cast$Value", {"spec": f"f:{target}"}, where)
    sided("cast/fields", "Cast", {"spec": "a:string,b:string,missing:int8"}, ALL, BOTH)
    sided("cast/whole", "Cast", {"spec": "string"}, NULLS + WRONG, BOTH)
    refused("cast", "Cast", [
        {}, {"spec": ""}, {"spec": " "}, {"spec": "foo"}, {"spec": "a:foo"}, {"spec": "a:int8:int16"},
        {"spec": "int8,int16"}, {"spec": "a:"}, {"spec": ":int8"}, {"spec": ":"}, {"spec": "a:int8,a:int16"},
        {"spec": "a:bytes"}, {"spec": "bytes"}, {"spec": "array"}, {"spec": "a:int8,int16"}, {"spec": "INT8"},
        {"spec": "a:STRING"}, {"spec": " a : int8 "}, {"spec": "a:int8, b:string"}, {"spec": "a:int8,"}, {"spec": ",a:int8"},
        {"spec": "a:decimal"}, {"spec": "a:int8", "replace.null.with.default": "perhaps"},
        {"spec": "a:int8", "replace.null.with.default": "TRUE"}, {"spec": "a:int8", "unknown": "x"},
    ])


# Headers.

HEADERS = [
    ["one", both(STRING, string("1"))],
    ["two", both(INT32, i32(2))],
    ["one", schemaless(i64(3))],
    ["", schemaless(None)],
]


def headers():
    where = define("headers", record(headers=HEADERS, value=OPERANDS["c-flat"]))
    loose = define("headers-s", record(headers=HEADERS, value=OPERANDS["s-flat"], key=OPERANDS["s-flat"]))
    for number, names in enumerate(["one", "two", "one,two", "none", "One", "one, two", "", " ", ",", "one,one"]):
        transform(f"drop-headers/{number}", "DropHeaders", {"headers": names}, where)
    transform("drop-headers/nothing", "DropHeaders", {}, where)
    transform("drop-headers/no-headers", "DropHeaders", {"headers": "one"}, of_operand("value", "c-flat"))
    literals = [
        "", " ", "text", "1", "128", "1.5", "true", "null", "[1,2]", '{"a":1}', '"quoted"', "2020-01-02", "[", "12ab",
    ]
    for number, literal in enumerate(literals):
        transform(f"insert-header/{number}", "InsertHeader", {"header": "one", "value.literal": literal}, where)
    for number, config in enumerate([{}, {"header": "x"}, {"value.literal": "x"}, {"header": "", "value.literal": "x"},
                                     {"header": " ", "value.literal": "x"}]):
        transform(f"insert-header/config/{number}", "InsertHeader", config, where)
    for operation in ("move", "copy"):
        for number, (fields, names) in enumerate([("a", "h"), ("a,b", "h,i"), ("a,b", "h,h"), ("b", "one"), ("n", "h"),
                                                  ("a,a", "h,i"), ("missing", "h"), ("a,missing", "h,i"), ("a,b,c,d,n", "a,b,c,d,n")]):
            config = {"fields": fields, "headers": names, "operation": operation}
            transform(f"header-from/{operation}/c/{number}", "HeaderFrom$Value", config, where)
            transform(f"header-from/{operation}/s/{number}", "HeaderFrom$Value", config, loose)
            transform(f"header-from/{operation}/key/{number}", "HeaderFrom$Key", config, loose)
        sided(f"header-from/{operation}", "HeaderFrom", {"fields": "a", "headers": "h", "operation": operation}, ALL, BOTH)
        for name, _, _, other in KINDS:
            config = {"fields": name, "headers": "h", "operation": operation}
            sided(f"header-from/{operation}/{name}", "HeaderFrom", config, ["c-kinds", "s-kinds"])
            for flag in ("true", "false"):
                if other and operation == "copy":
                    sided(f"header-from/default/{name}/{flag}", "HeaderFrom",
                          {**config, "replace.null.with.default": flag}, ["c-defaults"])
    refused("header-from", "HeaderFrom", [
        {}, {"fields": "a", "headers": "h"}, {"fields": "a", "operation": "move"}, {"headers": "h", "operation": "move"},
        {"fields": "a", "headers": "h", "operation": "MOVE"}, {"fields": "a", "headers": "h", "operation": "x"},
        {"fields": "a,b", "headers": "h", "operation": "copy"}, {"fields": "", "headers": "", "operation": "copy"},
        {"fields": "a", "headers": "", "operation": "copy"}, {"fields": "", "headers": "h", "operation": "copy"},
        {"fields": " a , b ", "headers": " h, i ", "operation": "copy"}, {"fields": "a", "headers": "h", "operation": ""},
        {"fields": "a", "headers": "h", "operation": "copy", "replace.null.with.default": "x"},
    ])


# Fields.


def fields():
    for field in ("a", "missing"):
        sided(f"extract/v1/{field}", "ExtractField", {"field": field}, ALL, BOTH)
    for path in ("a.b.c", "a.b", "a.missing.c", "o.x", "p.q.z", "l.x", "`a.b`.c", "`a.b`.`d``.e`", "`a.b`.`d`.e`",
                 "`a.b`.`d\\`.e`", "a.b.c.d", "e.x", "`a`", "n.x"):
        for version in ("V1", "V2"):
            sided(f"extract/{version}/{path}", "ExtractField", {"field": path, "field.syntax.version": version},
                  ["s-nested", "s-dotted", "c-nested", "c-dotted"])
    for path in ("a.b.c", "a"):
        sided(f"extract/wrong/{path}", "ExtractField", {"field": path, "field.syntax.version": "V2"}, NULLS + WRONG)
    for name, _, _, other in KINDS:
        sided(f"extract/kind/{name}", "ExtractField", {"field": name}, ["c-kinds", "c-nulls", "s-kinds"])
        if other:
            for flag in ("true", "false"):
                for operand in ("c-defaults", "c-required-defaults"):
                    sided(f"extract/default/{name}/{flag}", "ExtractField",
                          {"field": name, "replace.null.with.default": flag}, [operand])
    refused("extract", "ExtractField", [
        {}, {"field": ""}, {"field": " a "}, {"field": "a", "field.syntax.version": "V3"},
        {"field": "a", "field.syntax.version": "v2"}, {"field": "a", "field.syntax.version": ""},
        *({"field": path, "field.syntax.version": "V2"} for path in (
            "", ".", "a.", ".a", "a..b", "`a", "a`", "`a`b", "``", "`a`.", "`a`.`b", "a.`b", "a.b`c", "`a.b``c`", "`a\\`.b`", "\\a")),
    ])
    for field in ("wrapped", "a.b", ""):
        sided(f"hoist/{field}", "HoistField", {"field": field}, ["c-flat", "s-flat"])
    sided("hoist", "HoistField", {"field": "wrapped"}, ALL, BOTH)
    refused("hoist", "HoistField", [{}, {"field": " x "}])
    for delimiter in (None, ".", "_", "", "::"):
        config = {} if delimiter is None else {"delimiter": delimiter}
        # Which of several wrong values is named depends on the order of a HashMap.
        sided(f"flatten/{delimiter}", "Flatten", config, [name for name in ALL if name != "s-kinds"],
              BOTH if delimiter is None else ("value",))
    for name, _, value, _ in KINDS[:-1]:
        where = define(f"value:s-one-{name}", record(value=schemaless(record_map(a=record_map(f=value)))))
        transform(f"flatten/kind/{name}", "Flatten$Value", {}, where)
    collisions = both(struct_of(("a", struct_of(("b", INT32))), ("a.b", INT32)), struct(struct(i32(1)), i32(2)))
    transform("flatten/collision", "Flatten$Value", {}, define("value:collision", record(value=collisions)))
    for flag in ("true", "false"):
        for operand in ("c-defaults", "c-required-defaults", "c-nested", "c-nested-default"):
            config = {"delimiter": "-", "replace.null.with.default": flag}
            transform(f"flatten/default/{flag}/{operand}", "Flatten$Value", config, of_operand("value", operand))
    replace()
    value_to_key()
    mask()


def replace():
    configs = [
        {}, {"exclude": "a"}, {"include": "a"}, {"renames": "a:z"}, {"exclude": "a,b,c,d,n"}, {"include": "a,b", "exclude": "b"},
        {"include": "a", "renames": "a:z"}, {"exclude": "a", "renames": "a:z"}, {"renames": "a:b"}, {"renames": "a:b,b:a"},
        {"include": "missing"}, {"exclude": "missing"}, {"renames": "missing:z"}, {"include": "z", "renames": "a:z"},
        {"exclude": ""}, {"include": ""}, {"renames": ""}, {"include": " a , b "}, {"renames": "a:z,a:y"},
        {"renames": "a:z,b:z"},
    ]
    for number, config in enumerate(configs):
        sided(f"replace/{number}", "ReplaceField", config, ["c-flat", "s-flat"])
    sided("replace/all", "ReplaceField", {"exclude": "b", "renames": "a:z"}, ALL, BOTH)
    sided("replace/named", "ReplaceField", {"renames": "a:z"}, ["c-named"])
    for flag in ("true", "false"):
        for operand in ("c-defaults", "c-required-defaults"):
            config = {"exclude": "int8", "replace.null.with.default": flag}
            sided(f"replace/default/{flag}", "ReplaceField", config, [operand])
    refused("replace", "ReplaceField", [
        {"renames": "a"}, {"renames": "a:"}, {"renames": ":z"}, {"renames": "a:b:c"}, {"renames": ":"}, {"renames": "a:z,b"},
        {"blacklist": "a"}, {"whitelist": "a"}, {"renames": " a : z "}, {"replace.null.with.default": "x"},
        {"include": "a,"}, {"exclude": ",a"},
    ])


def value_to_key():
    for names in ("a", "a,b", "b,a", "missing", "a,missing", "a,a", "n"):
        for operand in ("c-flat", "s-flat"):
            transform(f"value-to-key/{names}/{operand}", "ValueToKey", {"fields": names}, of_operand("value", operand))
    for operand in ALL:
        transform(f"value-to-key/all/{operand}", "ValueToKey", {"fields": "a"}, of_operand("value", operand))
    for name, _, _, other in KINDS:
        for operand in ("c-kinds", "c-nulls", "s-kinds"):
            transform(f"value-to-key/kind/{name}/{operand}", "ValueToKey", {"fields": name}, of_operand("value", operand))
        for flag in ("true", "false"):
            if other:
                config = {"fields": name, "replace.null.with.default": flag}
                transform(f"value-to-key/default/{name}/{flag}", "ValueToKey", config, of_operand("value", "c-defaults"))
    refused("value-to-key", "ValueToKey", [{}, {"fields": ""}, {"fields": " a , b "}, {"fields": ","},
                                           {"fields": "a", "replace.null.with.default": "x"}], "")


def mask():
    replacements = [None, "7", "300", "-1", "1.5", "x", "99999999999999999999", "1e3", "NaN", " 7", "\u0663"]
    for name, _, _, other in KINDS:
        for number, replacement in enumerate(replacements):
            config = {"fields": name} if replacement is None else {"fields": name, "replacement": replacement}
            sided(f"mask/{name}/{number}", "MaskField", config, ["c-kinds", "s-kinds"])
        sided(f"mask/null/{name}", "MaskField", {"fields": name}, ["c-nulls"])
        sided(f"mask/null/{name}/5", "MaskField", {"fields": name, "replacement": "5"}, ["c-nulls"])
        for flag in ("true", "false"):
            if other:
                sided(f"mask/default/{name}/{flag}", "MaskField",
                      {"fields": name, "replace.null.with.default": flag}, ["c-defaults", "c-required-defaults"])
    sided("mask/all", "MaskField", {"fields": "a"}, ALL, BOTH)
    sided("mask/missing", "MaskField", {"fields": "a,missing"}, ["c-flat", "s-flat"])
    sided("mask/missing/5", "MaskField", {"fields": "a,missing", "replacement": "5"}, ["c-flat", "s-flat"])
    sided("mask/nested", "MaskField", {"fields": "a"}, ["c-nested", "s-nested"])
    refused("mask", "MaskField", [{}, {"fields": ""}, {"fields": " a , b "}, {"fields": ","},
                                  {"fields": "a", "replacement": ""},
                                  {"fields": "a", "replacement": " "}, {"fields": "a", "replace.null.with.default": "x"}])


def insert():
    configs = [
        {"topic.field": "t"}, {"partition.field": "p"}, {"offset.field": "o"}, {"timestamp.field": "s"},
        {"static.field": "f", "static.value": "v"}, {"topic.field": "t!"}, {"topic.field": "t?"}, {"offset.field": "o!"},
        {"timestamp.field": "s!"}, {"partition.field": "p!"}, {"static.field": "f!", "static.value": "v"},
        {"topic.field": "a"}, {"static.field": "a", "static.value": ""}, {"topic.field": "t!?"}, {"topic.field": "!"},
        {"topic.field": "t", "partition.field": "p", "offset.field": "o", "timestamp.field": "s", "static.field": "f",
         "static.value": "v"},
        {"topic.field": "x", "partition.field": "x"},
    ]
    for number, config in enumerate(configs):
        for operand in ("c-flat", "s-flat"):
            transform(f"insert/{number}/{operand}", "InsertField$Value", config, of_operand("value", operand))
            where = define(f"timeless:{operand}", record(timestamp=None, value=OPERANDS[operand]))
            transform(f"insert/timeless/{number}/{operand}", "InsertField$Value", config, where)
    sided("insert/all", "InsertField", {"topic.field": "t", "timestamp.field": "s?"}, ALL, BOTH)
    for flag in ("true", "false"):
        sided(f"insert/default/{flag}", "InsertField", {"topic.field": "t", "replace.null.with.default": flag},
              ["c-defaults", "c-required-defaults", "c-null-default"])
    refused("insert", "InsertField", [
        {}, {"static.field": "f"}, {"static.value": "v"}, {"topic.field": ""}, {"topic.field": " "},
        {"static.field": "", "static.value": "v"},
        {"topic.field": "t", "replace.null.with.default": "x"},
    ])


def metadata():
    configs = [
        {"schema.name": "n"}, {"schema.version": "5"}, {"schema.name": "n", "schema.version": "5"}, {"schema.name": ""},
        {"schema.version": "-1"}, {"schema.version": " 5 "},
    ]
    for number, config in enumerate(configs):
        sided(f"metadata/{number}", "SetSchemaMetadata", config,
              ["c-flat", "c-named", "c-nested", "s-flat", *NULLS, "c-string", "c-array", "c-plain-map"], BOTH)
    for flag in ("true", "false"):
        sided(f"metadata/default/{flag}", "SetSchemaMetadata", {"schema.name": "n", "replace.null.with.default": flag},
              ["c-defaults", "c-required-defaults", "c-null-default"])
    sided("metadata/all", "SetSchemaMetadata", {"schema.name": "n", "schema.version": "9"}, WRONG)
    refused("metadata", "SetSchemaMetadata", [
        {}, {"schema.version": "x"}, {"schema.version": ""}, {"schema.version": "2147483648"}, {"schema.version": "1.5"},
        {"schema.name": "n", "replace.null.with.default": "x"},
    ])


# Time.

PRECISIONS = {"seconds": 1_700_000_000, "milliseconds": MOMENT, "microseconds": MOMENT * 1000 + 456,
              "nanoseconds": MOMENT * 1_000_000 + 456_789}
TIME_TARGETS = ["string", "unix", "Date", "Time", "Timestamp"]
SOURCES = [("date", DATE, date(19_000 * DAY)), ("time", TIME, date(NOON + 1)), ("timestamp", TIMESTAMP, date(MOMENT)),
           ("unix", INT64, None), ("string", STRING, string("2023-11-14 22:13:20.123"))]
FORMAT = "yyyy-MM-dd HH:mm:ss.SSS"
FORMATS = [
    "yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss.SSS", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ssXXX",
    "yyyy-MM-dd'T'HH:mm:ss.SSSZ", "yyyy-MM-dd HH:mm:ss z", "EEE, d MMM yyyy HH:mm:ss Z", "EEEE d MMMM yyyy G", "yyMMdd",
    "yyyyMMddHHmmssSSS", "d/M/yy h:mm a", "K:mm a", "k:mm", "D yyyy", "w yyyy", "YYYY-'W'ww-u", "F E MMMM yyyy", "W MMMM yyyy",
    "MM-dd-yyyy", "yyyy", "HH:mm", "S", "SSSSSS", "''yyyy''", "'year' yyyy", "yyyy-MM-dd'T'HH:mm:ss.SSSX", "zzzz", "XX",
    "y", "yyy", "yyyyy", "MMMMM", "L", "LLL", "hh 'o''clock' a, zzzz",
]
TIMES = [0, -1, MOMENT, 951_782_400_000, 1_709_164_800_000, -2_208_988_800_000, 253_402_300_799_999, 1_704_067_199_999]
PARSED = [
    ("yyyy-MM-dd", ["2020-01-02", "2020-1-2", "2020-02-30", "2020-13-01", "2020-01-02x", " 2020-01-02", "x", "", "20-01-02",
                    "-5-01-02", "2020-01", "02020-01-02", "2020-00-00", "1500-01-01", "1582-10-10"]),
    ("yyyyMMdd", ["20200102", "2020012", "202001", "2020010212"]),
    ("yyMMdd", ["200102", "990102", "700102", "500102", "2020102"]),
    ("HH:mm:ss", ["01:02:03", "25:61:61", "1:2:3", "24:00:00", "-1:00:00"]),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSX", ["2020-01-02T03:04:05.678Z", "2020-01-02T03:04:05.678+01", "2020-01-02T03:04:05.6Z",
                                    "2020-01-02T03:04:05.678901Z", "2020-01-02T03:04:05.678+01:00", "2020-01-02T03:04:05.678"]),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", ["2020-01-02T03:04:05Z", "2020-01-02T03:04:05+01:00", "2020-01-02T03:04:05-0130"]),
    ("yyyy-MM-dd HH:mm:ss Z", ["2020-01-02 03:04:05 +0100", "2020-01-02 03:04:05 -0130", "2020-01-02 03:04:05 GMT+2",
                               "2020-01-02 03:04:05 UTC"]),
    ("yyyy-MM-dd HH:mm:ss z", ["2020-01-02 03:04:05 UTC", "2020-01-02 03:04:05 GMT", "2020-07-02 03:04:05 PST",
                               "2020-01-02 03:04:05 GMT+02:00", "2020-01-02 03:04:05 +0200"]),
    ("EEE, d MMM yyyy HH:mm:ss Z", ["Thu, 2 Jan 2020 03:04:05 +0000", "Fri, 2 Jan 2020 03:04:05 +0000", "thu, 2 jan 2020 03:04:05 +0000",
                                    "Xxx, 2 Jan 2020 03:04:05 +0000", "Thu, 2 January 2020 03:04:05 +0000"]),
    ("d MMMM yyyy", ["2 January 2020", "2 Jan 2020", "31 February 2020"]),
    ("h:mm a", ["1:02 AM", "1:02 pm", "12:00 AM", "12:00 PM", "13:00 PM"]),
    ("K:mm a", ["0:02 AM", "11:02 PM"]), ("k:mm", ["24:00", "1:00"]), ("D yyyy", ["60 2020", "366 2021"]),
    ("yyyy G", ["2020 AD", "5 BC"]), ("w YYYY", ["1 2020"]), ("'T'yyyy", ["T2020", "2020"]), ("yyyy''", ["2020'"]),
    ("yyyy  MM", ["2020 01", "2020  01"]), ("S", ["5", "1234"]), ("y", ["20", "2020"]), ("u w YYYY", ["3 1 2020"]),
]


def times():
    for (source, of, value), target, (precision, unix) in itertools.product(SOURCES, TIME_TARGETS, PRECISIONS.items()):
        value = value or i64(unix)
        config = {"target.type": target, "unix.precision": precision, "format": FORMAT}
        name = source if source != "unix" else f"unix-{precision}"
        where = define(f"value:time-{name}", record(value=both(of, value)))
        transform(f"time/whole/{source}/{target}/{precision}", "TimestampConverter$Value", config, where)
        field = {**config, "field": "f"}
        where = define(f"value:time-field-{name}", record(value=both(
            struct_of(("e", optional(INT32)), ("f", {**of, "doc": "kept?"}), name="named"), struct(None, value))))
        transform(f"time/field/{source}/{target}/{precision}", "TimestampConverter$Value", field, where)
        if source in ("date", "time"):
            continue
        where = define(f"value:time-s-{name}", record(value=schemaless(value)))
        transform(f"time/s/{source}/{target}/{precision}", "TimestampConverter$Value", config, where)
        where = define(f"value:time-s-field-{name}", record(value=schemaless(record_map(f=value, g=i64(1)))))
        transform(f"time/s-field/{source}/{target}/{precision}", "TimestampConverter$Value", field, where)
    for (source, of, value), target in itertools.product(SOURCES, TIME_TARGETS):
        default = value or i64(MOMENT)
        operand = both(
            struct_of(("f", optional(of)), ("g", optional(with_default(of, default))), ("h", INT32)), struct(None, None, i32(1)))
        where = define(f"value:time-null-{source}", record(value=operand))
        for field, flag in (("f", "true"), ("g", "true"), ("g", "false")):
            config = {"target.type": target, "format": FORMAT, "field": field, "replace.null.with.default": flag}
            transform(f"time/null/{source}/{target}/{field}/{flag}", "TimestampConverter$Value", config, where)
        where = define(f"value:time-whole-null-{source}", record(value=both(optional(of), None)))
        transform(f"time/whole-null/{source}/{target}", "TimestampConverter$Value",
                  {"target.type": target, "format": FORMAT}, where)
    for target in TIME_TARGETS:
        config = {"target.type": target, "format": FORMAT}
        sided(f"time/kinds/{target}", "TimestampConverter", config, ["s-null", "s-flat", "s-string", "s-boolean", "s-array",
              "c-flat", "c-string", "c-array", "c-null", "c-null-int64"], BOTH if target == "unix" else ("value",))
        for name, _, _, _ in KINDS:
            sided(f"time/kind/{target}/{name}", "TimestampConverter", {**config, "field": name}, ["c-kinds", "s-kinds"])
        sided(f"time/missing/{target}", "TimestampConverter", {**config, "field": "missing"},
              ["c-flat", "s-flat", *NULLS, *WRONG])
        for number, ms in enumerate(TIMES):
            where = define(f"value:ms-{number}", record(value=both(TIMESTAMP, date(ms))))
            transform(f"time/ms/{target}/{number}", "TimestampConverter$Value", config, where)
            for precision in PRECISIONS:
                where = define(f"value:unix-{number}", record(value=both(INT64, i64(ms))))
                transform(f"time/unix/{target}/{number}/{precision}", "TimestampConverter$Value",
                          {**config, "unix.precision": precision}, where)
    for (number, pattern), (which, ms) in itertools.product(enumerate(FORMATS), enumerate(TIMES)):
        if which < 4:
            where = define(f"value:ms-{which}", record(value=both(TIMESTAMP, date(ms))))
            transform(f"time/format/{number}/{which}", "TimestampConverter$Value",
                      {"target.type": "string", "format": pattern}, where)
    for number, (pattern, texts) in enumerate(PARSED):
        for which, text in enumerate(texts):
            where = define(f"value:parsed-{number}-{which}", record(value=both(STRING, string(text))))
            transform(f"time/parse/{number}/{which}", "TimestampConverter$Value",
                      {"target.type": "Timestamp", "format": pattern}, where)
    big = define("value:big", record(value=both(INT64, i64(2**63 - 1))))
    for target, precision in itertools.product(TIME_TARGETS, PRECISIONS):
        transform(f"time/big/{target}/{precision}", "TimestampConverter$Value",
                  {"target.type": target, "format": FORMAT, "unix.precision": precision}, big)
    refused("time", "TimestampConverter", [
        {}, {"target.type": ""}, {"target.type": "date"}, {"target.type": "STRING"},
        {"target.type": "string"}, {"target.type": "string", "format": ""}, {"target.type": "string", "format": "bad"},
        {"target.type": "unix", "format": "bad"}, {"target.type": "string", "format": "'open"},
        {"target.type": "unix", "unix.precision": "minutes"}, {"target.type": "unix", "unix.precision": "SECONDS"},
        {"target.type": "unix", "unix.precision": ""},
        {"target.type": "unix", "replace.null.with.default": "x"}, {"target.type": "unix", "field": " a "},
        {"target.type": " unix "},
    ])


def routers():
    formats = ["${topic}-${timestamp}", "${topic}", "${timestamp}", "x", "${timestamp}_${topic}_${topic}", "", "$", "${topic", "$1"]
    for (number, pattern), stamp in itertools.product(enumerate(formats), ("yyyyMMdd", "yyyy-MM-dd'T'HH", "''")):
        transform(f"timestamp-router/{number}/{stamp}", "TimestampRouter",
                  {"topic.format": pattern, "timestamp.format": stamp}, of_operand("value", "c-flat"))
    for number, ms in enumerate(TIMES):
        where = define(f"moment-{number}", record(timestamp=ms, topic="t$1-${timestamp}"))
        transform(f"timestamp-router/moment/{number}", "TimestampRouter", {}, where)
    for operand in ("c-flat", "s-null", "c-string"):
        where = define(f"timeless:{operand}", record(timestamp=None, value=OPERANDS[operand]))
        transform(f"timestamp-router/timeless/{operand}", "TimestampRouter", {}, where)
    for number, config in enumerate([{"timestamp.format": "bad"}, {"timestamp.format": ""}]):
        transform(f"timestamp-router/config/{number}", "TimestampRouter", config, of_operand("value", "c-flat"))
    topics = ["topic", "db.schema.table", "a-b-c", "2024", "Topic", "aa", "t\u00e4ble", "a\nb"]
    rules = [
        (".*", "x"), ("(.*)", "pre-$1"), ("topic", "new"), ("top", "new"), ("([^.]+)\\.([^.]+)\\.([^.]+)", "$3"),
        ("(?<db>\\w+)\\.(?<rest>.*)", "${rest}_${db}"), ("(?!a).*", "not-a"), ("(?=.*b).*", "has-b"), ("(a)\\1", "twice"),
        ("(.)(.*)", "$2$1"), ("(a)?(.*)", "[$1][$2]"), ("(?i)TOPIC", "i"), ("[a-z]+", "$0-$0"), ("(.*?)", "<$1>"),
        ("\\d+", "digits"), ("(.*)", "\\$1"), ("(.*)", "$2"), ("(.*)", "$"), ("(.*)", "${no}"), ("(.*)", "\\"), ("(.*)", ""),
        ("", "x"), ("(.*)", "$1$"), ("(.*)", "$11"), ("\\Qtopic\\E", "q"), ("\\p{Lower}+", "lower"), ("[\\w&&[^t]]+", "cut"),
        ("(?<n>.)(?<m>.*)", "${m}${n}"), ("a|aa", "alt"), (".++", "possessive"), ("(?s).*", "all"), ("t.ble", "uni"),
        ("(?>a|aa)", "atomic"), ("\\w+", "word"), ("(?<=^)t.*", "behind"), ("(.*)", "$a"), ("(.*)", "${1}"),
    ]
    for (number, (regex, replacement)), (which, topic) in itertools.product(enumerate(rules), enumerate(topics)):
        if which in (0, number % 7 + 1, 5):
            if f"regex-router/{number}/{which}" in IDS:
                continue
            transform(f"regex-router/{number}/{which}", "RegexRouter", {"regex": regex, "replacement": replacement},
                      define(f"topic-{which}", record(topic=topic)))
    for number, config in enumerate([{}, {"regex": ".*"}, {"replacement": "x"}, {"regex": "[", "replacement": "x"},
                                     {"regex": "(", "replacement": "x"}, {"regex": "a{2,1}", "replacement": "x"},
                                     {"regex": "*", "replacement": "x"}, {"regex": "(?<a-b>.)", "replacement": "x"}]):
        transform(f"regex-router/config/{number}", "RegexRouter", config, define("topic-0", record(topic="topic")))


def predicates():
    for operand in ALL:
        transform(f"filter/{operand}", "Filter", {}, of_operand("value", operand))
        case(f"tombstone/{operand}", "predicate", **{"class": TRANSFORMS + "predicates.RecordIsTombstone"}, config={},
             record=of_operand("value", operand))
    where = define("headers", record(headers=HEADERS, value=OPERANDS["c-flat"]))
    for number, config in enumerate([{"name": "one"}, {"name": "two"}, {"name": "One"}, {"name": "none"}, {"name": ""}, {"name": " "}, {}]):
        for which, record_name in enumerate((where, of_operand("value", "c-flat"))):
            case(f"has-header/{number}/{which}", "predicate", **{"class": TRANSFORMS + "predicates.HasHeaderKey"},
                 config=config, record=record_name)
    topics = ["topic", "db.schema.table", "a-b-c", "2024", "Topic", "aa", "t\u00e4ble", "a\nb"]
    patterns = ["topic", "top", ".*", "to.*", "(?i)TOPIC", "(?!a).*", "[0-9]+", "\\d+", "a|aa", "(a)\\1", "^topic$", "topic|", "",
                "\\p{Alpha}+", "[", "("]
    for (number, pattern), (which, topic) in itertools.product(enumerate(patterns), enumerate(topics)):
        case(f"topic-matches/{number}/{which}", "predicate", **{"class": TRANSFORMS + "predicates.TopicNameMatches"},
             config={"pattern": pattern}, record=define(f"topic-{which}", record(topic=topic)))
    case("topic-matches/nothing", "predicate", **{"class": TRANSFORMS + "predicates.TopicNameMatches"}, config={},
         record=define("topic-0", record(topic="topic")))


# Converters.


def converter(name, which, data, config=None, is_key=False):
    case(name, "converter", **{"class": which}, config=config or {}, isKey=is_key, topic="t",
         bytes=None if data is None else b64(data))


def header(name, which, data, config=None):
    case(name, "header", **{"class": which}, config=config or {}, bytes=None if data is None else b64(data))


NUMBERS = {
    "Short": [binary.pack(">h", n) for n in (0, 1, -1, 32767, -32768)],
    "Integer": [binary.pack(">i", n) for n in (0, 1, -1, 2**31 - 1, -(2**31))],
    "Long": [binary.pack(">q", n) for n in (0, 1, -1, 2**63 - 1, -(2**63))],
    "Float": [binary.pack(">f", n) for n in (0.0, -0.0, 1.5, float("inf"), float("nan"), 1e-45)],
    "Double": [binary.pack(">d", n) for n in (0.0, -0.0, 1.5, float("-inf"), float("nan"), 5e-324)],
    "Boolean": [bytes([n]) for n in (0, 1, 2, 255)],
}
ENCODED = [b"", b"text", b" ", "\u00e4\u20ac\U0001f600".encode(), b"\xff", b"a\xc3", b"\xc3\x28", b"\xe2\x82", b"\xf0\x9f\x98",
           b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"\x00", b"\xe4\xf6", b"\xef\xbb\xbfbom", b"\xe2\x28\xa1", b"\x80\x80",
           b"\xf0\x28\x8c\xbc", b"\xf8\x88\x80\x80\x80", b"\xe1\x80\xe1\x80"]


def converters():
    package = "org.apache.kafka.connect.converters."
    for name, values in NUMBERS.items():
        for number, data in enumerate([None, *values, *(bytes(size) for size in range(10))]):
            converter(f"{name}/value/{number}", f"{package}{name}Converter", data)
            header(f"{name}/header/{number}", f"{package}{name}Converter", data)
        converter(f"{name}/key", f"{package}{name}Converter", values[1], is_key=True)
        converter(f"{name}/key-wrong", f"{package}{name}Converter", b"123", is_key=True)
    for number, data in enumerate([None, *ENCODED]):
        converter(f"ByteArray/value/{number}", f"{package}ByteArrayConverter", data)
        header(f"ByteArray/header/{number}", f"{package}ByteArrayConverter", data)
        storage = "org.apache.kafka.connect.storage."
        header(f"String/header/{number}", f"{storage}StringConverter", data)
        header(f"Simple/encoded/{number}", f"{storage}SimpleHeaderConverter", data)
        converter(f"String/default/{number}", f"{storage}StringConverter", data)
        for encoding in ("UTF-8", "US-ASCII", "utf8", "ASCII", "ISO-8859-1", "latin1", "UTF-16", "UTF-16BE", "UTF-16LE"):
            converter(f"String/{encoding}/{number}", f"{storage}StringConverter", data, {"converter.encoding": encoding})
    for encoding in ("", "nonsense", "ISO-8859-1", "UTF-16"):
        converter(f"String/encoding/{encoding}", f"{storage}StringConverter", b"\x00text", {"converter.encoding": encoding})
        converter(f"String/encoding/{encoding}/null", f"{storage}StringConverter", None, {"converter.encoding": encoding})


JSON_TYPES = {
    **{name: {"type": name} for name in ("boolean", "int8", "int16", "int32", "int64", "float", "double", "bytes", "string")},
    "array": {"type": "array", "items": {"type": "int32"}},
    "map": {"type": "map", "keys": {"type": "string"}, "values": {"type": "int32"}},
    "int-map": {"type": "map", "keys": {"type": "int32"}, "values": {"type": "string", "optional": True}},
    "struct": {"type": "struct", "fields": [{"field": "a", "type": "int32"}, {"field": "b", "type": "string", "optional": True}]},
    "decimal": {"type": "bytes", "name": DATA + "Decimal", "version": 1, "parameters": {"scale": "2"}},
    "date": {"type": "int32", "name": DATA + "Date", "version": 1},
    "time": {"type": "int32", "name": DATA + "Time", "version": 1},
    "timestamp": {"type": "int64", "name": DATA + "Timestamp", "version": 1},
}
# The text of a payload, because not every number survives Python.
PAYLOADS = [
    "null", "true", "0", "1", "-1", "128", "40000", "3000000000", "9223372036854775808", "1.5", "1.0", "1e2", "-0.0", "1e400", '""',
    '"x"', '"12"', '"AQI="', '"AQI"', '"A"', "[]", "[1,2]", "[null]", '["x"]', '[["k",1]]', '[[1,"v"]]', '[[1,null]]', "[[1]]", "{}",
    '{"a":1}', '{"a":1,"b":"x","c":2}', '{"a":null}', '{"a":"x"}', '{"a":1.9}', '{"b":"x"}',
]
DEFAULTS = {
    "boolean": True, "int8": 1, "int16": 2, "int32": 3, "int64": 4, "float": 1.5, "double": 2.5, "bytes": "AQI=", "string": "d",
    "array": [7], "map": {"k": 8}, "int-map": [[1, "v"]], "struct": {"a": 1}, "decimal": "AQI=", "date": 5, "time": 6,
    "timestamp": 7,
}
BAD_SCHEMAS = [
    "true", '"string"', "1", "[]", "{}", '{"type":null}', '{"type":1}', '{"type":"x"}', '{"type":"STRING"}', '{"type":"array"}',
    '{"type":"array","items":null}', '{"type":"array","items":"string"}', '{"type":"map"}', '{"type":"map","keys":{"type":"string"}}',
    '{"type":"map","values":{"type":"string"}}', '{"type":"struct"}', '{"type":"struct","fields":{}}', '{"type":"struct","fields":[]}',
    '{"type":"struct","fields":[{}]}', '{"type":"struct","fields":[{"type":"int32"}]}', '{"type":"struct","fields":[{"field":"a"}]}',
    '{"type":"struct","fields":[{"field":1,"type":"int32"}]}', '{"type":"struct","fields":[null]}', '{"type":"struct","fields":["a"]}',
    '{"type":"struct","fields":[{"field":"a","type":"int32"},{"field":"a","type":"int32"}]}',
    '{"type":"string","optional":"true"}', '{"type":"string","optional":1}', '{"type":"string","optional":null}',
    '{"type":"string","name":1}', '{"type":"string","name":null}', '{"type":"string","version":"1"}',
    '{"type":"string","version":1.5}', '{"type":"string","version":null}', '{"type":"string","doc":1}',
    '{"type":"string","parameters":{"a":"b"}}', '{"type":"string","parameters":{"a":1}}', '{"type":"string","parameters":[]}',
    '{"type":"string","parameters":null}', '{"type":"string","default":1}', '{"type":"string","default":null}',
    '{"type":"int32","default":"x"}', '{"type":"int8","default":300}', '{"type":"string","unknown":1}',
    f'{{"type":"bytes","name":"{DATA}Decimal"}}', f'{{"type":"bytes","name":"{DATA}Decimal","parameters":{{"scale":"x"}}}}',
    f'{{"type":"int64","name":"{DATA}Date"}}', f'{{"type":"string","name":"{DATA}Date"}}',
    f'{{"type":"int32","name":"{DATA}Timestamp"}}', f'{{"type":"int32","name":"{DATA}Decimal"}}',
    '{"type":"struct","name":"n","version":3,"doc":"d","fields":[]}',
]
ENVELOPES = [
    "{}", '{"schema":null}', '{"payload":1}', '{"schema":null,"payload":null}', '{"schema":null,"payload":1}',
    '{"schema":null,"payload":{"a":[1,2.5,"x",null,true,{}]}}', '{"schema":null,"payload":1,"more":2}',
    '{"schema":{"type":"int32"},"payload":1,"more":2}', "null", "1", "true", '"x"', "[]", "[1]", "", " ", "x", "{",
    '{"schema":{"type":"int32"},"payload":1} x', '{"schema":{"type":"int32"},"payload":1}{}', '{"payload":1,"schema":{"type":"int32"}}',
    '{"schema":{"type":"int32"},"schema":{"type":"string"},"payload":"x"}', '{"Schema":{"type":"int32"},"Payload":1}',
]
PLAIN = [
    "null", "true", "false", "0", "-0", "1", "-1", "007", "-007", "00", "9223372036854775807", "9223372036854775808",
    "-9223372036854775809", "18446744073709551616", "123456789012345678901234567890", "1.5", "1.0", "-0.0", "1e2", "1E400", "-1e400",
    "1e-400", "0.1", "100000000000000000000.5", "3.141592653589793238462643383279", "2.2250738585072014e-308", '""', '"x"',
    '"\\u00e4\\n\\ud83d\\ude00"', '"\\ud800"', '"\\x"', '"tab\there"', '"open', "[]", "[1,2]", '[1,"x",null,true,[],{}]', "[1,]", "[", "{}",
    '{"a":1}', '{"a":{"b":{"c":[1.5]}}}', '{"a":1,"a":2}', '{"a":null}', '{"":1}', "{a:1}", "{'a':1}", '{"a":1,}', '{"a"}', "", " ", "\n",
    "tru", "nul", "True", "NaN", "Infinity", "-", "+1", ".5", "5.", "1.e2", "1e", "0x10", "1 2", "1 x", "true false", "[1] [2]", "// c\n1",
    "/* c */1", "\ufeff1", "\u00e4", '{"schema":{"type":"int32"},"payload":1}', " 1 ", "\t[ 1 , 2 ]\n", "1\x00",
]


def json_converter():
    which = "org.apache.kafka.connect.json.JsonConverter"

    def envelope(name, schema_text, payload, config=None):
        converter(name, which, f'{{"schema":{schema_text},"payload":{payload}}}'.encode(), config)

    for name, of in JSON_TYPES.items():
        required, loose = json.dumps(of), json.dumps({**of, "optional": True})
        for number, payload in enumerate(PAYLOADS):
            envelope(f"json/{name}/{number}", required, payload)
        envelope(f"json/{name}/optional/null", loose, "null")
        for flag, absent in itertools.product(("true", "false"), (False, True)):
            with_one = {**of, "default": DEFAULTS[name], "optional": absent}
            config = {"replace.null.with.default": flag}
            envelope(f"json/{name}/default/{flag}/{absent}", json.dumps(with_one), "null", config)
            field = json.dumps({"type": "struct", "fields": [{**with_one, "field": "f"}]})
            envelope(f"json/{name}/field/{flag}/{absent}/null", field, '{"f":null}', config)
            envelope(f"json/{name}/field/{flag}/{absent}/missing", field, "{}", config)
        full = {**of, "name": of.get("name", "n"), "version": 3, "doc": "d", "parameters": {**of.get("parameters", {}), "p": "q"}}
        envelope(f"json/{name}/full", json.dumps({**full, "optional": True}), "null")
    for payload in ("123.45", "123.456", "1e3", '"MDk="', '"x"', "0", "-1.5", '""', "12", "true"):
        envelope(f"json/decimal/payload/{payload}", json.dumps(JSON_TYPES["decimal"]), payload)
    for number, text in enumerate(BAD_SCHEMAS):
        envelope(f"json/schema/{number}", text, "null")
        envelope(f"json/schema/{number}/text", text, '"x"')
    for number, text in enumerate(ENVELOPES):
        converter(f"json/envelope/{number}", which, text.encode())
        converter(f"json/envelope/{number}/key", which, text.encode(), {"schemas.enable": "true"}, True)
    for number, text in enumerate(PLAIN):
        converter(f"json/plain/{number}", which, text.encode(), {"schemas.enable": "false"})
    for number, data in enumerate([b"\xff", b'"\xff"', b'"\xc3"', b'"\xed\xa0\x80"', b"\xef\xbb\xbf1", "\u00e4".encode("latin-1"),
                                   '{"a":1}'.encode("utf-16-be"), b"\x00", b"", b'"\x01"']):
        converter(f"json/encoded/{number}", which, data, {"schemas.enable": "false"})
    # The results say two levels for one.
    for depth in (1, 50, 1001, 3000):
        nested = ("[" * depth + "1" + "]" * depth).encode()
        converter(f"json/deep/{depth}", which, nested, {"schemas.enable": "false"})
        header(f"json/deep/header/{depth}", which, nested, {"schemas.enable": "false"})
    for digits in (19, 20, 1000, 1001):
        number = b"1" * digits
        converter(f"json/long/{digits}", which, number, {"schemas.enable": "false"})
        converter(f"json/long/{digits}/envelope", which, b'{"schema":{"type":"int64"},"payload":' + number + b"}", {"schemas.enable": "true"})
    for number, text in enumerate(("1.0", "-7.000", "12e1", "1200e-2", "0e9", "1.50e1", "9223372036854775807.0")):
        for kind in ("int8", "int16", "int32", "int64"):
            envelope(f"json/whole/{kind}/{number}", json.dumps({"type": kind}), text)
    for flag in ("true", "false"):
        converter(f"json/null/{flag}", which, None, {"schemas.enable": flag})
        converter(f"json/null/{flag}/key", which, None, {"schemas.enable": flag}, True)
        header(f"json/header/null/{flag}", which, None, {"schemas.enable": flag})
        for number, text in enumerate(("1", '{"a":1}', "x", '{"schema":{"type":"int32"},"payload":1}')):
            header(f"json/header/{flag}/{number}", which, text.encode(), {"schemas.enable": flag})
    of = json.dumps({"type": "struct", "fields": [{"field": "a", "type": "int32"}, {"field": "b", "type": "string", "default": "d"}]})
    for flag in ("true", "false"):
        for number, text in enumerate(('{"a":1}', '{"a":1,"b":"x"}', '{"a":"x"}', "{}", "null", "1", "", "x", '{"schema":null,"payload":1}')):
            converter(f"json/content/{flag}/{number}", which, text.encode(), {"schemas.enable": flag, "schema.content": of})
    for number, config in enumerate([{"schemas.enable": "x"}, {"schemas.enable": ""}, {"schemas.enable": "TRUE"},
                                     {"decimal.format": "x"}, {"decimal.format": "numeric"},
                                     {"schemas.cache.size": "x"}, {"schemas.cache.size": "0"}, {"schemas.cache.size": "-1"},
                                     {"replace.null.with.default": "x"}, {"schema.content": "x"}, {"schema.content": ""},
                                     {"schema.content": '{"type":"x"}'}, {"unknown": "x"}]):
        converter(f"json/config/{number}", which, b'{"schema":null,"payload":{"a":1}}', config)


# Literals.

LITERALS = [
    "", " ", "  ", "null", "true", "false", "True", "NULL", "x", "text here", "0", "-0", "+0", "1", "-1", "+1", "007", "127", "128", "-128",
    "-129", "32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1.0", "1.50", "1.5", "-1.5", ".5", "5.", "1e3", "1.5e3", "1e-3",
    "1E400", "3.4028235e38", "3.5e38", "1e39", "1.7976931348623157e308", "1e-400", "0.1", "0.10000000149011612", "123456789.123456789",
    "16777217", "16777217.5", "NaN", "Infinity", "-", "+", "--1", "1-", "1x", "12 ab", "0x10", "1,5", "1 2", "1f", "1L", "2020-01-02",
    "2020-13-40", "2020-1-2", "01:02:03.004Z", "25:61:61.999Z", "2020-01-02T03:04:05.678Z", "2020-01-02T03:04:05Z",
    "2020-01-02T03:04:05.678+0100", "2020-01-02x", "1500-01-01", "'x'", "\\", "\\n", "a\\,b", "a,b", "a:b", "\u00e4",
]
BROKEN = [
    "[", "]", "{", "}", "[]", "{}", "[ ]", "{ }", "[,]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1", "[1,2", "1]", "[1]]", "[[1]", "[1]x", "[1] ",
    " [1]", "x[1]", "{1}", "{1:}", "{:1}", "{1:2", "{1:2,}", "{,1:2}", "{1:2}x", "{1:2:3}", "{1 2}", "{null:1}", "{1:null}", '{"a":1,"b":2}',
    '{"a":1,"b":"x"}', '{"a":1,2:"x"}', "{1:1.5,2:300}", '{"a":[1,2],"b":[3]}', '{"a":{"b":{"c":1}}}', "[[1],[2]]", "[[1],[300]]", "[[1],[x]]",
    '[[1],["x"]]', "[{1:2},{3:4}]", "[1,300]", "[1,300,70000,5000000000]", "[1,1.5]", "[1.5,1e39]", "[1,9223372036854775808]",
    "[1.5,9223372036854775808]", "[true,false]", "[true,1]", '[1,"x"]', "[null]", "[null,1]", "[1,null]", '["x",null]', '["x","y"]', "[x]",
    "[true]", "[truex]", "[nullx]", '"', '""', '"x', 'x"', '"x"y', '"x" ', ' "x"', '"a\\"b"', '"a\\\\b"', '"a\\nb"', '["a\\"b"]', '["a,b"]',
    '["a]b"]', "[\"a\", 'b']", "['a']", '{"a" : 1}', '{ "a":1 , "b":2 }', '[ 1 , 2 ]', '["2020-01-02"]', '["2020-01-02","01:02:03.004Z"]',
    "[2020-01-02]", "[2020-01-02T03:04:05.678Z]", '{"2020-01-02T03:04:05.678Z":1}', "{a:1}", "[\\]]", "[\\,]", "\\[1]", "[1\\,2]", "[--1]",
    "[1e400]", "[-]", "[+1]", "[1.0,2.0]", "[128,1.0]", "\t[1]", "[\t1\n]", '"""', '["x]', "[\"x\"", "null ", " null", "nullx", "true ",
    " true", "truex", "true,", "true]", "null,null", "[[[[1]]]]", '{"a":}', '{"a"}', '{"a",}', "{1:2,1:3}", "[1:2]", "{[1]:2}", "{{1:2}:3}",
    "a[1]b", "a{1:2}b", '[""]', '{"":""}', "2020-01-02 ", " 2020-01-02", "2020-01-02,", "1,2", "1:2", ":", ",", ",1", ": 1", "[:]",
]
ALPHABET = [" ", "[", "]", "{", "}", '"', ",", ":", "\\", "1", "x"]
PIECES = [" ", "[", "]", "{", "}", '"', ",", ":", "\\", "1", "x", "1.5", "300", "null", "true", '"y"', "[1]", '{"k":2}', "2020-01-02",
          "[1,", ",2]", '{"z":', "01:02:03.004Z", "-7"]
WRAPPERS = {"bare": "{}", "before": " {}", "after": "{} ", "quoted": '"{}"', "list": "[{}]", "pair": "[{0},{0}]", "value": '{{"k":{}}}',
            "key": "{{{}:1}}", "quoted-list": '["{}"]', "mixed": "[{},1]"}


def literals():
    for (number, text), (name, wrapper) in itertools.product(enumerate(LITERALS), WRAPPERS.items()):
        case(f"literal/{name}/{number}", "literal", text=wrapper.format(text))
    for number, text in enumerate(BROKEN):
        case(f"literal/shape/{number}", "literal", text=text)
    for size in (1, 2, 3):
        for letters in itertools.product(range(len(ALPHABET)), repeat=size):
            name = ".".join(map(str, letters))
            case(f"literal/all/{name}", "literal", text="".join(ALPHABET[letter] for letter in letters))
    state = 1
    for number in range(600):
        text = ""
        for _ in range(4 + number % 6):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            text += PIECES[(state >> 33) % len(PIECES)]
        case(f"literal/any/{number}", "literal", text=text)
    which = "org.apache.kafka.connect.storage.SimpleHeaderConverter"
    for number, text in enumerate([*LITERALS, *BROKEN]):
        if number % 3 == 0:
            header(f"Simple/{number}", which, text.encode())
    header("Simple/null", which, None)


# Writing.


def write(name, of, value, **config):
    case(name, "write_json", config={"schemas.enable": "false", **config}, schema=of, value=value)


TEXT_VALUES = ["", "x", '"', "\\", "/", "\b\f\n\r\t", "\x00\x1f\x7f", "\u00e4\u20ac\U0001f600", "\u2028\u2029", "</script>", "'", "\ufeff", "\u0085\u00a0"]
DECIMALS = [(0, 0), (1, 0), (-1, 0), (12345, 2), (-12345, 2), (1, 10), (0, 2), (100, 2), (127, 0), (128, 0), (-128, 0), (-129, 0), (255, 0), (256, 0),
            (2**64, 0), (-(2**64), 5), (1, 7), (5, -3), (10**30, 15), (0, 7), (0, 8), (123, -1), (1, 6)]


def writing():
    for name, of, value, other in KINDS:
        write(f"write/{name}", of, value)
        write(f"write/{name}/null", optional(of), None)
        write(f"write/{name}/required-null", of, None)
        if name != "struct":
            write(f"write/{name}/schemaless", None, value)
            write(f"write/{name}/schemaless-map", None, record_map(k=value))
        if other:
            write(f"write/{name}/default", optional(with_default(of, other)), None)
            for absent in (True, False):
                field = struct_of(("f", {**with_default(of, other), "optional": absent}))
                write(f"write/{name}/default/field/{absent}", field, struct(None))
    for number, (of, value) in enumerate(EDGES):
        write(f"write/edge/{number}", of, value)
        write(f"write/edge/{number}/field", struct_of(("f", of)), struct(value))
    for number, text in enumerate(TEXT_VALUES):
        write(f"write/text/{number}", STRING, string(text))
        write(f"write/text/{number}/name", struct_of((text, STRING)), struct(string(text)))
        write(f"write/text/{number}/map", map_of(STRING, INT32), dictionary((string(text), i32(1))))
    for number, (unscaled, scale) in enumerate(DECIMALS):
        for spelling in ("BASE64", "NUMERIC"):
            config = {"decimal.format": spelling}
            write(f"write/decimal/{number}/{spelling}", decimal_of(scale), decimal(unscaled, scale), **config)
            write(f"write/decimal/{number}/{spelling}/field", struct_of(("f", decimal_of(scale))), struct(decimal(unscaled, scale)), **config)
    write("write/decimal/other-scale", decimal_of(3), decimal(1, 2))
    write("write/decimal/lower", decimal_of(2), decimal(12345, 2), **{"decimal.format": "numeric"})
    for name, of in (("date", DATE), ("time", TIME), ("timestamp", TIMESTAMP)):
        for number, ms in enumerate([0, 1, -1, DAY, -DAY, DAY - 1, DAY + 1, 2**31 * DAY, MOMENT]):
            write(f"write/{name}/{number}", of, date(ms))
    for name, of, value in [
        ("empty-array", array_of(INT32), array()),
        ("null-array", array_of(optional(INT32)), array(None, i32(1))),
        ("required-array", array_of(INT32), array(None)),
        ("wrong-array", array_of(INT32), array(string("x"))),
        ("empty-map", map_of(STRING, INT32), dictionary()),
        ("null-map", map_of(STRING, optional(INT32)), dictionary((string("k"), None))),
        ("null-key", map_of(optional(STRING), INT32), dictionary((None, i32(1)))),
        ("int-map", map_of(INT32, STRING), dictionary((i32(1), string("x")))),
        ("empty-int-map", map_of(INT32, STRING), dictionary()),
        ("struct-map", map_of(struct_of(("a", INT32)), INT8), dictionary((struct(i32(1)), i8(2)))),
        ("nested", OPERANDS["c-nested"]["schema"], OPERANDS["c-nested"]["value"]),
        ("nulls", OPERANDS["c-nulls"]["schema"], OPERANDS["c-nulls"]["value"]),
        ("kinds", OPERANDS["c-kinds"]["schema"], OPERANDS["c-kinds"]["value"]),
        ("required-defaults", OPERANDS["c-required-defaults"]["schema"], OPERANDS["c-required-defaults"]["value"]),
        ("empty-struct", struct_of(), struct()),
        ("optional-map-key", map_of(optional(STRING), INT32), dictionary((string("k"), i32(1)))),
        ("schemaless-empty", None, dictionary()), ("schemaless-array", None, array(i64(1), string("x"), None)),
        ("schemaless-int-map", None, dictionary((i64(1), i64(2)))), ("schemaless-null", None, None),
        ("schemaless-null-key", None, dictionary((None, i64(2)))),
        ("schemaless-nested", None, record_map(a=record_map(b=array(record_map(c=f64("1.5")))))),
        ("wrong-int", INT32, string("x")), ("wrong-string", STRING, i32(1)), ("wrong-width", INT32, i64(1)),
        ("wrong-decimal", decimal_of(2), blob(b"\x01")), ("wrong-date", DATE, i32(1)), ("wrong-timestamp", TIMESTAMP, i64(1)),
        ("wrong-map", map_of(STRING, INT32), array()), ("wrong-bytes", BYTES, string("x")),
    ]:
        write(f"write/{name}", of, value)


def corpus():
    for make in (cast, headers, fields, insert, metadata, times, routers, predicates, converters, json_converter, literals, writing):
        make()
    lines = [{"define": name, "record": made} for name, made in RECORDS.items()] + CASES
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def main():
    text = corpus()
    if sys.argv[1:] == ["--check"]:
        if CORPUS.read_text("utf-8") != text:
            sys.exit(f"{CORPUS.name} is not what {pathlib.Path(__file__).name} makes: run it without arguments")
    else:
        CORPUS.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
