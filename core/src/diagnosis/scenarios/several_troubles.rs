//! Scenarios of several troubles at once, or one after the other: none hides another one.

use super::check_scenario;

super::scenarios! {
    third_broker_frozen_after_two_froze_for_good_is_named_like_a_first: "
        brokers 5
        at 20 freeze 1,2
        at 50 freeze 4
        find brokers_together - from 21.5 by 22.2
        find broker_stalled 4 from 51.5 by 52.2
        find broker_frozen 4 from 59.5 by 60.5"
    third_broker_killed_after_two_were_killed_for_good_is_named_like_a_first: "
        brokers 5
        at 20 kill 1,2
        at 50 kill 4
        find brokers_together - from 21 by 22.2
        find broker_down 4 from 51 by 52.2"
    broker_frozen_while_one_has_been_off_for_long_is_named: "
        brokers 4
        started 60
        at 10 kill 1
        at 80 freeze 3
        find broker_absent 1 from 65.9 by 67
        find broker_stalled 3 from 81.5 by 82.2
        find broker_frozen 3 from 89.5 by 90.5"
    broker_slow_while_another_is_frozen_for_good_is_found: "
        brokers 5
        at 20 freeze 2
        at 60 slow 4
        find broker_stalled 2 from 21.5 by 22.2
        find broker_frozen 2 from 29.5 by 30.5
        find broker_slow 4 from 63 by 70"
    broker_slow_while_another_is_down_for_good_is_found: "
        brokers 5
        at 20 kill 2
        at 60 slow 4
        find broker_down 2 from 21 by 22.2
        find broker_slow 4 from 63 by 70"
    directory_lost_while_another_broker_is_frozen_for_good_is_found: "
        brokers 5
        at 20 freeze 2
        at 60 storage 4
        find broker_stalled 2 from 21.5 by 22.2
        find broker_frozen 2 from 29.5 by 30.5
        find storage_failed 4 from 60.5 by 63"
    two_slow_brokers_at_once_are_two_findings: "
        brokers 5
        at 60 slow 2,4
        find broker_slow 2 from 63 by 70
        find broker_slow 4 from 63 by 70
        at 90 well 2,4
        over by 100"
    two_brokers_that_stand_still_three_times_a_second_are_two_findings: "
        brokers 5
        at 60 turns 1,3
        find broker_slow 1 from 63 by 70
        find broker_slow 3 from 63 by 70"
    slow_broker_beside_a_slow_disk_are_two_findings: "
        brokers 6
        at 60 slow 2
        at 75 disk 5
        find broker_slow 2 from 63 by 70
        find disk_slow 5 from 78 by 86"
    two_paths_that_lose_packets_are_two_findings: "
        brokers 6
        at 30 lossy 2,5
        find path_degraded 2 from 32 by 70
        find path_degraded 5 from 32 by 70"
    two_paths_that_lose_one_packet_in_five_are_two_findings: "
        brokers 5
        at 30 leaky 2,5
        find path_degraded 2 from 31 by 45
        find path_degraded 5 from 31 by 45
        at 60 well 2,5
        over by 70"
    end_of_a_common_outage_is_the_begin_of_nothing: "
        brokers 5
        at 20 freeze 1,2
        at 50 freeze 4
        find brokers_together - from 21.5 by 22.2
        find broker_stalled 4 from 51.5 by 52.2
        find broker_frozen 4 from 59.5 by 60.5
        at 80 thaw 1
        at 80.4 thaw 2,4
        over by 85"
    broker_that_pauses_every_twenty_seconds_is_one_recurring_finding: "
        at 20 freeze 2
        at 22.5 thaw 2
        at 40 freeze 2
        at 42.5 thaw 2
        at 60 freeze 2
        at 62.5 thaw 2
        find broker_stalled 2 from 21.5 by 22.2
        find broker_stalled 2 from 41.5 by 42.2
        find broker_stalled 2 from 61.5 by 62.2
        at 80 freeze 2
        at 82.5 thaw 2
        at 100 freeze 2
        at 102.5 thaw 2
        lasts 190
        over by 166"
    prober_stalled_again_and_again_is_one_recurring_finding: "
        at 20 stall 2
        at 40 stall 2
        at 60 stall 2
        at 80 stall 2
        at 100 stall 2
        find prober_stalled - from 22 by 22.2
        find prober_stalled - from 42 by 42.2
        find prober_stalled - from 62 by 62.2"
    three_pauses_within_ten_minutes_recur: "
        lasts 800
        at 20 freeze 2
        at 22.5 thaw 2
        at 250 freeze 2
        at 252.5 thaw 2
        at 480 freeze 2
        at 482.5 thaw 2
        at 700 freeze 2
        at 702.5 thaw 2
        find broker_stalled 2 from 21.5 by 22.2
        find broker_stalled 2 from 251.5 by 252.2
        find broker_stalled 2 from 481.5 by 482.2"
    pauses_six_minutes_apart_do_not_recur: "
        lasts 1200
        at 20 freeze 2
        at 22.5 thaw 2
        at 400 freeze 2
        at 402.5 thaw 2
        at 780 freeze 2
        at 782.5 thaw 2
        at 1160 freeze 2
        at 1162.5 thaw 2
        find broker_stalled 2 from 21.5 by 22.2
        find broker_stalled 2 from 401.5 by 402.2
        find broker_stalled 2 from 781.5 by 782.2
        find broker_stalled 2 from 1161.5 by 1162.2"
    recurring_finding_stands_for_a_minute_at_least: "
        lasts 170
        at 20 freeze 2
        at 22.5 thaw 2
        at 28 freeze 2
        at 30.5 thaw 2
        at 36 freeze 2
        at 38.5 thaw 2
        at 85 freeze 2
        at 87.5 thaw 2
        find broker_stalled 2 from 21.5 by 22.2
        find broker_stalled 2 from 29.5 by 30.2
        find broker_stalled 2 from 37.5 by 38.2"
}
