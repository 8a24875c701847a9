//! Scenarios of a prober that begins, or begins again, in the middle of an outage: it names what is down or hangs now, and bundles
//! nothing because it all seems to have begun with it.

use super::check_scenario;

super::scenarios! {
    broker_frozen_before_the_prober_began_is_named: "
        started 12
        at 10 freeze 2
        find broker_stalled 2 from 13.5 by 15
        find broker_frozen 2 from 21.5 by 23"
    broker_that_was_frozen_and_fenced_before_the_prober_began_is_absent: "
        started 40
        at 10 freeze 2
        find broker_absent 2 from 45.9 by 47
        blame cluster
        at 70 thaw 2
        over by 75"
    broker_that_was_killed_and_fenced_before_the_prober_began_is_absent: "
        started 40
        at 10 kill 2
        find broker_absent 2 from 45.9 by 47
        blame cluster"
    broker_killed_moments_before_the_prober_began_is_down: "
        started 12
        at 10 kill 2
        find broker_down 2 from 13 by 16"
    two_brokers_that_hang_when_the_prober_begins_are_two_findings: "
        brokers 5
        started 18
        at 10 freeze 2
        at 17 freeze 4
        find broker_stalled 4 from 19.5 by 21
        find broker_frozen 4 from 27.5 by 29
        find broker_stalled 2 from 19.5 by 21
        find broker_frozen 2 from 27.5 by 29"
    broker_that_is_being_restarted_when_the_prober_begins_is_nothing: "
        started 40
        at 36 leave 2
        at 43 join 2
        nothing"
    healthy_cluster_at_the_begin_is_nothing: "
        brokers 6
        started 30
        nothing"
}
