//! Saves the logs of a failed test under `target/cluster-logs/`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;

/// Extensions of the files to save: logs and configuration.
const KEPT: [&str; 4] = ["log", "properties", "toml", "yaml"];

/// Copies the logs directly in `folder` to `target/cluster-logs/TEST/NAME/` if the current thread is panicking, and prints
/// where.
pub(crate) fn save_logs_if_panicking(name: &str, folder: &Path) {
    if !thread::panicking() {
        return;
    }
    let test = file_name(&test_name());
    let kept = target_folder().join("cluster-logs").join(test).join(file_name(name));
    let outcome = copy_logs(folder, &kept);
    let line = match outcome {
        Ok(()) => format!("logs kept in {}\n", kept.display()),
        Err(e) => format!("logs not kept in {}: {e}\n", kept.display()),
    };
    // Written directly to stderr, past the test runner's capture.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// The name of the running test, which libtest gives to its thread.
pub(crate) fn test_name() -> String {
    thread::current().name().unwrap_or("unnamed").to_owned()
}

fn copy_logs(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|e| e.to_str());
        let worth_keeping = extension.is_some_and(|e| KEPT.contains(&e));
        if let (true, Some(name)) = (worth_keeping, path.file_name()) {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn target_folder() -> PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).to_owned()
}

fn file_name(name: &str) -> String {
    name.replace("::", ".").replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "_")
}
