//! The chart of gaps between an answer and the next request on the same connection.

use anstyle::Style as Paint;
use unicode_width::UnicodeWidthStr;

use super::canvas::Canvas;
use super::columns::by_column;
use super::glyphs::{FAINT, Glyphs, OF_IDLE_TIMEOUT, OF_LINES, PLAIN, StyledText, paint_of};
use crate::report::chart::{LagChart, Look};
use crate::report::numbers::{self, duration};

/// The chart of gaps: a line for failed and a line for answered requests, by the time since an earlier answer, and
/// the axis with the keep-alive timeout. The idle timeout is at the end of the axis, or on a line of its own if it is
/// among the bins or does not fit.
pub(super) fn lags(chart: &LagChart<'_>, width: usize, glyphs: Glyphs) -> Vec<Vec<StyledText>> {
    /// Columns before the bins, and after them.
    const NAME: usize = 9;
    const NOTE: usize = 14;
    /// Columns after the bins that the name of a timeout may take.
    const LONG_NOTE: usize = 24;
    let bins = &chart.lags.near;
    let columns = width.saturating_sub(NAME + NOTE).min(bins.failures.len());
    let right = width.min(NAME + columns + LONG_NOTE).max(NAME + columns);
    let line = |name: &str, paint: Paint, counts: &[u32], of: usize| {
        let counts: Vec<u64> = counts.iter().map(|count| u64::from(*count)).collect();
        let of = of.max(1) as u64;
        // Both lines have one scale, so that they can be compared.
        let by_column: Vec<u64> = by_column(&counts, columns);
        let most = by_column.iter().copied().max().unwrap_or(0);
        let scaled: Vec<u64> = by_column.iter().map(|count| count * 1_000 / of).chain([1_000]).collect();
        let drawn: String = glyphs.sparkline(&scaled).chars().take(columns).collect();
        vec![(FAINT, format!("{name:<NAME$}")), (paint, drawn), (FAINT, format!(" max {}", numbers::percent(most, of)))]
    };
    let first = bins.start.as_secs_f64();
    let last = first + bins.width.as_secs_f64() * bins.failures.len() as f64;
    let mut times = Canvas::blank(right);
    let column_of = |seconds: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column of a short line")]
        let column = ((seconds - first) / (last - first) * columns as f64).max(0.0) as usize;
        NAME + column.min(columns.saturating_sub(1))
    };
    let (start, end, middle) = (duration(first), duration(last), format!("{} keep-alive", duration(chart.keep_alive)));
    let keep_alive = column_of(chart.keep_alive).min(right.saturating_sub(middle.width()));
    times.write(keep_alive, OF_LINES, &middle);
    times.write(NAME, FAINT, &start);
    let mut free = keep_alive + middle.width() + 1;
    if free + end.width() <= NAME + columns {
        times.write(NAME + columns - end.width(), FAINT, &end);
        free = NAME + columns + 1;
    }
    let mut idle_timeout = format!("idle timeout {}", duration(chart.idle_timeout));
    let is_beyond = chart.idle_timeout > last;
    if is_beyond {
        idle_timeout = format!("{idle_timeout} {}", glyphs.beyond);
    }
    let rightmost = right.saturating_sub(idle_timeout.width());
    let mut own_row = None;
    if is_beyond && free <= rightmost {
        times.write(rightmost, OF_IDLE_TIMEOUT, &idle_timeout);
    } else if chart.idle_timeout >= first {
        let mut row = Canvas::blank(right);
        let column = if is_beyond { rightmost } else { column_of(chart.idle_timeout).min(rightmost) };
        row.write(column, OF_IDLE_TIMEOUT, &idle_timeout);
        own_row = Some(row.runs());
    }
    let rows = [
        line("failed", paint_of(Look::of(chart.outcome)), &bins.failures, chart.lags.failures),
        line("answered", PLAIN, &bins.controls, chart.lags.controls),
        times.runs(),
    ];
    rows.into_iter().chain(own_row).collect()
}
