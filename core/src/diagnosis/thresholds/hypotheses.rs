//! Probabilities of the hypotheses about slow and failing cells. Their logarithms are added, so it takes a factor of ten to change a
//! weight by 2.3.

thresholds! {
    /// Probability that a cell which is predicted bad is not observed bad.
    MISSED: f64 = 0.1, by a factor of 5.0;
    more fails "rules::hypotheses::tests::runner_up_of_a_way_is_the_broker";

    /// Probability that a cell fails without a cause. It is small because the failing flag sums up many answers.
    FAILS_BY_CHANCE: f64 = 1e-6, by a factor of 100.0;
    more fails "scenarios::degraded::broker_that_takes_no_new_connections_is_said_to";

    /// Probability that a cell is slow without a cause while its peers are not.
    SLOW_BY_CHANCE: f64 = 3e-4, by a factor of 10.0;
    less fails "scenarios::degraded::three_ways_that_lose_packets_are_nobodys";

    /// Probability that a cell is slow without a cause of its own while its peers are slow too.
    SLOW_WITH_OTHERS: f64 = 0.05, by a factor of 10.0;
    more fails "scenarios::degraded::all_brokers_slow_together_are_a_load_and_name_nobody";

    /// How much more probable it is that a cell is neither well nor slow where something is wrong: some late answers are more frequent
    /// there, and prove nothing.
    HALF_FACTOR: f64 = 2.0;
    less fails "rules::hypotheses::tests::cells_that_are_neither_well_nor_slow_decide_where_the_others_nearly_do";
    more fails "rules::hypotheses::tests::cells_that_are_neither_well_nor_slow_decide_where_the_others_nearly_do";

    /// Prior probability of each hypothesis.
    PRIOR: f64 = 1e-4, by a factor of 10.0;
    more fails "scenarios::degraded::three_ways_that_lose_packets_are_nobodys";

    /// Probability from which a finding is made: summed over the hypotheses about the same broker.
    NAMED_FROM: f64 = 0.9;
    less fails "scenarios::degraded::three_ways_that_lose_packets_are_nobodys";
    more fails "rules::hypotheses::tests::signature_of_a_way_is_told_from_that_of_a_broker_by_who_else_waits";

    /// Probability from which the finding is likely. Below it the broker is named, and what it has is possible.
    LIKELY_FROM: f64 = 0.9;
    less fails "rules::hypotheses::finding::tests::finding_is_likely_from_nine_in_ten";
    more fails "rules::hypotheses::finding::tests::finding_is_likely_from_nine_in_ten";

    /// Probability from which the next best hypothesis is worth mentioning.
    RUNNER_UP_FROM: f64 = 0.01, by a factor of 10.0;
    less fails "rules::hypotheses::finding::tests::next_explanation_is_mentioned_from_one_in_a_hundred";
    more fails "rules::hypotheses::finding::tests::next_explanation_is_mentioned_from_one_in_a_hundred";

    /// What counts as most: the share of brokers that an overload makes late, and the share of writes that wait for a slow follower.
    MOST: f64 = 0.6;
    less fails "scenarios::degraded::pauses_on_six_brokers_are_nothing";
    more fails "rules::hypotheses::tests::most_brokers_slow_are_one_load_and_name_nobody";

    /// Late brokers that an overload takes at least.
    OVERLOADED_MIN: usize = 2;
    less fails "rules::hypotheses::tests::one_slow_broker_is_no_overload_of_a_cluster_of_one";
    more fails "scenarios::degraded::all_brokers_slow_together_are_a_load_and_name_nobody";

    /// Late writes during which the broker answered something else, from which its disk is suspected.
    ANSWERED_ELSEWHERE_MIN: usize = 2;
    less fails "rules::hypotheses::tests::disk_is_suspected_once_the_broker_answered_something_else_during_two_late_writes";
    more fails "rules::hypotheses::tests::disk_is_suspected_once_the_broker_answered_something_else_during_two_late_writes";
}
