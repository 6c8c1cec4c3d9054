// What Kafka's own clients say of their settings. First a line for each kind of client with the names of its settings, as
// `kind<TAB>name,name…`, a `!` behind those of the type PASSWORD; then for each line in, `kind<TAB>key<TAB>value`, a line
// out: `taken`, or `refused` and why.
//
// java -cp '.cache/rigs/kafka/*' tests/reference/ClientKeys.java <lines

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;

public class ClientKeys {
    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Map<String, ConfigDef> kinds = new TreeMap<>(Map.of(
            "consumer", ConsumerConfig.configDef(),
            "producer", ProducerConfig.configDef(),
            "admin", AdminClientConfig.configDef()));
        for (Map.Entry<String, ConfigDef> kind : kinds.entrySet()) {
            List<String> names = kind.getValue().configKeys().values().stream()
                .filter(key -> !key.internalConfig)
                .map(key -> key.type == ConfigDef.Type.PASSWORD ? key.name + "!" : key.name).sorted().toList();
            out.println(kind.getKey() + "\t" + String.join(",", names));
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t", -1);
            try {
                read(parts[0], parts[1], parts[2]);
                out.println("taken");
            } catch (RuntimeException refused) {
                out.println("refused " + String.valueOf(refused.getMessage()).replace('\n', ' '));
            }
        }
    }

    private static void read(String kind, String key, String value) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", "127.0.0.1:1");
        settings.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        settings.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        settings.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        settings.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
        settings.put(key, value);
        switch (kind) {
            case "consumer" -> new ConsumerConfig(settings);
            case "producer" -> new ProducerConfig(settings);
            default -> new AdminClientConfig(settings);
        }
    }
}
