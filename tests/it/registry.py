"""Writes records with Confluent's own serializers.

Arguments: bootstrap servers, the registry's URL, a topic, and what to write (a function's name below). Records go to
partition 0 in order; the number of records is printed.
"""

import datetime
import decimal
import os
import sys
import tempfile
import urllib.request

from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

BOOTSTRAP, REGISTRY, TOPIC, WHAT = sys.argv[1:]
registry = SchemaRegistryClient({"url": REGISTRY})
producer = Producer({"bootstrap.servers": BOOTSTRAP, "enable.idempotence": True})
sent = 0


def send(key, value, key_serializer=None, value_serializer=None):
    global sent
    headers = []
    if key_serializer is not None:
        key = key_serializer(key, SerializationContext(TOPIC, MessageField.KEY, headers))
    if value_serializer is not None:
        value = value_serializer(value, SerializationContext(TOPIC, MessageField.VALUE, headers))
    producer.produce(TOPIC, key=key, value=value, headers=headers, partition=0)
    sent += 1


ADDRESS = """{"type": "record", "name": "Address", "namespace": "com.ex",
  "fields": [{"name": "city", "type": "string"}, {"name": "zip", "type": ["null", "int"], "default": null}]}"""
STORM = """{"type": "record", "name": "Storm", "namespace": "com.ex", "doc": "A storm.", "fields": [
  {"name": "id", "type": "int"},
  {"name": "name", "type": "string", "doc": "What it is called."},
  {"name": "address", "type": "com.ex.Address"},
  {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
  {"name": "day", "type": {"type": "int", "logicalType": "date"}},
  {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
  {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["HAIL", "WIND"]}},
  {"name": "tags", "type": {"type": "array", "items": "string"}},
  {"name": "extra", "type": {"type": "map", "values": "long"}},
  {"name": "note", "type": ["null", "string"], "default": null},
  {"name": "either", "type": ["null", "int", "string", "com.ex.Address"], "default": null}%s
]}"""
LATER = """, {"name": "score", "type": "double", "default": 0.5}"""


def storm(number):
    return {
        "id": number,
        "name": f"storm {number} \u2603",
        "address": {"city": f"city {number}", "zip": None if number % 2 else number},
        "amount": decimal.Decimal(number * 100 + 25) / -100,
        "day": datetime.date(1970, 1, 1) + datetime.timedelta(days=number),
        "clock": datetime.time(0, 0, number % 60, 7000),
        "at": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=number),
        "kind": "WIND" if number % 2 else "HAIL",
        "tags": [f"t{n}" for n in range(number % 3)],
        "extra": {"n": number},
        "note": None if number % 3 else "noted",
        "either": [None, number, f"text {number}", {"city": "x", "zip": 5}][number % 4],
    }


def avro_serializers():
    registry.register_schema(f"{TOPIC}-address", Schema(ADDRESS, "AVRO"))
    references = [SchemaReference("com.ex.Address", f"{TOPIC}-address", 1)]
    first = AvroSerializer(registry, Schema(STORM % "", "AVRO", references))
    second = AvroSerializer(registry, Schema(STORM % LATER, "AVRO", references))
    by_header = AvroSerializer(
        registry,
        Schema(STORM % LATER, "AVRO", references),
        conf={"schema.id.serializer": header_schema_id_serializer},
    )
    return first, second, by_header


def avro():
    """60 storms of two versions, keys in Avro too, the last twenty with the schema's id in a header."""
    first, second, by_header = avro_serializers()
    key = AvroSerializer(
        registry, '{"type": "record", "name": "Key", "fields": [{"name": "id", "type": "long"}]}'
    )
    for number in range(60):
        value = storm(number)
        if number >= 20:
            value["score"] = number / 4
        send({"id": number}, value, key, first if number < 20 else second if number < 40 else by_header)
    send({"id": 0}, None, key)


def avro_and_bad():
    """20 storms, of which each is followed by one that cannot be read."""
    first, _, _ = avro_serializers()
    for number in range(20):
        send(None, storm(number), None, first)
        bad = [b"{}", b"\x00\x00\x00\x00\x63\x02", b"\x00\x00\x00\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff", b""]
        send(None, bad[number % 4])


JSON_ADDRESS = """{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Address", "type": "object",
  "properties": {"city": {"type": "string"}, "zip": {"type": "integer", "connect.type": "int32"}},
  "required": ["city"]}"""
JSON_STORM = """{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Storm", "type": "object",
  "definitions": {"tag": {"type": "string", "description": "A word."}},
  "properties": {
    "id": {"type": "integer", "connect.type": "int32", "connect.index": 0},
    "name": {"type": "string"},
    "address": {"$ref": "address.json"},
    "amount": {"type": "number", "title": "org.apache.kafka.connect.data.Decimal", "connect.version": 1,
      "connect.type": "bytes", "connect.parameters": {"scale": "2"}},
    "day": {"type": "integer", "title": "org.apache.kafka.connect.data.Date", "connect.version": 1,
      "connect.type": "int32"},
    "ratio": {"type": "number"},
    "kind": {"enum": ["HAIL", "WIND"]},
    "tags": {"type": "array", "items": {"$ref": "#/definitions/tag"}},
    "extra": {"type": "object", "connect.type": "map", "additionalProperties": {"type": "integer"}},
    "pairs": {"type": "array", "connect.type": "map", "items": {"type": "object", "properties": {
      "key": {"type": "integer"}, "value": {"type": "string"}}}},
    "note": {"oneOf": [{"type": "null"}, {"type": "string"}]},
    "either": {"oneOf": [{"type": "integer"}, {"type": "string"}, {"$ref": "address.json"}]},
    "both": {"allOf": [{"$ref": "address.json"}, {"properties": {"more": {"type": ["boolean", "null"]}}}]},
    "next": {"$ref": "#"}%s
  }, "required": ["id", "name"]}"""
JSON_LATER = """, "score": {"type": "number", "default": 0.5}"""


def json_schema():
    """40 storms of two versions; properties that are not required are missing in every fourth."""
    registry.register_schema(f"{TOPIC}-address", Schema(JSON_ADDRESS, "JSON"))
    references = [SchemaReference("address.json", f"{TOPIC}-address", 1)]

    def serializer(more):
        schema = Schema(JSON_STORM % more, "JSON", references)
        return JSONSerializer(schema, registry, to_dict=lambda value, _: value)

    first, second = serializer(""), serializer(JSON_LATER)
    for number in range(40):
        value = {"id": number, "name": f"storm {number} \u2603"}
        if number % 4:
            value |= {
                "address": {"city": f"city {number}", "zip": number},
                "amount": number + 0.25,
                "day": number,
                "ratio": number / 8,
                "kind": "WIND",
                "tags": ["a", "b"],
                "extra": {"n": number},
                "pairs": [{"key": number, "value": "v"}],
                "note": None,
                "either": [0, number, f"text {number}", {"city": "x", "zip": 5}][number % 4],
                "both": {"city": "y", "more": True},
                "next": {"id": -1, "name": "inner"},
            }
        if number >= 20 and number % 4:
            value["score"] = number / 4
        send(None, value, None, first if number < 20 else second)


PROTOS = {
    "confluent/meta.proto": """syntax = "proto3"; package confluent; import "google/protobuf/descriptor.proto";
        message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
        extend google.protobuf.FieldOptions { Meta field_meta = 1088; }""",
    "confluent/type/decimal.proto": """syntax = "proto3"; package confluent.type;
        message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }""",
    "com/ex/address.proto": """syntax = "proto3"; package com.ex; message Address { string city = 1; int32 zip = 2; }""",
    "com/ex/storm.proto": """syntax = "proto3"; package com.ex;
        import "com/ex/address.proto"; import "confluent/meta.proto"; import "confluent/type/decimal.proto";
        import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
        import "google/type/date.proto"; import "google/type/timeofday.proto";
        message Other { message Inner { int32 id = 1; } }
        message Storm {
          enum Kind { HAIL = 0; WIND = 1; }
          int32 id = 1;
          string name = 2;
          Address address = 3;
          confluent.type.Decimal amount = 4 [(confluent.field_meta).params = {key: "scale", value: "2"}];
          google.type.Date day = 5;
          google.type.TimeOfDay clock = 6;
          google.protobuf.Timestamp at = 7;
          Kind kind = 8;
          repeated string tags = 9;
          map<string, int64> extra = 10;
          optional string note = 11;
          oneof either { int32 number = 12; string text = 13; Address place = 14; }
          google.protobuf.StringValue wrapped = 15;
          uint64 big = 16;
          bytes raw = 17;
          repeated Address places = 18;
          Storm inner = 19;
          uint32 small = 20;
          double ratio = 21;
        }""",
}


def compiled(folder):
    """The messages, by protoc, in a pool of their own."""
    for name, text in PROTOS.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    packages = os.path.dirname(os.path.dirname(protoc.__file__))
    out = os.path.join(folder, "all")
    arguments = ["protoc", f"-I{folder}", f"-I{packages}/grpc_tools/_proto", f"-I{packages}"]
    assert protoc.main([*arguments, "--include_imports", f"--descriptor_set_out={out}", "com/ex/storm.proto"]) == 0
    files = descriptor_pb2.FileDescriptorSet()
    with open(out, "rb") as file:
        files.ParseFromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    names = ["com.ex.Storm", "com.ex.Other.Inner"]
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names]


def fill(storm, number):
    storm.id, storm.name = number, f"storm {number} \u2603"
    storm.address.city = f"city {number}"
    storm.amount.value = (number * 100 + 25).to_bytes(3, "big")
    storm.amount.scale = 2
    storm.day.year, storm.day.month, storm.day.day = 1970, 1, 1 + number
    storm.clock.seconds, storm.clock.nanos = number, 7_000_000
    storm.at.seconds, storm.at.nanos = 1_767_225_600 + number, 5_000_000
    storm.kind = number % 2
    storm.tags.extend(["a", "b"])
    storm.extra["n"] = number
    if number % 3 == 0:
        storm.note = ""
    if number % 4 == 1:
        storm.number = 0
    elif number % 4 == 2:
        storm.text = "text"
    elif number % 4 == 3:
        storm.place.city = "x"
    storm.wrapped.value = "w"
    storm.big, storm.small, storm.ratio = 2**63 + number, 2**32 - 1, number / 8
    storm.raw = b"\xff\x00"
    storm.places.add().city = "p"
    storm.inner.id = -1


def protobuf(with_guids=True):
    """20 storms, an empty one, and 10 messages of another type, each 10th storm with the schema's GUID in a header."""
    with tempfile.TemporaryDirectory() as folder:
        storm_class, inner_class = compiled(folder)
    conf = {"use.deprecated.format": False}
    plain = ProtobufSerializer(storm_class, registry, conf)
    by_header = ProtobufSerializer(
        storm_class, registry, conf | {"schema.id.serializer": header_schema_id_serializer}
    )
    inner = ProtobufSerializer(inner_class, registry, conf)
    for number in range(20):
        storm = storm_class()
        fill(storm, number)
        send(None, storm, None, by_header if with_guids and number % 10 == 9 else plain)
    send(None, storm_class(), None, plain)
    for number in range(100, 110):
        send(None, inner_class(id=number), None, inner)


def protobuf_without_guids():
    """The same for a registry that has no GUIDs."""
    protobuf(False)


def protobuf_text():
    """The same, with the registry keeping text, as a real one makes it of what is registered."""
    protobuf()
    for subject, name in [(f"{TOPIC}-value", "com/ex/storm.proto"), ("com/ex/address.proto", "com/ex/address.proto")]:
        url = f"{REGISTRY}/text/{urllib.request.quote(subject, safe='')}"
        request = urllib.request.Request(url, PROTOS[name].encode(), {"content-type": "text/plain"})
        urllib.request.urlopen(request).close()


globals()[WHAT]()
assert producer.flush(60) == 0
print(sent)
