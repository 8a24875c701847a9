//! When a broker does not answer, refuses connections, or is away; and when several failed together.

use std::time::Duration;

thresholds! {
    /// Least time without any answer after which a broker is quiet: the shortest interval at which a person would notice a pause.
    LIVENESS_TIMEOUT_MIN: Duration = Duration::from_millis(500);
    less fails "evidence::tests::liveness_timeout_is_two_intervals_and_the_time_until_they_count_and_half_a_second_at_least";
    more fails "evidence::tests::liveness_timeout_is_two_intervals_and_the_time_until_they_count_and_half_a_second_at_least";

    /// Time from the end of an attempt until its event is evidence: settle time (150 ms) and two evaluations (100 ms) at most, rounded
    /// up to a heartbeat.
    SETTLING: Duration = Duration::from_millis(300);
    less fails "evidence::tests::liveness_timeout_is_two_intervals_and_the_time_until_they_count_and_half_a_second_at_least";
    more fails "evidence::tests::liveness_timeout_is_two_intervals_and_the_time_until_they_count_and_half_a_second_at_least";

    /// A pooled connection must be overdue for this long to count: longer than the pauses of an ordinary garbage collector, and short
    /// enough to name a frozen broker in two seconds.
    OVERDUE_FOR: Duration = Duration::from_millis(1500);
    less fails "scenarios::prober_at_fault::dropped_packets_are_told_from_a_process_that_hangs_at_once_where_the_kernel_tells";
    more fails "scenarios::prober_at_fault::brokers_cut_off_one_moment_after_the_other_are_everybody_and_not_some_of_them";

    /// Pooled connections that must be overdue. A single one may hang by itself.
    CONNECTIONS_MIN: usize = 2;
    less fails "scenarios::prober_at_fault::dropped_packets_are_told_from_a_process_that_hangs_at_once_where_the_kernel_tells";
    more fails "scenarios::prober_at_fault::brokers_cut_off_one_moment_after_the_other_are_everybody_and_not_some_of_them";

    /// A fresh connection must have been unanswered for this long.
    CHECK_UNANSWERED_FOR: Duration = Duration::from_secs(1);
    less fails "evidence::facts::tests::fresh_connection_must_be_unanswered_for_a_second";
    more fails "evidence::facts::tests::fresh_connection_must_be_unanswered_for_a_second";

    /// A broker that has not answered for this long is frozen rather than stalled: stop-the-world collections are shorter.
    FROZEN_AFTER: Duration = Duration::from_secs(10);
    less fails "scenarios::started_late::broker_frozen_before_the_prober_began_is_named";
    more fails "scenarios::started_late::broker_frozen_before_the_prober_began_is_named";

    /// Connect checks in a row that must have been refused.
    CHECKS_MIN: u32 = 2;
    less fails "evidence::facts::tests::two_checks_must_be_refused_and_over_a_second";
    more fails "evidence::facts::tests::two_checks_must_be_refused_and_over_a_second";

    /// Time over which they must have been refused: a process that is being replaced may refuse one.
    REFUSED_FOR: Duration = Duration::from_secs(1);
    less fails "evidence::facts::tests::two_checks_must_be_refused_and_over_a_second";
    more fails "evidence::facts::tests::two_checks_must_be_refused_and_over_a_second";

    /// Time within which a broker that is listed again accepts connections.
    BACK_WITHIN: Duration = Duration::from_secs(5);
    less fails "scenarios::unresponsive::broker_that_comes_back_and_does_not_listen_yet_is_nothing";
    more fails "scenarios::unresponsive::broker_that_is_listed_again_and_never_listens_is_down";

    /// Time after which a broker that left in good order is reported as absent: restarts take less.
    ABSENT_AFTER: Duration = Duration::from_secs(120);
    less fails "scenarios::unresponsive::broker_decommissioned_in_good_order_is_nothing";
    more fails "scenarios::unresponsive::broker_that_has_left_in_good_order_is_absent_after_two_minutes";

    /// Time from the first metadata after which a broker that they have never listed is reported as absent. Metadata are requested
    /// every five seconds, or every second in trouble: a broker that is just being started is listed by one of the next responses.
    ABSENT_AT_START: Duration = Duration::from_secs(6);
    less fails "scenarios::started_late::broker_that_was_killed_and_fenced_before_the_prober_began_is_absent";
    more fails "scenarios::started_late::broker_that_was_killed_and_fenced_before_the_prober_began_is_absent";

    /// Interval between connect checks of a suspect broker.
    CHECK_EVERY: Duration = Duration::from_secs(1);
    less fails "evidence::broker_tracker::tests::answered_connect_check_clears_the_suspicion";
    more fails "evidence::broker_tracker::tests::answered_connect_check_clears_the_suspicion";

    /// Time after which connect checks become rare: each check of a hanging process takes a place in the accept queue of its
    /// listener (50 in Kafka).
    CHECK_SELDOM_AFTER: Duration = Duration::from_secs(10);
    less fails "evidence::broker_tracker::tests::connect_check_without_an_address_is_given_up";
    more fails "evidence::broker_tracker::tests::connect_checks_of_a_hanging_broker_become_rare";

    /// Interval between rare connect checks.
    CHECK_SELDOM: Duration = Duration::from_secs(10);
    less fails "evidence::broker_tracker::tests::connect_checks_of_a_hanging_broker_become_rare";
    more fails "evidence::broker_tracker::tests::connect_checks_of_a_hanging_broker_become_rare";

    /// Without a result for this long a connect check never began: the broker has no known address. More than twice the deadline of a
    /// check (2 s).
    CHECK_LOST_AFTER: Duration = Duration::from_secs(5);
    less fails "evidence::broker_tracker::tests::answered_connect_check_clears_the_suspicion";
    more fails "evidence::broker_tracker::tests::connect_check_without_an_address_is_given_up";

    /// Failures that began within this time of each other count as one: the requests that show them are a second apart, and a
    /// broker's last answer may be a second old.
    SAME_START: Duration = Duration::from_secs(2);
    less fails "scenarios::unresponsive::two_brokers_frozen_a_second_and_a_half_apart_are_one_finding";
    more fails "scenarios::unresponsive::two_brokers_frozen_three_and_a_half_seconds_apart_are_two_findings";

    /// Time after which a failing broker is named even if another broker may turn out to fail with it.
    SHARED_WITHIN: Duration = Duration::from_secs(3);
    less fails "scenarios::unresponsive::two_brokers_frozen_one_moment_after_the_other_are_one_finding";

    /// Liveness time-outs without an answer after which a broker no longer shows that the network path is open.
    QUIET_TIMEOUTS: u32 = 3;
    less fails "scenarios::unresponsive::broker_that_pauses_while_the_others_are_frozen_still_answers";
}
