//! What a detector concludes.

use std::sync::Arc;

use super::confidence::{Confidence, MIN_FAILURES};
use super::evidence::Evidence;
use super::finding::Estimates;
use super::measure::lag_counts::LagCounts;
use crate::knowledge::causes::Cause;

/// What a detector concludes: a cause, and the failures that it explains.
pub(super) struct Verdict {
    pub(super) cause: &'static Cause,
    /// Other causes that fit the same failures, likelier ones first.
    pub(super) also_fits: Vec<&'static Cause>,
    pub(super) confidence: Confidence,
    pub(super) estimates: Estimates,
    /// The lags to draw, if they say something.
    pub(super) lags: Option<Arc<LagCounts>>,
    pub(super) evidence: Vec<Evidence>,
    /// Whether it is about the target group as a whole.
    pub(super) is_of_group: bool,
    /// The failures: for each target (index in [`GroupView::targets`]), indices in [`TargetView::timed_requests`].
    pub(super) explains: Vec<(usize, Vec<usize>)>,
}

impl Verdict {
    /// A verdict that explains nothing yet.
    pub(super) fn new(cause: &'static Cause, confidence: Confidence) -> Self {
        Self {
            cause,
            also_fits: Vec::new(),
            confidence,
            estimates: Estimates::default(),
            lags: None,
            evidence: Vec::new(),
            is_of_group: false,
            explains: Vec::new(),
        }
    }

    /// A verdict on one target.
    pub(super) fn on_target(
        cause: &'static Cause,
        confidence: Confidence,
        target: usize,
        explains: Vec<usize>,
    ) -> Self {
        Self::new(cause, confidence).explaining(vec![(target, explains)])
    }

    /// This verdict with `explains` set.
    pub(super) fn explaining(self, explains: Vec<(usize, Vec<usize>)>) -> Self {
        Self { explains, ..self }
    }
}

/// One verdict for each target with at least [`MIN_FAILURES`] failures. The targets with fewer share one verdict, so
/// that thinly spread failures are reported too.
///
/// `explains` has target and request indices as in [`Verdict::explains`]. `conclude` is given the number of failures
/// and the targets.
pub(super) fn share_out(
    explains: impl IntoIterator<Item = (usize, Vec<usize>)>,
    conclude: impl Fn(usize, &[usize]) -> Verdict,
) -> Vec<Verdict> {
    let (mut few, mut verdicts): (Vec<(usize, Vec<usize>)>, Vec<Verdict>) = (Vec::new(), Vec::new());
    for (target, indices) in explains {
        if indices.len() as u64 >= MIN_FAILURES {
            verdicts.push(conclude(indices.len(), &[target]).explaining(vec![(target, indices)]));
        } else if !indices.is_empty() {
            few.push((target, indices));
        }
    }
    if !few.is_empty() {
        let targets: Vec<usize> = few.iter().map(|(target, _)| *target).collect();
        let failures = few.iter().map(|(_, indices)| indices.len()).sum();
        verdicts.push(Verdict { is_of_group: targets.len() > 1, ..conclude(failures, &targets).explaining(few) });
    }
    verdicts
}

impl Verdict {
    /// Index of the target and index of the request of each failure that it explains.
    pub(super) fn requests(&self) -> impl Iterator<Item = (usize, usize)> + Clone {
        self.explains.iter().flat_map(|(target, indices)| indices.iter().map(move |&index| (*target, index)))
    }
}
