//! Scenarios of a prober that the cluster refuses or throttles: quotas, credentials, certificates.

use super::check_scenario;

super::scenarios! {
    quota_accuses_nobody: "
        at 60 quota 1,2,3
        find quota_throttled - from 60 by 60.2
        nobody
        at 90 quota -
        over by 95.5"
    credentials_refused_everywhere_name_no_broker: "
        at 60 distrust 1,2,3
        find credentials_refused - from 60 by 70.5
        blame unclear
        at 90 distrust -
        over by 103"
    certificate_refused_at_one_broker_names_it_at_the_second_refusal: "
        at 60 distrust 2
        find credentials_refused 2 from 70 by 81
        blame cluster
        at 95 distrust -
        over by 110"
    certificates_refused_at_two_of_three_name_none: "
        at 60 distrust 1,3
        find credentials_refused - from 70 by 81
        nobody"
}
