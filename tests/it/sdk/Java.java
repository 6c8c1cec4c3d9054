// The official Java SDK against the emulator: queued ingestion with its status reported, streaming, managed streaming,
// queries with parameters.
//
// Arguments: the emulator's URL and a database. Prints what it did; any difference is an error and a non-zero exit.

import com.microsoft.azure.kusto.data.Client;
import com.microsoft.azure.kusto.data.ClientFactory;
import com.microsoft.azure.kusto.data.ClientRequestProperties;
import com.microsoft.azure.kusto.data.KustoResultSetTable;
import com.microsoft.azure.kusto.data.auth.ConnectionStringBuilder;
import com.microsoft.azure.kusto.ingest.IngestClient;
import com.microsoft.azure.kusto.ingest.IngestClientFactory;
import com.microsoft.azure.kusto.ingest.IngestionProperties;
import com.microsoft.azure.kusto.ingest.result.IngestionStatus;
import com.microsoft.azure.kusto.ingest.result.OperationStatus;
import com.microsoft.azure.kusto.ingest.source.StreamSourceInfo;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;

public class Java {
    private static final String[] TEXTS =
        {"plain", "comma, inside", "say \"storm\"", "line\nbreak", "Føhn 北海道 🌪", ""};
    private static final int ROWS = 3000;

    private final String url;
    private final String database;
    private final Client client;

    private Java(String url, String database) throws Exception {
        this.url = url;
        this.database = database;
        this.client = ClientFactory.createClient(connection());
    }

    public static void main(String[] arguments) throws Exception {
        Java sdk = new Java(arguments[0], arguments[1]);
        sdk.queued(IngestionProperties.DataFormat.CSV);
        sdk.queued(IngestionProperties.DataFormat.MULTIJSON);
        sdk.streamed();
        sdk.parameters();
        // The SDK's own threads would keep the process.
        System.exit(0);
    }

    private ConnectionStringBuilder connection() {
        return new ConnectionStringBuilder(url);
    }

    private static String text(int number) {
        return TEXTS[number % TEXTS.length];
    }

    private static StreamSourceInfo rows(IngestionProperties.DataFormat format, int from, int to) {
        StringBuilder data = new StringBuilder();
        for (int number = from; number < to; number++) {
            String text = text(number);
            if (format == IngestionProperties.DataFormat.CSV) {
                data.append(number).append(",\"").append(text.replace("\"", "\"\"")).append("\",");
                data.append(number / 4.0).append("\r\n");
            } else {
                String quoted = text.replace("\"", "\\\"").replace("\n", "\\n");
                data.append("{\"Number\":").append(number).append(",\"Text\":\"").append(quoted);
                data.append("\",\"Quarter\":").append(number / 4.0).append("}\n");
            }
        }
        return new StreamSourceInfo(new ByteArrayInputStream(data.toString().getBytes(StandardCharsets.UTF_8)));
    }

    private String table() throws Exception {
        String name = "Java_" + UUID.randomUUID().toString().substring(0, 8);
        client.executeMgmt(database, ".create table " + name + " (Number: long, Text: string, Quarter: real)");
        return name;
    }

    private long count(String table) throws Exception {
        KustoResultSetTable rows = client.executeQuery(database, table + " | count").getPrimaryResults();
        rows.next();
        return rows.getLong(0);
    }

    private static <T> T waitFor(String what, Callable<T> state) throws Exception {
        long end = System.nanoTime() + 60_000_000_000L;
        while (System.nanoTime() < end) {
            T found = state.call();
            if (found != null) {
                return found;
            }
            Thread.sleep(100);
        }
        throw new AssertionError("waited 60 s for " + what);
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private void compare(String table) throws Exception {
        String query = table + " | project Number, Text, Quarter | sort by Number asc";
        KustoResultSetTable rows = client.executeQuery(database, query).getPrimaryResults();
        List<Integer> different = new ArrayList<>();
        int number = 0;
        for (; rows.next(); number++) {
            boolean same = rows.getLong("Number") == number && rows.getString("Text").equals(text(number))
                && rows.getDouble("Quarter") == number / 4.0;
            if (!same) {
                different.add(number);
            }
        }
        check(number == ROWS && different.isEmpty(), number + " rows, of which differ: " + different);
    }

    private IngestionStatus status(IngestClient ingest, IngestionProperties.DataFormat format, String table)
            throws Exception {
        IngestionProperties properties = new IngestionProperties(database, table);
        properties.setDataFormat(format);
        properties.setFlushImmediately(true);
        properties.setReportLevel(IngestionProperties.IngestionReportLevel.FAILURES_AND_SUCCESSES);
        properties.setReportMethod(IngestionProperties.IngestionReportMethod.TABLE);
        var result = ingest.ingestFromStream(rows(format, 0, ROWS), properties);
        return waitFor("the status of the ingestion", () -> {
            IngestionStatus now = result.getIngestionStatusCollection().get(0);
            return now.status == OperationStatus.Pending ? null : now;
        });
    }

    private void queued(IngestionProperties.DataFormat format) throws Exception {
        String table = table();
        try (IngestClient ingest = IngestClientFactory.createClient(connection())) {
            IngestionStatus status = status(ingest, format, table);
            check(status.status == OperationStatus.Succeeded, "status " + status.status + ": " + status.details);
            compare(table);
            // What cannot be ingested is told too.
            IngestionStatus failure = status(ingest, format, "Nowhere");
            check(failure.status == OperationStatus.Failed, "status of a missing table: " + failure.status);
            System.out.println(
                format.getKustoValue() + " queued: " + status.status + ", " + ROWS + " rows read back, all equal");
        }
    }

    private void streamed() throws Exception {
        String table = table();
        IngestionProperties properties = new IngestionProperties(database, table);
        properties.setDataFormat(IngestionProperties.DataFormat.CSV);
        try (IngestClient streaming = IngestClientFactory.createStreamingIngestClient(connection());
                IngestClient managed = IngestClientFactory.createManagedStreamingIngestClient(connection(), connection())) {
            boolean refused = false;
            try {
                streaming.ingestFromStream(rows(IngestionProperties.DataFormat.CSV, 0, 3), properties);
            } catch (Exception error) {
                refused = String.valueOf(error.getMessage()).toLowerCase().contains("streaming");
            }
            check(refused, "streamed into a table without the policy");
            client.executeMgmt(database, ".alter table " + table + " policy streamingingestion enable");
            streaming.ingestFromStream(rows(IngestionProperties.DataFormat.CSV, 0, 1000), properties);
            check(count(table) == 1000, count(table) + " rows of 1000");
            managed.ingestFromStream(rows(IngestionProperties.DataFormat.CSV, 1000, ROWS), properties);
            waitFor("the managed rows", () -> count(table) == ROWS ? true : null);
            compare(table);
        }
        System.out.println(ROWS + " rows streamed, all equal");
    }

    private void parameters() throws Exception {
        ClientRequestProperties properties = new ClientRequestProperties();
        properties.setParameter("text", "comma, inside' or true");
        properties.setParameter("least", 5L);
        properties.setParameter("span", java.time.Duration.ofHours(36));
        String query = "declare query_parameters(text:string, least:long, span:timespan, most:long = 7);"
            + " print a = text, b = least + most, c = span + 12h == 2d";
        KustoResultSetTable row = client.executeQuery(database, query, properties).getPrimaryResults();
        row.next();
        check(row.getString("a").equals("comma, inside' or true"), "text: " + row.getString("a"));
        check(row.getLong("b") == 12 && row.getBoolean("c"), "numbers: " + row.getCurrentRow());
        System.out.println("parameters arrived");
    }
}
