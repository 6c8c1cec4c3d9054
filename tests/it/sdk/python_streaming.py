"""The official Kusto SDK streams into the emulator: refused without the policy, there at once with it.

Arguments: the emulator's URL and a database. Prints what it did; any difference is an error and a non-zero exit.
"""

import csv
import io
import sys
import uuid

from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.data_format import DataFormat
from azure.kusto.data.exceptions import KustoApiError
from azure.kusto.ingest import (
    IngestionProperties,
    IngestionStatus,
    KustoStreamingIngestClient,
    ManagedStreamingIngestClient,
)

ROWS = [
    [number, text, number / 4]
    for number, text in enumerate(
        ["plain", "comma, inside", 'say "storm"', "line\nbreak", "Føhn 北海道 🌪", ""] * 500
    )
]


def text_of(rows):
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def compare(client, database, table, expected):
    answer = client.execute(database, f"{table} | project Number, Text, Quarter")
    found = sorted([row["Number"], row["Text"], row["Quarter"]] for row in answer.primary_results[0])
    if found != expected:
        different = next((pair for pair in zip(found, expected) if pair[0] != pair[1]), None)
        raise AssertionError(f"{len(found)} of {len(expected)} rows; the first that differs: {different}")


def count(client, database, table):
    return client.execute(database, f"{table} | count").primary_results[0][0][0]


def stream(client, connection, database, table):
    """Refused without the policy; with it, what is streamed is there when the call returns."""
    properties = IngestionProperties(database, table, data_format=DataFormat.CSV)
    with KustoStreamingIngestClient(connection) as streaming:
        try:
            streaming.ingest_from_stream(io.BytesIO(text_of(ROWS[:3])), properties)
            raise AssertionError("streamed into a table without the policy")
        except KustoApiError as error:
            if "StreamingIngestionPolicyNotEnabled" not in str(error):
                raise
        client.execute_mgmt(database, f".alter table {table} policy streamingingestion enable")
        half = len(ROWS) // 2
        result = streaming.ingest_from_stream(io.BytesIO(text_of(ROWS[:half])), properties)
        if result.status != IngestionStatus.SUCCESS or count(client, database, table) != half:
            raise AssertionError(f"{result.status}, {count(client, database, table)} rows of {half}")
    with ManagedStreamingIngestClient(connection) as managed:
        result = managed.ingest_from_stream(io.BytesIO(text_of(ROWS[half:])), properties)
        if result.status != IngestionStatus.SUCCESS:
            raise AssertionError(f"the managed client did not stream: {result.status}")
    compare(client, database, table, ROWS)
    print(f"{len(ROWS)} rows streamed, all equal")


def main(url, database):
    connection = KustoConnectionStringBuilder(url)
    with KustoClient(connection) as client:
        table = f"Sdk_{uuid.uuid4().hex[:8]}"
        client.execute_mgmt(database, f".create table {table} (Number: int, Text: string, Quarter: real)")
        stream(client, connection, database, table)


if __name__ == "__main__":
    main(*sys.argv[1:])
