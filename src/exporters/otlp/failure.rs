//! How an export fails, before its cause is looked for.

use std::error::Error;

/// Characters of a failure in our log. A collector's text can be a page.
const LONGEST: usize = 300;

/// Why an export did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// The collector answered over gRPC, with this status code and message.
    Grpc(String, String),
    /// The collector answered over HTTP, with this status and text.
    Http(u16, String),
    /// The collector took the request, but not all of its points.
    Rejected(i64, String),
    /// There was no answer: no connection, or it broke.
    Broken(String),
    /// There was no answer in time.
    Late(String),
    /// The request could not be made.
    Unsent(String),
}

impl Failure {
    /// An error with its sources, each sentence once.
    pub(super) fn broken(error: &(dyn Error + Send + Sync + 'static)) -> Failure {
        let mut text = error.to_string();
        let mut below = error.source();
        while let Some(error) = below {
            let cause = error.to_string();
            if !text.contains(&cause) {
                text = format!("{text}: {cause}");
            }
            below = error.source();
        }
        Failure::Broken(text)
    }

    /// One line for the log. `secrets` are hidden, because some servers repeat what they were sent.
    pub(super) fn text<'a>(&self, secrets: impl Iterator<Item = &'a str>) -> String {
        let text = match self {
            Failure::Grpc(code, message) => format!("the answer is gRPC status {code}: {message}"),
            Failure::Http(status, message) => format!("the answer is HTTP status {status}: {message}"),
            Failure::Rejected(points, message) => format!("{points} data points were not taken: {message}"),
            Failure::Broken(cause) | Failure::Late(cause) | Failure::Unsent(cause) => cause.clone(),
        };
        let text = secrets.filter(|secret| !secret.is_empty()).fold(text, |text, secret| text.replace(secret, "…"));
        let text: String = text.replace(char::is_control, " ").chars().take(LONGEST).collect();
        text.trim().trim_end_matches(':').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_is_one_bounded_line_without_our_secrets() {
        let failure = Failure::Http(401, format!("no\nsuch token: Bearer abc {}", "x".repeat(1000)));
        let text = failure.text(["Bearer abc"].into_iter());
        assert!(text.starts_with("the answer is HTTP status 401: no such token: … xxx"), "{text}");
        assert_eq!(text.chars().count(), LONGEST);
        assert_eq!(
            Failure::Grpc("Internal".to_owned(), String::new()).text([""].into_iter()),
            "the answer is gRPC status Internal"
        );
    }
}
