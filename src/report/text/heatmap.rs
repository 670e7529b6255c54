//! The heatmap of requests by time and elapsed time.

use anstyle::Style as Paint;
use unicode_width::UnicodeWidthStr;

use super::canvas::Canvas;
use super::cells::Cells;
use super::columns::{by_column, is_middle};
use super::glyphs::{FAINT, Glyphs, OF_IDLE_TIMEOUT, OF_LINES, PLAIN, StyledText, paint_of};
use super::line_names::names;
use crate::report::chart::{Legend, Look, Tick, TimeoutLine, TimingChart};
use crate::report::numbers;
use crate::report::pictures::MarkKind;

/// At most this many rows in a heatmap, so that with its legend it fits a terminal of 24 lines.
const MAX_ROWS: usize = 17;

/// Columns on the left, for the labels of the axis.
const LEFT: usize = 8;

/// Columns on the right, for the names of lines. Below a width of [`NARROW`] there are none, to leave room for the
/// picture.
const RIGHT: usize = 22;
const NARROW: usize = 56;

/// From this width on, the names of lines also say where a timeout is known from.
const WIDE: usize = 120;
const RIGHT_IF_WIDE: usize = 34;

/// Minimum width of the picture itself, in columns.
const MIN_COLUMNS: usize = 16;

/// Columns between the starts of two labels of the time axis: of times, and of labels with a date.
const TICK_COLUMNS: usize = 9;
const LONG_TICK_COLUMNS: usize = 15;

/// The heatmap, line by line.
pub(super) fn timing(chart: &TimingChart, width: usize, glyphs: Glyphs) -> Vec<Vec<StyledText>> {
    let right = match width {
        ..NARROW => 0,
        NARROW..WIDE => RIGHT,
        _ => RIGHT_IF_WIDE,
    };
    let columns = width.saturating_sub(LEFT + 1 + right).max(MIN_COLUMNS);
    let bins_per_row = chart.elapsed.bins().div_ceil(MAX_ROWS);
    let rows = chart.elapsed.bins().div_ceil(bins_per_row);
    let row_of = |position: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bin of a short axis")]
        let bin = position.max(0.0) as usize;
        (bin / bins_per_row).min(rows - 1)
    };
    let mut left = vec![String::new(); rows];
    for Tick { at, label } in chart.elapsed.ticks() {
        left[row_of(at)] = label;
    }
    let names = names(chart, rows, right, row_of);
    let cells = Cells::new(chart, columns, rows, bins_per_row);
    let mut page = Vec::new();
    for row in (0..rows).rev() {
        let mut canvas = Canvas::blank(LEFT + 1 + columns + right);
        canvas.write(0, FAINT, &format!("{:>1$}", left[row], LEFT - 1));
        canvas.write(LEFT, FAINT, &glyphs.vertical.to_string());
        let line = chart.lines.iter().filter(|line| row_of(chart.elapsed.position(line.seconds)) == row);
        let line = line.max_by_key(|line| line.kind == MarkKind::IdleTimeout);
        for column in 0..columns {
            // In a stretched bin, a symbol for each column would look like many failures in a row.
            let failed =
                cells.failed(column, row).filter(|_| is_middle(column, columns, chart.time.bins)).map(Look::of);
            let cell = match (failed, cells.shade(column, row, glyphs.shades.len()), line) {
                (Some(look), Some(shade), _) if cells.fails_rarely(column, row) => {
                    Some((paint_of(look), glyphs.shades[shade]))
                }
                (Some(look), ..) => Some((paint_of(look), (glyphs.symbol)(look))),
                (None, Some(shade), _) => Some((FAINT, glyphs.shades[shade])),
                (None, None, Some(line)) => Some(glyph_of(line, glyphs)),
                (None, None, None) => None,
            };
            if let Some(cell) = cell {
                canvas.0[LEFT + 1 + column] = cell;
            }
        }
        if let Some((paint, name)) = &names[row] {
            canvas.write(LEFT + 2 + columns, *paint, name);
        }
        page.push(canvas.runs());
    }
    page.extend(time_axis(chart, columns, glyphs));
    if chart.failures > 0 {
        page.push(failures(chart, columns, right, glyphs));
    }
    page
}

fn glyph_of(line: &TimeoutLine, glyphs: Glyphs) -> (Paint, char) {
    if line.kind == MarkKind::IdleTimeout { (OF_IDLE_TIMEOUT, glyphs.idle_timeout) } else { (OF_LINES, glyphs.line) }
}

/// The time axis under a picture, and the line with its labels.
fn time_axis(chart: &TimingChart, columns: usize, glyphs: Glyphs) -> [Vec<StyledText>; 2] {
    let is_long = chart.time.ticks(columns).iter().any(|tick| tick.label.width() > TICK_COLUMNS - 2);
    let ticks = chart.time.ticks(columns / if is_long { LONG_TICK_COLUMNS } else { TICK_COLUMNS });
    let (mut axis, mut labels) = (Canvas::blank(LEFT + 1 + columns), Canvas::blank(LEFT + 1 + columns));
    axis.write(LEFT, FAINT, &glyphs.corner.to_string());
    axis.write(LEFT + 1, FAINT, &glyphs.horizontal.to_string().repeat(columns));
    let mut free = 0;
    for Tick { at, label } in ticks {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column of a short line")]
        let column = (at * columns as f64 / chart.time.bins as f64) as usize;
        if (free..columns).contains(&column) && labels.write(LEFT + 1 + column, FAINT, &label) {
            axis.write(LEFT + 1 + column, FAINT, &glyphs.tick.to_string());
            free = column + label.width() + 1;
        }
    }
    [axis.runs(), labels.runs()]
}

/// Failures over time, under a picture.
fn failures(chart: &TimingChart, columns: usize, right: usize, glyphs: Glyphs) -> Vec<StyledText> {
    let most = chart.failures_over_time.iter().copied().max().unwrap_or(0);
    let mut canvas = Canvas::blank(LEFT + 1 + columns + right);
    canvas.write(0, FAINT, &format!("{:>1$}", "failed", LEFT - 1));
    for (column, level) in glyphs.sparkline(&by_column(&chart.failures_over_time, columns)).chars().enumerate() {
        let paint = if level == glyphs.levels[0] { FAINT } else { PLAIN };
        canvas.0[LEFT + 1 + column] = (paint, level);
    }
    let note = format!("max {} in {}", numbers::count(most), numbers::minutes(chart.time.bin_seconds));
    canvas.write(LEFT + 2 + columns, FAINT, &note);
    canvas.runs()
}

/// What the symbols and shades mean: entries that the caller lays out in lines.
pub(super) fn legend(legend: &Legend, glyphs: Glyphs) -> Vec<[StyledText; 2]> {
    let entry = |(look, text)| [(paint_of(look), format!("{} ", (glyphs.symbol)(look))), (PLAIN, text)];
    let mut runs: Vec<[StyledText; 2]> = legend.entries().map(entry).collect();
    let shades: String = glyphs.shades.iter().collect();
    runs.push([(FAINT, format!("{shades} ")), (PLAIN, "all requests, few to many".to_owned())]);
    runs
}
