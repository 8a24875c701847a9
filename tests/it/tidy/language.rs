//! The field's language: names that only this project used, and phrases that readers had to solve, do not come back.
//!
//! Every entry names what to write instead. Names are compared with whole identifiers in code; phrases with whole words in
//! comments, string literals, documents, configuration and scripts.

use super::assert_none;
use super::sources::{self, Source};

/// Identifiers that must not be used, and what replaced them.
const NAMES: [(&str, &str); 75] = [
    ("Road", "ConnectionRole"),
    ("Roads", "ConnectionRole"),
    ("Apart", "SingleConnectionStalls"),
    ("Way", "TcpState"),
    ("Looks", "ConnectCheck"),
    ("Looked", "ConnectCheck"),
    ("wants_a_look", "wants_connect_check"),
    ("Seen", "BrokerEvidence"),
    ("Suspicion", "Evidence"),
    ("Grid", "ProbeMatrix"),
    ("Around", "EvidenceContext"),
    ("rhythm", "liveness_timeout"),
    ("OwnNews", "a Status"),
    ("Standing", "ActiveFindings"),
    ("Stands", "ActiveFindings"),
    ("Unrest", "ChurnCooldown"),
    ("Shown", "WindowStats"),
    ("Bits", "CellFlags"),
    ("excuse", "reset"),
    ("spoil", "discard"),
    ("Accounts", "Counting"),
    ("slept", "on_resume"),
    ("Saw", "RawOutcome"),
    ("Unheard", "RawOutcome"),
    ("Impediment", "BlockedProbe"),
    ("Impeded", "BlockedProbe"),
    ("impediments", "blocked_probes"),
    ("Picture", "MetadataDigest or ClusterView"),
    ("Scout", "MetadataPoller"),
    ("Scouted", "ClusterView"),
    ("Asker", "MetadataClient"),
    ("Aiming", "TargetSelection"),
    ("aim", "targets"),
    ("Lines", "ConnectionPool"),
    ("Link", "ManagedConnection"),
    ("Dialling", "DialOptions"),
    ("Owed", "OverdueMonitor"),
    ("Rests", "ProbeBackoff"),
    ("Seat", "ProducerSlot"),
    ("Seating", "Assignment"),
    ("strays", "a noun for what they are"),
    ("Tenant", "TopicHandler"),
    ("lay_out", "on_layout"),
    ("sight", "classify"),
    ("Sighting", "RecordOrigin"),
    ("Sibling", "OtherRun"),
    ("SecondLooks", "Rereader"),
    ("second_look", "Rereader"),
    ("Board", "ObservationState"),
    ("Caller", "Dialer"),
    ("Talk", "StatsContext"),
    ("Outgoing", "RecordToSend"),
    ("Twin", "DuplicateVantage"),
    ("Silence", "OverdueConnection"),
    ("Asking", "ProbeRuntime"),
    ("forgotten", "decommissioned"),
    ("strike", "remove"),
    ("senses", "sampler"),
    ("ThreadWatch", "supervisor"),
    ("Leashed", "GuardedProcess"),
    ("Scene", "ClusterKind"),
    ("Account", "Report"),
    ("detour", "controller_proxy"),
    ("LOOK_EVERY", "the name of an interval"),
    ("Teller", "the name of a callback"),
    ("Listed", "ListedSince"),
    ("Dialing", "DialOptions"),
    ("hear", "on_… or receive"),
    ("heard", "received"),
    ("unheard", "unanswered"),
    ("yardstick", "baseline"),
    ("Story", "Scenario"),
    ("Rig", "TestBed"),
    ("RefreshOnSilence", "RefreshUnlessAnswered"),
    ("refresh_on_silence", "refresh_unless_answered"),
];

/// Words that the name of a function, and so of a test, must not have, and what to write.
const WORDS: [(&str, &str); 16] = [
    ("culprit", "broker at fault"),
    ("doubtful", "ambiguous"),
    ("feel", "experience or fail"),
    ("felt", "experienced or failed"),
    ("hear", "receive"),
    ("heard", "received"),
    ("hears", "receives"),
    ("look", "check, read or poll"),
    ("looked", "checked, read or resolved"),
    ("looks", "checks or reads"),
    ("neighbour", "the other one"),
    ("said", "reported"),
    ("sibling", "other run"),
    ("suffer", "fail"),
    ("twin", "duplicate"),
    ("unheard", "unanswered"),
];

/// File and folder names that must not be used, and what replaced them.
const FILES: [(&str, &str); 28] = [
    ("leash", "process_guard"),
    ("kept", "failure_logs"),
    ("scene", "cluster_kind"),
    ("detour", "controller_proxy"),
    ("alike", "shared_setup"),
    ("turns", "interleaved"),
    ("bare", "baseline_socket"),
    ("senses", "sampler"),
    ("silence", "unresponsive"),
    ("standing", "active_findings"),
    ("unrest", "churn_cooldown"),
    ("together", "correlated"),
    ("road", "connection_role"),
    ("roads", "connection_role"),
    ("seat", "producer_slot"),
    ("picture", "cluster_view"),
    ("scout", "metadata_poller"),
    ("aiming", "targets"),
    ("lines", "connection_pool"),
    ("owed", "overdue_monitor"),
    ("tenant", "topic_handler"),
    ("sighting", "record_origin"),
    ("board", "observation_state"),
    ("talk", "stats_context"),
    ("twin", "duplicate_vantage"),
    ("alarm", "supervisor"),
    ("strays", "assignment"),
    ("accounts", "counting"),
];

/// Phrases that must not be used, and what to write.
const PHRASES: [(&str, &str); 22] = [
    ("whom", "the noun"),
    ("for so long", "the length of time, and where it comes from"),
    ("said of", "reported about, or the fact itself"),
    ("is told", "receives, reads or is asked"),
    ("at rest", "idle, or the fact itself"),
    ("the books", "the counts"),
    ("nothing stands", "no active findings"),
    ("nights of", "time suspended"),
    ("no alarm", "what it is, instead of what it is not"),
    ("so long as", "while"),
    ("is over at the latest", "ends within"),
    ("takes a look", "checks"),
    ("second look", "reread"),
    ("told apart", "distinguished"),
    ("are told", "receive, read or are asked"),
    ("heard", "received, or learned of"),
    ("in vain", "without an answer, or the error"),
    ("yardstick", "baseline"),
    ("names the culprit", "names the broker"),
    ("applications feel", "applications experience"),
    ("made anew", "created again"),
    ("owes", "has not answered, or an overdue response"),
];

/// This file names what it forbids.
const THIS_FILE: &str = "tests/it/tidy/language.rs";

fn others() -> Vec<Source> {
    sources::all().into_iter().filter(|source| source.path != THIS_FILE).collect()
}

#[test]
fn names_are_those_of_the_field() {
    let mut found = Vec::new();
    for source in others().iter().filter(|source| source.path.ends_with(".rs")) {
        for (number, code, _) in split(&source.text) {
            for word in identifiers(&code) {
                found.extend(named(&NAMES, word).map(|better| format!("{}:{number}: {word} → {better}", source.path)));
            }
        }
    }
    assert_none(&found, "a name of the project's own; use the field's");
}

#[test]
fn functions_are_named_in_plain_words() {
    let mut found = Vec::new();
    for source in others().iter().filter(|source| source.path.ends_with(".rs")) {
        for (number, code, _) in split(&source.text) {
            let name = code.split_once("fn ").and_then(|(_, name)| identifiers(name).next());
            for word in name.into_iter().flat_map(|name| name.split('_')) {
                found.extend(named(&WORDS, word).map(|better| format!("{}:{number}: {word} → {better}", source.path)));
            }
        }
    }
    assert_none(&found, "a test is named as a claim in plain words");
}

#[test]
fn files_are_named_in_the_words_of_the_field() {
    let mut found = Vec::new();
    for source in others() {
        for part in source.path.split('/').map(|part| part.split('.').next().unwrap_or(part)) {
            found.extend(named(&FILES, part).map(|better| format!("{}: {part} → {better}", source.path)));
        }
    }
    assert_none(&found, "a name of the project's own; use the field's");
}

#[test]
fn comments_messages_and_documents_have_no_riddles() {
    let mut found = Vec::new();
    for source in others().iter().filter(|source| is_prose(&source.path)) {
        let lines: Vec<(usize, String)> = if source.path.ends_with(".rs") {
            split(&source.text).map(|(number, _, prose)| (number, prose)).collect()
        } else {
            source.text.lines().enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect()
        };
        for (number, line) in lines {
            let words = line.to_lowercase();
            for (phrase, better) in PHRASES.iter().filter(|(phrase, _)| contains_words(&words, phrase)) {
                found.push(format!("{}:{number}: '{phrase}' → {better}", source.path));
            }
        }
    }
    assert_none(&found, "write the fact: subject, verb, object");
}

#[test]
fn nothing_refers_to_documents_that_are_not_here() {
    // Sections are numbered in the plan only, which is not part of the repository.
    let section = '\u{a7}';
    let mut found = Vec::new();
    for source in others().iter().filter(|source| source.path != "Cargo.lock") {
        let lines = source.text.lines().enumerate().filter(|(_, line)| line.contains(section));
        found.extend(lines.map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim())));
    }
    assert_none(&found, "say the fact, or name docs/architecture.md or docs/kafka-facts.md");
}

#[test]
fn code_comments_and_strings_are_separated() {
    let lines: Vec<_> = split("let a = \"x // y\"; // why\n/// Doc.\nb('\"', \"\\\"q\")").collect();
    assert_eq!(lines[0], (1, "let a = \"\"; ".to_owned(), "x // y // why".to_owned()));
    assert_eq!(lines[1], (2, String::new(), "/// Doc.".to_owned()));
    assert_eq!(lines[2], (3, "b('\"', \"\")".to_owned(), "\\\"q ".to_owned()));
    assert_eq!(identifiers("Way::new(way_out)").collect::<Vec<_>>(), ["Way", "new", "way_out"]);
    assert!(contains_words("a look at it", "a look") && !contains_words("a lookup", "a look"));
    assert!(contains_words("(told)", "told") && !contains_words("untold", "told"));
}

fn is_prose(path: &str) -> bool {
    let of_text = [".rs", ".md", ".toml", ".yaml", ".yml", ".java"].iter().any(|end| path.ends_with(end));
    of_text || path.starts_with("script/") || path.starts_with(".ci/") || path == "Dockerfile"
}

fn named<'a>(list: &'a [(&str, &'a str)], word: &str) -> Option<&'a str> {
    list.iter().find(|(name, _)| *name == word).map(|(_, better)| *better)
}

/// Each line as its number, its code without the text of strings, and its prose: strings and the comment.
///
/// A string that goes on over several lines is read as code from its second line on, which is enough here.
fn split(text: &str) -> impl Iterator<Item = (usize, String, String)> + '_ {
    text.lines().enumerate().map(|(at, line)| {
        let (mut code, mut prose) = (String::new(), String::new());
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '/' if chars.peek() == Some(&'/') => {
                    prose.push('/');
                    prose.extend(chars.by_ref());
                }
                // A quotation mark as a character is no string.
                '\'' if chars.clone().take(2).eq(['"', '\'']) => {
                    code.push(c);
                    code.extend(chars.by_ref().take(2));
                }
                '"' => {
                    code.push_str("\"\"");
                    while let Some(c) = chars.next() {
                        match c {
                            '"' => break,
                            '\\' => prose.extend([Some(c), chars.next()].into_iter().flatten()),
                            _ => prose.push(c),
                        }
                    }
                    prose.push(' ');
                }
                _ => code.push(c),
            }
        }
        (at + 1, code, prose)
    })
}

fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Whether the phrase occurs between letters of no word.
fn contains_words(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + phrase.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}
