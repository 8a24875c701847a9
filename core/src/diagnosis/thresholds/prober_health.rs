//! The prober's own stalls, resources and controls.

use std::time::Duration;

thresholds! {
    /// Window in which a stall of the prober counts: answers that arrived during a stall are read within this time after it.
    STALLS_WITHIN: Duration = Duration::from_secs(3);
    less fails "scenarios::prober_at_fault::brokers_that_hung_up_while_the_machine_slept_are_not_accused";
    more fails "scenarios::unresponsive::prober_stopped_for_ten_seconds_blames_itself";

    /// Stalled for this long within [`STALLS_WITHIN`], the prober names no broker: two heartbeats (50 ms).
    STALLED_FOR: Duration = Duration::from_millis(100);
    more fails "scenarios::unresponsive::finding_stands_while_the_prober_is_stopped";

    /// Stalled for this long within a minute, it reports `prober_stalled`.
    STALLED_PER_MINUTE: Duration = Duration::from_secs(1);
    less fails "scenarios::unresponsive::prober_stopped_for_half_a_second_is_nothing";
    more fails "scenarios::unresponsive::prober_stopped_again_and_again_blames_itself";

    /// The minute in which stalls and shortages are summed.
    SUMMED_OVER: Duration = Duration::from_secs(60);
    less fails "evidence::vitals_history::tests::throttling_is_summed_over_three_seconds_and_over_a_minute";
    more fails "scenarios::prober_at_fault::throttled_prober_blames_its_limit_and_nobody_else";

    /// Throttled by its CPU limit for this long within [`STALLS_WITHIN`], it names no broker, even if its heartbeat was on time:
    /// each CPU is throttled by itself, and another of its threads may have been on a throttled one.
    THROTTLED_FOR: Duration = Duration::from_millis(300);
    more fails "scenarios::prober_at_fault::short_throttling_is_nothing_and_accuses_nobody";

    /// Throttled for this long within a minute, it reports its CPU limit.
    THROTTLED_PER_MINUTE: Duration = Duration::from_secs(3);
    less fails "scenarios::prober_at_fault::throttled_prober_blames_its_limit_and_nobody_else";
    more fails "scenarios::prober_at_fault::throttled_prober_blames_its_limit_and_nobody_else";

    /// Waited for memory for this long within a minute, it reports its memory limit, where the kernel has PSI.
    MEMORY_WAIT_PER_MINUTE: Duration = Duration::from_secs(3);
    less fails "scenarios::prober_at_fault::prober_that_waits_for_memory_blames_its_limit";
    more fails "scenarios::prober_at_fault::prober_that_waits_for_memory_blames_its_limit";

    /// Hit its memory limit this often within a minute, it reports it, where the kernel has no PSI.
    LIMIT_HITS_PER_MINUTE: u64 = 100;
    less fails "rules::prober_stalled::tests::memory_limit_is_short_from_a_hundred_hits_where_the_kernel_does_not_tell_the_wait";
    more fails "rules::prober_stalled::tests::memory_limit_is_short_from_a_hundred_hits_where_the_kernel_does_not_tell_the_wait";

    /// Share in use from which descriptors and ports count as short.
    SHORT_FROM: f64 = 0.9;
    more fails "scenarios::prober_at_fault::descriptors_that_run_short_are_said_once_and_accuse_nobody";

    /// Time after an operation was refused for want of a resource during which that resource counts as short.
    REFUSED_WITHIN: Duration = Duration::from_secs(5);
    more fails "scenarios::prober_at_fault::connection_refused_for_want_of_descriptors_accuses_nobody";

    /// Share of stolen CPU time from which the evidence mentions the hypervisor.
    STOLEN_FROM: f64 = 0.1;
    less fails "rules::prober_stalled::tests::hypervisor_is_mentioned_from_a_tenth_of_the_processor_time";
    more fails "rules::prober_stalled::tests::hypervisor_is_mentioned_from_a_tenth_of_the_processor_time";

    /// A reference that was lost within this time of the brokers was lost with them: it is asked every two seconds and counts as
    /// lost one second later.
    SAME_LOSS: Duration = Duration::from_secs(4);
    less fails "scenarios::prober_at_fault::reference_lost_three_seconds_before_the_brokers_was_lost_with_them";
    more fails "scenarios::prober_at_fault::reference_lost_six_seconds_before_the_brokers_says_nothing";

    /// Without a sign of another prober of the same vantage for this long, it is gone.
    DUPLICATE_GONE_AFTER: Duration = Duration::from_secs(120);
    less fails "rules::duplicate_vantage::tests::finding_ends_two_minutes_after_the_last_sign";
    more fails "rules::duplicate_vantage::tests::finding_ends_two_minutes_after_the_last_sign";
}
