//! When findings end, recur, and explain each other.

use std::time::Duration;

thresholds! {
    /// A finding ends when it has not been found for this long.
    END_AFTER: Duration = Duration::from_secs(2);
    more fails "scenarios::refused::credentials_refused_everywhere_name_no_broker";

    /// Episodes of one finding within this time are the same trouble coming back; an ended finding is remembered for as long.
    EPISODES_WITHIN: Duration = Duration::from_secs(600);
    less fails "scenarios::several_troubles::three_pauses_within_ten_minutes_recur";
    more fails "scenarios::several_troubles::pauses_six_minutes_apart_do_not_recur";

    /// Episodes within [`EPISODES_WITHIN`] from which a finding recurs.
    RECURRING_FROM: usize = 3;
    less fails "scenarios::refused::certificate_refused_at_one_broker_names_it_at_the_second_refusal";
    more fails "scenarios::several_troubles::prober_stalled_again_and_again_is_one_recurring_finding";

    /// Intervals between its episodes for which a recurring finding stands after the last: once more may be by chance.
    RECURRING_INTERVALS: u32 = 2;
    more fails "scenarios::several_troubles::broker_that_pauses_every_twenty_seconds_is_one_recurring_finding";

    /// Least time that a recurring finding stands after its last episode.
    RECURRING_HOLD_MIN: Duration = Duration::from_secs(60);
    less fails "scenarios::several_troubles::recurring_finding_stands_for_a_minute_at_least";
    more fails "scenarios::several_troubles::broker_that_pauses_every_twenty_seconds_is_one_recurring_finding";

    /// Time for which the brokers of a common failure may recover one after the other: a dial is repeated after at most one second,
    /// and its response is counted after another half.
    RECOVERS_WITHIN: Duration = Duration::from_millis(2500);
    more fails "scenarios::unresponsive::broker_that_stays_frozen_when_all_others_thaw_is_named";

    /// Time for which a slow or silent broker explains that connections to it failed: the next scheduled connect attempt begins
    /// within ten seconds, and its time-out is counted five seconds later at most.
    CONNECTS_FAIL_WITHIN: Duration = Duration::from_secs(15), by a factor of 3.0;
    less fails "scenarios::degraded::connections_that_failed_while_a_broker_was_slow_are_explained_by_that_until_the_next_one_is_accepted";
    more fails "scenarios::degraded::connections_that_fail_long_after_the_way_is_good_again_are_news";
}
