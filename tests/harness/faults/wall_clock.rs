//! A calendar that can be set for one process alone: the machine's belongs to everybody.
//!
//! By libfaketime, which answers the process in the place of the kernel; the clock that cannot be set (the monotonic one)
//! is left alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::process_guard::ScratchDir;

/// Where Debian has it, below a folder for the machine's architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The calendar of the processes that are started with its [`FakeWallClock::environment`].
pub(crate) struct FakeWallClock {
    library: PathBuf,
    folder: ScratchDir,
}

impl FakeWallClock {
    /// One that is right; `None` where libfaketime is missing (script/bootstrap brings it).
    pub(crate) fn new() -> Option<FakeWallClock> {
        let wall_clock = FakeWallClock { library: library()?, folder: ScratchDir::new("kafka-prober-calendar-") };
        wall_clock.set(0);
        Some(wall_clock)
    }

    /// What a process has to be started with.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file())),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            // How soon a new setting is seen, in seconds.
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ]
    }

    /// Sets it by so many seconds against the machine's.
    pub(crate) fn set(&self, seconds: i64) {
        // Beside and then in its place: whoever reads it reads all of it.
        let beside = self.folder.path().join("next");
        fs::write(&beside, format!("{seconds:+}\n")).expect("the scratch folder is writable");
        fs::rename(beside, self.file()).expect("the scratch folder is writable");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("calendar")
    }
}

/// Whether processes can be given calendars here.
pub(crate) fn is_possible() -> bool {
    library().is_some()
}

fn library() -> Option<PathBuf> {
    let places = fs::read_dir(LIBRARIES).ok()?.flatten().map(|entry| entry.path().join(LIBRARY));
    places.into_iter().find(|path| path.is_file())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
