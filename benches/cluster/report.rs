//! Markdown tables of numbers, and of numbers against goals.

use std::fmt::Display;
use std::time::Duration;

/// A table, printed whole.
pub(crate) struct Table {
    lines: Vec<String>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Table {
        let rule = "| --- ".repeat(columns.len());
        Table { lines: vec![format!("| {} |", columns.join(" | ")), format!("{rule}|")] }
    }

    pub(crate) fn row(&mut self, cells: &[&str]) {
        self.lines.push(format!("| {} |", cells.join(" | ")));
    }

    pub(crate) fn print(&self) {
        println!("{}\n", self.lines.join("\n"));
    }
}

/// Numbers against goals.
pub(crate) struct Goals(Table);

impl Goals {
    pub(crate) fn new() -> Goals {
        Goals(Table::new(&["what", "measured", "goal", ""]))
    }

    /// A number that must not exceed `goal`.
    pub(crate) fn at_most(&mut self, what: &str, measured: f64, goal: f64, unit: &str) {
        let reached = if measured <= goal { "reached" } else { "**missed**" };
        let with_unit = |number| format!("{} {unit}", short(number)).trim_end().to_owned();
        self.0.row(&[what, &with_unit(measured), &format!("≤ {}", with_unit(goal)), reached]);
    }

    /// A count that must be zero.
    pub(crate) fn none(&mut self, what: &str, count: u64) {
        let reached = if count == 0 { "reached" } else { "**missed**" };
        self.0.row(&[what, &count.to_string(), "0", reached]);
    }

    /// A number without a goal of its own.
    pub(crate) fn note(&mut self, what: &str, measured: impl Display) {
        self.0.row(&[what, &measured.to_string(), "", ""]);
    }

    pub(crate) fn print(&self) {
        self.0.print();
    }
}

/// In milliseconds.
pub(crate) fn ms(length: Duration) -> f64 {
    length.as_secs_f64() * 1e3
}

/// In MiB.
#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Three significant digits, at most three after the point.
pub(crate) fn short(number: f64) -> String {
    let digits = match number.abs() {
        small if small < 1.0 => 3,
        middle if middle < 10.0 => 2,
        large if large < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// The mean; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "a bench has few numbers")]
pub(crate) fn mean(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}

/// The `quantile` of some durations, by nearest rank.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank among a few thousand numbers"
)]
pub(crate) fn quantile(lengths: &[Duration], quantile: f64) -> Duration {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
