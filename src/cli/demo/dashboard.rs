//! The redrawn part of the terminal: both views one below the other, each row with a time line of its condition.

use std::time::Duration;

use console::{Alignment, Style, pad_str, truncate_str};
use prober_core::ids::{BrokerId, View};
use prober_core::snapshot::{SUSPECT_AFTER, Snapshot};
use prober_core::time::{Time, nanos};

use crate::cli::table::millis;

use super::observer::{Condition, Observer};
use super::rows::{Row, rows};

/// Length of the time line; the demo takes less.
const MINUTE: Duration = Duration::from_secs(60);

/// Marks of a time line at most: one for each second.
const MARKS_MAX: usize = 60;

/// Columns before the time line, each with its width.
const COLUMNS: [(&str, usize); 6] = [("", 9), ("state", 7), ("waits", 6), ("good", 5), ("bad", 5), ("median", 7)];

const GAP: &str = "  ";

/// Lines of the dashboard, none wider than `width`; always as many, so that it can be redrawn in place.
pub(super) fn dashboard(snapshot: &Snapshot, observer: &Observer, width: usize) -> Vec<String> {
    let before_marks: usize = COLUMNS.iter().map(|(_, width)| width + GAP.len()).sum();
    let marks = width.saturating_sub(before_marks).min(MARKS_MAX);
    let sections = [
        (View::Broker, "broker", "Broker view: one broker, one attempt, no retry; a failure names the broker."),
        (View::Client, "partition", "Client view: what applications experience, by partition."),
    ];
    let mut lines = Vec::new();
    for (view, label, title) in sections {
        lines.push(String::new());
        lines.push(Style::new().bold().apply_to(title).to_string());
        lines.push(format!("{}{}", header(label), step_marks(observer, marks)));
        lines.extend(rows(snapshot, view).iter().map(|row| line(row, observer, snapshot.at, marks)));
    }
    lines.push(String::new());
    lines.push(format!(
        "{}{GAP}{}{GAP}{}   1 to 5: steps above",
        legend(Condition::Healthy, "ok"),
        legend(Condition::Waiting, "waits over 0.5 s"),
        legend(Condition::Failing, "failing"),
    ));
    lines.into_iter().map(|line| truncate_str(&line, width, "").into_owned()).collect()
}

fn header(label: &str) -> String {
    let cells = COLUMNS.map(|(name, _)| if name.is_empty() { label.to_owned() } else { name.to_owned() });
    Style::new().dim().apply_to(aligned(&cells)).to_string()
}

fn line(row: &Row, observer: &Observer, now: Time, marks: usize) -> String {
    let waits = row.waiting.filter(|waiting| SUSPECT_AFTER <= *waiting);
    let bad = if 0 < row.bad { Style::new().red() } else { Style::new() };
    let cells = [
        row.number().to_string(),
        style(row.condition).apply_to(row.word).to_string(),
        waits.map_or_else(|| "-".to_owned(), |waits| format!("{:.1} s", waits.as_secs_f64())),
        row.good.to_string(),
        bad.apply_to(row.bad).to_string(),
        row.median.map_or_else(|| "-".to_owned(), millis),
    ];
    format!("{}{}", aligned(&cells), minute(observer, row.view, row.broker, now, marks))
}

/// Words to the left, numbers to the right.
fn aligned(cells: &[String; COLUMNS.len()]) -> String {
    let cells = cells.iter().zip(COLUMNS).enumerate().map(|(at, (cell, (_, width)))| {
        let side = if at < 2 { Alignment::Left } else { Alignment::Right };
        format!("{}{GAP}", pad_str(cell, width, side, None))
    });
    cells.collect()
}

/// A row's time line: the worst condition within each mark.
fn minute(observer: &Observer, view: View, broker: BrokerId, now: Time, marks: usize) -> String {
    let until = mark_of(now, marks).min(marks);
    (0..until)
        .map(|mark| {
            let worst = observer.worst(view, broker, start_of(mark, marks), start_of(mark + 1, marks));
            style(worst).apply_to(glyph(worst)).to_string()
        })
        .collect()
}

/// Above the time lines, the number of each step where it begins.
fn step_marks(observer: &Observer, marks: usize) -> String {
    let mut line = vec![' '; marks];
    for (number, at) in (1..).zip(observer.steps()) {
        if let Some(place) = line.get_mut(mark_of(*at, marks)) {
            *place = char::from_digit(number, 10).unwrap_or('+');
        }
    }
    line.into_iter().collect::<String>().trim_end().to_owned()
}

fn mark_of(at: Time, marks: usize) -> usize {
    let mark = u128::from(at.as_nanos()) * marks as u128 / MINUTE.as_nanos();
    usize::try_from(mark).unwrap_or(usize::MAX)
}

fn start_of(mark: usize, marks: usize) -> Time {
    Time::from_nanos(nanos(MINUTE) / marks.max(1) as u64 * mark as u64)
}

fn legend(condition: Condition, words: &str) -> String {
    format!("{} {words}", style(condition).apply_to(glyph(condition)))
}

/// Distinct also without colours.
fn glyph(condition: Condition) -> char {
    match condition {
        Condition::Unknown => ' ',
        Condition::Healthy => '·',
        Condition::Waiting => '▒',
        Condition::Failing => '█',
    }
}

/// The colour of a condition, where the terminal has colours.
pub(super) fn style(condition: Condition) -> Style {
    match condition {
        Condition::Unknown => Style::new(),
        Condition::Healthy => Style::new().green(),
        Condition::Waiting => Style::new().yellow(),
        Condition::Failing => Style::new().red(),
    }
}

#[cfg(test)]
mod tests {
    use console::{measure_text_width, strip_ansi_codes};

    use super::*;
    use crate::cli::demo::fixture::{Recorded, recorded};

    const WIDTHS: [usize; 5] = [40, 60, 79, 119, 300];

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let Recorded { observer, last } = recorded();
        for width in WIDTHS {
            let lines = dashboard(&last, &observer, width);
            assert!(lines.iter().all(|line| measure_text_width(line) <= width), "{width}: {lines:#?}");
        }
    }

    #[test]
    fn no_word_is_cut_off_at_eighty_columns() {
        let Recorded { observer, last } = recorded();
        let words = |width| {
            dashboard(&last, &observer, width).iter().map(|line| line.matches(char::is_alphabetic).count()).sum()
        };
        let (eighty, wide): (usize, usize) = (words(79), words(300));
        assert_eq!(eighty, wide);
    }

    #[test]
    fn dashboard_has_the_same_height_at_every_width() {
        let Recorded { observer, last } = recorded();
        let heights = WIDTHS.map(|width| dashboard(&last, &observer, width).len());
        assert_eq!(heights, [14; WIDTHS.len()]);
    }

    #[test]
    fn time_line_shows_when_each_row_failed() {
        let Recorded { observer, last } = recorded();
        let lines = dashboard(&last, &observer, 119);
        let lines: Vec<_> = lines.iter().map(|line| strip_ansi_codes(line).into_owned()).collect();
        let minutes: Vec<&str> = lines.iter().filter_map(|line| line.find('·').map(|at| &line[at..])).collect();
        let marks = |line: &str| line.chars().filter(|mark| *mark == '█').count();
        let failed: Vec<usize> = minutes.iter().take(6).map(|line| marks(line)).collect();
        assert!(failed[0] == 0 && failed[2] == 0 && failed[3] == 0 && failed[5] == 0, "{lines:#?}");
        assert!(failed[4] < failed[1], "the partition recovers first: {lines:#?}");
    }
}
