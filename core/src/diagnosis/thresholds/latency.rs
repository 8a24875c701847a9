//! When answers are late, when a cell of the matrix is slow or failing, and when latencies count at all.

use std::time::Duration;

thresholds! {
    /// Window of the answers that count: eight answers of a probe that runs once a second.
    WINDOW: Duration = Duration::from_secs(8);
    less fails "evidence::cells::tests::failures_make_a_cell_fail_and_eight_good_seconds_clear_it";
    more fails "evidence::cells::tests::slow_broker_that_recovers_is_well_within_eight_seconds";

    /// Answers that it takes to judge a cell. The window reaches back further for probes that are rarer.
    ANSWERS_MIN: usize = 4;
    less fails "evidence::cells::boundaries::three_answers_are_not_enough_to_judge_a_cell_and_four_are";
    more fails "evidence::cells::boundaries::three_answers_are_not_enough_to_judge_a_cell_and_four_are";

    /// Age from which answers do not count: four of the `connect` probe, which is the rarest (10 s), and some time.
    AGE_MAX: Duration = Duration::from_secs(60);
    less fails "evidence::cells::boundaries::answers_of_a_probe_that_no_longer_runs_are_forgotten_after_a_minute";
    more fails "evidence::cells::boundaries::answers_of_a_probe_that_no_longer_runs_are_forgotten_after_a_minute";

    /// Intervals of a probe for which its answers count at least: [`ANSWERS_MIN`], and one for those that are late. For a probe that is
    /// configured to run less often than every twelve seconds.
    AGE_MAX_INTERVALS: u32 = 5;
    less fails "scenarios::other_intervals::slow_broker_is_named_with_attempts_every_minute";

    /// Time between the first and the last late answer. Late answers that are closer together are one pause.
    SPREAD_MIN: Duration = Duration::from_secs(3);
    less fails "scenarios::other_intervals::frozen_broker_is_named_with_records_every_five_seconds";
    more fails "scenarios::several_troubles::two_slow_brokers_at_once_are_two_findings";

    /// Share of late answers from which a cell is slow. A garbage collector that stops a broker for most of a second every few
    /// seconds stays below it; a process that runs half of the time does not.
    SLOW_FROM: f64 = 0.35;
    less fails "scenarios::degraded::pauses_of_collectors_on_all_brokers_are_nothing";
    more fails "rules::hypotheses::tests::most_brokers_slow_are_one_load_and_name_nobody";

    /// Share of late answers from which a cell is slow if they come in at least [`OFTEN`] separate episodes: no garbage collector
    /// stops a process so often.
    OFTEN_FROM: f64 = 0.2;
    less fails "evidence::cells::boundaries::one_late_answer_in_twelve_is_well_and_one_in_seven_is_neither_well_nor_slow";
    more fails "scenarios::several_troubles::two_brokers_that_stand_still_three_times_a_second_are_two_findings";

    /// Separate episodes of late answers, each after an answer in time.
    OFTEN: usize = 5;
    less fails "scenarios::degraded::pauses_on_six_brokers_are_nothing";
    more fails "evidence::cells::boundaries::late_answers_in_five_episodes_are_slow_though_they_are_fewer_than_a_third";

    /// Share of late answers up to which a cell is well. Between this and [`SLOW_FROM`] it is neither well nor slow.
    WELL_UP_TO: f64 = 0.1;
    less fails "evidence::cells::boundaries::one_late_answer_in_twelve_is_well_and_one_in_seven_is_neither_well_nor_slow";
    more fails "evidence::cells::boundaries::one_late_answer_in_twelve_is_well_and_one_in_seven_is_neither_well_nor_slow";

    /// Multiple of the baseline from which an answer is late.
    BASELINE_FACTOR: u32 = 3;
    less fails "evidence::cells::tests::broker_that_is_always_slower_is_compared_with_its_own_baseline";
    more fails "evidence::cells::tests::broker_that_is_always_slower_is_compared_with_its_own_baseline";

    /// Fraction of the threshold below which no answer is late, because no user notices it.
    THRESHOLD_PART: u32 = 20;
    less fails "evidence::cells::boundaries::slowness_above_a_twentieth_of_the_threshold_is_slow";
    more fails "evidence::cells::tests::slowness_below_a_twentieth_of_the_threshold_is_not_slow";

    /// Fraction of the threshold from which an answer counts towards an overload of the whole cluster.
    OVERLOAD_PART: u32 = 4;
    less fails "scenarios::degraded::six_brokers_slow_together_are_a_load_and_name_nobody";
    more fails "scenarios::degraded::load_that_most_would_notice_and_nobody_suffers_from_is_nothing";

    /// Fraction of the threshold from which a TCP retransmit (RTO ≥ 200 ms, RFC 6298) is a plausible cause, at a threshold of 1 s.
    RETRANSMIT_PART: u32 = 8;
    less fails "scenarios::degraded::way_that_loses_one_packet_in_twenty_is_told_by_connections_that_wait_one_at_a_time";
    more fails "evidence::cells::boundaries::hundred_milliseconds_are_no_retransmission";

    /// Time after which the latency of a slow cell becomes its new baseline.
    NEW_BASELINE_AFTER: Duration = Duration::from_secs(3600);
    less fails "evidence::cells::boundaries::broker_that_is_slow_for_an_hour_gets_a_new_baseline_and_not_before";
    more fails "evidence::cells::boundaries::broker_that_is_slow_for_an_hour_gets_a_new_baseline_and_not_before";

    /// Length of one sample of the baseline.
    BASELINE_SAMPLE: Duration = Duration::from_secs(5);
    less fails "evidence::cells::baseline::tests::slowness_of_some_minutes_does_not_become_the_baseline";
    more fails "evidence::cells::baseline::tests::baseline_is_known_after_a_quarter_of_a_minute";

    /// Samples from which there is a baseline: 15 seconds.
    BASELINE_SAMPLES_MIN: usize = 3;
    less fails "evidence::cells::baseline::tests::baseline_is_known_after_a_quarter_of_a_minute";
    more fails "evidence::cells::baseline::tests::baseline_is_known_after_a_quarter_of_a_minute";

    /// Samples of the baseline: ten minutes. Its median bears a failure of half as long that was not recognised.
    BASELINE_SAMPLES: usize = 120;
    less fails "evidence::cells::baseline::tests::slowness_of_some_minutes_does_not_become_the_baseline";

    /// Failure rate of a healthy cell, for the cumulative sum of its failures.
    WELL_RATE: f64 = 0.001;
    less fails "evidence::cells::cusum::tests::outage_is_four_failures";

    /// Lowest failure rate that is worth finding.
    FAILING_RATE: f64 = 0.05;
    more fails "evidence::cells::cusum::tests::outage_is_four_failures";

    /// Sum from which a cell is failing: four failures in a row, and one false alarm in a month at one answer a second.
    FAILING_FROM: f64 = 12.0;
    less fails "evidence::cells::cusum::tests::outage_is_four_failures";
    more fails "evidence::cells::cusum::tests::one_answer_in_twenty_lost_is_found";

    /// Factor by which a broker must be late more often than its peers to be an outlier.
    PEERS_FACTOR: f64 = 3.0;
    less fails "evidence::cells::boundaries::broker_late_three_times_as_often_as_its_peers_is_an_outlier_and_twice_as_often_it_is_not";
    more fails "evidence::cells::boundaries::broker_late_three_times_as_often_as_its_peers_is_an_outlier_and_twice_as_often_it_is_not";

    /// Latencies do not count for this long after brokers joined, left, failed or recovered: leaders move, acks wait for the replica
    /// that leaves the ISR, and a cold process warms up.
    CHURN_COOLDOWN: Duration = Duration::from_secs(15);
    more fails "evidence::probe_matrix::tests::table_is_discarded_when_a_broker_appears";

    /// An answer this close to the start or the end of a wait does not count as received during it: it may have been in flight at
    /// the start, or have been released together with the late answer.
    STALL_MARGIN: Duration = Duration::from_millis(25);
    less fails "evidence::single_connection_stalls::tests::answer_twenty_milliseconds_after_the_start_of_a_wait_is_not_received_during_it";
    more fails "scenarios::degraded::way_that_loses_one_packet_in_twenty_is_told_by_connections_that_wait_one_at_a_time";

    /// Window in which stalls of single connections are counted.
    STALLS_COUNTED_FOR: Duration = Duration::from_secs(20);
    less fails "evidence::single_connection_stalls::tests::stall_counts_for_twenty_seconds_and_is_ongoing_for_six";
    more fails "evidence::single_connection_stalls::tests::stall_counts_for_twenty_seconds_and_is_ongoing_for_six";

    /// Without a stall of a single connection for this long the episode has ended.
    STALLS_END_AFTER: Duration = Duration::from_millis(6500);
    less fails "evidence::single_connection_stalls::tests::stall_counts_for_twenty_seconds_and_is_ongoing_for_six";
    more fails "evidence::single_connection_stalls::tests::stall_counts_for_twenty_seconds_and_is_ongoing_for_six";

    /// Stalls of single connections within [`STALLS_COUNTED_FOR`] from which packet loss is the cause.
    STALLS_OFTEN: usize = 5;
    less fails "evidence::single_connection_stalls::tests::four_stalls_are_not_often_and_five_are_unless_on_one_connection";
    more fails "evidence::single_connection_stalls::tests::four_stalls_are_not_often_and_five_are_unless_on_one_connection";

    /// Connections that these must be on: one alone may be stalled by what it is used for.
    STALLED_CONNECTIONS_MIN: usize = 2;
    less fails "evidence::single_connection_stalls::tests::four_stalls_are_not_often_and_five_are_unless_on_one_connection";
    more fails "evidence::single_connection_stalls::tests::four_stalls_are_not_often_and_five_are_unless_on_one_connection";

    /// Factor by which most other brokers must stall less often. Otherwise the loss is in the prober's own network, or everywhere.
    STALLS_PEERS_FACTOR: usize = 4;
    less fails "evidence::cells::boundaries::path_is_lossy_if_its_connections_stall_four_times_as_often_as_those_of_most";
    more fails "evidence::cells::boundaries::path_is_lossy_if_its_connections_stall_four_times_as_often_as_those_of_most";
}
