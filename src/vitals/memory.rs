//! Memory limits that were hit, and time spent waiting for memory.

use std::time::Duration;

use prober_core::vitals::Memory;
use procfs::MemoryPressure;

use super::key_value::value;

/// Version 2: `memory.events` counts hit limits; `memory.pressure` (PSI), where the kernel has it, the time that some task
/// waited.
pub fn version_two(events: &str, pressure: Option<&MemoryPressure>) -> Option<Memory> {
    Some(Memory {
        limit_hits: value(events, "high")? + value(events, "max")?,
        killed: value(events, "oom_kill").unwrap_or(0),
        waited: pressure.map(|pressure| Duration::from_micros(pressure.some.total)),
    })
}

/// Version 1: `memory.failcnt` counts hit limits; the time of waiting is not counted.
pub fn version_one(failcnt: &str, oom_control: Option<&str>) -> Option<Memory> {
    let killed = oom_control.and_then(|text| value(text, "oom_kill")).unwrap_or(0);
    Some(Memory { limit_hits: failcnt.trim().parse().ok()?, killed, waited: None })
}

#[cfg(test)]
mod tests {
    use procfs::FromRead;

    use super::*;

    #[test]
    fn version_two_adds_both_limits_and_reads_the_pressure() {
        let events = "low 0\nhigh 3\nmax 4\noom 1\noom_kill 1\noom_group_kill 0\n";
        let pressure = "some avg10=1.50 avg60=0.40 avg300=0.10 total=2500000\n\
                        full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n";
        let pressure = MemoryPressure::from_read(pressure.as_bytes()).expect("lines of a kernel");
        let expected = Memory { limit_hits: 7, killed: 1, waited: Some(Duration::from_millis(2500)) };
        assert_eq!(version_two(events, Some(&pressure)), Some(expected));
        assert_eq!(version_two(events, None), Some(Memory { waited: None, ..expected }), "a kernel without PSI");
    }

    #[test]
    fn version_one_counts_hit_limits() {
        let control = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
        assert_eq!(version_one("15\n", Some(control)), Some(Memory { limit_hits: 15, killed: 2, waited: None }));
        assert_eq!(version_one("15\n", None), Some(Memory { limit_hits: 15, killed: 0, waited: None }));
    }

    #[test]
    fn text_of_another_format_gives_nothing() {
        assert_eq!(version_two("", None), None);
        assert_eq!(version_one("none", None), None);
    }
}
