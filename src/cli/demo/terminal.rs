//! Output of the demo: on a terminal a dashboard that is redrawn below the log of events, elsewhere plain lines.

use std::io::IsTerminal;
use std::time::Duration;

use console::{Style, Term, truncate_str};
use prober_core::ids::View;
use prober_core::snapshot::Snapshot;

use crate::cli::table::{Table, millis};

use super::dashboard::{dashboard, style};
use super::observer::{Condition, Observer};
use super::rows::rows;

/// A smaller terminal gets plain lines: lines that have scrolled away cannot be redrawn.
const ROWS_MIN: u16 = 16;
const COLUMNS_MIN: u16 = 60;

/// Writes to stdout.
pub(super) struct Terminal {
    term: Term,
    live: bool,
    /// The dashboard that is on the screen.
    drawn: Vec<String>,
}

impl Terminal {
    /// Output to this terminal; plain lines if stdout is no terminal, or if they are requested.
    pub(super) fn new(plain: bool) -> Terminal {
        if plain {
            console::set_colors_enabled(false);
        }
        let term = Term::buffered_stdout();
        let (rows, columns) = term.size();
        let can_redraw = std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let live = !plain && can_redraw && ROWS_MIN <= rows && COLUMNS_MIN <= columns;
        Terminal { term, live, drawn: Vec::new() }
    }

    /// Prints the announcement of a step; it stays on the screen.
    pub(super) fn announce(&mut self, at: Duration, number: usize, words: &str) {
        let words = Style::new().bold().apply_to(format!("{number} {words}")).to_string();
        self.print_line(&format!("{}{words}", stamp(at)));
    }

    /// Prints what was observed; it stays on the screen.
    pub(super) fn note(&mut self, at: Duration, condition: Condition, words: &str) {
        self.print_line(&format!("{}  {}", stamp(at), style(condition).apply_to(words)));
    }

    /// Redraws the dashboard.
    pub(super) fn draw(&mut self, snapshot: &Snapshot, observer: &Observer) {
        if self.live {
            let dashboard = dashboard(snapshot, observer, self.columns());
            self.put(&[], dashboard);
        }
    }

    /// Prints a table at the end of a step, among plain lines.
    pub(super) fn step_ends(&mut self, snapshot: &Snapshot) {
        if !self.live {
            self.print_line(table(snapshot).trim_end());
        }
    }

    /// Prints the summary below the last dashboard.
    pub(super) fn conclude(&mut self, sentences: &[String]) {
        self.drawn = Vec::new();
        self.print_line("");
        sentences.iter().for_each(|line| self.print_line(line));
    }

    fn print_line(&mut self, line: &str) {
        let line = if self.live { truncate_str(line, self.columns(), "…").into_owned() } else { line.to_owned() };
        let dashboard = std::mem::take(&mut self.drawn);
        let height = dashboard.len();
        self.drawn = vec![String::new(); height];
        self.put(&[line], dashboard);
    }

    /// Writes lines in place of the dashboard, and the dashboard below them, in one write: a line is cleared just before it is
    /// written again, so that nothing flickers.
    fn put(&mut self, lines: &[String], dashboard: Vec<String>) {
        // A failure means that the reader is gone: the demo continues, and its exit code is the result.
        let _ = self.try_put(lines, &dashboard);
        self.drawn = dashboard;
    }

    fn try_put(&self, lines: &[String], dashboard: &[String]) -> std::io::Result<()> {
        if !self.drawn.is_empty() {
            self.term.move_cursor_up(self.drawn.len())?;
        }
        for line in lines.iter().chain(dashboard) {
            if self.live {
                self.term.clear_line()?;
            }
            self.term.write_line(line)?;
        }
        self.term.flush()
    }

    fn columns(&self) -> usize {
        // The last column stays free: some terminals wrap as soon as it is written.
        usize::from(self.term.size().1).saturating_sub(1)
    }
}

fn stamp(at: Duration) -> String {
    format!("[{:>4.1} s] ", at.as_secs_f64())
}

/// Both views as a table without colours and time lines.
fn table(snapshot: &Snapshot) -> String {
    let mut table = Table::new(&["view", "name", "state", "waits", "good", "bad", "median"]);
    for view in [View::Broker, View::Client] {
        for row in rows(snapshot, view) {
            table.row(vec![
                view.as_str().to_owned(),
                row.name(),
                row.word.to_owned(),
                row.waiting.map_or_else(|| "-".to_owned(), millis),
                row.good.to_string(),
                row.bad.to_string(),
                row.median.map_or_else(|| "-".to_owned(), millis),
            ]);
        }
    }
    table.to_string()
}
