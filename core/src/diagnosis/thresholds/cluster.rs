//! Coordinators, the controller, losses, quotas and credentials.

use std::time::Duration;

thresholds! {
    /// Failures of a coordinator in a row: one that moves to another broker fails one or two attempts.
    COORDINATOR_FAILURES_MIN: u32 = 4;
    less fails "scenarios::unresponsive::commits_that_fail_long_after_a_broker_has_left_are_found";
    more fails "scenarios::unresponsive::commits_that_fail_long_after_a_broker_has_left_are_found";

    /// Failures in a row at one partition of an internal topic. A partition that moves to another broker fails one, until the metadata
    /// are requested again, and another one while it is loaded.
    PARTITION_FAILURES_MIN: u32 = 3;
    less fails "scenarios::coordinators::partition_below_its_min_isr_is_found_while_its_replicas_are_well";
    more fails "scenarios::coordinators::partition_below_its_min_isr_is_found_while_its_replicas_are_well";

    /// Failures of the controller in a row, each through two forwarding brokers.
    CONTROLLER_FAILURES_MIN: u32 = 2;
    less fails "scenarios::unresponsive::controller_that_hangs_names_no_broker";
    more fails "scenarios::unresponsive::controller_that_hangs_names_no_broker";

    /// Time within which a leader of a partition under min ISR repeats its refusal: it is asked every five seconds; twice that, and
    /// some time for the answer.
    REFUSAL_REPEATED_WITHIN: Duration = Duration::from_secs(12);
    less fails "evidence::tests::refusal_that_its_leader_does_not_repeat_ends";
    more fails "evidence::tests::refusal_that_its_leader_does_not_repeat_ends";

    /// Time for which lost records are reported after the last loss was found: nothing undoes a loss, and somebody must read it.
    LOSS_STAYS_FOR: Duration = Duration::from_secs(3600);
    less fails "evidence::tests::loss_of_records_is_reported_for_an_hour";
    more fails "evidence::tests::loss_of_records_is_reported_for_an_hour";

    /// Without a throttled response for this long the throttling has ended: the pinned partition is written five times a second.
    THROTTLED_WITHIN: Duration = Duration::from_secs(3);
    less fails "evidence::probe_matrix::tests::throttling_ends_three_seconds_after_the_last_throttled_response";
    more fails "evidence::probe_matrix::tests::throttling_ends_three_seconds_after_the_last_throttled_response";

    /// Time for which a broker's name that did not resolve may delay replicated writes: librdkafka dials again after at most 10 s
    /// (`reconnect.backoff.max.ms`), and a record that waits for it is a time-out after 5 s.
    UNRESOLVED_FOR: Duration = Duration::from_secs(15);
    less fails "scenarios::degraded::names_that_do_not_resolve_make_no_follower_slow";

    /// Time within which every broker is tried with a fresh connection: the default interval of the `connect` probe (10 s), its
    /// deadline (2 s), and some time.
    ALL_TRIED_WITHIN: Duration = Duration::from_secs(15);
    less fails "scenarios::refused::certificate_refused_at_one_broker_names_it_at_the_second_refusal";
}
