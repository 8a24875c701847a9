//! A disk of a broker's own, small enough to be filled, and that can fail as disks do: from one moment on the kernel lets
//! nobody write to it any more.
//!
//! A file with a file system in it, mounted in the mount namespace of [`super::super::network::Network`], which takes the
//! mount with it whatever becomes of the test.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::process_guard::ScratchDir;

/// What fills the disk.
const FILLER: &str = "filler";

/// Debian's own path leaves these out for users.
const WITH_PATH: &str = r#"PATH="$PATH:/usr/sbin:/sbin"; exec "$@""#;

/// A mounted disk.
#[derive(Debug)]
pub(crate) struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    /// Makes a disk of so many MiB in `folder`, and mounts it at `folder/name`.
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

    /// Where it is mounted: an empty folder that Kafka may have for itself.
    pub(crate) fn logs(&self) -> PathBuf {
        self.at.join("logs")
    }

    /// Whether something in its folder of logs begins like this.
    pub(crate) fn holds(&self, prefix: &str) -> bool {
        let entries = fs::read_dir(self.logs()).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
    }

    /// Takes all the room that is left.
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
        // What is only in the cache may not fit, too.
        let _ = file.sync_all();
    }

    /// Gives it back.
    pub(crate) fn empty(&self) {
        // Gone already is as good.
        let _ = fs::remove_file(self.at.join(FILLER));
    }

    /// The kernel gives the disk up: every write fails from now on, also to files that are open.
    #[track_caller]
    pub(crate) fn fail_writes(&self) {
        run(&["mount", "-o", "remount,abort", &text(&self.at)]);
    }

    /// Checks the disk and mounts it anew; only while nobody has files open on it.
    #[track_caller]
    pub(crate) fn repair(&self) {
        run(&["umount", &text(&self.at)]);
        // 1 is: there were errors, and they are corrected.
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
        // A process that is just being killed may hold on to it: the kernel lets go then.
        let _ = command(&["umount", "--lazy", &text(&self.at)]).output();
    }
}

/// Whether this machine lets us make disks: by trying, in a mount namespace.
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
