import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.regex.*;
import java.util.stream.*;

/** Hot loops, virtual calls, exceptions, collections, strings, threads and atomics. */
public class Jit {
    interface Op { long apply(long x); }
    static final Op[] OPS = { x -> x * 31 + 7, x -> x ^ (x >>> 11), x -> Long.rotateLeft(x, 9), x -> x - 0x9e3779b97f4a7c15L };

    static long calls(int n) {
        long x = 1;
        for (int i = 0; i < n; i++) x = OPS[i < n / 2 ? i & 1 : i & 3].apply(x);
        return x;
    }
    static double floats(int n) {
        double[] a = new double[4096];
        for (int i = 0; i < n; i++) {
            int k = i & 4095;
            a[k] = Math.fma(a[k], 0.99, Math.sqrt(i)) + (float) i / 3 - (int) (a[k] * 0.5);
        }
        return Arrays.stream(a).sum();
    }
    static int failures(int n) {
        int caught = 0;
        int[] small = new int[4];
        for (int i = 0; i < n; i++) {
            try { small[i % 6]++; if (i % 5 == 0) ((Object) "x").getClass().cast(i); }
            catch (ArrayIndexOutOfBoundsException e) { caught++; }
            catch (ClassCastException e) { caught += 3; }
        }
        return caught;
    }
    static String words(int n) {
        StringBuilder text = new StringBuilder();
        Random random = new Random(5);
        for (int i = 0; i < n; i++) text.append(Integer.toString(random.nextInt(100000), 36)).append(' ');
        Map<String, Long> counts = Pattern.compile(" ").splitAsStream(text).filter(w -> w.matches("[a-k]\\w*\\d")).collect(
            Collectors.groupingBy(w -> w.substring(0, 1), TreeMap::new, Collectors.counting()));
        return counts + " " + text.toString().hashCode();
    }
    static long threads(int n) throws Exception {
        AtomicLong atomic = new AtomicLong();
        long[] locked = new long[1];
        ConcurrentHashMap<Integer, Integer> map = new ConcurrentHashMap<>();
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<?>> all = new ArrayList<>();
        for (int t = 0; t < 4; t++) all.add(pool.submit(() -> {
            for (int i = 0; i < n; i++) {
                atomic.addAndGet(i);
                synchronized (locked) { locked[0] += i; }
                map.merge(i % 100, 1, Integer::sum);
            }
        }));
        for (Future<?> f : all) f.get();
        pool.shutdown();
        return atomic.get() - locked[0] + map.values().stream().mapToInt(i -> i).sum();
    }
    public static void main(String[] args) throws Exception {
        int part = args.length > 0 ? Integer.parseInt(args[0]) : 1;
        System.out.println("calls " + calls(20000000 / part));
        System.out.println("floats " + floats(10000000 / part));
        System.out.println("failures " + failures(60000 / part));
        System.out.println("words " + words(60000 / part));
        System.out.println("threads " + threads(60000 / part));
    }
}
