"""The official Kusto SDK against the emulator: create a table, queue-ingest a file, read it back by query.

Arguments: the emulator's URL and a database. Prints what it did; any difference is an error and a non-zero exit.
"""

import csv
import sys
import tempfile
import time
import uuid

from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.data_format import DataFormat
from azure.kusto.ingest import IngestionProperties, QueuedIngestClient, ReportLevel

ROWS = [
    [number, text, number / 4]
    for number, text in enumerate(
        ["plain", "comma, inside", 'say "storm"', "line\nbreak", "Føhn 北海道 🌪", ""] * 500
    )
]


def wait_for(what, state, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = state()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"waited {seconds} s for {what}")


def main(url, database):
    connection = KustoConnectionStringBuilder(url)
    with KustoClient(connection) as client, QueuedIngestClient(connection) as ingest:
        table = f"Sdk_{uuid.uuid4().hex[:8]}"
        client.execute_mgmt(database, f".create table {table} (Number: int, Text: string, Quarter: real)")

        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(ROWS)
            file.flush()
            properties = IngestionProperties(
                database, table, data_format=DataFormat.CSV, report_level=ReportLevel.FailuresAndSuccesses
            )
            result = ingest.ingest_from_file(file.name, ingestion_properties=properties)
        print(f"queued as {result.source_id}: {result.status}")

        def count():
            answer = client.execute(database, f"{table} | count")
            return answer.primary_results[0][0][0] >= len(ROWS)

        wait_for("the rows", count)
        answer = client.execute(database, f"{table} | project Number, Text, Quarter")
        found = sorted([row["Number"], row["Text"], row["Quarter"]] for row in answer.primary_results[0])
        if found != ROWS:
            different = next(pair for pair in zip(found, ROWS) if pair[0] != pair[1])
            raise AssertionError(f"{len(found)} of {len(ROWS)} rows; the first that differs: {different}")
        print(f"{len(found)} rows read back, all equal")

        missing = client.execute_mgmt(database, ".show ingestion failures").primary_results[0]
        if len(missing):
            raise AssertionError(f"ingestion failures: {list(missing)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
