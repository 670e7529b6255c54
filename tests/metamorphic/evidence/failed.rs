//! The failures of a finding, as far as they are known: a finding tells how many of each target and outcome ended in
//! each minute. If these are all such requests of the minute, each of them is known.

use std::collections::BTreeMap;

use albscope::aggregate::Summary;
use albscope::diagnose::{Diagnosis, Finding};

use super::reader::{Request, SECOND};
use super::words::within;

/// The failures of a finding: at least the certain ones, at most the possible ones.
#[derive(Clone)]
pub(crate) struct Failed<'r, 'a> {
    pub(crate) certain: Vec<&'r Request<'a>>,
    pub(crate) possible: Vec<&'r Request<'a>>,
    /// How many there are. The sentences may be about a part of them only.
    pub(crate) count: usize,
    pub(crate) is_part: bool,
}

/// Target group, target, outcome and start of the time bin in seconds.
type Cell<'s> = (&'s str, &'s str, &'static str, i64);

impl<'r, 'a> Failed<'r, 'a> {
    /// The failures of `finding`, by what it says of them. An error if the log has fewer.
    pub(crate) fn new(
        summary: &Summary,
        diagnosis: &Diagnosis,
        finding: &Finding,
        requests: &'r [Request<'a>],
    ) -> Result<Self, String> {
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let mut names: BTreeMap<_, (String, String, i64)> = BTreeMap::new();
        for counted in diagnosis.findings.iter().flat_map(|finding| &finding.failures_per_minute) {
            names.entry(counted.target).or_insert_with(|| {
                let (group, address, target) = summary.targets.entry(counted.target);
                let (_, arn, ()) = summary.target_groups.entry(group);
                (text(arn), text(address), target.heatmap.width_seconds())
            });
        }
        let is_wide = names.values().any(|(_, _, width)| *width > 60);
        let mut taken: BTreeMap<Cell<'_>, usize> = BTreeMap::new();
        let mut own: BTreeMap<Cell<'_>, usize> = BTreeMap::new();
        for of in &diagnosis.findings {
            for counted in &of.failures_per_minute {
                let (group, target, width) = &names[&counted.target];
                let start = counted.minute.as_seconds().div_euclid(*width) * width;
                let cell = (group.as_str(), target.as_str(), counted.outcome.id(), start);
                let failures = usize::try_from(counted.failures).unwrap_or(usize::MAX);
                *taken.entry(cell).or_default() += failures;
                if of.id == finding.id {
                    *own.entry(cell).or_default() += failures;
                }
            }
        }
        let mut cells: BTreeMap<Cell<'_>, Vec<&'r Request<'a>>> = BTreeMap::new();
        let widths: BTreeMap<(&str, &str), i64> =
            names.values().map(|(group, target, width)| ((group.as_str(), target.as_str()), *width)).collect();
        for request in requests.iter().filter(|request| request.fails) {
            let Some(width) = widths.get(&(request.group, request.target)) else { continue };
            let start = request.ended.div_euclid(SECOND).div_euclid(*width) * width;
            cells.entry((request.group, request.target, request.outcome, start)).or_default().push(request);
        }
        let (mut certain, mut possible): (Vec<&Request<'a>>, Vec<&Request<'a>>) = (Vec::new(), Vec::new());
        let mut count = 0;
        for (cell, failures) in own {
            let there = cells.get(&cell).map_or(&[][..], Vec::as_slice);
            if there.len() < taken[&cell] {
                return Err(format!(
                    "{cell:?}: {} failures said to be in findings, {} in the log",
                    taken[&cell],
                    there.len()
                ));
            }
            count += failures;
            possible.extend(there);
            if failures == there.len() && !is_wide {
                certain.extend(there);
            }
        }
        certain.sort_by_key(|request| request.sent);
        possible.sort_by_key(|request| request.sent);
        let said = usize::try_from(finding.failures).unwrap_or(usize::MAX);
        // Findings of rules, and such as are wider than one target's bins, are counted at other places.
        if said != count {
            return Err(format!("{said} failures, {count} of them over time"));
        }
        Ok(Self { certain, possible, count, is_part: false })
    }

    /// Whether each of them is known.
    pub(crate) fn is_exact(&self) -> bool {
        !self.is_part && self.certain.len() == self.possible.len()
    }

    /// The same, if something is known to hold for all of them.
    pub(crate) fn narrowed(&self, holds: impl Fn(&Request<'a>) -> bool) -> Self {
        let kept = |of: &[&'r Request<'a>]| of.iter().copied().filter(|request| holds(request)).collect::<Vec<_>>();
        let possible = kept(&self.possible);
        let is_known = !self.is_part && possible.len() == self.count;
        let certain = if is_known { possible.clone() } else { kept(&self.certain) };
        Self { certain, possible, ..*self }
    }

    /// Those at one target.
    pub(crate) fn at(&self, target: &str) -> Self {
        let at = |of: &[&'r Request<'a>]| of.iter().copied().filter(|it| it.target == target).collect::<Vec<_>>();
        let (certain, possible) = (at(&self.certain), at(&self.possible));
        let (outside_low, outside_high) = (self.certain.len() - certain.len(), self.possible.len() - possible.len());
        let is_known = outside_low == outside_high;
        Self {
            is_part: self.is_part || !is_known,
            count: if is_known { self.count - outside_low } else { possible.len() },
            certain,
            possible,
        }
    }

    /// The least and the most of them for which something holds.
    pub(crate) fn bounds(&self, wanted: impl Fn(&Request<'a>) -> bool) -> (usize, usize) {
        let count = |of: &[&Request<'a>]| of.iter().filter(|request| wanted(request)).count();
        let (certain, possible) = (count(&self.certain), count(&self.possible));
        let other_possible = self.possible.len() - possible;
        let other_certain = self.certain.len() - certain;
        let low = certain.max(self.count.saturating_sub(other_possible));
        let high = possible.min(self.count.saturating_sub(other_certain));
        (if self.is_part { 0 } else { low }, if self.is_part { possible } else { high })
    }

    /// Whether so many of them are so.
    pub(crate) fn number(&self, said: usize, what: &str, wanted: impl Fn(&Request<'a>) -> bool) -> Result<(), String> {
        within(self.bounds(wanted), said, what)
    }

    /// Whether so many of them are so, and all are.
    pub(crate) fn all(&self, said: usize, what: &str, wanted: impl Fn(&Request<'a>) -> bool) -> Result<(), String> {
        self.number(said, what, wanted)?;
        if self.is_part || said == self.count { Ok(()) } else { Err(format!("said {said} {what}, of {}", self.count)) }
    }

    /// The first and the last time at which one was sent. `None` if not each of them is known.
    pub(crate) fn sent(&self) -> Option<(i64, i64)> {
        if !self.is_exact() {
            return None;
        }
        Some((self.certain.first()?.sent, self.certain.last()?.sent))
    }
}
