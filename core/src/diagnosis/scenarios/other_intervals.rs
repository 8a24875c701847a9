//! Scenarios with records more often or more seldom than by default: the limits of the diagnosis scale with the interval.

use super::check_scenario;

super::scenarios! {
    slow_broker_is_named_with_records_every_forty_milliseconds: "
        interval 40
        at 60 slow 2
        find broker_slow 2 from 63 by 70"
    frozen_broker_is_named_with_records_every_ten_milliseconds: "
        interval 10
        lasts 40
        at 10 freeze 2
        find broker_stalled 2 from 11.5 by 12.2
        find broker_frozen 2 from 19.5 by 20.5"
    frozen_broker_is_named_with_records_every_five_seconds: "
        interval 5000
        at 30 freeze 2
        find broker_stalled 2 from 31.5 by 37
        find broker_frozen 2 from 39 by 41"
    all_dropped_with_records_every_five_seconds_is_the_cluster_or_the_network: "
        interval 5000
        at 30 drop all
        find cluster_unreachable - from 31.5 by 38
        nobody
        at 60 undrop all
        over by 72"
    slow_broker_is_named_with_records_every_five_seconds: "
        interval 5000
        lasts 200
        at 90 slow 2
        find broker_slow 2 from 93 by 115"
    pause_of_one_second_is_nothing_with_records_every_five_seconds: "
        interval 5000
        at 30 freeze 2
        at 31 thaw 2
        nothing"
    frozen_broker_is_named_with_attempts_every_minute: "
        seldom 60000
        lasts 300
        at 100 freeze 2
        find broker_frozen 2 from 101.5 by 165"
    slow_broker_is_named_with_attempts_every_minute: "
        seldom 60000
        lasts 1200
        at 600 slow 2
        find broker_slow 2 from 660 by 900"
    quota_with_attempts_every_minute_is_one_finding_and_names_no_broker: "
        seldom 60000
        lasts 900
        at 300 quota 1,2,3
        find quota_throttled - from 300 by 361
        nobody
        at 600 quota -
        over by 785"
    healthy_cluster_with_attempts_every_minute_has_no_finding: "
        seldom 60000
        lasts 900
        nothing"
    healthy_cluster_with_records_every_ten_milliseconds_has_no_finding: "
        interval 10
        lasts 40
        nothing"
}
