// What Kafka's own transformations, predicates and converters make of the cases of `cases.jsonl`: one JSON case per line
// in, one JSON result per line out, in the same order. `generate.py` says what a case looks like.
//
// It stops at nothing: whatever is thrown becomes a result. It writes nothing but results to standard output.
//
// java -Duser.timezone=UTC -Duser.language=en -Duser.country=US -cp '.cache/rigs/kafka/*' \
//     tests/reference/Reference.java <tests/reference/cases.jsonl >results.jsonl

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.ConnectSchema;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Values;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

public class Reference {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.withExactBigDecimals(true);

    /** A setting was refused before any data came. */
    private static final class Refused extends Exception {
        Refused(Throwable cause) {
            super(cause);
        }
    }

    private interface Configuration {
        void apply();
    }

    private final Map<String, JsonNode> records = new HashMap<>();

    public static void main(String[] arguments) throws Exception {
        var reference = new Reference();
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode result = reference.line(line);
            if (result != null) {
                out.write(JSON.writeValueAsString(result));
                out.write('\n');
            }
        }
        out.flush();
    }

    /** The result of one line; null for the definition of a record. */
    private ObjectNode line(String line) {
        ObjectNode result = NODES.objectNode();
        try {
            JsonNode one = JSON.readTree(line);
            if (one.has("define")) {
                records.put(one.get("define").textValue(), one.get("record"));
                return null;
            }
            result.set("id", one.get("id"));
            run(one, result);
        } catch (Refused refused) {
            Throwable cause = refused.getCause();
            if (cause instanceof ConfigException) {
                result.putArray("config_errors").add(cause.getMessage());
            } else {
                result.set("error", error(cause));
            }
        } catch (Throwable thrown) {
            result.set("error", error(thrown));
        }
        return result;
    }

    private void run(JsonNode one, ObjectNode result) throws Exception {
        switch (one.get("kind").textValue()) {
            case "transform" -> transform(one, result);
            case "predicate" -> predicate(one, result);
            case "converter" -> converter(one, result);
            case "header" -> header(one, result);
            case "literal" -> result.set("value", both(Values.parseString(text(one.get("text")))));
            case "write_json" -> writeJson(one, result);
            default -> throw new IllegalArgumentException("kind " + one.get("kind"));
        }
    }

    private void transform(JsonNode one, ObjectNode result) throws Exception {
        try (Transformation<SinkRecord> transformation = instance(one)) {
            if (!isValid(transformation.config(), config(one), result)) {
                return;
            }
            configure(() -> transformation.configure(config(one)));
            result.set("record", record(transformation.apply(record(one))));
        }
    }

    private void predicate(JsonNode one, ObjectNode result) throws Exception {
        try (Predicate<SinkRecord> predicate = instance(one)) {
            if (!isValid(predicate.config(), config(one), result)) {
                return;
            }
            configure(() -> predicate.configure(config(one)));
            result.put("test", predicate.test(record(one)));
        }
    }

    private void converter(JsonNode one, ObjectNode result) throws Exception {
        Converter converter = instance(one);
        boolean isKey = one.path("isKey").asBoolean();
        Map<String, Object> config = config(one);
        config.put("converter.type", isKey ? "key" : "value");
        if (!isValid(converter.config(), config, result)) {
            return;
        }
        configure(() -> converter.configure(config, isKey));
        byte[] bytes = bytes(one.get("bytes"));
        result.set("value", both(converter.toConnectData(one.get("topic").textValue(), bytes)));
    }

    private void header(JsonNode one, ObjectNode result) throws Exception {
        try (HeaderConverter converter = instance(one)) {
            Map<String, Object> config = config(one);
            config.put("converter.type", "header");
            if (!isValid(converter.config(), config, result)) {
                return;
            }
            configure(() -> converter.configure(config));
            byte[] bytes = bytes(one.get("bytes"));
            result.set("value", both(converter.toConnectHeader("t", "h", bytes)));
        }
    }

    private void writeJson(JsonNode one, ObjectNode result) throws Exception {
        try (JsonConverter converter = new JsonConverter()) {
            configure(() -> converter.configure(config(one), false));
            Schema schema = schema(one.get("schema"));
            byte[] bytes = converter.fromConnectData("t", schema, value(one.get("value"), schema));
            result.put("bytes", bytes == null ? null : Base64.getEncoder().encodeToString(bytes));
        }
    }

    @SuppressWarnings("unchecked")
    private static <T> T instance(JsonNode one) throws Exception {
        return (T) Class.forName(one.get("class").textValue()).getDeclaredConstructor().newInstance();
    }

    /** A worker asks the class's definition of its settings first, and takes no connector with errors there. */
    private static boolean isValid(ConfigDef definition, Map<String, Object> config, ObjectNode result) {
        Map<String, String> texts = new LinkedHashMap<>();
        config.forEach((key, value) -> texts.put(key, (String) value));
        List<String> errors = new ArrayList<>();
        definition.validate(texts).forEach(value -> errors.addAll(value.errorMessages()));
        if (!errors.isEmpty()) {
            ArrayNode all = result.putArray("config_errors");
            errors.forEach(all::add);
        }
        return errors.isEmpty();
    }

    private static void configure(Configuration configuration) throws Refused {
        try {
            configuration.apply();
        } catch (Throwable thrown) {
            throw new Refused(thrown);
        }
    }

    private static Map<String, Object> config(JsonNode one) {
        Map<String, Object> config = new LinkedHashMap<>();
        if (one.has("config")) {
            one.get("config").properties().forEach(entry -> config.put(entry.getKey(), text(entry.getValue())));
        }
        return config;
    }

    private static ObjectNode error(Throwable thrown) {
        ObjectNode error = NODES.objectNode().put("class", thrown.getClass().getName()).put("message", thrown.getMessage());
        if (thrown.getCause() != null) {
            error.set("cause", error(thrown.getCause()));
        }
        return error;
    }

    // From JSON.

    private static boolean absent(JsonNode node) {
        return node == null || node.isNull();
    }

    private static String text(JsonNode node) {
        return absent(node) ? null : node.textValue();
    }

    private static byte[] bytes(JsonNode node) {
        return absent(node) ? null : Base64.getDecoder().decode(node.textValue());
    }

    private SinkRecord record(JsonNode one) {
        JsonNode given = one.get("record");
        JsonNode node = given.isTextual() ? records.get(given.textValue()) : given;
        SchemaAndValue key = both(node.get("key"));
        SchemaAndValue value = both(node.get("value"));
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode header : node.get("headers")) {
            headers.add(header.get(0).textValue(), both(header.get(1)));
        }
        Long timestamp = absent(node.get("timestamp")) ? null : node.get("timestamp").longValue();
        TimestampType type = timestamp == null ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME;
        return new SinkRecord(node.get("topic").textValue(), node.get("partition").intValue(), key.schema(), key.value(),
                value.schema(), value.value(), node.get("offset").longValue(), timestamp, type, headers);
    }

    private static SchemaAndValue both(JsonNode node) {
        Schema schema = schema(node.get("schema"));
        return new SchemaAndValue(schema, value(node.get("value"), schema));
    }

    private static Schema schema(JsonNode node) {
        if (absent(node)) {
            return null;
        }
        Schema.Type type = Schema.Type.valueOf(node.get("type").textValue());
        boolean optional = node.path("optional").asBoolean();
        String name = text(node.get("name"));
        Integer version = absent(node.get("version")) ? null : node.get("version").intValue();
        Map<String, String> parameters = null;
        if (!absent(node.get("parameters"))) {
            parameters = new LinkedHashMap<>();
            for (Map.Entry<String, JsonNode> entry : node.get("parameters").properties()) {
                parameters.put(entry.getKey(), entry.getValue().textValue());
            }
        }
        List<Field> fields = null;
        if (type == Schema.Type.STRUCT) {
            fields = new ArrayList<>();
            for (JsonNode field : node.get("fields")) {
                fields.add(new Field(field.get("name").textValue(), fields.size(), schema(field.get("schema"))));
            }
        }
        Schema keys = schema(node.get("keys"));
        Schema values = schema(node.get(type == Schema.Type.ARRAY ? "items" : "values"));
        String doc = text(node.get("doc"));
        Schema bare = new ConnectSchema(type, optional, null, name, version, doc, parameters, fields, keys, values);
        Object given = value(node.get("default"), bare);
        return given == null ? bare
                : new ConnectSchema(type, optional, given, name, version, doc, parameters, fields, keys, values);
    }

    /** A value; the schema beside it, if any, is that of its structs. */
    private static Object value(JsonNode node, Schema schema) {
        if (absent(node)) {
            return null;
        }
        Map.Entry<String, JsonNode> only = node.properties().iterator().next();
        JsonNode inner = only.getValue();
        return switch (only.getKey()) {
            case "int8" -> Byte.valueOf(inner.textValue());
            case "int16" -> Short.valueOf(inner.textValue());
            case "int32" -> Integer.valueOf(inner.textValue());
            case "int64" -> Long.valueOf(inner.textValue());
            case "float32" -> Float.valueOf(inner.textValue());
            case "float64" -> Double.valueOf(inner.textValue());
            case "boolean" -> inner.booleanValue();
            case "string" -> inner.textValue();
            case "bytes" -> bytes(inner);
            case "decimal" -> new BigDecimal(new BigInteger(inner.get(0).textValue()), inner.get(1).intValue());
            case "date" -> new Date(inner.longValue());
            case "array" -> array(inner, schema);
            case "map" -> map(inner, schema);
            case "struct" -> struct(inner, schema);
            default -> throw new IllegalArgumentException("value " + node);
        };
    }

    private static List<Object> array(JsonNode node, Schema schema) {
        List<Object> values = new ArrayList<>();
        for (JsonNode each : node) {
            values.add(value(each, schema == null ? null : schema.valueSchema()));
        }
        return values;
    }

    private static Map<Object, Object> map(JsonNode node, Schema schema) {
        Map<Object, Object> entries = new HashMap<>();
        for (JsonNode each : node) {
            Object key = value(each.get(0), schema == null ? null : schema.keySchema());
            entries.put(key, value(each.get(1), schema == null ? null : schema.valueSchema()));
        }
        return entries;
    }

    /** A null is a field that was never set: put() takes none for a required field, default or not. */
    private static Struct struct(JsonNode node, Schema schema) {
        Struct struct = new Struct(schema);
        for (Field field : schema.fields()) {
            JsonNode given = node.get(field.index());
            if (!absent(given)) {
                struct.put(field, value(given, field.schema()));
            }
        }
        return struct;
    }

    // To JSON.

    private static JsonNode record(SinkRecord record) {
        if (record == null) {
            return NODES.nullNode();
        }
        ObjectNode node = NODES.objectNode();
        node.put("topic", record.topic()).put("partition", record.kafkaPartition()).put("offset", record.kafkaOffset());
        node.put("timestamp", record.timestamp());
        node.set("key", both(record.keySchema(), record.key()));
        node.set("value", both(record.valueSchema(), record.value()));
        ArrayNode headers = node.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(both(header.schema(), header.value()));
        }
        return node;
    }

    private static JsonNode both(SchemaAndValue both) {
        return both == null ? NODES.nullNode() : both(both.schema(), both.value());
    }

    private static ObjectNode both(Schema schema, Object value) {
        ObjectNode node = NODES.objectNode();
        node.set("schema", schema(schema));
        node.set("value", value(value, schema));
        return node;
    }

    private static JsonNode schema(Schema schema) {
        if (schema == null) {
            return NODES.nullNode();
        }
        ObjectNode node = NODES.objectNode();
        node.put("type", schema.type().name()).put("optional", schema.isOptional()).put("name", schema.name());
        node.put("version", schema.version()).put("doc", schema.doc());
        if (schema.parameters() != null && !schema.parameters().isEmpty()) {
            ObjectNode parameters = node.putObject("parameters");
            schema.parameters().forEach(parameters::put);
        }
        if (schema.defaultValue() != null) {
            node.set("default", value(schema.defaultValue(), schema));
        }
        switch (schema.type()) {
            case ARRAY -> node.set("items", schema(schema.valueSchema()));
            case MAP -> node.<ObjectNode>set("keys", schema(schema.keySchema())).set("values", schema(schema.valueSchema()));
            case STRUCT -> {
                ArrayNode fields = node.putArray("fields");
                for (Field field : schema.fields()) {
                    fields.addObject().put("name", field.name()).set("schema", schema(field.schema()));
                }
            }
            default -> { }
        }
        return node;
    }

    private static JsonNode value(Object value, Schema schema) {
        ObjectNode node = NODES.objectNode();
        if (value == null) {
            return NODES.nullNode();
        } else if (value instanceof Byte) {
            node.put("int8", value.toString());
        } else if (value instanceof Short) {
            node.put("int16", value.toString());
        } else if (value instanceof Integer) {
            node.put("int32", value.toString());
        } else if (value instanceof Long) {
            node.put("int64", value.toString());
        } else if (value instanceof Float) {
            node.put("float32", value.toString());
        } else if (value instanceof Double) {
            node.put("float64", value.toString());
        } else if (value instanceof Boolean flag) {
            node.put("boolean", flag);
        } else if (value instanceof String text) {
            node.put("string", text);
        } else if (value instanceof BigDecimal decimal) {
            node.putArray("decimal").add(decimal.unscaledValue().toString()).add(decimal.scale());
        } else if (value instanceof Date date) {
            node.put("date", date.getTime());
        } else if (value instanceof byte[] bytes) {
            node.put("bytes", Base64.getEncoder().encodeToString(bytes));
        } else if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            node.put("bytes", Base64.getEncoder().encodeToString(bytes));
        } else {
            container(value, schema, node);
        }
        return node;
    }

    private static void container(Object value, Schema schema, ObjectNode node) {
        if (value instanceof List<?> list) {
            ArrayNode values = node.putArray("array");
            list.forEach(each -> values.add(value(each, inner(schema, Schema.Type.ARRAY, false))));
        } else if (value instanceof Map<?, ?> map) {
            ArrayNode entries = node.putArray("map");
            map.forEach((key, each) -> entries.addArray().add(value(key, inner(schema, Schema.Type.MAP, true)))
                    .add(value(each, inner(schema, Schema.Type.MAP, false))));
        } else if (value instanceof Struct struct) {
            ArrayNode values = node.putArray("struct");
            for (Field field : struct.schema().fields()) {
                values.add(value(struct.getWithoutDefault(field.name()), field.schema()));
            }
            if (!isOf(struct, schema)) {
                node.set("schema", schema(struct.schema()));
            }
        } else {
            node.put("java", value.getClass().getName());
        }
    }

    /** True when a struct is of the schema beside it, which may have a default: that is a struct of the schema without. */
    private static boolean isOf(Struct struct, Schema schema) {
        Schema own = struct.schema();
        return schema != null && schema.type() == Schema.Type.STRUCT && own.isOptional() == schema.isOptional()
                && Objects.equals(own.name(), schema.name()) && Objects.equals(own.version(), schema.version())
                && Objects.equals(own.fields(), schema.fields());
    }

    private static Schema inner(Schema schema, Schema.Type type, boolean key) {
        if (schema == null || schema.type() != type) {
            return null;
        }
        return key ? schema.keySchema() : schema.valueSchema();
    }
}
