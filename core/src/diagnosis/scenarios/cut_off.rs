//! Scenarios of a broker that clients and controllers reach and the other brokers do not, and of others that look like it.

use super::check_scenario;

super::scenarios! {
    broker_that_its_peers_cannot_reach_is_named: "
        at 20 isolate 1
        find coordinator_failing - from 28 by 33
        find not_enough_replicas - from 50 by 55.2
        find broker_cut_off_from_peers 1 from 70 by 72
        blame cluster
        at 100 join 1
        over by 105"
    broker_cut_off_is_named_while_another_is_off_for_good: "
        brokers 5
        at 20 kill 4
        at 60 isolate 1
        find broker_down 4 from 21 by 22.2
        find coordinator_failing - from 68 by 74
        find not_enough_replicas - from 90 by 95.2
        find broker_cut_off_from_peers 1 from 110 by 112"
    broker_cut_off_stays_named_while_another_restarts: "
        brokers 5
        lasts 180
        at 20 kill 4
        at 60 isolate 1
        at 130 leave 5
        at 150 join 5
        find broker_down 4 from 21 by 22.2
        find coordinator_failing - from 68 by 74
        find not_enough_replicas - from 90 by 95.2
        find broker_cut_off_from_peers 1 from 110 by 112"
    partitions_that_other_brokers_lead_are_no_consequence: "
        lasts 100
        at 20 isolate 1
        find coordinator_failing - from 28 by 33
        find not_enough_replicas - from 50 by 55.2
        find broker_cut_off_from_peers 1 from 70 by 72
        at 80 sick_partition 1
        find coordinator_partition_failing - from 88 by 94"
    broker_that_its_peers_miss_for_a_moment_is_not_cut_off: "
        at 20 isolate 1
        at 26 join 1
        nothing"
    broker_that_its_peers_reach_again_soon_after_they_left_is_not_named: "
        at 20 isolate 1
        at 65 join 1
        find coordinator_failing - from 28 by 33
        find not_enough_replicas - from 50 by 55.2
        nobody
        over by 71"
    followers_that_may_have_trouble_of_their_own_accuse_no_leader: "
        brokers 6
        at 20 isolate 1
        find coordinator_failing - from 28 by 36
        find not_enough_replicas - from 50 by 55.2
        nobody"
    two_of_three_brokers_down_leave_a_leader_that_is_not_cut_off: "
        at 20 kill 2,3
        find brokers_together - from 21 by 22.2
        nobody"
    follower_that_is_slow_cuts_off_nobody: "
        brokers 5
        at 60 follower 3
        find follower_slow 3 from 62 by 75"
    brokers_that_restart_one_after_the_other_cut_off_nobody: "
        at 10 leave 2
        at 25 join 2
        at 27 leave 3
        at 42 join 3
        nothing"
    partitions_without_replicas_in_sync_cut_off_nobody: "
        at 20 lone_partition 1,4
        find coordinator_failing - from 26 by 33
        nobody"
}
