//! Recordings of earlier versions of the format. Each stays as it was written; what is added later has to have a default.

use kafka_prober::recording::file::Reader;
use prober_core::diagnosis::recording::Version;
use prober_core::diagnosis::recording::replay::Replay;

use super::folder;

/// The versions, each with a recording of a frozen broker.
const VERSIONS: [Version; 1] = [Version { major: 1, minor: 0 }];

#[test]
fn recording_of_each_earlier_version_is_replayed() {
    assert!(VERSIONS.contains(&Version::CURRENT), "keep a recording of the version that is written now");
    for version in VERSIONS {
        let path = folder().join(format!("formats/{}.{}.jsonl.gz", version.major, version.minor));
        let mut reader = Reader::open(&path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(reader.header().format, version);
        let mut replay = Replay::new(reader.header(), None);
        while let Some(line) = reader.next_line().unwrap_or_else(|error| panic!("{error}")) {
            replay.take(line);
        }
        assert_eq!(reader.skipped(), 0);
        let replayed = replay.end();
        let is_found =
            |broker| replayed.episodes.iter().any(|episode| episode.finding.broker.map(|id| id.0) == Some(broker));
        assert!(is_found(2), "broker 2 was frozen: {:?}", replayed.episodes);
        assert!(!is_found(1) && !is_found(3), "{:?}", replayed.episodes);
        assert!(200 < replayed.events, "{} events", replayed.events);
    }
}
