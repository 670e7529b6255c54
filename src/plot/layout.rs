//! The layout of the sheet: the verdict, the heatmap of all requests, and below it the heatmaps of the targets with
//! most failures and the gaps of a keep-alive race.

mod builder;
mod design;
mod failures;
mod gaps;
mod geometry;
mod heatmap;
mod legend;
mod verdict;

use super::sheet::{Anchor, Area, Sheet};
use crate::report::chart::{LagChart, Legend, TimingChart, against_idle_timeout, not_drawn};
use crate::report::{Report, numbers};
use builder::SheetBuilder;
use design::{BODY, HEIGHT, LINE_HEIGHT, MARGIN, WIDTH};

/// At most this many pictures in the row below.
const MAX_BELOW: usize = 3;

/// At most this many of them are charts of gaps.
const MAX_GAPS: usize = 1;

pub(super) fn sheet(report: &Report) -> Sheet {
    let (failed, all) = (numbers::counted(report.failures, "failed request"), numbers::count(report.requests));
    let mut builder = SheetBuilder {
        sheet: Sheet::new(WIDTH, HEIGHT, format!("{failed} of {all} over time and elapsed time")),
        legend: Legend::new(report),
    };
    let mut top = builder.verdict(report);
    let timings: Vec<TimingChart> = {
        let charts = report.pictures.timings.iter().map(|timing| {
            let chart = TimingChart::new(&report.pictures, timing)?;
            Some((timing.target.is_some(), chart))
        });
        let mut charts = charts.flatten();
        let whole = charts.next().map(|(_, chart)| chart);
        let targets = charts.filter(|(is_target, chart)| *is_target && chart.failures > 0).map(|(_, chart)| chart);
        whole.into_iter().chain(targets).collect()
    };
    let Some((whole, targets)) = timings.split_first() else { return builder.sheet };
    let gaps: Vec<LagChart<'_>> = LagChart::all(report).into_iter().take(MAX_GAPS).collect();
    // The heatmap of a single target would repeat that of all requests.
    let targets = if report.targets.len() > 1 { targets } else { &[] };
    let targets = &targets[..targets.len().min(MAX_BELOW - gaps.len())];
    let has_row = !targets.is_empty() || !gaps.is_empty();
    let against = against_idle_timeout(&report.pictures.timings[0].idle_timeout, report.idle_timeout.seconds);
    let against = builder.sheet.wrapped(&against, BODY, f32::from(WIDTH) - 2.0 * MARGIN);
    let more_lines = against.len().saturating_sub(1) as f32 * LINE_HEIGHT;
    let bottom = f32::from(HEIGHT) - if has_row { 330.0 } else { 70.0 } - more_lines;
    top += 14.0;
    let area = Area { x: MARGIN, y: top, width: f32::from(WIDTH) - 2.0 * MARGIN, height: bottom - top };
    builder.whole(whole, not_drawn(&report.pictures.timings[0]), area);
    let mut y = bottom + 28.0;
    for line in against {
        builder.sheet.text([MARGIN, y], Anchor::Left, BODY, line);
        y += LINE_HEIGHT;
    }
    y -= LINE_HEIGHT;
    if has_row {
        let count = (targets.len() + gaps.len()) as f32;
        let gap = 36.0;
        let width = (f32::from(WIDTH) - 2.0 * MARGIN - gap * (count - 1.0)) / count;
        let mut area = Area { x: MARGIN, y: y + 30.0, width, height: f32::from(HEIGHT) - 30.0 - y - 30.0 };
        for chart in targets {
            builder.of_target(chart, area);
            area.x += width + gap;
        }
        for chart in &gaps {
            builder.gaps(chart, area);
            area.x += width + gap;
        }
    }
    builder.sheet
}
