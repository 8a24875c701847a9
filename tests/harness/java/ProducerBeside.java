// Kafka's own producer beside the prober: one record to each partition of a topic every so often, acks=all, with the
// prober's deadline. One line a record on stdout: when it was sent (Unix ms), the partition, "ok" or the error, and how
// long it took (ms). Goes on until it is killed.
//
// usage: java -cp 'kafka/*' ProducerBeside.java BOOTSTRAP TOPIC PARTITIONS INTERVAL_MS DEADLINE_MS

import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class ProducerBeside {
    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        long interval = Long.parseLong(args[3]);
        Properties settings = new Properties();
        settings.put("bootstrap.servers", args[0]);
        settings.put("acks", "all");
        settings.put("linger.ms", "0");
        // The settings of the prober's librdkafka. With Java's defaults (idempotent, metadata every five minutes) it fails for some
        // seconds longer: it restores the order of records after a time-out, and learns later of the new leader.
        settings.put("enable.idempotence", "false");
        settings.put("metadata.max.age.ms", "5000");
        // Java's deadline is a batch's, from its first record on: a record that joins a waiting batch would fail sooner than
        // the deadline. One record a batch, and as many requests on their way as librdkafka allows, give each its own.
        settings.put("batch.size", "0");
        settings.put("max.in.flight.requests.per.connection", "1000000");
        settings.put("delivery.timeout.ms", args[4]);
        settings.put("request.timeout.ms", args[4]);
        settings.put("max.block.ms", args[4]);
        var producer = new KafkaProducer<byte[], byte[]>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        // send() may wait for metadata; it must not hold up the next record.
        var senders = Executors.newCachedThreadPool();
        var clock = Executors.newScheduledThreadPool(1);
        for (int i = 0; i < partitions; i++) {
            int partition = i;
            clock.scheduleAtFixedRate(
                () -> senders.submit(() -> send(producer, topic, partition)),
                i * interval / partitions, interval, TimeUnit.MILLISECONDS);
        }
        Thread.currentThread().join();
    }

    static void send(KafkaProducer<byte[], byte[]> producer, String topic, int partition) {
        long sent = System.currentTimeMillis();
        try {
            producer.send(new ProducerRecord<>(topic, partition, null, new byte[128]),
                (metadata, error) -> say(sent, partition, error));
        } catch (Exception error) {
            say(sent, partition, error);
        }
    }

    static synchronized void say(long sent, int partition, Exception error) {
        String what = error == null ? "ok" : error.getClass().getSimpleName();
        System.out.println(sent + " " + partition + " " + what + " " + (System.currentTimeMillis() - sent));
    }
}
