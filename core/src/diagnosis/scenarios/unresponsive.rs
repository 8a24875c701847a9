//! Scenarios of unresponsive and refusing brokers, of coordinators, controllers and replicas, and of a stalled prober.

use super::check_scenario;

super::scenarios! {
    frozen_broker_is_named_within_two_seconds: "
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        at 55 thaw 2
        over by 60"
    broker_frozen_for_five_seconds_is_a_pause_that_is_named: "
        at 10 freeze 1
        find broker_stalled 1 from 11.5 by 12.2
        at 15 thaw 1
        over by 18"
    frozen_broker_of_six_is_named: "
        brokers 6
        at 10 freeze 5
        find broker_stalled 5 from 11.5 by 12.2
        find broker_frozen 5 from 19.5 by 20.5"
    frozen_broker_of_two_is_named: "
        brokers 2
        at 10 freeze 1
        find broker_stalled 1 from 11.5 by 12.2
        find broker_frozen 1 from 19.5 by 20.5"
    killed_broker_stays_named_until_it_is_back: "
        at 10 kill 3
        find broker_down 3 from 11 by 12.2
        at 90 start 3
        over by 94"
    broker_that_has_left_in_good_order_is_absent_after_two_minutes: "
        lasts 180
        at 10 leave 3
        find broker_absent 3 from 129 by 132
        blame unclear
        at 150 join 3
        over by 155"
    killed_and_started_broker_is_named_and_cleared: "
        at 10 kill 3
        find broker_down 3 from 11 by 12.2
        at 15 start 3
        over by 18"
    dropped_packets_name_the_broker_and_then_the_way_to_it: "
        at 10 drop 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_unreachable 2 from 12.5 by 13.5
        at 40 undrop 2
        over by 45"
    two_brokers_one_after_the_other_are_two_findings: "
        brokers 6
        at 10 freeze 2
        at 30 freeze 4
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        find broker_stalled 4 from 31.5 by 32.2
        find broker_frozen 4 from 39.5 by 40.5"
    two_brokers_at_once_are_one_finding_and_it_names_neither: "
        brokers 6
        at 10 freeze 2,3
        find brokers_together - from 11.5 by 12.2
        nobody"
    rack_of_three_killed_is_one_finding: "
        brokers 6
        at 10 kill 1,2,3
        find brokers_together - from 11 by 12.2
        at 30 start 1,2,3
        nobody"
    all_frozen_is_the_cluster_or_the_network_and_no_broker: "
        at 10 freeze all
        find cluster_unreachable - from 11.5 by 12.5
        nobody
        at 40 thaw all
        over by 45"
    all_killed_is_the_cluster_or_the_network_and_no_broker: "
        at 10 kill all
        find cluster_unreachable - from 11 by 12.5
        nobody"
    all_dropped_is_the_cluster_or_the_network_and_no_broker: "
        brokers 6
        at 10 drop all
        find cluster_unreachable - from 11.5 by 12.5
        nobody"
    only_broker_frozen_cannot_be_told_from_a_dead_network: "
        brokers 1
        at 10 freeze 1
        find cluster_unreachable - from 11.5 by 12.5
        nobody"
    healthy_cluster_has_no_finding: "
        brokers 6
        nothing"
    pause_of_300_ms_is_nothing: "
        at 10 freeze 2
        at 10.3 thaw 2
        nothing"
    pause_of_900_ms_is_nothing: "
        at 10 freeze 1
        at 10.9 thaw 1
        at 20 freeze 3
        at 20.9 thaw 3
        nothing"
    pause_of_1400_ms_is_nothing: "
        at 10 freeze 2
        at 11.4 thaw 2
        nothing"
    pauses_of_all_brokers_in_turn_are_nothing: "
        at 10 freeze 1
        at 10.9 thaw 1
        at 11 freeze 2
        at 11.9 thaw 2
        at 12 freeze 3
        at 12.9 thaw 3
        nothing"
    pause_of_all_at_once_is_nothing: "
        at 10 freeze all
        at 11 thaw all
        nothing"
    rolling_restart_in_good_order_is_nothing: "
        at 10 leave 1
        at 25 join 1
        at 40 leave 2
        at 55 join 2
        at 70 leave 3
        at 85 join 3
        nothing"
    two_brokers_restarted_in_good_order_at_once_are_nothing: "
        brokers 6
        at 10 leave 1,2
        at 40 join 1,2
        nothing"
    broker_decommissioned_in_good_order_is_nothing: "
        at 10 leave 3
        nothing"
    prober_stopped_for_three_seconds_blames_itself: "
        at 10 stall 3
        find prober_stalled - from 13 by 13.2
        nobody"
    prober_stopped_for_ten_seconds_blames_itself: "
        at 10 stall 10
        find prober_stalled - from 20 by 20.2
        nobody
        over by 26"
    prober_stopped_for_half_a_second_is_nothing: "
        at 10 stall 0.5
        nothing"
    prober_stopped_again_and_again_blames_itself: "
        at 10 stall 0.6
        at 11 stall 0.6
        at 12 stall 0.6
        find prober_stalled - from 11.5 by 13
        nobody"
    prober_stopped_while_a_broker_is_killed_and_back_blames_itself_only: "
        at 10 stall 10
        at 12 kill 2
        at 18 start 2
        find prober_stalled - from 20 by 20.2
        nobody"
    broker_frozen_during_a_stall_is_named_once_the_prober_is_awake: "
        at 10 stall 5
        at 12 freeze 2
        find prober_stalled - from 15 by 15.2
        find broker_stalled 2 from 17.5 by 18.5
        find broker_frozen 2 from 21.5 by 22.5"
    finding_stands_while_the_prober_is_stopped: "
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        at 15 stall 2
        find prober_stalled - from 17 by 17.2
        find broker_frozen 2 from 20 by 21"
    broker_that_is_killed_after_it_left_is_nothing: "
        at 10 leave 2
        at 20.1 kill 2
        at 20.2 leave 2
        nothing"
    broker_that_comes_back_and_does_not_listen_yet_is_nothing: "
        at 10 leave 2
        at 30 list 2
        at 33 join 2
        nothing"
    broker_that_is_listed_again_and_never_listens_is_down: "
        at 10 leave 2
        at 30 list 2
        find broker_down 2 from 34.9 by 35.5"
    broker_cut_off_from_the_controllers_is_named: "
        at 10 stale 3
        find broker_stale 3 from 15 by 16.5
        at 40 join 3
        over by 43"
    controller_that_hangs_names_no_broker: "
        at 20 controller hangs
        find controller_unresponsive - from 34 by 34.5
        at 55 controller answers
        nobody
        over by 63"
    one_slow_answer_of_the_controller_is_nothing: "
        at 10 controller hangs
        at 15 controller answers
        nothing"
    controller_that_hangs_because_a_broker_is_frozen_is_explained_by_that: "
        at 10 freeze 2
        at 10 controller hangs
        at 40 controller answers
        at 45 thaw 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        over by 48"
    commits_that_fail_while_the_brokers_are_well_name_no_broker: "
        at 20 uncommitted 2
        find coordinator_failing - from 30 by 30.5
        at 40 join 2
        nobody
        over by 43"
    coordinator_that_moves_is_nothing: "
        at 10 uncommitted 2
        at 15 join 2
        nothing"
    commits_that_fail_because_a_broker_is_frozen_are_explained_by_that: "
        at 10 freeze 2
        at 10 uncommitted 1
        at 10 uncommitted 3
        at 24 join 1,3
        at 45 thaw 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        over by 48"
    too_few_replicas_are_said_by_the_leaders_and_accuse_none: "
        at 10 short 3
        find not_enough_replicas - from 10 by 10.2
        at 40 short 0
        nobody
        over by 43"
    lost_records_are_said_and_name_nobody: "
        at 10 lose 5
        find acked_records_lost - from 10 by 10.2
        nobody"
    missing_permission_accuses_nobody: "
        at 10 forbid 2
        find permission_missing - from 10 by 10.2
        at 30 forbid 0
        nobody
        over by 33"
    two_of_three_killed_leave_too_few_replicas_and_name_neither: "
        at 10 kill 2,3
        at 20 short 3
        find brokers_together - from 11 by 12.2
        find not_enough_replicas - from 20 by 20.2
        nobody"
    rolling_restart_with_coordinators_that_move_is_nothing: "
        at 10 leave 1
        at 11 uncommitted 2
        at 15 join 2
        at 25 join 1
        at 40 leave 2
        at 41 uncommitted 3
        at 46 join 3
        at 55 join 2
        nothing"
    commits_that_fail_while_leaders_move_off_a_broker_accuse_nobody: "
        at 10 leave 1
        at 11 uncommitted 2
        at 24 join 2
        at 40 join 1
        nothing"
    commits_that_fail_long_after_a_broker_has_left_are_found: "
        at 20 leave 1
        at 60 uncommitted 2
        find coordinator_failing - from 70 by 70.5
        at 80 join 2
        over by 85"
    controller_that_hangs_long_after_a_broker_froze_is_found: "
        at 10 freeze 2
        at 60 controller hangs
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5
        find controller_unresponsive - from 74 by 74.5"
    two_brokers_killed_one_moment_after_the_other_are_one_finding: "
        at 10 kill 2
        at 10.1 kill 3
        find brokers_together - from 11 by 12.2
        nobody"
    two_brokers_frozen_one_moment_after_the_other_are_one_finding: "
        brokers 6
        at 10 freeze 2
        at 10.4 freeze 5
        find brokers_together - from 11.5 by 12.6
        nobody"
    broker_killed_while_another_pauses_is_named_all_the_same: "
        brokers 6
        at 10 kill 2
        at 10.5 freeze 3
        at 11.8 thaw 3
        find broker_down 2 from 11 by 13.2"
    brokers_that_thaw_one_after_the_other_are_not_named: "
        at 10 freeze all
        find cluster_unreachable - from 11.5 by 12.2
        at 25 thaw 1,2
        at 26.5 thaw 3
        nobody"
    brokers_that_thaw_after_the_first_did_not_stop_together: "
        at 10 freeze all
        find cluster_unreachable - from 11.5 by 12.2
        at 25 thaw 1
        at 26.5 thaw 2,3
        nobody"
    broker_that_stays_frozen_when_all_others_thaw_is_named: "
        at 10 freeze all
        find cluster_unreachable - from 11.5 by 12.2
        at 25 thaw 1,2
        find broker_frozen 3 from 26.5 by 28"
    two_brokers_frozen_a_second_and_a_half_apart_are_one_finding: "
        brokers 6
        at 10 freeze 2
        at 11.5 freeze 5
        find broker_stalled 2 from 11.5 by 12.2
        find brokers_together - from 13 by 13.6"
    two_brokers_frozen_three_and_a_half_seconds_apart_are_two_findings: "
        brokers 6
        lasts 40
        at 10 freeze 2
        at 13.5 freeze 5
        find broker_stalled 2 from 11.5 by 13.5
        find broker_frozen 2 from 19.5 by 20.5
        find broker_stalled 5 from 15 by 17
        find broker_frozen 5 from 23 by 24"
    broker_that_pauses_while_the_others_are_frozen_still_answers: "
        at 10 freeze 1,2
        at 10.3 freeze 3
        at 11.7 thaw 3
        find brokers_together - from 11.5 by 12.2
        nobody"
}
