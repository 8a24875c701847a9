//! Bounds on memory and work. None of them is reached in practice, so none of them changes a finding.

use std::time::Duration;

thresholds! {
    /// Interval between two tables of the matrix, which cost the most of an evaluation; the windows reach back over seconds.
    TABLE_EVERY: Duration = Duration::from_millis(500);

    /// Answers in a latency window: eight seconds at the shortest interval (10 ms) are 800.
    WINDOW_ANSWERS_MAX: usize = 1024;

    /// Latencies in one sample of the baseline; more would not change its ninth decile much.
    SAMPLE_LATENCIES_MAX: usize = 64;

    /// Answers remembered per broker to tell stalls of single connections from pauses: more than arrive during the longest wait (5 s)
    /// on four connections at the shortest interval (10 ms).
    STALL_ANSWERS_MAX: usize = 2048;

    /// Stalls of the prober kept: more within a minute add nothing to the evidence.
    PROBER_STALLS_MAX: usize = 1024;

    /// Readings of the kernel's counters kept: one a second, and a few more than a minute's.
    READINGS_MAX: usize = 64;
    less fails "evidence::vitals_history::tests::throttling_is_summed_over_three_seconds_and_over_a_minute";
    more fails "evidence::vitals_history::tests::throttling_is_summed_over_three_seconds_and_over_a_minute";

    /// Ended and active findings remembered; the one that was found longest ago goes first.
    FINDINGS_MAX: usize = 1024;

    /// Hypotheses of which each pair is tried as the beginning of the search: 66 pairs.
    PAIRED_MAX: usize = 12;

    /// Hypotheses in a set at most, far above what a cluster has at once.
    SET_MAX: usize = 128;

    /// Partition samples kept: those of half an hour at any interval of 8 s or more.
    PARTITION_SAMPLES_MAX: usize = 240;

    /// Samples whose counts the evidence of a finding lists.
    SAMPLES_LISTED_MAX: usize = 30;

    /// Partitions that a sentence names; the evidence names as many again, and a number stands for the others.
    PARTITIONS_NAMED_MAX: usize = 5;

    /// A gain in the search for hypotheses below this is rounding.
    LEAST_GAIN: f64 = 1e-9;
}
