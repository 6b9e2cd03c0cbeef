import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams: one processor over four topics with four stores (ids, owners, slices, orphans), each with its changelog;
 * what changed is sent twice a second. The argument says where stores live: "memory" or "rocksdb".
 */
public class Join {
  static final String UNATTRIBUTED = "(unattributed)";
  static final long EVENTS = Long.parseLong(System.getenv("RIVAL_EVENTS"));
  static final Duration EMIT_EVERY = Duration.ofMillis(500);
  static final AtomicLong count = new AtomicLong();
  static volatile long first, half;

  /** Counters as four longs: impressions, clicks, donations, cents. */
  record Counts(long impressions, long clicks, long donations, long cents) {
    static Counts read(byte[] bytes) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      return new Counts(buffer.getLong(), buffer.getLong(), buffer.getLong(), buffer.getLong());
    }

    byte[] bytes() {
      ByteBuffer buffer = ByteBuffer.allocate(32);
      return buffer.putLong(impressions).putLong(clicks).putLong(donations).putLong(cents).array();
    }

    Counts plus(Counts more) {
      return new Counts(
          impressions + more.impressions, clicks + more.clicks, donations + more.donations, cents + more.cents);
    }

    Counts negative() {
      return new Counts(-impressions, -clicks, -donations, -cents);
    }

    byte[] json() {
      String text = "{\"impressions\":" + impressions + ",\"clicks\":" + clicks
          + ",\"donations\":" + donations + ",\"cents\":" + cents + "}";
      return text.getBytes(StandardCharsets.UTF_8);
    }
  }

  static final class Joiner implements Processor<byte[], byte[], byte[], byte[]> {
    private static final byte[] SEEN = {1};
    private final JsonFactory json = new JsonFactory();
    private final Map<Bytes, byte[]> changed = new HashMap<>();
    private final Map<String, Integer> minutes = new HashMap<>();
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<Bytes, byte[]> ids, owners, slices, orphans;
    private String tail;

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
      context = given;
      ids = given.getStateStore("ids");
      owners = given.getStateStore("owners");
      slices = given.getStateStore("slices");
      orphans = given.getStateStore("orphans");
      tail = "|" + given.taskId().partition();
      given.schedule(EMIT_EVERY, PunctuationType.WALL_CLOCK_TIME, this::send);
    }

    private void send(long now) {
      if (changed.isEmpty()) return;
      for (Map.Entry<Bytes, byte[]> entry : changed.entrySet())
        context.forward(new Record<>(entry.getKey().get(), Counts.read(entry.getValue()).json(), now));
      changed.clear();
      context.commit();
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      if (first == 0) first = System.currentTimeMillis();
      try {
        fold(record.value());
      } catch (IOException error) {
        throw new RuntimeException(error);
      }
      if (count.incrementAndGet() == EVENTS / 2) half = System.currentTimeMillis();
    }

    private void fold(byte[] value) throws IOException {
      String id = null, referral = null, occurred = null, influencer = null, amount = null;
      long seen = 0;
      try (JsonParser parser = json.createParser(value)) {
        parser.nextToken();
        for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
          switch (field) {
            case "event_id" -> id = parser.nextTextValue();
            case "referral_id" -> referral = parser.nextTextValue();
            case "occurred_at" -> occurred = parser.nextTextValue();
            case "influencer_id" -> influencer = parser.nextTextValue();
            case "amount" -> amount = parser.nextTextValue();
            case "count" -> seen = parser.nextLongValue(0);
            default -> parser.nextToken();
          }
        }
      }
      int minute = minute(occurred);
      if (ids.putIfAbsent(idKey(minute, id), SEEN) != null) return;
      byte[] owner = owners.get(key(referral));
      if (influencer != null) {
        if (owner == null) register(referral, influencer);
        return;
      }
      Counts counts = amount != null ? new Counts(0, 0, 1, cents(amount))
          : seen != 0 ? new Counts(seen, 0, 0, 0) : new Counts(0, 1, 0, 0);
      String who = owner == null ? UNATTRIBUTED : new String(owner, StandardCharsets.UTF_8);
      addSlice(who + "|" + minute + tail, counts);
      if (owner == null) add(orphans, key(referral + "|" + minute), counts);
    }

    private void register(String referral, String influencer) {
      owners.put(key(referral), influencer.getBytes(StandardCharsets.UTF_8));
      List<KeyValue<Bytes, byte[]>> waiting = new ArrayList<>();
      try (KeyValueIterator<Bytes, byte[]> found = orphans.prefixScan(referral + "|", new StringSerializer())) {
        found.forEachRemaining(waiting::add);
      }
      for (KeyValue<Bytes, byte[]> entry : waiting) {
        String name = new String(entry.key.get(), StandardCharsets.UTF_8);
        String minute = name.substring(name.indexOf('|') + 1);
        Counts counts = Counts.read(entry.value);
        addSlice(UNATTRIBUTED + "|" + minute + tail, counts.negative());
        addSlice(influencer + "|" + minute + tail, counts);
        orphans.delete(entry.key);
      }
    }

    private void addSlice(String name, Counts counts) {
      Bytes key = key(name);
      changed.put(key, add(slices, key, counts));
    }

    private static byte[] add(KeyValueStore<Bytes, byte[]> store, Bytes key, Counts counts) {
      byte[] before = store.get(key);
      byte[] after = (before == null ? counts : Counts.read(before).plus(counts)).bytes();
      store.put(key, after);
      return after;
    }

    /** The minute in front: ids that come together lie together on disk. */
    private static Bytes idKey(int minute, String id) {
      UUID uuid = UUID.fromString(id);
      ByteBuffer buffer = ByteBuffer.allocate(20).putInt(minute);
      return Bytes.wrap(buffer.putLong(uuid.getMostSignificantBits()).putLong(uuid.getLeastSignificantBits()).array());
    }

    private static Bytes key(String text) {
      return Bytes.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private int minute(String occurred) {
      return minutes.computeIfAbsent(
          occurred.substring(0, 16), text -> (int) (OffsetDateTime.parse(text + ":00Z").toEpochSecond() / 60));
    }

    private static long cents(String amount) {
      int point = amount.indexOf('.');
      return Long.parseLong(amount.substring(0, point)) * 100 + Long.parseLong((amount.substring(point + 1) + "00").substring(0, 2));
    }
  }

  /** What is written often and read again soon is cached: "slices" in memory; all but ids on disk. */
  static StoreBuilder<KeyValueStore<Bytes, byte[]>> store(String name, boolean disk) {
    StoreBuilder<KeyValueStore<Bytes, byte[]>> builder = Stores.keyValueStoreBuilder(
        disk ? Stores.persistentKeyValueStore(name) : Stores.inMemoryKeyValueStore(name), Serdes.Bytes(), Serdes.ByteArray());
    boolean cached = disk ? !name.equals("ids") : name.equals("slices");
    return cached ? builder.withCachingEnabled() : builder;
  }

  static Properties settings(Path folder) {
    Properties settings = new Properties();
    settings.put("application.id", System.getenv("RIVAL_GROUP"));
    settings.put("bootstrap.servers", System.getenv("RIVAL_BROKER"));
    settings.put("num.stream.threads", "1");
    settings.put("state.dir", folder.resolve("state").toString());
    settings.put("replication.factor", "1");
    settings.put("auto.offset.reset", "earliest");
    settings.put("commit.interval.ms", "30000");
    settings.put("statestore.cache.max.bytes", "268435456");
    settings.put("producer.batch.size", "131072");
    settings.put("producer.buffer.memory", "67108864");
    settings.put("consumer.max.poll.records", "5000");
    settings.put("buffered.records.per.partition", "10000");
    return settings;
  }

  static Topology topology(boolean disk) {
    String prefix = System.getenv("RIVAL_PREFIX");
    Topology topology = new Topology();
    topology.addSource("log", new ByteArrayDeserializer(), new ByteArrayDeserializer(),
        prefix + "shares", prefix + "clicks", prefix + "impressions", prefix + "donations");
    topology.addProcessor("join", Joiner::new, "log");
    for (String name : List.of("ids", "owners", "slices", "orphans")) topology.addStateStore(store(name, disk), "join");
    topology.addSink("values", System.getenv("RIVAL_OUTPUT"), new ByteArraySerializer(), new ByteArraySerializer(), "join");
    return topology;
  }

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(System.getenv("RIVAL_FOLDER"));
    KafkaStreams streams = new KafkaStreams(topology(arguments[0].equals("rocksdb")), settings(folder));
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    while (count.get() < EVENTS) {
      Thread.sleep(20);
      if (streams.state() == KafkaStreams.State.ERROR) System.exit(3);
    }
    Thread.sleep(EMIT_EVERY.toMillis() * 5);
    streams.close(Duration.ofSeconds(30));
    String said = "{\"first\":" + first / 1000.0 + ",\"half\":" + half / 1000.0 + ",\"count\":" + count.get() + "}";
    Files.writeString(folder.resolve("said.json"), said);
    System.exit(0);
  }
}
