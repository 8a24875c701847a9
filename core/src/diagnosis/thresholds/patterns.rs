//! Patterns in the cluster's own metadata, which are read once a minute by default.

use std::time::Duration;

thresholds! {
    /// Age beyond which the last answer of a failing part is ignored.
    FRESH_FOR: Duration = Duration::from_secs(600);
    more fails "rules::patterns::scenarios::cluster_that_falls_mute_says_nothing_after_ten_minutes";

    /// Least time between two samples, however often the metadata are read: by default, a leader decides three times as seldom which
    /// replicas are in sync (half of `replica.lag.time.max.ms`, 15 s).
    SAMPLE_EVERY: Duration = Duration::from_secs(5), by a factor of 10.0;
    more fails "rules::patterns::scenarios::slow_broker_is_named_within_minutes_where_the_metadata_are_read_often";

    /// For how long samples are kept.
    SAMPLES_KEPT_FOR: Duration = Duration::from_secs(1800), by a factor of 10.0;
    less fails "rules::patterns::scenarios::slow_broker_is_named_by_falling_behind_again_and_again";

    /// Samples in a row that must show that replicas are missing.
    MISSING_SAMPLES_MIN: usize = 3;
    more fails "rules::patterns::scenarios::broker_that_is_down_is_named_also_where_nobody_says_who_is_registered";

    /// Time over which they must show it: a restart takes a minute or two.
    MISSING_FOR: Duration = Duration::from_secs(150);
    less fails "rules::patterns::scenarios::slow_cluster_names_nobody";
    more fails "rules::patterns::scenarios::broker_that_is_down_is_named_also_where_nobody_says_who_is_registered";

    /// Per cent. A count is steady if it changes by at most a tenth; a broker that catches up changes it faster.
    STEADY_PERCENT: u64 = 90;
    less fails "rules::patterns::scenarios::slow_cluster_names_nobody";
    more fails "rules::patterns::scenarios::leaders_of_a_broker_that_catches_up_belong_to_that";

    /// Times that a broker must have fallen behind and caught up. A restarted broker falls behind once.
    PEAKS_MIN: usize = 3;
    less fails "rules::patterns::scenarios::replicas_behind_once_in_a_while_are_nothing";
    more fails "rules::patterns::scenarios::slow_broker_is_named_by_falling_behind_again_and_again";

    /// Samples in a row with every replica in sync after which falling behind has ended.
    QUIET_SAMPLES: usize = 5;
    more fails "rules::patterns::scenarios::slow_broker_is_named_by_falling_behind_again_and_again";

    /// The default of `leader.imbalance.per.broker.percentage`, as a share.
    IMBALANCE_SHARE: f64 = 0.1;
    less fails "rules::patterns::scenarios::tenth_of_the_leaders_elsewhere_is_nothing";
    more fails "rules::patterns::scenarios::seventh_of_the_leaders_elsewhere_is_found";

    /// Checks of Kafka (`leader.imbalance.check.interval.seconds`) within the time that an imbalance must last: at least one of them has
    /// been made and has not corrected it.
    LEADER_CHECKS: u32 = 2;
    less fails "rules::patterns::scenarios::leaders_left_elsewhere_after_a_reassignment_are_given_time";
    more fails "rules::patterns::scenarios::leaders_of_two_brokers_that_nobody_moves_back_are_one_finding";

    /// Per cent of a limit of replicas from which it is near, early enough to act.
    NEAR_LIMIT_PERCENT: u64 = 90;
    less fails "rules::patterns::scenarios::broker_near_its_limit_is_named";
    more fails "rules::patterns::scenarios::broker_near_its_limit_is_named";

    /// Measurements over which an internal partition must have grown without being cleaned; after as many without growth it has stopped
    /// growing. By default they take ten minutes.
    GROWTH_MEASUREMENTS_MIN: u32 = 10;
    less fails "rules::patterns::scenarios::offsets_partition_that_is_large_and_grows_is_said";
    more fails "rules::patterns::scenarios::offsets_partition_that_is_large_and_grows_is_said";

    /// Least time for that, however often it is measured: four times the pause of Kafka's cleaner between two passes
    /// (`log.cleaner.backoff.ms`, 15 s).
    GROWS_FOR_MIN: Duration = Duration::from_secs(60);
    less fails "rules::patterns::internal_topic_growth::tests::growth_over_ten_measurements_is_growing_only_if_they_take_a_minute";
    more fails "rules::patterns::internal_topic_growth::tests::growth_over_ten_measurements_is_growing_only_if_they_take_a_minute";
}
