//! The counts in the cells of a heatmap.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::columns::bins_of;
use crate::classify::Outcome;
use crate::report::chart::TimingChart;

/// The counts in the cells of a heatmap.
pub(super) struct Cells {
    pub(super) rows: usize,
    /// By column and then by row: all requests.
    pub(super) all: Vec<u64>,
    /// By column and then by row: requests per time bin, the mean of the column's bins.
    pub(super) requests: Vec<f64>,
    /// By column and then by row: failures by outcome, in no order.
    pub(super) failed: Vec<Vec<(Outcome, u64)>>,
    /// Failures by outcome in the whole picture.
    pub(super) totals: BTreeMap<Outcome, u64>,
    pub(super) most: f64,
}

impl Cells {
    pub(super) fn new(chart: &TimingChart, columns: usize, rows: usize, bins_per_row: usize) -> Self {
        let mut all = vec![0; columns * rows];
        let mut requests = vec![0.0; columns * rows];
        let mut failed: Vec<Vec<(Outcome, u64)>> = vec![Vec::new(); columns * rows];
        let mut totals = BTreeMap::new();
        for cell in &chart.failed {
            *totals.entry(cell.outcome).or_default() += cell.requests;
        }
        for column in 0..columns {
            let bins = bins_of(column, columns, chart.time.bins);
            let share = 1.0 / bins.len() as f64;
            for bin in 0..chart.elapsed.bins() {
                let sum: u64 = bins.clone().map(|time| chart.requests_in(time, bin)).sum();
                all[column * rows + bin / bins_per_row] += sum;
                requests[column * rows + bin / bins_per_row] += sum as f64 * share;
            }
            let from = chart.failed.partition_point(|cell| cell.time < bins.start);
            for cell in chart.failed[from..].iter().take_while(|cell| cell.time < bins.end) {
                let failed = &mut failed[column * rows + cell.elapsed / bins_per_row];
                match failed.iter_mut().find(|(outcome, _)| *outcome == cell.outcome) {
                    Some((_, requests)) => *requests += cell.requests,
                    None => failed.push((cell.outcome, cell.requests)),
                }
            }
        }
        let most = requests.iter().copied().fold(0.0, f64::max);
        Self { rows, all, requests, failed, totals, most }
    }

    /// The most frequent outcome of a cell's failures. On a tie it is the one that is rarer in the whole picture, so
    /// that it is seen somewhere.
    pub(super) fn failed(&self, column: usize, row: usize) -> Option<Outcome> {
        let failed = self.failed[column * self.rows + row].iter();
        let most = failed.max_by_key(|(outcome, requests)| (*requests, Reverse((self.totals[outcome], *outcome))));
        most.map(|(outcome, _)| *outcome)
    }

    /// Whether fewer than 1 in 100 of a cell's requests failed. With many requests, as over days, a symbol in every
    /// cell with a failure would look as if all requests had failed. The row below the picture has every failure.
    pub(super) fn fails_rarely(&self, column: usize, row: usize) -> bool {
        const RARE: u64 = 100;
        let cell = column * self.rows + row;
        self.failed[cell].iter().map(|(_, requests)| requests).sum::<u64>() * RARE < self.all[cell]
    }

    /// The shade of a cell, from 0, by the square root of its share of the fullest cell: the steps grow as 1, 3, 5, …
    /// `None` if the cell has no requests.
    pub(super) fn shade(&self, column: usize, row: usize, shades: usize) -> Option<usize> {
        let requests = self.requests[column * self.rows + row];
        let part = (requests / self.most).sqrt();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index in a short list")]
        let shade = (part * shades as f64).ceil() as usize;
        (requests > 0.0).then(|| shade.clamp(1, shades) - 1)
    }
}
