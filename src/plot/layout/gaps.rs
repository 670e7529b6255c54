//! The chart of the gaps of a keep-alive race.

use super::builder::SheetBuilder;
use super::design::{AXIS, GREY, INK, LABEL, LINE_HEIGHT, PANEL, STRONG, rgb};
use super::geometry::{columns, single, whole_pixels};
use crate::plot::sheet::{Anchor, Area, Rgb, SheetItem};
use crate::report::chart::{LagChart, Look};
use crate::report::numbers::duration;

impl SheetBuilder {
    /// The chart of gaps: shares of failed and of answered requests by the time since an earlier answer.
    pub(super) fn gaps(&mut self, chart: &LagChart<'_>, area: Area) {
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
                self.sheet.items.push(SheetItem::Areas { colour, areas });
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
            self.sheet.items.push(SheetItem::Shapes { colour: INK, shapes: vec![arrow] });
            self.sheet.text([x - 28.0, y + 5.5], Anchor::Right, STRONG, idle);
        }
        let caption = "time since an earlier answer, same node and target";
        self.sheet.text([plot.x + plot.width / 2.0, y + 18.0], Anchor::Middle, LABEL, caption);
    }
}
