//! Failures over time.

use super::builder::SheetBuilder;
use super::design::{GREY, LABEL, LINE_HEIGHT, rgb};
use super::geometry::columns;
use crate::plot::sheet::{Anchor, Area, Rgb, SheetItem};
use crate::report::chart::{Look, TimingChart};
use crate::report::numbers;

/// Colour of failures that are not in the heatmap: WebSocket connections, and requests of unknown elapsed time.
const UNKNOWN: Rgb = [0xb8, 0xc0, 0xca];

impl SheetBuilder {
    /// Failures over time as bars, stacked by outcome. On top are those that the heatmap does not show: here their
    /// outcome is not known.
    pub(super) fn failures(&mut self, chart: &TimingChart, strip: Area) {
        let most = chart.failures_over_time.iter().copied().max().unwrap_or(0);
        let height = |failures: u64| (failures as f32 / most.max(1) as f32 * strip.height).ceil();
        let mut below = vec![0; chart.time.bins];
        let colours = self.legend.0.iter().map(|&(outcome, _)| (rgb(Look::of(outcome)), Some(outcome)));
        for (colour, outcome) in colours.chain([(UNKNOWN, None)]).collect::<Vec<_>>() {
            let mut counts = vec![0; chart.time.bins];
            match outcome {
                Some(outcome) => {
                    for failed in chart.failed.iter().filter(|failed| failed.outcome == outcome) {
                        counts[failed.time] += failed.requests;
                    }
                }
                None => {
                    for ((count, all), known) in counts.iter_mut().zip(&chart.failures_over_time).zip(&below) {
                        *count = all.saturating_sub(*known);
                    }
                }
            }
            let mut areas = Vec::new();
            for (time, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
                let (left, right) = columns(strip, time, chart.time.bins);
                let (bottom, top) = (height(below[time]), height(below[time] + count));
                below[time] += count;
                let y = strip.bottom() - top;
                areas.push(Area { x: left, y, width: right - left, height: (top - bottom).max(1.0) });
            }
            if areas.is_empty() {
                continue;
            }
            self.sheet.items.push(SheetItem::Areas { colour, areas });
            if outcome.is_none() {
                let (x, y) = (strip.right() + 24.0, strip.bottom() - 8.0 - LINE_HEIGHT);
                self.sheet.area(Area { x, y: y - 11.0, width: 12.0, height: 12.0 }, UNKNOWN);
                self.sheet.text([x + 18.0, y], Anchor::Left, LABEL, "failed, not in the heatmap");
            }
        }
        self.sheet.area(Area { y: strip.bottom(), height: 1.0, ..strip }, GREY);
        let words = format!("failed, at most {} in {}", numbers::count(most), numbers::minutes(chart.time.bin_seconds));
        self.sheet.text([strip.right() + 24.0, strip.bottom() - 8.0], Anchor::Left, LABEL, words);
    }
}
