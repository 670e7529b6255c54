//! Where bins, cells and names are on the sheet.

use crate::plot::sheet::Area;
use crate::report::chart::TimingChart;

/// Whether two edges, which are at pixel boundaries, are the same.
pub(super) fn is_same(one: f32, other: f32) -> bool {
    (one - other).abs() < 0.5
}

#[expect(clippy::cast_possible_truncation, reason = "a sheet has fewer pixels than f32 has steps")]
pub(super) fn single(number: f64) -> f32 {
    number as f32
}

pub(super) fn whole_pixels(area: Area) -> Area {
    Area { x: area.x.round(), y: area.y.round(), width: area.width.round(), height: area.height.round() }
}

/// The left and the right edge of a time bin, at pixel boundaries.
pub(super) fn columns(plot: Area, bin: usize, bins: usize) -> (f32, f32) {
    let edge = |bin: usize| (plot.x + plot.width * bin as f32 / bins as f32).round();
    (edge(bin), edge(bin + 1))
}

pub(super) fn cell(chart: &TimingChart, plot: Area, time: usize, elapsed: usize) -> Area {
    let (left, right) = columns(plot, time, chart.time.bins);
    let top = height_of(chart, plot, (elapsed + 1) as f64).round();
    let bottom = height_of(chart, plot, elapsed as f64).round();
    Area { x: left, y: top, width: right - left, height: bottom - top }
}

/// The y coordinate of a position on the axis of elapsed time.
pub(super) fn height_of(chart: &TimingChart, plot: Area, position: f64) -> f32 {
    plot.bottom() - single(position) / chart.elapsed.bins() as f32 * plot.height
}

/// Positions in ascending order, as near to the wanted ones as the ends and a gap between neighbours allow. `wanted`
/// is ascending too.
pub(super) fn spread(wanted: &[f32], gap: f32, low: f32, high: f32) -> Vec<f32> {
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
