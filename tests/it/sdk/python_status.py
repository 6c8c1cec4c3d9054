"""The official Kusto SDK learns from the emulator's report queues what became of its sources.

Arguments: the emulator's URL and a database. Prints what it did; any difference is an error and a non-zero exit.
"""

import json
import sys
import tempfile
import time
import urllib.request
import uuid

from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.data_format import DataFormat
from azure.kusto.ingest import FileDescriptor, IngestionProperties, QueuedIngestClient, ReportLevel
from azure.kusto.ingest.ingestion_properties import ReportMethod
from azure.kusto.ingest.status import KustoIngestStatusQueues

FOREIGN = 40


def wait_for(what, state, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = state()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"waited {seconds} s for {what}")


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def post_foreign(url):
    """Reports of another client, into each of the queues, ahead of ours."""
    body = json.dumps({"failed": FOREIGN, "succeeded": FOREIGN}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/emulator/reports", data=body)) as answer:
        posted = json.load(answer)
    return {*posted["failed"]}, {*posted["succeeded"]}


def ingest(client, database, table, text):
    """Queues one file; the id of its source."""
    properties = IngestionProperties(
        database,
        table,
        data_format=DataFormat.CSV,
        flush_immediately=True,
        report_level=ReportLevel.FailuresAndSuccesses,
        report_method=ReportMethod.Queue,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/data.csv"
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)
        source = uuid.uuid4()
        client.ingest_from_file(FileDescriptor(file, source_id=source), ingestion_properties=properties)
    return str(source)


def find(queue, source):
    """Our message, looking at all that other clients left; what is read is hidden for a while and not deleted.

    One at a time: of a page that is longer than what was asked for, the SDK drops the rest.
    """
    while messages := queue.pop(1, delete=False):
        if messages[0].IngestionSourceId == source:
            return messages[0]
    return None


def main():
    url, database = sys.argv[1:3]
    connection = KustoConnectionStringBuilder(url)
    client, queued = KustoClient(connection), QueuedIngestClient(connection)
    queues = KustoIngestStatusQueues(queued)
    check(queues.failure.is_empty() and queues.success.is_empty(), "the queues are not empty at the start")
    table = f"Sdk_{uuid.uuid4().hex[:8]}"
    client.execute_mgmt(database, f".create table {table} (Number: long, Text: string)")

    good = ingest(queued, database, table, "1,one\n")
    success = wait_for("the success", lambda: queues.success.pop(1))[0]
    check(success.IngestionSourceId == good and success.Table == table, f"another's success: {success}")
    check(success.SucceededOn and success.OperationId and success.RootActivityId, f"parts are missing: {success}")
    check(queues.success.is_empty(), "a message that was deleted is still there")

    failed, succeeded = post_foreign(url)
    bad = ingest(queued, database, table, '2,"two\n')
    failure = wait_for("the failure of a bad file", lambda: find(queues.failure, bad))
    check(failure.ErrorCode == "Stream_ClosingQuoteMissing", f"the failure of a bad file: {failure}")
    check(failure.FailureStatus == "Permanent" and failure.ShouldRetry is False, f"its kind: {failure}")
    check(failure.OriginatesFromUpdatePolicy is False and failure.Details, f"its parts: {failure}")
    check("?" not in failure.IngestionSourcePath, f"a secret: {failure.IngestionSourcePath}")

    with urllib.request.urlopen(f"{url}/emulator/reports") as answer:
        left = json.load(answer)
    check(failed <= {report["IngestionSourceId"] for report in left["failed"]}, "foreign failures are gone")
    check(succeeded <= {report["IngestionSourceId"] for report in left["succeeded"]}, "foreign successes are gone")
    print(f"one success and one failure told, {len(failed) + len(succeeded)} reports of others left alone")


if __name__ == "__main__":
    main()
