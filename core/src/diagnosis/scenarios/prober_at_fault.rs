//! Scenarios of the prober itself: most must have no finding about a broker. The acts are those of [`super::simulated_prober`].

use super::check_scenario;

super::scenarios! {
    own_network_down_blames_the_prober: "
        at 0 reference there
        at 10 drop all
        at 10 reference lost
        find prober_network - from 11.5 by 13.2
        blame prober
        at 39 reference there
        at 41 undrop all
        over by 44"
    brokers_cut_off_one_moment_after_the_other_are_everybody_and_not_some_of_them: "
        at 10 drop 2,3
        at 10.4 drop 1
        find cluster_unreachable - from 11.5 by 13
        nobody
        at 40 undrop all
        over by 45"
    network_that_comes_back_to_the_reference_first_is_still_our_own: "
        at 0 reference there
        at 10 drop all
        at 10 reference lost
        at 12 reference there
        find prober_network - from 11.5 by 13.2
        at 15 undrop all
        over by 18"
    all_killed_while_the_reference_answers_is_the_cluster: "
        at 0 reference there
        at 10 kill all
        find cluster_unreachable - from 11 by 12.5
        blame cluster
        at 30 reference lost
        at 40 start all
        over by 43"
    reference_that_was_never_there_says_nothing: "
        at 0 reference lost
        at 10 drop all
        find cluster_unreachable - from 11.5 by 12.5
        nobody"
    reference_that_was_away_long_before_says_nothing: "
        at 0 reference there
        at 3 reference lost
        at 20 drop all
        find cluster_unreachable - from 21.5 by 22.5
        blame unclear
        nobody"
    reference_alone_lost_is_nothing: "
        at 0 reference there
        at 10 reference lost
        at 40 reference there
        nothing"
    frozen_broker_is_named_while_the_reference_is_lost: "
        at 0 reference there
        at 5 reference lost
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5"
    loopback_lost_blames_the_prober_and_nobody_else: "
        at 10 loopback lost
        at 11 freeze 2
        find prober_network - from 11.3 by 12
        at 20 thaw 2
        at 21 loopback there
        nobody
        over by 24"
    throttled_prober_blames_its_limit_and_nobody_else: "
        at 10 throttle 20
        at 11 freeze 2
        at 14 thaw 2
        find prober_starved - from 12.9 by 13.2
        nobody
        over by 92"
    short_throttling_is_nothing_and_accuses_nobody: "
        at 10 freeze 2
        at 10.2 throttle 0.5
        at 12.5 thaw 2
        nothing"
    broker_frozen_during_throttling_is_named_when_that_is_over: "
        at 10 throttle 5
        at 12 freeze 2
        find prober_starved - from 12.9 by 13.2
        find broker_stalled 2 from 17.5 by 18.5
        find broker_frozen 2 from 21.5 by 22.5"
    prober_that_waits_for_memory_blames_its_limit: "
        at 10 press 10
        find prober_starved - from 12.9 by 13.2
        nobody"
    descriptors_that_run_short_are_said_once_and_accuse_nobody: "
        at 10 descriptors 95
        find prober_starved - from 10 by 10.2
        at 40 descriptors 20
        nobody
        over by 43"
    frozen_broker_is_named_while_ports_run_short: "
        at 5 ports 92
        at 10 freeze 2
        find prober_starved - from 5 by 5.2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5"
    connection_refused_for_want_of_descriptors_accuses_nobody: "
        at 10 refuse 1
        at 10 freeze 2
        at 12 thaw 2
        find prober_starved - from 10 by 10.2
        nobody
        over by 17.5"
    dropped_packets_are_told_from_a_process_that_hangs_at_once_where_the_kernel_tells: "
        at 0 kernel tells
        at 10 drop 2
        find broker_unreachable 2 from 11.5 by 12.2
        at 40 undrop 2
        over by 45"
    process_that_hangs_is_not_called_unreachable_where_the_kernel_tells: "
        at 0 kernel tells
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5"
    brokers_that_hung_up_while_the_machine_slept_are_not_accused: "
        at 10 suspend 3600
        at 10 drop all
        at 12 undrop all
        nothing"
    reference_lost_three_seconds_before_the_brokers_was_lost_with_them: "
        at 0 reference there
        at 10 reference lost
        at 13 drop all
        find prober_network - from 14.5 by 16.2
        nobody"
    reference_lost_six_seconds_before_the_brokers_says_nothing: "
        at 0 reference there
        at 10 reference lost
        at 16 drop all
        find cluster_unreachable - from 17.5 by 19.2
        blame unclear"
}
