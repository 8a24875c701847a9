//! Scenarios of single partitions of `__consumer_offsets`, which their coordinator does not serve.

use super::check_scenario;

super::scenarios! {
    sick_partition_is_found_although_its_brokers_other_partition_is_well: "
        at 20 sick_partition 1
        find coordinator_partition_failing - from 28 by 33
        blame cluster
        nobody
        at 60 well_partition 1
        over by 67"
    sick_partition_among_fifty_is_found_within_one_round_and_three_failures: "
        partitions 50
        lasts 160
        at 20 sick_partition 31
        find coordinator_partition_failing - from 28 by 65
        nobody"
    sick_partition_of_a_broker_that_leads_no_other_is_found: "
        partitions 3
        at 20 sick_partition 1
        find coordinator_partition_failing - from 24 by 27
        nobody"
    partition_that_is_loaded_for_long_is_found: "
        at 20 loading_partition 1
        find coordinator_partition_failing - from 28 by 33
        at 60 well_partition 1
        over by 67"
    partition_below_its_min_isr_is_found_while_its_replicas_are_well: "
        at 20 lone_partition 4
        find coordinator_partition_failing - from 28 by 33
        nobody"
    two_sick_partitions_of_different_brokers_are_one_finding: "
        at 20 sick_partition 1
        at 24 sick_partition 5
        find coordinator_partition_failing - from 28 by 33
        nobody"
    partition_that_gets_sick_as_its_leader_restarts_is_found_after_that: "
        at 10 leave 2
        at 11 sick_partition 1
        at 40 join 2
        find coordinator_partition_failing - from 25 by 70
        nobody"
    sick_partition_stays_named_while_a_broker_that_it_does_not_need_restarts: "
        brokers 6
        lasts 160
        at 20 sick_partition 1
        at 60 leave 6
        at 80 join 6
        find coordinator_partition_failing - from 28 by 33
        nobody"
    sick_partition_is_found_while_another_broker_is_frozen_for_good: "
        brokers 6
        at 20 freeze 6
        at 60 sick_partition 1
        find broker_stalled 6 from 21.5 by 22.2
        find broker_frozen 6 from 29.5 by 30.5
        find coordinator_partition_failing - from 68 by 73"
    partition_that_moves_is_nothing: "
        at 20 move_partition 1:3
        at 40 move_partition 4:3
        at 60 move_partition 1:2
        nothing"
    partition_that_is_loaded_for_a_moment_is_nothing: "
        at 20 loading_partition 1
        at 25 well_partition 1
        nothing"
    partitions_of_a_frozen_leader_are_explained_by_it: "
        at 20 freeze 2
        at 60 thaw 2
        find broker_stalled 2 from 21.5 by 22.2
        find broker_frozen 2 from 29.5 by 30.5
        over by 63"
    partition_is_explained_by_a_follower_that_its_coordinator_waits_for: "
        brokers 6
        at 20 freeze 4
        at 60 thaw 4
        find broker_stalled 4 from 21.5 by 22.2
        find broker_frozen 4 from 29.5 by 30.5
        over by 63"
    partition_without_enough_replicas_is_explained_by_those_that_are_down: "
        at 20 kill 2,3
        find brokers_together - from 21 by 22.2
        nobody"
    partitions_that_move_in_a_rolling_restart_are_nothing: "
        partitions 12
        at 10 leave 1
        at 30 join 1
        at 50 leave 2
        at 70 join 2
        at 90 leave 3
        at 110 join 3
        lasts 140
        nothing"
    coordinator_that_fails_as_a_whole_is_no_finding_about_its_partitions: "
        at 20 uncommitted 2
        find coordinator_failing - from 30 by 30.5
        at 40 join 2
        nobody
        over by 43"
    end_of_an_outage_of_all_is_the_begin_of_nothing_at_the_coordinators: "
        partitions 12
        at 20 kill all
        find cluster_unreachable - from 21 by 22.2
        at 50 start all
        over by 53"
}
