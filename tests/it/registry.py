"""Writes records with Confluent's own serializers.

Arguments: bootstrap servers, the registry's URL, a topic, and what to write (a function's name below). Records go to
partition 0 in order; the number of records is printed.
"""

import datetime
import decimal
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

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
    registry.register_schema("address", Schema(ADDRESS, "AVRO"))
    references = [SchemaReference("com.ex.Address", "address", 1)]
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


globals()[WHAT]()
assert producer.flush(60) == 0
print(sent)
