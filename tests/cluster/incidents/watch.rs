//! Which findings stood when, by a look at the page every 50 ms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::harness::prober::http;
use crate::support::{FindingId, RunningProber, named};

const EVERY: Duration = Duration::from_millis(50);

/// A prober that is stopped does not answer; the next look finds what it says afterwards.
const PATIENCE: Duration = Duration::from_secs(1);

/// A thread that looks until dropped.
pub(super) struct Watch {
    sights: Arc<Mutex<Vec<Sight>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What stood from one moment on.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    pub(super) at: Instant,
    pub(super) findings: Vec<FindingId>,
}

impl Watch {
    pub(super) fn start(probing: &RunningProber) -> Watch {
        let address = probing.prober.http_address().to_owned();
        let (sights, end) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (sights, end) = (Arc::clone(&sights), Arc::clone(&end));
            move || look(&address, &sights, &end)
        });
        Watch { sights, end, thread: Some(thread) }
    }

    /// When one of these first stood, after a moment.
    pub(super) fn first(&self, after: Instant, wanted: impl Fn(&FindingId) -> bool) -> Option<(Instant, FindingId)> {
        let sights = self.sights();
        let mut found = sights.iter().filter(|sight| after <= sight.at);
        found.find_map(|sight| {
            let finding = sight.findings.iter().find(|finding| wanted(finding))?;
            Some((sight.at, finding.clone()))
        })
    }

    /// Since when nothing stands, or `None` while something does.
    pub(super) fn calm_since(&self) -> Option<Instant> {
        self.sights().last().filter(|sight| sight.findings.is_empty()).map(|sight| sight.at)
    }

    /// Every change, oldest first.
    pub(super) fn sights(&self) -> Vec<Sight> {
        self.sights.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic would show in the sights that are missing.
            let _ = thread.join();
        }
    }
}

/// Notes what has changed since the look before.
fn look(address: &str, sights: &Mutex<Vec<Sight>>, end: &AtomicBool) {
    let mut last = None;
    while !end.load(Ordering::Relaxed) {
        let began = Instant::now();
        let page = http::get(address, "/api/v1/findings", PATIENCE).ok().filter(|page| page.status == 200);
        if let Some(findings) = page.map(|page| named(&page.body))
            && last.as_ref() != Some(&findings)
        {
            let sight = Sight { at: Instant::now(), findings: findings.clone() };
            sights.lock().unwrap_or_else(PoisonError::into_inner).push(sight);
            last = Some(findings);
        }
        thread::sleep(EVERY.saturating_sub(began.elapsed()));
    }
}
