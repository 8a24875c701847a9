//! A wall clock that can be set for one process alone.
//!
//! libfaketime intercepts the process's calls that read the clock. The monotonic clock is not changed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::process_guard::ScratchDir;

/// Debian installs it below a folder for the machine's architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The wall clock of the processes that are started with [`FakeWallClock::environment`].
pub(crate) struct FakeWallClock {
    library: PathBuf,
    folder: ScratchDir,
}

impl FakeWallClock {
    /// A clock that shows the real time; `None` if libfaketime is missing (script/bootstrap installs it).
    pub(crate) fn new() -> Option<FakeWallClock> {
        let wall_clock = FakeWallClock { library: library()?, folder: ScratchDir::new("kafka-prober-calendar-") };
        wall_clock.set(0);
        Some(wall_clock)
    }

    /// The environment variables to start a process with.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file())),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            // How often libfaketime reads the setting, in seconds.
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ]
    }

    /// Sets it to the machine's time plus `seconds`.
    pub(crate) fn set(&self, seconds: i64) {
        // Written beside and renamed, so that a reader sees a whole file.
        let beside = self.folder.path().join("next");
        fs::write(&beside, format!("{seconds:+}\n")).expect("the scratch folder is writable");
        fs::rename(beside, self.file()).expect("the scratch folder is writable");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("calendar")
    }
}

/// Whether libfaketime is installed.
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
