//! Finds the directories of this process's control groups from `/proc/self/cgroup` and `/proc/self/mountinfo`. Inside a container
//! the listed path may be that of the host, of which only the end is mounted.

use std::path::{Path, PathBuf};

use procfs::process::{MountInfo, MountInfos};
use procfs::{FromRead, ProcessCGroup, ProcessCGroups};

/// Directories with the limits of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// The group with `cpu.stat`, and its mounted ancestors: each may have a limit of its own.
    pub cpu: Vec<PathBuf>,
    /// The group with the memory limits.
    pub memory: Option<PathBuf>,
}

impl Groups {
    /// The groups of this process.
    pub fn own() -> Groups {
        let groups = ProcessCGroups::from_file("/proc/self/cgroup").map(|groups| groups.0).unwrap_or_default();
        let mounts = MountInfos::from_file("/proc/self/mountinfo").map(|mounts| mounts.0).unwrap_or_default();
        Groups::of(&groups, &mounts, Path::exists)
    }

    /// From the lines of `/proc/self/cgroup` and `/proc/self/mountinfo` (cgroups(7), proc(5)). If both versions are mounted, a
    /// controller belongs to the one in which it has files.
    fn of(groups: &[ProcessCGroup], mounts: &[MountInfo], exists: impl Fn(&Path) -> bool) -> Groups {
        let place = |controller: &str, file: &str| {
            let versions = [Some(controller), None];
            let places = versions.into_iter().filter_map(|version| directory(groups, mounts, version));
            places.into_iter().find(|(_, directory)| exists(&directory.join(file)))
        };
        let cpu = place("cpu", "cpu.stat").map_or_else(Vec::new, |(mount, directory)| {
            let around = directory.ancestors().take_while(|path| path.starts_with(&mount));
            around.map(Path::to_owned).collect()
        });
        let memory = ["memory.events", "memory.failcnt"].into_iter().find_map(|file| place("memory", file));
        Groups { cpu, memory: memory.map(|(_, directory)| directory) }
    }
}

/// The mount point of a hierarchy and our directory in it: that of a controller in version 1, or the only one of version 2.
fn directory(groups: &[ProcessCGroup], mounts: &[MountInfo], controller: Option<&str>) -> Option<(PathBuf, PathBuf)> {
    let group = groups.iter().find(|group| match controller {
        Some(controller) => group.controllers.iter().any(|name| name == controller),
        None => group.controllers.is_empty(),
    })?;
    let mount = mounts.iter().find(|mount| match controller {
        Some(controller) => mount.fs_type == "cgroup" && mount.super_options.contains_key(controller),
        None => mount.fs_type == "cgroup2",
    })?;
    // A path outside of the mount is one of the host: the mount itself is our group.
    let below = group.pathname.strip_prefix(mount.root.trim_end_matches('/'));
    let below = below.filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let below = below.unwrap_or_default().trim_start_matches('/');
    let mount = &mount.mount_point;
    let directory = if below.is_empty() { mount.clone() } else { mount.join(below) };
    Some((mount.clone(), directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(groups: &str, mounts: &str, files: &[&str]) -> Groups {
        let groups = ProcessCGroups::from_read(groups.as_bytes()).expect("lines of a kernel").0;
        let mounts = MountInfos::from_read(mounts.as_bytes()).expect("lines of a kernel").0;
        Groups::of(&groups, &mounts, |path| files.iter().any(|file| Path::new(file) == path))
    }

    fn paths(texts: &[&str]) -> Vec<PathBuf> {
        texts.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn version_two_has_one_hierarchy_and_ancestors_have_limits_too() {
        let groups = of(
            "0::/system.slice/prober.service\n",
            "25 18 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
            &[
                "/sys/fs/cgroup/system.slice/prober.service/cpu.stat",
                "/sys/fs/cgroup/system.slice/prober.service/memory.events",
            ],
        );
        let own = "/sys/fs/cgroup/system.slice/prober.service";
        assert_eq!(groups.cpu, paths(&[own, "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"]));
        assert_eq!(groups.memory, Some(PathBuf::from(own)));
    }

    #[test]
    fn version_one_in_a_container_is_mounted_at_our_group() {
        let groups = of(
            "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/docker/abc\n",
            "33 32 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n\
             34 32 0:30 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
            &["/sys/fs/cgroup/cpu,cpuacct/cpu.stat", "/sys/fs/cgroup/memory/memory.failcnt"],
        );
        assert_eq!(groups.cpu, paths(&["/sys/fs/cgroup/cpu,cpuacct"]));
        assert_eq!(groups.memory, Some(PathBuf::from("/sys/fs/cgroup/memory")));
    }

    #[test]
    fn with_both_versions_mounted_the_files_decide() {
        let groups = of(
            "4:memory:/app\n1:cpu:/\n0::/\n",
            "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
             35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
            &["/sys/fs/cgroup/cpu/cpu.stat", "/sys/fs/cgroup/unified/memory.events"],
        );
        assert_eq!(groups.cpu, paths(&["/sys/fs/cgroup/cpu"]));
        assert_eq!(groups.memory, Some(PathBuf::from("/sys/fs/cgroup/unified")));
    }

    #[test]
    fn path_of_the_host_that_is_not_mounted_means_the_mount() {
        let mounts = "25 18 0:22 /kubepods/pod1 /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
        let files = ["/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/memory.events"];
        let groups = of("0::/../../other\n", mounts, &files);
        assert_eq!(groups.cpu, paths(&["/sys/fs/cgroup"]));
        let longer = of("0::/kubepods/pod10\n", mounts, &files);
        assert_eq!(longer.cpu, paths(&["/sys/fs/cgroup"]), "another group whose name begins with ours");
    }

    #[test]
    fn host_without_control_groups_has_none() {
        assert_eq!(of("", "", &[]), Groups::default());
    }
}
