// Writes records with Apicurio's own converters and serializer, which register their schemas in a registry of Apicurio's.
//
// Arguments: the registry's URL, and a prefix of topics: the records of a case are for the topic <prefix>-<case>. A line of JSON
// for each record goes to standard output: case, key, value and headers, bytes in base64.

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import com.google.rpc.LocalizedMessage;
import com.google.type.Interval;
import com.google.type.PostalAddress;
import io.apicurio.registry.serde.protobuf.ProtobufKafkaSerializer;
import io.apicurio.registry.utils.converter.AvroConverter;
import io.apicurio.registry.utils.converter.ExtJsonConverter;
import io.apicurio.registry.utils.converter.json.CompactFormatStrategy;
import java.math.BigDecimal;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.storage.Converter;

public class Apicurio {
    static final ObjectMapper MAPPER = new ObjectMapper();
    static final long DAY = 86_400_000L;
    static final int RECORDS = 10;

    static final Schema KEY = SchemaBuilder.struct().name("com.ex.Key").field("id", Schema.INT64_SCHEMA).build();
    static final Schema ADDRESS = SchemaBuilder.struct().name("com.ex.Address")
            .field("city", Schema.STRING_SCHEMA)
            .field("zip", Schema.OPTIONAL_INT32_SCHEMA)
            .build();

    static SchemaBuilder storm() {
        return SchemaBuilder.struct().name("com.ex.Storm")
                .field("id", Schema.INT32_SCHEMA)
                .field("name", Schema.STRING_SCHEMA)
                .field("address", ADDRESS)
                .field("amount", Decimal.schema(2))
                .field("day", Date.SCHEMA)
                .field("at", org.apache.kafka.connect.data.Timestamp.SCHEMA)
                .field("tags", SchemaBuilder.array(Schema.STRING_SCHEMA).build())
                .field("extra", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT64_SCHEMA).build())
                .field("raw", Schema.BYTES_SCHEMA)
                .field("note", Schema.OPTIONAL_STRING_SCHEMA);
    }

    static final Schema FIRST = storm().build();
    static final Schema SECOND = storm().field("score", SchemaBuilder.float64().defaultValue(0.5).build()).build();

    static Struct storm(Schema schema, int number) {
        Struct address = new Struct(ADDRESS).put("city", "city " + number).put("zip", number % 2 == 0 ? number : null);
        Struct storm = new Struct(schema)
                .put("id", number)
                .put("name", "storm " + number + " \u2603")
                .put("address", address)
                .put("amount", BigDecimal.valueOf(number * 100L + 25, 2))
                .put("day", new java.util.Date(number * DAY))
                .put("at", new java.util.Date(1_767_225_600_000L + number))
                .put("tags", List.of("a", "b"))
                .put("extra", Map.of("n", (long) number))
                .put("raw", new byte[] {(byte) 0xff, 0, (byte) number})
                .put("note", number % 3 == 0 ? "noted" : null);
        if (schema == SECOND) {
            storm.put("score", number / 4.0);
        }
        return storm;
    }

    static void print(String name, byte[] key, byte[] value, Headers headers) throws Exception {
        ObjectNode line = MAPPER.createObjectNode().put("case", name);
        line.put("key", key == null ? null : Base64.getEncoder().encodeToString(key));
        line.put("value", Base64.getEncoder().encodeToString(value));
        headers.forEach(header -> line.withArray("headers").addArray()
                .add(header.key()).add(Base64.getEncoder().encodeToString(header.value())));
        System.out.println(line);
    }

    static Map<String, String> config(String url, Map<String, String> more) {
        Map<String, String> config = new HashMap<>(more);
        config.put("apicurio.registry.url", url);
        config.put("apicurio.registry.auto-register", "true");
        return config;
    }

    static void connect(String name, String topic, Map<String, String> config, Converter keys, Converter values)
            throws Exception {
        keys.configure(config, true);
        values.configure(config, false);
        for (int number = 0; number < RECORDS; number++) {
            Headers headers = new RecordHeaders();
            Struct storm = storm(number < RECORDS / 2 ? FIRST : SECOND, number);
            Struct id = new Struct(KEY).put("id", (long) number);
            byte[] key = keys.fromConnectData(topic, headers, KEY, id);
            byte[] value = values.fromConnectData(topic, headers, storm.schema(), storm);
            print(name, key, value, headers);
        }
    }

    static Message message(String name, int number) {
        if (name.contains("import")) {
            return Interval.newBuilder().setStartTime(Timestamp.newBuilder().setSeconds(number)).build();
        }
        if (name.contains("other")) {
            // The last but some of many messages in its file.
            return LocalizedMessage.newBuilder().setLocale("de").setMessage("Sturm " + number).build();
        }
        return PostalAddress.newBuilder().setRevision(number).setLocality("city " + number)
                .addRecipients("a").addRecipients("b").build();
    }

    static void protobuf(String name, String topic, Map<String, String> config) throws Exception {
        ProtobufKafkaSerializer<Message> serializer = new ProtobufKafkaSerializer<>();
        serializer.configure(config, false);
        for (int number = 0; number < RECORDS; number++) {
            Headers headers = new RecordHeaders();
            print(name, null, serializer.serialize(topic, headers, message(name, number)), headers);
        }
    }

    static Map<String, String> settings(String... pairs) {
        Map<String, String> settings = new HashMap<>();
        for (int place = 0; place < pairs.length; place += 2) {
            settings.put("apicurio.registry." + pairs[place], pairs[place + 1]);
        }
        return settings;
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        String prefix = arguments[1] + "-";
        Map<String, Map<String, String>> avro = Map.of(
                "usual", settings(),
                "content-headers", settings("use-id", "contentId"),
                "global", settings("headers.enabled", "false"),
                "content", settings("headers.enabled", "false", "use-id", "contentId"),
                "confluent", settings("headers.enabled", "false", "use-id", "contentId", "as-confluent", "true"),
                "json", settings("avro.encoding", "JSON"));
        for (Map.Entry<String, Map<String, String>> one : avro.entrySet()) {
            String name = "avro-" + one.getKey();
            connect(name, prefix + name, config(url, one.getValue()), new AvroConverter<>(), new AvroConverter<>());
        }
        connect("json-usual", prefix + "json-usual", config(url, settings()), new ExtJsonConverter(), new ExtJsonConverter());
        connect("json-compact", prefix + "json-compact", config(url, settings()),
                new ExtJsonConverter().setFormatStrategy(new CompactFormatStrategy()),
                new ExtJsonConverter().setFormatStrategy(new CompactFormatStrategy()));
        for (String name : List.of("address", "import", "other")) {
            protobuf("protobuf-" + name, prefix + "protobuf-" + name, config(url, settings()));
            protobuf("protobuf-" + name + "-inline", prefix + "protobuf-" + name + "-inline",
                    config(url, settings("headers.enabled", "false")));
        }
    }
}
