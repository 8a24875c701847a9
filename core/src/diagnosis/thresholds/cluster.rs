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

    /// Brokers at least that must be out of sync wherever one leads, and in sync elsewhere, for that one to be cut off from its peers.
    /// With a single one it may be the follower that fails.
    PEERS_CUT_OFF_MIN: usize = 2;
    less fails "evidence::peer_isolation::tests::one_peer_alone_does_not_show_which_of_the_two_fails";
    more fails "evidence::peer_isolation::tests::leader_that_nobody_follows_while_all_follow_others_is_cut_off";

    /// Brokers that are enough for it, where they are not most of the brokers: a leader of three partitions has six followers at most.
    PEERS_CUT_OFF_ENOUGH: usize = 4;
    less fails "evidence::peer_isolation::tests::few_of_many_brokers_may_have_trouble_of_their_own";
    more fails "evidence::peer_isolation::tests::few_of_many_brokers_may_have_trouble_of_their_own";

    /// Time after which the metadata must still show that nobody follows a broker. Each leader looks for followers that are late every
    /// half `replica.lag.time.max.ms` (15 s, `ReplicaManager.startup`): until then the same followers may seem to be in sync with the
    /// others. And the metadata are requested every five seconds.
    CUT_OFF_FOR: Duration = Duration::from_secs(20);
    less fails "scenarios::cut_off::broker_that_its_peers_reach_again_soon_after_they_left_is_not_named";
    more fails "scenarios::cut_off::broker_that_its_peers_cannot_reach_is_named";

    /// Time for which a broker that was cut off explains what is found later: failures are counted, and refusals are reported, after
    /// the metadata show that its replicas are in sync again.
    CUT_OFF_EXPLAINS_FOR: Duration = Duration::from_secs(12);
    less fails "evidence::peer_isolation::tests::broker_that_is_followed_again_explains_for_twelve_seconds";
    more fails "evidence::peer_isolation::tests::broker_that_is_followed_again_explains_for_twelve_seconds";

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
