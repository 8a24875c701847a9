//! A small file system for a broker's logs, which a test can fill or make fail: the kernel then refuses every write.
//!
//! An ext4 image in a file, mounted in the mount namespace of [`super::super::network::Network`], so that it is unmounted
//! however the test ends.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::process_guard::ScratchDir;

/// The file that fills the disk.
const FILLER: &str = "filler";

/// mkfs and mount are in sbin, which is not on a user's path.
const WITH_PATH: &str = r#"PATH="$PATH:/usr/sbin:/sbin"; exec "$@""#;

/// A mounted disk.
#[derive(Debug)]
pub(crate) struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    /// Makes a disk of `mib` MiB in `folder` and mounts it at `folder/name`.
    #[track_caller]
    pub(crate) fn mount(folder: &Path, name: &str, mib: u64) -> Disk {
        let disk = Disk { image: folder.join(format!("{name}.image")), at: folder.join(name) };
        let image = File::create(&disk.image).expect("the cluster's folder is writable");
        image.set_len(mib << 20).expect("a sparse file takes no room");
        fs::create_dir_all(&disk.at).expect("the cluster's folder is writable");
        run(&["mkfs.ext4", "-q", "-F", &text(&disk.image)]);
        disk.mounted();
        disk
    }

    /// The folder for Kafka's logs, empty at first.
    pub(crate) fn logs(&self) -> PathBuf {
        self.at.join("logs")
    }

    /// Whether the log of a partition whose name begins with `prefix` is on this disk.
    pub(crate) fn holds(&self, prefix: &str) -> bool {
        let entries = fs::read_dir(self.logs()).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
    }

    /// Fills the disk to the last byte.
    #[track_caller]
    pub(crate) fn fill(&self) {
        let mut file = File::create(self.at.join(FILLER)).expect("the disk is writable");
        for size in [1 << 20, 4 << 10, 1] {
            let piece = vec![1; size];
            let ended = loop {
                if let Err(error) = file.write_all(&piece) {
                    break error;
                }
            };
            assert_eq!(ended.kind(), ErrorKind::StorageFull, "{ended}");
        }
        // Cached bytes may not fit either.
        let _ = file.sync_all();
    }

    /// Frees the filled space.
    pub(crate) fn empty(&self) {
        // The file may already be gone.
        let _ = fs::remove_file(self.at.join(FILLER));
    }

    /// Makes the kernel refuse every write from now on, to open files as well.
    #[track_caller]
    pub(crate) fn fail_writes(&self) {
        run(&["mount", "-o", "remount,abort", &text(&self.at)]);
    }

    /// Checks the disk and mounts it again. No process may have files open on it.
    #[track_caller]
    pub(crate) fn repair(&self) {
        run(&["umount", &text(&self.at)]);
        // Exit code 1: errors were corrected.
        let checked = command(&["fsck.ext4", "-p", &text(&self.image)]).status().expect("there is a shell");
        assert!(matches!(checked.code(), Some(0 | 1)), "fsck.ext4: {checked}");
        self.mounted();
    }

    #[track_caller]
    fn mounted(&self) {
        run(&["mount", "-o", "loop,errors=remount-ro", &text(&self.image), &text(&self.at)]);
        fs::create_dir_all(self.logs()).expect("the disk is writable");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process that is ending may still use it; a lazy unmount waits for that.
        let _ = command(&["umount", "--lazy", &text(&self.at)]).output();
    }
}

/// Whether disks can be made here, by trying it in a mount namespace.
pub(crate) fn is_possible() -> bool {
    let folder = ScratchDir::new("kafka-prober-disk-");
    let tried = r#"set -e; truncate -s 8M "$1"; mkfs.ext4 -q -F "$1"; mkdir -p "$1.at"; mount -o loop "$1" "$1.at"; umount "$1.at""#;
    let image = text(&folder.path().join("tried"));
    let command = command(&["unshare", "--mount", "sh", "-c", tried, "sh", &image]).output();
    command.is_ok_and(|tried| tried.status.success())
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", WITH_PATH, "sh"]).args(words);
    command
}

#[track_caller]
fn run(words: &[&str]) {
    let output = command(words).output().expect("there is a shell");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
