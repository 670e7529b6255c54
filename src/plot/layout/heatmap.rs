//! Heatmaps: of all requests, and of one target.

use super::builder::SheetBuilder;
use super::design::{AXIS, BODY, GREY, INK, LABEL, NAMES, PANEL, SHADES, STRONG, WHITE, rgb, shade_of};
use super::geometry::{cell, height_of, is_same, single, spread, whole_pixels};
use super::legend::LEGEND_LINE;
use crate::plot::sheet::{Anchor, Area, SheetItem};
use crate::report::chart::{Look, Tick, TimingChart};
use crate::report::numbers;
use crate::report::pictures::MarkKind;

/// Distance between the baselines of names that would otherwise overlap.
const NAME_GAP: f32 = 20.0;

impl SheetBuilder {
    /// The heatmap of all requests, with names, legend and failures over time.
    pub(super) fn whole(&mut self, chart: &TimingChart, not_drawn: Option<String>, area: Area) {
        let strip = if chart.failures > 0 { 56.0 } else { 0.0 };
        let title = "Elapsed time of requests, by end time";
        let x = area.x + self.sheet.text([area.x, area.y + 16.0], Anchor::Left, PANEL, title) + 16.0;
        if let Some(not_drawn) = not_drawn {
            let not_drawn = self.sheet.fitted(&not_drawn, LABEL, area.right() - x);
            self.sheet.text([x, area.y + 16.0], Anchor::Left, LABEL, not_drawn);
        }
        let width = area.width - AXIS - NAMES;
        let legend = self.legend_lines(width);
        let below = strip + 62.0 + legend.len().saturating_sub(1) as f32 * LEGEND_LINE;
        let plot = Area { x: area.x + AXIS, y: area.y + 28.0, width, height: area.height - 28.0 - below };
        let plot = whole_pixels(plot);
        self.density(chart, plot);
        self.elapsed_axis(chart, plot, usize::MAX);
        self.lines(chart, plot);
        self.failed(chart, plot, 1.0);
        self.names(chart, plot);
        let strip = whole_pixels(Area { y: plot.bottom() + strip / 7.0, height: strip, ..plot });
        if chart.failures > 0 {
            self.failures(chart, strip);
        }
        self.time_axis(chart, strip, 110.0);
        self.legend(legend, Area { y: strip.bottom() + 48.0, ..plot });
    }

    /// The heatmap of one target, smaller.
    pub(super) fn of_target(&mut self, chart: &TimingChart, area: Area) {
        let share = numbers::percent(chart.failures, chart.requests);
        let mut failures =
            format!("{} of {} failed ({share})", numbers::count(chart.failures), numbers::count(chart.requests));
        if chart.not_drawn > 0 {
            failures = format!("{failures}, {} not drawn", numbers::count(chart.not_drawn));
        }
        let failures_width = self.sheet.width_of(&failures, LABEL);
        let subject = self.sheet.fitted(&chart.subject, PANEL, area.width - failures_width - 16.0);
        self.sheet.text([area.x, area.y + 14.0], Anchor::Left, PANEL, subject);
        self.sheet.text([area.right(), area.y + 14.0], Anchor::Right, LABEL, failures);
        let plot = Area {
            x: area.x + AXIS - 6.0,
            y: area.y + 24.0,
            width: area.width - AXIS + 6.0,
            height: area.height - 24.0 - 20.0,
        };
        let plot = whole_pixels(plot);
        self.density(chart, plot);
        self.elapsed_axis(chart, plot, 4);
        self.lines(chart, plot);
        self.failed(chart, plot, 0.8);
        self.time_axis(chart, plot, 130.0);
    }

    /// Requests as shades. Neighbouring cells of one shade become one area, which makes a file much smaller.
    pub(super) fn density(&mut self, chart: &TimingChart, plot: Area) {
        let bins = chart.elapsed.bins();
        let cells = || (0..bins).flat_map(|elapsed| (0..chart.time.bins).map(move |time| (time, elapsed)));
        let most = cells().map(|(time, elapsed)| chart.requests_in(time, elapsed)).max().unwrap_or(0);
        let mut shades: Vec<Vec<Area>> = vec![Vec::new(); SHADES];
        for (time, elapsed) in cells() {
            let requests = chart.requests_in(time, elapsed);
            if requests > 0 {
                let part = (requests as f32).ln_1p() / (most as f32).ln_1p();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index in a short list")]
                let shade = ((part * SHADES as f32).ceil() as usize).clamp(1, SHADES) - 1;
                let cell = cell(chart, plot, time, elapsed);
                match shades[shade].last_mut() {
                    Some(last) if is_same(last.right(), cell.x) && is_same(last.y, cell.y) => last.width += cell.width,
                    _ => shades[shade].push(cell),
                }
            }
        }
        for (shade, areas) in shades.into_iter().enumerate().filter(|(_, areas)| !areas.is_empty()) {
            self.sheet.items.push(SheetItem::Areas { colour: shade_of(shade), areas });
        }
        let (left, bottom) = (plot.x - 1.0, plot.bottom() + 1.0);
        self.sheet.area(Area { x: left, y: plot.y, width: 1.0, height: plot.height + 1.0 }, GREY);
        self.sheet.area(Area { x: left, y: bottom - 1.0, width: plot.width + 1.0, height: 1.0 }, GREY);
    }

    /// Failures as symbols, whose size shows how many there are.
    pub(super) fn failed(&mut self, chart: &TimingChart, plot: Area, scale: f32) {
        // The most frequent outcomes are drawn first, so that rare ones stay visible.
        for index in 0..self.legend.0.len() {
            let outcome = self.legend.0[index].0;
            let look = Look::of(outcome);
            let of_outcome = chart.failed.iter().filter(|failed| failed.outcome == outcome);
            let points: Vec<([f32; 2], f32)> = of_outcome
                .map(|failed| {
                    let cell = cell(chart, plot, failed.time, failed.elapsed);
                    let centre = [cell.x + cell.width / 2.0, cell.y + cell.height / 2.0];
                    (centre, (5.5 + (failed.requests as f32).ln()).min(11.0) * scale)
                })
                .collect();
            self.symbols(look, &points);
        }
    }

    /// A symbol at each point: (centre, radius).
    pub(super) fn symbols(&mut self, look: Look, points: &[([f32; 2], f32)]) {
        if points.is_empty() {
            return;
        }
        let shapes = |scale: f32| points.iter().map(|&(at, radius)| look.shape(at, radius * scale)).collect();
        self.sheet.items.push(SheetItem::Shapes { colour: rgb(look), shapes: shapes(1.0) });
        if look.is_hollow {
            self.sheet.items.push(SheetItem::Shapes { colour: WHITE, shapes: shapes(0.5) });
        }
    }

    pub(super) fn elapsed_axis(&mut self, chart: &TimingChart, plot: Area, most: usize) {
        let ticks = chart.elapsed.ticks();
        let every = ticks.len().div_ceil(most.max(1)).max(1);
        for Tick { at, label } in ticks.into_iter().rev().step_by(every) {
            let y = height_of(chart, plot, at);
            self.sheet.area(Area { x: plot.x - 6.0, y: y.round(), width: 5.0, height: 1.0 }, GREY);
            self.sheet.text([plot.x - 10.0, y + 5.5], Anchor::Right, LABEL, label);
        }
    }

    pub(super) fn time_axis(&mut self, chart: &TimingChart, plot: Area, room: f32) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few")]
        let most = (plot.width / room) as usize;
        let mut free = 0.0;
        for Tick { at, label } in chart.time.ticks(most) {
            let x = plot.x + single(at) / chart.time.bins as f32 * plot.width;
            self.sheet.area(Area { x: x.round(), y: plot.bottom(), width: 1.0, height: 6.0 }, GREY);
            let half = self.sheet.width_of(&label, LABEL) / 2.0;
            let x = x.clamp(plot.x + half - AXIS / 2.0, plot.right() - half);
            // A label that was moved in from the edge may overlap the one before it.
            if x - half >= free {
                self.sheet.text([x, plot.bottom() + 20.0], Anchor::Middle, LABEL, label);
                free = x + half + 8.0;
            }
        }
    }

    pub(super) fn lines(&mut self, chart: &TimingChart, plot: Area) {
        for line in &chart.lines {
            let y = height_of(chart, plot, chart.elapsed.position(line.seconds)).round();
            let (width, dash) = match line.kind {
                MarkKind::IdleTimeout => (2.5, None),
                MarkKind::ConnectTimeout => (1.5, Some(8.0)),
                MarkKind::Timeout => (1.5, Some(4.0)),
                MarkKind::KeepAlive => (1.5, Some(2.0)),
            };
            self.sheet.line([plot.x, y], [plot.right(), y], width, INK, dash);
        }
    }

    /// The names of the lines, each as near to its line as the others allow.
    pub(super) fn names(&mut self, chart: &TimingChart, plot: Area) {
        let mut lines: Vec<_> = chart.lines.iter().collect();
        lines.reverse();
        let wanted: Vec<f32> =
            lines.iter().map(|line| height_of(chart, plot, chart.elapsed.position(line.seconds)).round()).collect();
        let placed = spread(&wanted, NAME_GAP, plot.y, plot.bottom());
        for ((line, from), to) in lines.into_iter().zip(wanted).zip(placed) {
            let x = plot.right();
            self.sheet.line([x, from], [x + 18.0, to], 1.0, GREY, None);
            let shape = if line.kind == MarkKind::IdleTimeout { STRONG } else { BODY };
            let width = self.sheet.text([x + 24.0, to + 5.5], Anchor::Left, shape, line.label.as_str());
            if !line.source.is_empty() {
                let source = self.sheet.fitted(&format!(", {}", line.source), LABEL, NAMES - 24.0 - width);
                self.sheet.text([x + 24.0 + width, to + 5.5], Anchor::Left, LABEL, source);
            }
        }
    }
}
