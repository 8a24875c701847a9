//! Which findings stood when, by a look at the page every 50 ms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::harness::prober::http;
use crate::support::{FindingId, RunningProber, parse_findings};

const EVERY: Duration = Duration::from_millis(50);

/// A prober that is stopped does not answer; the next look finds what it says afterwards.
const PAGE_TIMEOUT: Duration = Duration::from_secs(1);

/// A thread that looks until dropped.
pub(crate) struct FindingsMonitor {
    samples: Arc<Mutex<Vec<FindingsSample>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What stood from one moment on.
#[derive(Debug, Clone)]
pub(crate) struct FindingsSample {
    pub(crate) at: Instant,
    pub(crate) findings: Vec<FindingId>,
}

impl FindingsMonitor {
    pub(crate) fn start(probing: &RunningProber) -> FindingsMonitor {
        let address = probing.prober.http_address().to_owned();
        let (samples, end) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (samples, end) = (Arc::clone(&samples), Arc::clone(&end));
            move || look(&address, &samples, &end)
        });
        FindingsMonitor { samples, end, thread: Some(thread) }
    }

    /// When one of these first stood, after a moment.
    pub(crate) fn first(&self, after: Instant, wanted: impl Fn(&FindingId) -> bool) -> Option<(Instant, FindingId)> {
        let samples = self.samples();
        let mut found = samples.iter().filter(|sample| after <= sample.at);
        found.find_map(|sample| {
            let finding = sample.findings.iter().find(|finding| wanted(finding))?;
            Some((sample.at, finding.clone()))
        })
    }

    /// Since when nothing stands, or `None` while something does.
    pub(crate) fn calm_since(&self) -> Option<Instant> {
        self.samples().last().filter(|sample| sample.findings.is_empty()).map(|sample| sample.at)
    }

    /// Every change, oldest first.
    pub(crate) fn samples(&self) -> Vec<FindingsSample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FindingsMonitor {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic would show in the samples that are missing.
            let _ = thread.join();
        }
    }
}

/// Notes what has changed since the look before.
fn look(address: &str, samples: &Mutex<Vec<FindingsSample>>, end: &AtomicBool) {
    let mut last = None;
    while !end.load(Ordering::Relaxed) {
        let began = Instant::now();
        let page = http::get(address, "/api/v1/findings", PAGE_TIMEOUT).ok().filter(|page| page.status == 200);
        if let Some(findings) = page.map(|page| parse_findings(&page.body))
            && last.as_ref() != Some(&findings)
        {
            let sample = FindingsSample { at: Instant::now(), findings: findings.clone() };
            samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
            last = Some(findings);
        }
        thread::sleep(EVERY.saturating_sub(began.elapsed()));
    }
}
