//! File descriptors and local (ephemeral) ports in use, and their limits.

use prober_core::vitals::Usage;
use procfs::process::{LimitValue, Limits};

/// The soft limit of open files; `None` if there is none.
pub fn open_files_limit(limits: &Limits) -> Option<u64> {
    match limits.max_open_files.soft_limit {
        LimitValue::Value(limit) => Some(limit),
        LimitValue::Unlimited => None,
    }
}

/// First and last port of `/proc/sys/net/ipv4/ip_local_port_range`.
pub fn port_range(text: &str) -> Option<(u16, u16)> {
    let mut words = text.split_whitespace().map_while(|word| word.parse().ok());
    let (first, last) = (words.next()?, words.next()?);
    (first <= last).then_some((first, last))
}

/// TCP sockets with a port, those in TIME_WAIT included, from `/proc/net/sockstat` or `sockstat6`. Reading both is cheap, and
/// their sum is an upper bound of the ports in use.
pub fn sockets(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("TCP: ").or_else(|| line.strip_prefix("TCP6: ")))?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let count = |name| words.windows(2).find(|pair| pair[0] == name)?[1].parse::<u64>().ok();
    Some(count("inuse")? + count("tw").unwrap_or(0))
}

/// Marks the local ports of the range that `/proc/net/tcp` or `/proc/net/tcp6` lists.
pub fn mark_ports(text: &str, (first, last): (u16, u16), seen: &mut [bool]) {
    let ports = text.lines().skip(1).filter_map(|line| {
        let (_, port) = line.split_whitespace().nth(1)?.rsplit_once(':')?;
        u16::from_str_radix(port, 16).ok()
    });
    for port in ports.filter(|port| (first..=last).contains(port)) {
        if let Some(mark) = seen.get_mut(usize::from(port - first)) {
            *mark = true;
        }
    }
}

/// Ports are counted one by one only if the sum of sockets is above this share of the range.
const COUNTED_ABOVE: f64 = 0.5;

/// Ports in use: the sum of sockets while that is low enough, else by `count`.
pub fn ports(range: (u16, u16), sockets: u64, count: impl FnOnce() -> Option<u64>) -> Usage {
    let limit = u64::from(range.1 - range.0) + 1;
    let upper = Usage { used: sockets.min(limit), limit };
    if upper.ratio() <= COUNTED_ABOVE {
        return upper;
    }
    count().map_or(upper, |used| Usage { used, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_range_has_a_first_and_a_last_port() {
        assert_eq!(port_range("32768\t60999\n"), Some((32768, 60999)));
        assert_eq!(port_range("60999 32768\n"), None);
        assert_eq!(port_range(""), None);
    }

    #[test]
    fn sockets_in_time_wait_hold_their_ports() {
        let text = "sockets: used 16\nTCP: inuse 7 orphan 0 tw 12 alloc 9 mem 135\nUDP: inuse 3 mem 0\n";
        assert_eq!(sockets(text), Some(19));
        assert_eq!(sockets("TCP6: inuse 4\nUDP6: inuse 0\n"), Some(4));
        assert_eq!(sockets("sockets: used 16\n"), None);
    }

    #[test]
    fn port_with_many_connections_is_counted_once() {
        let row = |local: &str| format!("   0: 0100007F:{local} 0200007F:2384 01 00000000:00000000 00:0 0 0 0 1\n");
        let text = format!("  sl  local_address rem_address\n{}{}{}", row("8001"), row("8001"), row("2384"));
        let mut seen = vec![false; 4];
        mark_ports(&text, (0x8000, 0x8003), &mut seen);
        assert_eq!(seen, [false, true, false, false], "the port of a server is not in the range");
    }

    #[test]
    fn ports_are_counted_one_by_one_only_where_they_may_be_short() {
        let few = ports((1, 100), 50, || unreachable!("not needed"));
        assert_eq!(few, Usage { used: 50, limit: 100 });
        assert_eq!(ports((1, 100), 5000, || Some(3)), Usage { used: 3, limit: 100 });
        assert_eq!(ports((1, 100), 5000, || None), Usage { used: 100, limit: 100 });
    }
}
