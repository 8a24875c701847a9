//! Scenarios of brokers that answer and are not well: slow, on a bad path, without a log directory, without new connections. Cells
//! have a baseline after half a minute, so failures begin later.

use super::check_scenario;

super::scenarios! {
    broker_that_runs_half_of_the_time_is_slow: "
        at 60 half 2
        find broker_slow 2 from 63 by 70
        at 90 well 2
        over by 100"
    broker_that_runs_whenever_the_seldom_probes_ask_is_slow_all_the_same: "
        at 60 half 3
        find broker_slow 3 from 63 by 70"
    broker_that_stands_still_three_times_a_second_is_slow: "
        at 60 turns 2
        find broker_slow 2 from 63 by 70
        at 90 well 2
        over by 100"
    broker_that_is_slow_as_a_leader_and_as_a_follower_is_slow_itself: "
        at 60 slow 3
        find broker_slow 3 from 63 by 70
        at 90 well 3
        over by 100"
    slow_broker_of_six_is_named_alone: "
        brokers 6
        at 60 slow 5
        find broker_slow 5 from 63 by 70"
    way_that_only_we_find_long_is_the_way: "
        at 60 far 2
        find path_degraded 2 from 63 by 70
        at 90 well 2
        over by 100"
    way_to_one_of_six_is_named: "
        brokers 6
        at 60 far 1
        find path_degraded 1 from 63 by 70"
    way_that_loses_one_packet_in_twenty_is_told_by_connections_that_wait_one_at_a_time: "
        at 30 lossy 2
        find path_degraded 2 from 32 by 60"
    way_that_loses_one_packet_in_five_is_the_way_and_not_a_slow_broker: "
        brokers 5
        at 30 leaky 2
        find path_degraded 2 from 31 by 40
        at 60 well 2
        over by 70"
    three_ways_that_lose_packets_are_nobodys: "
        at 30 lossy all
        nothing"
    broker_that_is_slow_to_write_alone_has_a_slow_disk: "
        at 60 disk 2
        find disk_slow 2 from 63 by 70"
    slow_disk_of_six_is_named_and_its_followers_are_not: "
        brokers 6
        at 60 disk 4
        find disk_slow 4 from 63 by 70"
    slow_follower_is_told_by_the_partitions_that_suffer: "
        at 60 follower 1
        find follower_slow 1 from 63 by 70
        at 90 well 1
        over by 100"
    slow_follower_of_six_is_named_and_its_leaders_are_not: "
        brokers 6
        at 60 follower 3
        find follower_slow 3 from 63 by 70"
    broker_that_takes_no_new_connections_is_said_to: "
        at 55 full 2
        find new_connections_failing 2 from 60 by 100"
    connections_that_fail_long_after_the_way_is_good_again_are_news: "
        at 60 far 2
        at 70 full 2
        find path_degraded 2 from 63 by 70
        find new_connections_failing 2 from 93 by 110"
    connections_that_failed_while_a_broker_was_slow_are_explained_by_that_until_the_next_one_is_accepted: "
        at 60 choked 2
        at 99 well 2
        find broker_slow 2 from 63 by 70
        over by 110"
    failed_log_directory_is_told_by_the_brokers_own_word: "
        at 60 storage 2
        find storage_failed 2 from 60.5 by 63
        at 90 well 2
        over by 102"
    failed_log_directory_explains_commits_that_wait_for_its_replicas: "
        at 60 storage 2
        at 60 uncommitted 1
        find storage_failed 2 from 60.5 by 63"
    followers_that_were_waited_for_in_a_failed_directory_are_not_slow_after_it: "
        at 60 storage 2
        at 80 well 2
        at 80 kill 2
        find storage_failed 2 from 60.5 by 63
        find broker_down 2 from 81 by 82.2
        at 100 start 2
        over by 112"
    all_brokers_slow_together_are_a_load_and_name_nobody: "
        at 60 load 400
        find cluster_overloaded - from 63 by 70
        nobody
        at 90 load 0
        over by 100"
    six_brokers_slow_together_are_a_load_and_name_nobody: "
        brokers 6
        at 60 load 300
        find cluster_overloaded - from 63 by 70
        nobody"
    load_that_hurts_nobody_is_nothing: "
        at 60 load 60
        nothing"
    load_that_most_would_notice_and_nobody_suffers_from_is_nothing: "
        at 60 load 150
        nothing"
    pauses_of_collectors_on_all_brokers_are_nothing: "
        at 20 pauses all
        nothing"
    pauses_of_one_collector_are_nothing: "
        at 40 pauses 2
        nothing"
    pauses_on_six_brokers_are_nothing: "
        brokers 6
        at 30 pauses all
        nothing"
    slowness_of_a_broker_that_comes_back_is_its_start: "
        at 50 leave 2
        at 60 join 2
        at 60 slow 2
        at 70 well 2
        nothing"
    slow_answers_while_a_broker_leaves_and_comes_are_nobodys: "
        at 50 leave 2
        at 50 slow 1
        at 56 well 1
        at 70 join 2
        at 71 slow 3
        at 80 well 3
        nothing"
    broker_that_gives_up_its_leaderships_before_it_leaves_is_well: "
        at 57 unled 2
        at 60 leave 2
        at 70 well 2
        at 75 join 2
        nothing"
    leader_that_has_moved_for_long_is_no_disk: "
        at 50 unled 3
        nothing"
    names_that_do_not_resolve_make_no_follower_slow: "
        at 60 unresolve 1,2
        at 80 unresolve -
        nothing"
    slow_broker_is_found_while_names_of_others_do_not_resolve: "
        brokers 5
        at 60 unresolve 1,2
        at 60 slow 4
        find broker_slow 4 from 63 by 70"
    slow_second_is_nothing: "
        at 60 slow 2
        at 62 well 2
        nothing"
    frozen_broker_makes_no_other_slow: "
        at 60 freeze 2
        find broker_stalled 2 from 61.5 by 62.2
        find broker_frozen 2 from 69.5 by 70.5
        at 90 thaw 2
        over by 95"
    stalled_prober_finds_nobody_slow: "
        at 60 slow 2
        at 60.5 stall 3
        at 64 well 2
        at 70 stall 3
        find prober_stalled - from 63 by 64
        find prober_stalled - from 73 by 74
        nobody"
    slow_broker_is_found_though_another_left_long_ago: "
        brokers 6
        at 20 leave 6
        at 80 slow 2
        find broker_slow 2 from 83 by 90"
}
