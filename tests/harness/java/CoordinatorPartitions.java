// Which partition Kafka's own brokers give to an id: GroupCoordinatorService for groups, TransactionStateManager for
// transactional ids, both asked without being started. One line an id on stdout: its UTF-16 code units in hexadecimal,
// String.hashCode, and its partition for each number of partitions. It fails if the two disagree.
//
// usage: java -cp 'kafka/*' CoordinatorPartitions.java > core/src/coordinator/of_kafka.txt

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import kafka.coordinator.transaction.TransactionStateManager;
import org.apache.kafka.coordinator.group.GroupCoordinatorService;
import sun.misc.Unsafe;

public class CoordinatorPartitions {
    static final int[] COUNTS = {1, 2, 3, 6, 50, 97, 1000, Integer.MAX_VALUE};

    public static void main(String[] args) throws Exception {
        System.out.println("# Printed by tests/harness/java/CoordinatorPartitions.java with the jars of Kafka 4.3.1:");
        System.out.println("# java -cp \"$(script/kafka-jars 4.3.1)/*\" tests/harness/java/CoordinatorPartitions.java");
        List<String> ids = new ArrayList<>(List.of(
            "", "a", "b", "group", "my-group", "kafka-prober-default-0", "kafka-prober-default-49",
            "kafka-prober-default-1.7", "kafka-prober-default-txn-3", "connect-cluster", "console-consumer-12345",
            // The hash is -2^31, which has no absolute value.
            "polygenelubricants",
            // Negative and positive hashes, and a hash of 0 of a text that is not empty.
            "the quick brown fox jumps over the lazy dog", "Aa", "BB", "\0",
            // One code unit each, outside ASCII.
            "\u00fc", "\u00df", "\u4e2d\u6587", "\u65e5\u672c\u8a9e-\u30b0\u30eb\u30fc\u30d7",
            // Characters of two code units.
            "\ud83d\ude00", "group-\ud83d\ude80-\ud834\udd1e", "\udbff\udfff",
            // Composed and decomposed are two ids.
            "caf\u00e9", "cafe\u0301",
            "x".repeat(249)));
        for (int i = 0; i < 40; i++) {
            ids.add("kafka-prober-v" + i * 7919 + "-" + i);
        }
        for (String id : ids) {
            StringBuilder line = new StringBuilder("u:");
            line.append(id.chars().mapToObj(Integer::toHexString).collect(Collectors.joining(",")));
            line.append(' ').append(id.hashCode());
            for (int count : COUNTS) {
                int group = ofGroup(id, count);
                int transaction = ofTransaction(id, count);
                if (group != transaction) {
                    throw new IllegalStateException(id + " of " + count + ": " + group + " and " + transaction);
                }
                line.append(' ').append(count).append(':').append(group);
            }
            System.out.println(line);
        }
    }

    static int ofGroup(String id, int count) throws Exception {
        var service = (GroupCoordinatorService) unstarted(GroupCoordinatorService.class);
        set(service, "isActive", new AtomicBoolean(true));
        set(service, "numPartitions", count);
        return service.partitionFor(id);
    }

    static int ofTransaction(String id, int count) throws Exception {
        var manager = (TransactionStateManager) unstarted(TransactionStateManager.class);
        set(manager, "transactionTopicPartitionCount", count);
        return manager.partitionFor(id);
    }

    static Object unstarted(Class<?> type) throws Exception {
        Field field = Unsafe.class.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        return ((Unsafe) field.get(null)).allocateInstance(type);
    }

    static void set(Object object, String name, Object value) throws Exception {
        Field field = object.getClass().getDeclaredField(name);
        field.setAccessible(true);
        field.set(object, value);
    }
}
