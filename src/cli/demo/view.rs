//! The table of broker × probe: redrawn in place on a terminal, printed now and then elsewhere.

use std::time::{Duration, Instant};

use console::{Style, Term};
use prober_core::event::Outcome;
use prober_core::snapshot::{BrokerState, SeriesCounts, Snapshot};

use crate::cli::table::{Table, millis};

/// Quick enough for the eye.
const REDRAW_EVERY: Duration = Duration::from_millis(250);

/// Seldom enough for a log.
const PRINT_EVERY: Duration = Duration::from_secs(4);

pub(super) struct View {
    live: bool,
    term: Term,
    began: Instant,
    /// Lines of the table that stands on the screen.
    standing: usize,
}

impl View {
    pub(super) fn new(live: bool) -> View {
        View { live, term: Term::stdout(), began: Instant::now(), standing: 0 }
    }

    pub(super) fn draws_every(&self) -> Duration {
        if self.live { REDRAW_EVERY } else { PRINT_EVERY }
    }

    /// Says what happens now; it stays on the screen.
    pub(super) fn announce(&mut self, words: &str) {
        self.clear();
        let heading = format!("[{:>4.1} s] {words}", self.began.elapsed().as_secs_f64());
        let heading = if self.live { Style::new().bold().apply_to(heading).to_string() } else { heading };
        self.write(&heading);
    }

    /// Draws the newest table over the one that stands there.
    pub(super) fn draw(&mut self, snapshot: &Snapshot) {
        self.clear();
        let text = format!("\n{}", render(snapshot, self.live));
        self.standing = text.lines().count();
        self.write(text.trim_end_matches('\n'));
    }

    /// Draws a table that stays.
    pub(super) fn table(&mut self, snapshot: &Snapshot) {
        self.draw(snapshot);
        self.standing = 0;
        self.write("");
    }

    /// Says what it came to.
    pub(super) fn say(&mut self, words: &[String]) {
        words.iter().for_each(|line| self.write(line));
    }

    fn clear(&mut self) {
        if self.live {
            // A terminal that cannot be cleared shows one table below the other, which does no harm.
            let _ = self.term.clear_last_lines(self.standing);
        }
        self.standing = 0;
    }

    fn write(&self, text: &str) {
        // Nobody reads on: the demo goes on all the same, and its exit code still says what came out.
        let _ = self.term.write_line(text);
    }
}

fn render(snapshot: &Snapshot, colour: bool) -> String {
    let header = ["broker", "state", "probe", "good", "slow", "error", "timeout", "void", "in flight", "p50", "p99"];
    let mut table = Table::new(&header);
    let mut rows: Vec<&SeriesCounts> = snapshot.series.iter().collect();
    rows.sort_by_key(|row| row.series.broker);
    for row in rows {
        let state = snapshot.brokers.iter().find(|status| Some(status.broker) == row.series.broker.id());
        let state = state.and_then(|status| status.state);
        let state = state.map_or_else(|| "-".to_owned(), |state| paint(state, colour));
        table.row(cells(row, state, colour));
    }
    table.to_string()
}

fn cells(row: &SeriesCounts, state: String, colour: bool) -> Vec<String> {
    let counts = &row.counts;
    let bad = |outcome: Outcome| {
        let count = counts.of(outcome);
        if colour && 0 < count { Style::new().red().apply_to(count).to_string() } else { count.to_string() }
    };
    vec![
        row.series.broker.to_string(),
        state,
        row.series.probe.as_str().to_owned(),
        counts.of(Outcome::Good).to_string(),
        bad(Outcome::Slow),
        bad(Outcome::Error),
        bad(Outcome::Timeout),
        counts.of(Outcome::Void).to_string(),
        counts.in_flight().to_string(),
        millis(row.quantiles.p50),
        millis(row.quantiles.p99),
    ]
}

fn paint(state: BrokerState, colour: bool) -> String {
    let style = match state {
        BrokerState::Ok => Style::new().green(),
        BrokerState::Suspect | BrokerState::Planned => Style::new().yellow(),
        BrokerState::Failing | BrokerState::Absent => Style::new().red().bold(),
    };
    if colour { style.apply_to(state.as_str()).to_string() } else { state.as_str().to_owned() }
}
