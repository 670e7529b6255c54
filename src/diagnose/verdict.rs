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
    pub(super) is_about_group: bool,
    /// The failures that it explains. Each target occurs at most once.
    pub(super) explained: Vec<ExplainedFailures>,
}

/// The failures of one target that a verdict explains.
pub(super) struct ExplainedFailures {
    /// The target's index in [`GroupView::targets`].
    pub(super) target_index: usize,
    /// The failures' indices in [`TargetView::timed_requests`].
    pub(super) request_indices: Vec<usize>,
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
            is_about_group: false,
            explained: Vec::new(),
        }
    }

    /// A verdict on one target.
    pub(super) fn on_target(
        cause: &'static Cause,
        confidence: Confidence,
        target_index: usize,
        request_indices: Vec<usize>,
    ) -> Self {
        Self::new(cause, confidence).explaining(vec![ExplainedFailures { target_index, request_indices }])
    }

    /// This verdict with `explained` set.
    pub(super) fn explaining(self, explained: Vec<ExplainedFailures>) -> Self {
        Self { explained, ..self }
    }
}

/// One verdict for each target with at least [`MIN_FAILURES`] failures. The targets with fewer share one verdict, so
/// that thinly spread failures are reported too.
///
/// `conclude` is given the number of failures and the indices of the targets.
pub(super) fn share_out(
    explained: impl IntoIterator<Item = ExplainedFailures>,
    conclude: impl Fn(usize, &[usize]) -> Verdict,
) -> Vec<Verdict> {
    let (mut few, mut verdicts): (Vec<ExplainedFailures>, Vec<Verdict>) = (Vec::new(), Vec::new());
    for of_target in explained {
        let failures = of_target.request_indices.len();
        if failures as u64 >= MIN_FAILURES {
            verdicts.push(conclude(failures, &[of_target.target_index]).explaining(vec![of_target]));
        } else if failures > 0 {
            few.push(of_target);
        }
    }
    if !few.is_empty() {
        let targets: Vec<usize> = few.iter().map(|of_target| of_target.target_index).collect();
        let failures = few.iter().map(|of_target| of_target.request_indices.len()).sum();
        verdicts.push(Verdict { is_about_group: targets.len() > 1, ..conclude(failures, &targets).explaining(few) });
    }
    verdicts
}

impl Verdict {
    /// Index of the target and index of the request of each failure that it explains.
    pub(super) fn requests(&self) -> impl Iterator<Item = (usize, usize)> + Clone {
        self.explained.iter().flat_map(|ExplainedFailures { target_index, request_indices }| {
            request_indices.iter().map(move |&request_index| (*target_index, request_index))
        })
    }
}
