import java.io.File;
import java.nio.charset.StandardCharsets;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** The one-counter rule on Flink: RocksDB, exactly-once checkpoints each second, a transactional sink. */
public class OneCounter {
    static final long BOUND = 3;

    /** Reads a whole click, and keeps whose it is. */
    static class Click extends AbstractDeserializationSchema<String> {
        private final String schema;
        private transient GenericDatumReader<GenericRecord> reader;
        private transient BinaryDecoder decoder;

        Click(String schema) {
            this.schema = schema;
        }

        @Override
        public String deserialize(byte[] message) throws java.io.IOException {
            if (reader == null) {
                reader = new GenericDatumReader<>(new Schema.Parser().parse(schema));
            }
            decoder = DecoderFactory.get().binaryDecoder(message, 5, message.length - 5, decoder);
            return reader.read(null, decoder).get("customer_id").toString();
        }
    }

    /** Counts each customer's clicks. */
    static class Count extends KeyedProcessFunction<String, String, String> {
        private transient ValueState<Long> count;

        @Override
        public void open(Configuration parameters) {
            count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Long.class));
        }

        @Override
        public void processElement(String customer, Context context, Collector<String> out) throws Exception {
            Long before = count.value();
            long now = before == null ? 1 : before + 1;
            count.update(now);
            if (now == BOUND) {
                out.collect("{\"customer_id\": \"" + customer + "\", \"segment\": \"three_events\", \"transition\": \"enter\"}");
            }
        }
    }

    public static void main(String[] arguments) throws Exception {
        String brokers = arguments[0], group = arguments[1], output = arguments[2], folder = arguments[3];
        String schema = new String(java.nio.file.Files.readAllBytes(new File(arguments[5]).toPath()), StandardCharsets.UTF_8);
        Configuration configuration = new Configuration();
        configuration.setString("state.backend.type", "rocksdb");
        configuration.setString("execution.checkpointing.dir", "file://" + folder);
        configuration.setString("state.checkpoints.dir", "file://" + folder);
        configuration.setString("taskmanager.memory.managed.size", "256m");
        configuration.setString("taskmanager.memory.network.max", "64m");
        configuration.setString("rest.bind-port", "0");
        StreamExecutionEnvironment flink =
            StreamExecutionEnvironment.createLocalEnvironment(Integer.parseInt(arguments[4]), configuration);
        flink.enableCheckpointing(1000, CheckpointingMode.EXACTLY_ONCE);
        flink.getConfig().enableObjectReuse();
        KafkaSource<String> clicks = KafkaSource.<String>builder()
            .setBootstrapServers(brokers)
            .setTopics("clickstream")
            .setGroupId(group)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setValueOnlyDeserializer(new Click(schema))
            .build();
        KafkaSink<String> flips = KafkaSink.<String>builder()
            .setBootstrapServers(brokers)
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(group)
            .setProperty("transaction.timeout.ms", "600000")
            .setRecordSerializer(KafkaRecordSerializationSchema.builder()
                .setTopic(output)
                .setValueSerializationSchema(new SimpleStringSchema())
                .build())
            .build();
        flink.fromSource(clicks, WatermarkStrategy.noWatermarks(), "clicks")
            .keyBy(customer -> customer)
            .process(new Count())
            .sinkTo(flips);
        flink.execute("one counter");
    }
}
