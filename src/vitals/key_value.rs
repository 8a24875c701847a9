//! Files of the kernel with one `name number` a line, such as `cpu.stat` and `memory.events`.

/// The number after a name at the start of a line.
pub(super) fn value(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_name_with_the_same_prefix_is_not_matched() {
        assert_eq!(value("oom_kill_disable 1\noom_kill 2\n", "oom_kill"), Some(2));
    }
}
