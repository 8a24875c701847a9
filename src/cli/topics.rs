//! `topics clean`: deletes the consumer groups of this vantage's commit probe. Transactional ids cannot be deleted; they expire
//! by themselves (`transactional.id.expiration.ms`).

use std::sync::Arc;

use tokio::runtime::Builder;

use crate::app::security::security;
use crate::config::Config;
use crate::kafka::group_cleanup::{GroupOutcome, delete_groups};
use crate::kafka::wire::WireError;

use super::exit::{self, Exit};
use super::output;

#[expect(clippy::print_stderr, reason = "groups that could not be deleted are errors")]
pub(super) fn clean(config: Config) -> Exit {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::unhealthy(&format!("cannot start: {error}")),
    };
    let client_id: Arc<str> = format!("kafka-prober-{}", config.vantage).into();
    let namespace = config.namespace();
    let mut all_gone = true;
    for (name, cluster) in &config.clusters {
        let bootstrap = cluster.bootstrap.iter().map(ToString::to_string).collect();
        let security = match security(name, &cluster.security) {
            Ok(security) => security,
            Err(problem) => return exit::usage(&problem),
        };
        let cleaned = runtime.block_on(delete_groups(bootstrap, Arc::clone(&client_id), security, &namespace));
        let messages = messages(name, cleaned);
        messages.deleted.iter().for_each(|line| output::print(&format!("{line}\n")));
        messages.left.iter().for_each(|line| eprintln!("error: {line}"));
        all_gone &= messages.left.is_empty();
    }
    // A name lookup runs on a blocking thread: do not wait for it.
    runtime.shutdown_background();
    if all_gone { Exit::Pass } else { Exit::Fail }
}

/// Lines for stdout and for stderr.
#[derive(Debug, PartialEq, Eq)]
struct Messages {
    deleted: Vec<String>,
    left: Vec<String>,
}

fn messages(cluster: &str, cleaned: Result<Vec<(Arc<str>, GroupOutcome)>, WireError>) -> Messages {
    let mut messages = Messages { deleted: Vec::new(), left: Vec::new() };
    match cleaned {
        Err(error) => messages.left.push(format!("cluster {cluster}: no bootstrap server answers: {error}")),
        Ok(groups) => {
            for (group, outcome) in groups {
                match outcome {
                    GroupOutcome::Deleted => messages.deleted.push(format!("cluster {cluster}: deleted group {group}")),
                    GroupOutcome::Absent => {}
                    GroupOutcome::NotDeleted(why) => {
                        messages.left.push(format!("cluster {cluster}: group {group} is left: {why}"))
                    }
                }
            }
            if messages.deleted.is_empty() && messages.left.is_empty() {
                messages.deleted.push(format!("cluster {cluster}: no group to delete"));
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleted_and_remaining_groups_are_listed() {
        let groups = [
            ("g-0", GroupOutcome::Deleted),
            ("g-1", GroupOutcome::Absent),
            ("g-2", GroupOutcome::NotDeleted("why".into())),
        ];
        let messages = messages("prod", Ok(groups.map(|(group, outcome)| (group.into(), outcome)).to_vec()));
        assert_eq!(messages.deleted, ["cluster prod: deleted group g-0"]);
        assert_eq!(messages.left, ["cluster prod: group g-2 is left: why"]);
    }

    #[test]
    fn no_group_to_delete_is_reported() {
        let nothing = messages("prod", Ok(Vec::new()));
        assert_eq!((nothing.deleted.len(), nothing.left.len()), (1, 0));
        assert_eq!(messages("prod", Err(WireError::Refused)).left.len(), 1);
    }
}
