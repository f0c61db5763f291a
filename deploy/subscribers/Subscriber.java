import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import org.apache.avro.Schema;
import org.apache.avro.generic.*;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/** Keeps who is in which segment in a file, and prints what changes: java -cp ... Subscriber.java BROKERS FILE SCHEMAS */
public class Subscriber {
  static final Set<String> RULE_CHANGES = Set.of("rule_added", "rule_changed", "rule_removed");
  static final Map<Integer, GenericDatumReader<GenericRecord>> READERS = new HashMap<>();
  static Path schemas;
  /** For how many milliseconds one half of a merge waits for the other. */
  static final long MERGE_MILLIS = 60_000;
  /**
   * "next PARTITION": an offset; "customer ID": the sequence and the segments, with spaces in between; "half MERGE": since
   * when one half of a merge waits, its transition and the event.
   */
  static final TreeMap<String, String> state = new TreeMap<>();

  public static void main(String[] args) throws IOException {
    Path file = Path.of(args[1]), fresh = Path.of(args[1] + ".new");
    schemas = Path.of(args[2]);
    if (Files.exists(file)) for (var line : Files.readAllLines(file)) state.put(line.split("\t")[0], line.split("\t")[1]);
    var settings = Map.<String, Object>of("bootstrap.servers", args[0], "isolation.level", "read_committed",
        "enable.auto.commit", false, "auto.offset.reset", "none");
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
      var parts = consumer.partitionsFor("segment-events").stream().map(each -> new TopicPartition(each.topic(), each.partition())).toList();
      for (var part : parts) if (!state.containsKey("next " + part.partition())) snapshot(consumer, part);
      consumer.assign(parts);
      for (var part : parts) consumer.seek(part, Long.parseLong(state.get("next " + part.partition())));
      while (true) {
        // Customers and offsets are in one file, replaced as a whole: after a crash both are as they were.
        Files.write(fresh, state.entrySet().stream().map(each -> each.getKey() + "\t" + each.getValue()).toList());
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        ConsumerRecords<String, byte[]> records;
        do records = consumer.poll(Duration.ofSeconds(1)); while (records.isEmpty() && !announceHalves());
        for (var record : records) take(record);
      }
    }
  }

  /** First where the events end, then all memberships: what comes in between is in both, and taken once. */
  static void snapshot(KafkaConsumer<String, byte[]> consumer, TopicPartition events) throws IOException {
    var memberships = new TopicPartition("segment-memberships", events.partition());
    state.put("next " + events.partition(), "" + consumer.endOffsets(List.of(events)).get(events));
    consumer.assign(List.of(memberships));
    consumer.seekToBeginning(List.of(memberships));
    long end = consumer.endOffsets(List.of(memberships)).get(memberships);
    while (consumer.position(memberships) < end)
      for (var record : consumer.poll(Duration.ofSeconds(1))) {
        var names = new TreeSet<String>();
        var found = record.value() == null ? null : decode(record.value());
        if (found != null) for (var each : (List<?>) found.get("segments")) names.add(place((GenericRecord) each));
        store(record.key(), found == null ? 0 : (long) found.get("sequence"), names);
      }
  }

  /** Apply one enter or exit, unless the snapshot has it; a sequence of 1 begins a new life of the customer. */
  static void take(ConsumerRecord<String, byte[]> record) throws IOException {
    var event = decode(record.value());
    long sequence = (long) event.get("sequence");
    var known = sequence == 1 ? "0" : state.getOrDefault("customer " + record.key(), "0");
    var segments = new TreeSet<>(Arrays.asList(known.split(" ")).subList(1, known.split(" ").length));
    if (sequence > Long.parseLong(known.split(" ")[0])) {
      if (event.get("transition").toString().equals("enter")) segments.add(place(event));
      else segments.remove(place(event));
      store(record.key(), sequence, segments);
      boolean control = event.hasField("arm") && "control".equals("" + event.get("arm"));
      if ("merged".equals("" + event.get("reason"))) net(event, control);
      else if (!RULE_CHANGES.contains("" + event.get("reason")) && !control) System.out.println(event);
    }
    state.put("next " + record.partition(), "" + (record.offset() + 1));
  }

  /** Keep one half of a merge until the other comes, by their cause: who only got another id is no news. */
  static void net(GenericRecord event, boolean control) {
    if (control) return; // it is never announced, so the other half is news
    var cause = ((GenericRecord) event.get("cause")).get("event_id");
    var merge = "half " + event.get("segment") + " " + (event.hasField("value") ? event.get("value") : null) + " " + cause;
    var half = state.get(merge);
    if (half != null && !half.split(" ")[1].equals("" + event.get("transition"))) state.remove(merge);
    else state.put(merge, System.currentTimeMillis() + " " + event.get("transition") + " " + event);
  }

  /** Announce the halves that have waited for a minute: the other half was a stay, or none. Whether there were any. */
  static boolean announceHalves() {
    var due = new ArrayList<String>();
    for (var each : state.tailMap("half ").entrySet())
      if (each.getKey().startsWith("half ") && Long.parseLong(each.getValue().split(" ")[0]) < System.currentTimeMillis() - MERGE_MILLIS)
        due.add(each.getKey());
    for (var each : due) System.out.println(state.remove(each).split(" ", 3)[2]);
    return !due.isEmpty();
  }

  /** A segment, and the value of a segment with values: a customer may be in it for several. */
  static String place(GenericRecord each) {
    var value = each.hasField("value") ? each.get("value") : null;
    return each.get("segment") + (value == null ? "" : "=" + URLEncoder.encode("" + value, StandardCharsets.UTF_8));
  }

  /** Keep a customer; of whom is in no segment, erased ones among them, nothing is kept. */
  static void store(String customer, long sequence, Set<String> segments) {
    if (segments.isEmpty()) state.remove("customer " + customer);
    else state.put("customer " + customer, sequence + " " + String.join(" ", segments));
  }

  /** A record: a zero, its schema's id, Avro; written by the schema of that id, read by the newest that we have. */
  static GenericRecord decode(byte[] value) throws IOException {
    int id = ByteBuffer.wrap(value).getInt(1);
    if (!READERS.containsKey(id)) {
      var writer = new ObjectMapper().readTree(schemas.resolve("ids.json").toFile()).get("" + id);
      var name = writer.get("record").asText();
      READERS.put(id, new GenericDatumReader<>(schema("released/" + name + "." + writer.get("version")), schema(name)));
    }
    return READERS.get(id).read(null, DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, null));
  }

  static Schema schema(String name) throws IOException {
    return new Schema.Parser().parse(schemas.resolve(name + ".avsc").toFile());
  }
}
