//! Which findings were active when: polls `/api/v1/findings` every 50 ms.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::harness::prober::http;
use crate::support::{FindingOnPage, RunningProber, parse_findings};

const EVERY: Duration = Duration::from_millis(50);

/// A stopped prober does not answer, and one that is restarted refuses the connection; the next poll finds what it reports afterwards.
const PAGE_TIMEOUT: Duration = Duration::from_secs(1);

/// A thread that polls until this is dropped.
pub(crate) struct FindingsMonitor {
    samples: Arc<Mutex<Vec<FindingsSample>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The findings that were active from one moment on.
#[derive(Debug, Clone)]
pub(crate) struct FindingsSample {
    pub(crate) at: Instant,
    pub(crate) findings: Vec<FindingOnPage>,
}

impl FindingsSample {
    /// The findings, without those between two episodes.
    pub(crate) fn found(&self) -> impl Iterator<Item = &FindingOnPage> {
        self.findings.iter().filter(|finding| !finding.is_between)
    }
}

impl FindingsMonitor {
    pub(crate) fn start(probing: &RunningProber) -> FindingsMonitor {
        let address = probing.prober.http_address().to_owned();
        let (samples, end) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (samples, end) = (Arc::clone(&samples), Arc::clone(&end));
            move || poll(&address, &samples, &end)
        });
        FindingsMonitor { samples, end, thread: Some(thread) }
    }

    /// Since when no finding is active except between two episodes, or `None` while one is.
    pub(crate) fn calm_since(&self) -> Option<Instant> {
        let samples = self.samples();
        let calm = samples.iter().rev().take_while(|sample| sample.found().next().is_none());
        calm.last().map(|sample| sample.at)
    }

    /// Every change of the active findings, oldest first.
    pub(crate) fn samples(&self) -> Vec<FindingsSample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FindingsMonitor {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, samples are missing and the test fails.
            let _ = thread.join();
        }
    }
}

/// Polls the page and notes each change.
fn poll(address: &str, samples: &Mutex<Vec<FindingsSample>>, end: &AtomicBool) {
    let mut last = None;
    while !end.load(Ordering::Relaxed) {
        let began = Instant::now();
        let page = http::get(address, "/api/v1/findings", "*/*", PAGE_TIMEOUT).ok().filter(|page| page.status == 200);
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
