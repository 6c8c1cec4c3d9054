"""The official Kusto SDK against the emulator: create a table, queue-ingest files, read them back by query.

Arguments: the emulator's URL and a database. Prints what it did; any difference is an error and a non-zero exit.
The binary files are written by the reference libraries of their formats, so that the emulator's readers meet others' work.
"""

import csv
import datetime
import decimal
import sys
import tempfile
import time
import uuid

import fastavro
import pyarrow
import pyarrow.orc
import pyarrow.parquet
from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.data_format import DataFormat, IngestionMappingKind
from azure.kusto.ingest import (
    ColumnMapping,
    IngestionProperties,
    QueuedIngestClient,
    ReportLevel,
    TransformationMethod,
)

ROWS = [
    [number, text, number / 4]
    for number, text in enumerate(
        ["plain", "comma, inside", 'say "storm"', "line\nbreak", "Føhn 北海道 🌪", ""] * 500
    )
]

START = datetime.datetime(2007, 1, 1, tzinfo=datetime.timezone.utc)
TYPED = [
    {
        "Number": number,
        "Text": text,
        "Quarter": number / 4,
        "At": START + datetime.timedelta(milliseconds=number),
        "Price": decimal.Decimal(number).scaleb(-2),
        "Tags": [text, str(number)],
        "Missing": number if number % 3 else None,
    }
    for number, text, _ in ROWS
]
COLUMNS = "Number: long, Text: string, Quarter: real, At: datetime, Price: decimal, Tags: dynamic, Missing: long"

AVRO = {
    "type": "record",
    "name": "Typed",
    "fields": [
        {"name": "Number", "type": "int"},
        {"name": "Text", "type": "string"},
        {"name": "Quarter", "type": "double"},
        {"name": "At", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "Price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "Tags", "type": {"type": "array", "items": "string"}},
        {"name": "Missing", "type": ["null", "long"]},
    ],
}
ARROW = pyarrow.schema(
    [
        ("Number", pyarrow.int64()),
        ("Text", pyarrow.string()),
        ("Quarter", pyarrow.float64()),
        ("At", pyarrow.timestamp("us", tz="UTC")),
        ("Price", pyarrow.decimal128(10, 2)),
        ("Tags", pyarrow.list_(pyarrow.string())),
        ("Missing", pyarrow.int64()),
    ]
)


def wait_for(what, state, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = state()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"waited {seconds} s for {what}")


def write_csv(file):
    with open(file, "w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows(ROWS)


def write_avro(codec):
    def write(file):
        with open(file, "wb") as out:
            fastavro.writer(out, AVRO, TYPED, codec=codec)

    return write


def write_parquet(file):
    # Several row groups and dictionary pages, as files from the field have them.
    table = pyarrow.Table.from_pylist(TYPED, schema=ARROW)
    pyarrow.parquet.write_table(table, file, row_group_size=1000, compression="snappy")


def write_orc(file):
    table = pyarrow.Table.from_pylist(TYPED, schema=ARROW)
    pyarrow.orc.write_table(table, file, compression="zlib")


class Sdk:
    """The two clients and what is common to all formats."""

    def __init__(self, url, database):
        connection = KustoConnectionStringBuilder(url)
        self.client, self.ingest, self.database = KustoClient(connection), QueuedIngestClient(connection), database

    def round_trip(self, data_format, write, columns, expected, **properties):
        """Ingests what `write` makes into a new table of `columns` and compares its rows with `expected`."""
        table = f"Sdk_{uuid.uuid4().hex[:8]}"
        self.client.execute_mgmt(self.database, f".create table {table} ({columns})")
        with tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/data.{data_format.kusto_value}"
            write(file)
            properties = IngestionProperties(
                self.database,
                table,
                data_format=data_format,
                report_level=ReportLevel.FailuresAndSuccesses,
                **properties,
            )
            result = self.ingest.ingest_from_file(file, ingestion_properties=properties)
        print(f"{data_format.kusto_value} queued as {result.source_id}: {result.status}")

        def complete():
            self.no_failures()
            answer = self.client.execute(self.database, f"{table} | count")
            return answer.primary_results[0][0][0] >= len(expected)

        wait_for("the rows", complete)
        names = [column.split(":")[0].strip() for column in columns.split(",")]
        answer = self.client.execute(self.database, f"{table} | project {', '.join(names)}").primary_results[0]
        found = sorted(([row[name] for name in names] for row in answer), key=lambda row: row[0])
        if found != expected:
            different = next((pair for pair in zip(found, expected) if pair[0] != pair[1]), None)
            raise AssertionError(f"{len(found)} of {len(expected)} rows; the first that differs: {different}")
        print(f"{data_format.kusto_value}: {len(found)} rows read back, all equal")

    def no_failures(self):
        failures = self.client.execute_mgmt(self.database, ".show ingestion failures").primary_results[0]
        if len(failures):
            raise AssertionError(f"ingestion failures: {list(failures)}")


def main(url, database):
    sdk = Sdk(url, database)
    with sdk.client, sdk.ingest:
        sdk.round_trip(DataFormat.CSV, write_csv, "Number: int, Text: string, Quarter: real", ROWS)
        typed = [list(row.values()) for row in TYPED]
        sdk.round_trip(DataFormat.APACHEAVRO, write_avro("deflate"), COLUMNS, typed)
        sdk.round_trip(DataFormat.PARQUET, write_parquet, COLUMNS, typed)
        sdk.round_trip(DataFormat.ORC, write_orc, COLUMNS, typed)
        # The older Avro reader applies no logical types: the mapping does, where it can.
        mapping = [
            ColumnMapping("Number", "long", path="$.Number"),
            ColumnMapping("Tag", "string", path="$.Tags[1]"),
            ColumnMapping("At", "datetime", path="$.At", transform=TransformationMethod.DATE_TIME_FROM_UNIX_MILLISECONDS),
        ]
        older = [[row["Number"], row["Tags"][1], row["At"]] for row in TYPED]
        sdk.round_trip(
            DataFormat.AVRO,
            write_avro("snappy"),
            "Number: long, Tag: string, At: datetime",
            older,
            column_mappings=mapping,
            ingestion_mapping_kind=IngestionMappingKind.AVRO,
        )
        sdk.no_failures()


if __name__ == "__main__":
    main(*sys.argv[1:])
