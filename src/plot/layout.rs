//! The layout of the sheet: the verdict, the heatmap of all requests, and below it the heatmaps of the targets with
//! most failures and the gaps of a keep-alive race.

use super::font::Weight;
use super::sheet::{Anchor, Area, Item, Rgb, Sheet, Type};
use crate::report::chart::{LagChart, Legend, Look, Tick, TimingChart, against_idle_timeout, not_drawn};
use crate::report::numbers::duration;
use crate::report::pictures::MarkKind;
use crate::report::plain::shortened;
use crate::report::{CauseRow, Report, numbers, phrases};

const WIDTH: u16 = 1600;
const HEIGHT: u16 = 900;
const MARGIN: f32 = 40.0;

/// Width left of a picture, for the labels of its axis.
const AXIS: f32 = 76.0;

/// Width right of the heatmap of all requests, for the names of lines.
const NAMES: f32 = 290.0;

/// At most this many pictures in the row below.
const MAX_BELOW: usize = 3;

/// At most this many of them are charts of gaps.
const MAX_GAPS: usize = 1;

/// At most this many lines at the top about causes.
const MAX_CAUSE_LINES: usize = 4;

const INK: Rgb = [0x1a, 0x1f, 0x26];
const GREY: Rgb = [0x5c, 0x66, 0x72];

/// From few requests to many.
const FEW: Rgb = [0xe4, 0xe9, 0xf0];
const MANY: Rgb = [0x3e, 0x4b, 0x5e];
const SHADES: usize = 12;

/// Colour of failures that are not in the heatmap: WebSocket connections, and requests of unknown elapsed time.
const UNKNOWN: Rgb = [0xb8, 0xc0, 0xca];

/// Inside of symbols that are only an outline.
const WHITE: Rgb = [0xff, 0xff, 0xff];

const HEADING: Type = Type { size: 32.0, weight: Weight::Bold, colour: INK };
const SUBHEADING: Type = Type { size: 18.0, weight: Weight::Regular, colour: GREY };
const PANEL: Type = Type { size: 17.0, weight: Weight::Bold, colour: INK };
const LABEL: Type = Type { size: 16.0, weight: Weight::Regular, colour: GREY };
const STRONG: Type = Type { size: 16.0, weight: Weight::Bold, colour: INK };
const BODY: Type = Type { size: 16.0, weight: Weight::Regular, colour: INK };

/// Distance between the baselines of lines of text.
const LINE_HEIGHT: f32 = 22.0;

/// The same in the legend, the width of a symbol there, and the gap between two entries.
const LEGEND_LINE: f32 = 20.0;
const LEGEND_SYMBOL: f32 = 22.0;
const LEGEND_GAP: f32 = 24.0;

/// Distance between the baselines of names that would otherwise overlap.
const NAME_GAP: f32 = 20.0;

pub(super) fn sheet(report: &Report) -> Sheet {
    let (failed, all) = (numbers::counted(report.failures, "failed request"), numbers::count(report.requests));
    let mut page = Page {
        sheet: Sheet::new(WIDTH, HEIGHT, format!("{failed} of {all} over time and elapsed time")),
        legend: Legend::new(report),
    };
    let mut top = page.verdict(report);
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
    let Some((whole, targets)) = timings.split_first() else { return page.sheet };
    let gaps: Vec<LagChart<'_>> = LagChart::all(report).into_iter().take(MAX_GAPS).collect();
    // The heatmap of a single target would repeat that of all requests.
    let targets = if report.targets.len() > 1 { targets } else { &[] };
    let targets = &targets[..targets.len().min(MAX_BELOW - gaps.len())];
    let has_row = !targets.is_empty() || !gaps.is_empty();
    let against = against_idle_timeout(&report.pictures.timings[0].idle_timeout, report.idle_timeout.seconds);
    let against = page.sheet.wrapped(&against, BODY, f32::from(WIDTH) - 2.0 * MARGIN);
    let more_lines = against.len().saturating_sub(1) as f32 * LINE_HEIGHT;
    let bottom = f32::from(HEIGHT) - if has_row { 330.0 } else { 70.0 } - more_lines;
    top += 14.0;
    let area = Area { x: MARGIN, y: top, width: f32::from(WIDTH) - 2.0 * MARGIN, height: bottom - top };
    page.whole(whole, not_drawn(&report.pictures.timings[0]), area);
    let mut y = bottom + 28.0;
    for line in against {
        page.sheet.text([MARGIN, y], Anchor::Left, BODY, line);
        y += LINE_HEIGHT;
    }
    y -= LINE_HEIGHT;
    if has_row {
        let count = (targets.len() + gaps.len()) as f32;
        let gap = 36.0;
        let width = (f32::from(WIDTH) - 2.0 * MARGIN - gap * (count - 1.0)) / count;
        let mut area = Area { x: MARGIN, y: y + 30.0, width, height: f32::from(HEIGHT) - 30.0 - y - 30.0 };
        for chart in targets {
            page.of_target(chart, area);
            area.x += width + gap;
        }
        for chart in &gaps {
            page.gaps(chart, area);
            area.x += width + gap;
        }
    }
    page.sheet
}

struct Page {
    sheet: Sheet,
    legend: Legend,
}

impl Page {
    /// Writes the verdict and the causes. Returns the y coordinate at which they end.
    fn verdict(&mut self, report: &Report) -> f32 {
        let share = numbers::percent(report.failures, report.requests);
        let verdict = format!(
            "{} of {} failed ({share})",
            numbers::count(report.failures),
            numbers::counted(report.requests, "request")
        );
        self.sheet.text([MARGIN, 58.0], Anchor::Left, HEADING, verdict);
        let balancers = match report.load_balancers.as_slice() {
            [one] => shortened(phrases::load_balancer_name(&one.load_balancer), 60),
            many => numbers::counted(many.len() as u64, "load balancer"),
        };
        let window = numbers::window(report.window).map_or_else(String::new, |window| format!(", {window} UTC"));
        self.sheet.text([MARGIN, 86.0], Anchor::Left, SUBHEADING, format!("{balancers}{window}"));
        let right = f32::from(WIDTH) - MARGIN;
        let mut y = 42.0;
        let mut lines: Vec<String> = report.causes().iter().map(CauseRow::line).collect();
        // The last line counts the causes without a line. It never counts only one, which would fit there itself.
        if lines.len() > MAX_CAUSE_LINES {
            let rest = lines.split_off(MAX_CAUSE_LINES - 1).len();
            lines.push(format!("and {}", numbers::counted(rest as u64, "more cause")));
        }
        let typeface = |index: usize| if index == 0 { STRONG } else { BODY };
        let lines = lines.into_iter().enumerate();
        let lines: Vec<String> =
            lines.map(|(index, line)| self.sheet.fitted(&line, typeface(index), f32::from(WIDTH) / 2.0)).collect();
        let widths = lines.iter().enumerate().map(|(index, line)| self.sheet.width_of(line, typeface(index)));
        let left = right - widths.fold(0.0, f32::max);
        for (index, line) in lines.into_iter().enumerate() {
            self.sheet.text([left, y], Anchor::Left, typeface(index), line);
            y += LINE_HEIGHT;
        }
        y.max(100.0)
    }

    /// The heatmap of all requests, with names, legend and failures over time.
    fn whole(&mut self, chart: &TimingChart, not_drawn: Option<String>, area: Area) {
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
    fn of_target(&mut self, chart: &TimingChart, area: Area) {
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
    fn density(&mut self, chart: &TimingChart, plot: Area) {
        let bins = chart.elapsed.bins();
        let cells = || (0..bins).flat_map(|elapsed| (0..chart.time.bins).map(move |time| (time, elapsed)));
        let most = cells().map(|(time, elapsed)| chart.requests_in(time, elapsed)).max().unwrap_or(0);
        let mut shades: Vec<Vec<Area>> = vec![Vec::new(); SHADES];
        for (time, elapsed) in cells() {
            let requests = chart.requests_in(time, elapsed);
            if requests > 0 {
                let part = (requests as f32).ln_1p() / (most as f32).ln_1p();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
                let shade = ((part * SHADES as f32).ceil() as usize).clamp(1, SHADES) - 1;
                let cell = cell(chart, plot, time, elapsed);
                match shades[shade].last_mut() {
                    Some(last) if is_same(last.right(), cell.x) && is_same(last.y, cell.y) => last.width += cell.width,
                    _ => shades[shade].push(cell),
                }
            }
        }
        for (shade, areas) in shades.into_iter().enumerate().filter(|(_, areas)| !areas.is_empty()) {
            self.sheet.items.push(Item::Areas { colour: shade_of(shade), areas });
        }
        let (left, bottom) = (plot.x - 1.0, plot.bottom() + 1.0);
        self.sheet.area(Area { x: left, y: plot.y, width: 1.0, height: plot.height + 1.0 }, GREY);
        self.sheet.area(Area { x: left, y: bottom - 1.0, width: plot.width + 1.0, height: 1.0 }, GREY);
    }

    /// Failures as symbols, whose size shows how many there are.
    fn failed(&mut self, chart: &TimingChart, plot: Area, scale: f32) {
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
    fn symbols(&mut self, look: Look, points: &[([f32; 2], f32)]) {
        if points.is_empty() {
            return;
        }
        let shapes = |scale: f32| points.iter().map(|&(at, radius)| look.shape(at, radius * scale)).collect();
        self.sheet.items.push(Item::Shapes { colour: rgb(look), shapes: shapes(1.0) });
        if look.is_hollow {
            self.sheet.items.push(Item::Shapes { colour: WHITE, shapes: shapes(0.5) });
        }
    }

    fn elapsed_axis(&mut self, chart: &TimingChart, plot: Area, most: usize) {
        let ticks = chart.elapsed.ticks();
        let every = ticks.len().div_ceil(most.max(1)).max(1);
        for Tick { at, label } in ticks.into_iter().rev().step_by(every) {
            let y = height_of(chart, plot, at);
            self.sheet.area(Area { x: plot.x - 6.0, y: y.round(), width: 5.0, height: 1.0 }, GREY);
            self.sheet.text([plot.x - 10.0, y + 5.5], Anchor::Right, LABEL, label);
        }
    }

    fn time_axis(&mut self, chart: &TimingChart, plot: Area, room: f32) {
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

    fn lines(&mut self, chart: &TimingChart, plot: Area) {
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
    fn names(&mut self, chart: &TimingChart, plot: Area) {
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

    /// Failures over time as bars, stacked by outcome. On top are those that the heatmap does not show: here their
    /// outcome is not known.
    fn failures(&mut self, chart: &TimingChart, strip: Area) {
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
            self.sheet.items.push(Item::Areas { colour, areas });
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

    /// The lines of the legend, each with as many entries as fit in `width`.
    fn legend_lines(&self, width: f32) -> Vec<Vec<(Look, String)>> {
        let mut lines: Vec<Vec<(Look, String)>> = Vec::new();
        let mut x = 0.0;
        for (look, text) in self.legend.entries() {
            let needed = self.sheet.width_of(&text, BODY) + LEGEND_SYMBOL;
            match lines.last_mut() {
                Some(line) if x + needed <= width => line.push((look, text)),
                _ => {
                    lines.push(vec![(look, text)]);
                    x = 0.0;
                }
            }
            x += needed + LEGEND_GAP;
        }
        lines
    }

    /// What symbols and shades mean.
    fn legend(&mut self, lines: Vec<Vec<(Look, String)>>, area: Area) {
        let mut y = area.y;
        for line in lines {
            let mut x = area.x;
            for (look, text) in line {
                self.symbols(look, &[([x + 8.0, y - 5.5], 8.0)]);
                x += LEGEND_SYMBOL + self.sheet.text([x + LEGEND_SYMBOL, y], Anchor::Left, BODY, text) + LEGEND_GAP;
            }
            y += LEGEND_LINE;
        }
        let x = area.right() + 24.0;
        for shade in 0..SHADES {
            let at = x + shade as f32 * 8.0;
            self.sheet.area(Area { x: at.round(), y: area.y - 12.0, width: 8.0, height: 12.0 }, shade_of(shade));
        }
        self.sheet.text([x + SHADES as f32 * 8.0 + 8.0, area.y], Anchor::Left, LABEL, "all requests");
    }

    /// The chart of gaps: shares of failed and of answered requests by the time since an earlier answer.
    fn gaps(&mut self, chart: &LagChart<'_>, area: Area) {
        let title = format!("Keep-alive race at {} (finding {})", chart.subject, chart.finding + 1);
        let title = self.sheet.fitted(&title, PANEL, area.width);
        self.sheet.text([area.x, area.y + 14.0], Anchor::Left, PANEL, title);
        let bins = &chart.lags.near;
        let (first, step, count) = (bins.start.as_secs_f32(), bins.width.as_secs_f32(), bins.failures.len());
        let last = first + step * count as f32;
        let is_idle_timeout_shown = (f64::from(first)..=f64::from(last)).contains(&chart.idle_timeout);
        // The name of the idle timeout has a line of its own, because it may be anywhere on the axis.
        let above = if is_idle_timeout_shown { 64.0 + LINE_HEIGHT } else { 64.0 };
        let plot = Area {
            x: area.x + AXIS - 20.0,
            y: area.y + above,
            width: area.width - AXIS + 20.0,
            height: area.height - above - 40.0,
        };
        let plot = whole_pixels(plot);
        let answered: Rgb = GREY;
        // The legend, under the title.
        let mut x = area.x;
        let failed = rgb(Look::of(chart.outcome));
        for (colour, text) in [(failed, "failed requests"), (answered, "answered requests")] {
            self.sheet.area(Area { x: x.round(), y: area.y + 30.0, width: 12.0, height: 12.0 }, colour);
            x += 18.0 + self.sheet.text([x + 18.0, area.y + 42.0], Anchor::Left, LABEL, text) + 24.0;
        }
        let share = |count: u32, of: usize| count as f32 / of.max(1) as f32;
        let bar = |index: usize, share: f32, part: (f32, f32)| {
            let (left, right) = columns(plot, index, count);
            let width = right - left;
            let height = (share * plot.height).round();
            Area {
                x: (left + part.0 * width).round(),
                y: plot.bottom() - height,
                width: ((part.1 - part.0) * width).round().max(1.0),
                height,
            }
        };
        for (colour, counts, of, part) in [
            (failed, &bins.failures, chart.lags.failures, (0.0, 0.55)),
            (answered, &bins.controls, chart.lags.controls, (0.55, 0.95)),
        ] {
            let bars = counts.iter().enumerate().map(|(index, count)| bar(index, share(*count, of), part));
            let areas: Vec<Area> = bars.filter(|bar| bar.height > 0.0).collect();
            if !areas.is_empty() {
                self.sheet.items.push(Item::Areas { colour, areas });
            }
        }
        self.sheet.area(Area { y: plot.bottom(), height: 1.0, ..plot }, GREY);
        for (share, label) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
            let y = plot.bottom() - share * plot.height;
            self.sheet.text([plot.x - 8.0, y + 5.5], Anchor::Right, LABEL, label);
        }
        let x_of = |seconds: f32| plot.x + (seconds - first) / (last - first) * plot.width;
        let keep_alive = x_of(single(chart.keep_alive));
        self.sheet.line([keep_alive, plot.y - 10.0], [keep_alive, plot.bottom()], 1.5, INK, Some(2.0));
        let label = format!("keep-alive timeout {}", duration(chart.keep_alive));
        let width = self.sheet.width_of(&label, STRONG);
        let (x, anchor) = if keep_alive + 8.0 + width < area.right() {
            (keep_alive + 8.0, Anchor::Left)
        } else {
            (keep_alive - 8.0, Anchor::Right)
        };
        self.sheet.text([x, plot.y - 1.0], anchor, STRONG, label);
        let y = plot.bottom() + 18.0;
        self.sheet.text([plot.x, y], Anchor::Left, LABEL, duration(first.into()));
        self.sheet.text([plot.right(), y], Anchor::Right, LABEL, duration(last.into()));
        let idle = format!("idle timeout {}", duration(chart.idle_timeout));
        if is_idle_timeout_shown {
            let at = x_of(single(chart.idle_timeout));
            self.sheet.line([at, plot.y], [at, plot.bottom()], 2.5, INK, None);
            let is_at_left = at + 2.0 - self.sheet.width_of(&idle, STRONG) < area.x;
            let (x, anchor) = if is_at_left { (at, Anchor::Left) } else { (at + 2.0, Anchor::Right) };
            self.sheet.text([x, area.y + 63.0], anchor, STRONG, idle);
        } else if chart.idle_timeout > f64::from(last) {
            // The idle timeout is beyond the right edge: an arrow points there.
            let (x, y) = (area.right(), area.y + 36.5);
            self.sheet.line([x - 22.0, y], [x - 6.0, y], 2.5, INK, None);
            let arrow = vec![[x, y], [x - 9.0, y - 6.0], [x - 9.0, y + 6.0]];
            self.sheet.items.push(Item::Shapes { colour: INK, shapes: vec![arrow] });
            self.sheet.text([x - 28.0, y + 5.5], Anchor::Right, STRONG, idle);
        }
        let caption = "time since an earlier answer, same node and target";
        self.sheet.text([plot.x + plot.width / 2.0, y + 18.0], Anchor::Middle, LABEL, caption);
    }
}

fn rgb(look: Look) -> Rgb {
    let colour = look.colour();
    [colour.red, colour.green, colour.blue]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
fn shade_of(shade: usize) -> Rgb {
    let part = shade as f32 / (SHADES - 1) as f32;
    let mix = |few: u8, many: u8| (f32::from(few) + (f32::from(many) - f32::from(few)) * part).round() as u8;
    [mix(FEW[0], MANY[0]), mix(FEW[1], MANY[1]), mix(FEW[2], MANY[2])]
}

/// Whether two edges, which are at pixel boundaries, are the same.
fn is_same(one: f32, other: f32) -> bool {
    (one - other).abs() < 0.5
}

#[expect(clippy::cast_possible_truncation, reason = "a sheet has fewer pixels than f32 has steps")]
fn single(number: f64) -> f32 {
    number as f32
}

fn whole_pixels(area: Area) -> Area {
    Area { x: area.x.round(), y: area.y.round(), width: area.width.round(), height: area.height.round() }
}

/// The left and the right edge of a time bin, at pixel boundaries.
fn columns(plot: Area, bin: usize, bins: usize) -> (f32, f32) {
    let edge = |bin: usize| (plot.x + plot.width * bin as f32 / bins as f32).round();
    (edge(bin), edge(bin + 1))
}

fn cell(chart: &TimingChart, plot: Area, time: usize, elapsed: usize) -> Area {
    let (left, right) = columns(plot, time, chart.time.bins);
    let top = height_of(chart, plot, (elapsed + 1) as f64).round();
    let bottom = height_of(chart, plot, elapsed as f64).round();
    Area { x: left, y: top, width: right - left, height: bottom - top }
}

/// The y coordinate of a position on the axis of elapsed time.
fn height_of(chart: &TimingChart, plot: Area, position: f64) -> f32 {
    plot.bottom() - single(position) / chart.elapsed.bins() as f32 * plot.height
}

/// Positions in ascending order, as near to the wanted ones as the ends and a gap between neighbours allow. `wanted`
/// is ascending too.
fn spread(wanted: &[f32], gap: f32, low: f32, high: f32) -> Vec<f32> {
    let mut placed: Vec<f32> = Vec::with_capacity(wanted.len());
    for position in wanted {
        let least = placed.last().map_or(low, |last| last + gap);
        placed.push(position.max(least));
    }
    let mut most = high;
    for position in placed.iter_mut().rev() {
        *position = position.min(most);
        most = *position - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_room_for_each_other_and_stay_inside() {
        for (wanted, expected) in [
            (&[10.0, 50.0, 90.0][..], &[10.0, 50.0, 90.0][..]),
            (&[50.0, 52.0, 53.0], &[50.0, 70.0, 90.0]),
            (&[80.0, 95.0, 99.0], &[60.0, 80.0, 100.0]),
            (&[-5.0], &[0.0]),
            (&[], &[]),
        ] {
            assert_eq!(spread(wanted, 20.0, 0.0, 100.0), expected, "{wanted:?}");
        }
    }
}
