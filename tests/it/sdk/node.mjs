// The official Node SDK against the emulator: queued ingestion with its status reported, streaming, managed streaming,
// queries with parameters.
//
// Arguments: the emulator's URL, a database, the folder whose node_modules hold the SDK. Prints what it did; any difference
// is an error and a non-zero exit.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";

const [url, database, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const sdk = (name) => import(pathToFileURL(require.resolve(name)));
const { Client, ClientRequestProperties, KustoConnectionStringBuilder } = await sdk("azure-kusto-data");
const { DataFormat, IngestClient, ManagedStreamingIngestClient, ReportLevel, ReportMethod, StreamingIngestClient } =
  await sdk("azure-kusto-ingest");

const TEXTS = ["plain", "comma, inside", 'say "storm"', "line\nbreak", "Føhn 北海道 🌪", ""];
const ROWS = Array.from({ length: 3000 }, (_, number) => [number, TEXTS[number % TEXTS.length], number / 4]);
const csv = (rows) =>
  Readable.from([Buffer.from(rows.map(([n, text, real]) => `${n},"${text.replaceAll('"', '""')}",${real}\r\n`).join(""))]);
const json = (rows) =>
  Readable.from([Buffer.from(rows.map(([Number, Text, Quarter]) => JSON.stringify({ Number, Text, Quarter })).join("\n"))]);

const connection = () => new KustoConnectionStringBuilder(url);
const client = new Client(connection());

async function table() {
  const name = `Node_${randomUUID().slice(0, 8)}`;
  await client.executeMgmt(database, `.create table ${name} (Number: long, Text: string, Quarter: real)`);
  return name;
}

async function query(text, properties) {
  return [...(await client.executeQuery(database, text, properties)).primaryResults[0].rows()];
}

async function waitFor(what, state) {
  const end = Date.now() + 60_000;
  for (;;) {
    const found = await state();
    if (found) return found;
    assert.ok(Date.now() < end, `waited 60 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function compare(name, rows) {
  const found = await query(`${name} | project Number, Text, Quarter | sort by Number asc`);
  assert.deepEqual(found.map((row) => [row.Number, row.Text, row.Quarter]), rows);
}

async function queued(format, stream) {
  const name = await table();
  const ingest = new IngestClient(connection());
  const properties = {
    database,
    table: name,
    format,
    flushImmediately: true,
    reportLevel: ReportLevel.FailuresAndSuccesses,
    reportMethod: ReportMethod.Table,
  };
  const result = await ingest.ingestFromStream(stream(ROWS), properties);
  const status = await waitFor("the status of the ingestion", async () => {
    const now = await result.getIngestionStatusCollection();
    return now.Status !== "Pending" && now;
  });
  assert.equal(status.Status, "Succeeded", JSON.stringify(status));
  await compare(name, ROWS);
  // What cannot be ingested is told too.
  const nowhere = await ingest.ingestFromStream(stream(ROWS.slice(0, 3)), { ...properties, table: "Nowhere" });
  const failure = await waitFor("the status of the failure", async () => {
    const now = await nowhere.getIngestionStatusCollection();
    return now.Status !== "Pending" && now;
  });
  assert.equal(failure.Status, "Failed", JSON.stringify(failure));
  ingest.close();
  console.log(`${format} queued: ${status.Status}, ${ROWS.length} rows read back, all equal`);
}

async function streamed() {
  const name = await table();
  const streaming = new StreamingIngestClient(connection());
  const properties = { database, table: name, format: DataFormat.CSV };
  const refused = streaming.ingestFromStream(csv(ROWS.slice(0, 3)), properties);
  await assert.rejects(refused, (error) => /StreamingIngestionPolicyNotEnabled|[Ss]treaming/.test(JSON.stringify(error.response?.data ?? error.message)));
  await client.executeMgmt(database, `.alter table ${name} policy streamingingestion enable`);
  await streaming.ingestFromStream(csv(ROWS.slice(0, 1000)), properties);
  assert.equal((await query(`${name} | count`))[0].Count, 1000);
  const managed = new ManagedStreamingIngestClient(connection(), connection());
  await managed.ingestFromStream(csv(ROWS.slice(1000)), properties);
  await waitFor("the managed rows", async () => (await query(`${name} | count`))[0].Count === ROWS.length);
  await compare(name, ROWS);
  streaming.close();
  managed.close();
  console.log(`${ROWS.length} rows streamed, all equal`);
}

async function parameters() {
  const properties = new ClientRequestProperties();
  properties.setParameter("text", "comma, inside' or true");
  properties.setParameter("least", 5);
  properties.setParameter("at", "datetime(2007-01-01)");
  const declared = "declare query_parameters(text:string, least:long, at:datetime, most:long = 7);";
  const [row] = await query(`${declared} print a = text, b = least + most, c = at`, properties);
  assert.deepEqual([row.a, row.b, new Date(row.c).getTime()], ["comma, inside' or true", 12, Date.UTC(2007, 0, 1)]);
  console.log("parameters arrived");
}

await queued(DataFormat.CSV, csv);
await queued(DataFormat.MULTIJSON, json);
await streamed();
await parameters();
client.close();
