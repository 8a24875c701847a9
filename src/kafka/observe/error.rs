//! Whether a part of the observation that failed is switched off, with a message that says which permission to grant, or tried
//! again.

use prober_core::kafka_error::KafkaError;

use crate::kafka::wire::{Api, WireError};

/// Kafka's error code UNSUPPORTED_VERSION.
const UNSUPPORTED_VERSION: KafkaError = KafkaError(35);

/// Why a part has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ObservationError {
    /// Not permitted or not offered: it is tried again only at the long interval.
    Off(String),
    /// Any other failure: it is tried again at the next interval.
    Failing(String),
}

impl ObservationError {
    /// Checks the error code of a response.
    ///
    /// # Errors
    /// Any code except 0. `permission` is what the request needs, in the terms of Kafka's ACLs.
    pub(super) fn check(code: i16, api: Api, permission: &str) -> Result<(), ObservationError> {
        match KafkaError::of(code) {
            None => Ok(()),
            Some(error) if error.is_authorization() => Err(ObservationError::forbidden(error, api, permission)),
            Some(error) if error == UNSUPPORTED_VERSION => {
                Err(ObservationError::Off(format!("this cluster does not offer {api} ({})", error.name())))
            }
            Some(error) => Err(ObservationError::Failing(format!("{api} was refused with {}", error.name()))),
        }
    }

    /// For a missing permission.
    pub(super) fn forbidden(error: KafkaError, api: Api, permission: &str) -> ObservationError {
        ObservationError::Off(format!("grant {permission}: {api} was refused with {}", error.name()))
    }
}

impl From<WireError> for ObservationError {
    fn from(error: WireError) -> ObservationError {
        match error {
            WireError::UnsupportedVersion { .. } => ObservationError::Off(format!("not offered: {error}")),
            error => ObservationError::Failing(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::wire::VersionRange;

    #[test]
    fn missing_permission_names_what_to_grant() {
        let refused = ObservationError::check(31, Api::DescribeQuorum, "DESCRIBE on CLUSTER");
        let message = "grant DESCRIBE on CLUSTER: DescribeQuorum was refused with CLUSTER_AUTHORIZATION_FAILED";
        assert_eq!(refused, Err(ObservationError::Off(message.into())));
        assert_eq!(ObservationError::check(0, Api::DescribeQuorum, ""), Ok(()));
    }

    #[test]
    fn part_that_is_not_offered_is_off_and_one_that_timed_out_is_failing() {
        let error = WireError::UnsupportedVersion {
            api: Api::DescribeQuorum,
            ours: VersionRange { min: 0, max: 2 },
            broker: None,
        };
        assert!(matches!(ObservationError::from(error), ObservationError::Off(_)));
        assert!(matches!(ObservationError::from(WireError::Refused), ObservationError::Failing(_)));
        assert!(matches!(ObservationError::check(7, Api::DescribeQuorum, ""), Err(ObservationError::Failing(_))));
    }
}
