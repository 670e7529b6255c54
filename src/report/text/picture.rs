//! Pictures in characters: shades for requests and symbols for failures, so that nothing depends on colour alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anstyle::{Ansi256Color, AnsiColor, Effects, Style as Paint};
use unicode_width::UnicodeWidthStr;

use super::super::chart::{LagChart, Legend, Line, Look, Tick, TimingChart};
use super::super::numbers::{self, duration};
use super::super::pictures::MarkKind;
use super::super::plain::shortened_by;
use crate::classify::Outcome;

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

const PLAIN: Paint = Paint::new();
const FAINT: Paint = Paint::new().effects(Effects::DIMMED);
const OF_IDLE_TIMEOUT: Paint = Paint::new().effects(Effects::BOLD);
const OF_LINES: Paint = AnsiColor::Cyan.on_default();

/// Text in one style.
pub(super) type Run = (Paint, String);

/// The characters that pictures are made of. Each takes one column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyphs {
    /// From few requests to many.
    shades: &'static [char],
    /// The symbol of a failure.
    symbol: fn(Look) -> char,
    /// Levels of a sparkline, from few to many; the first is for 0.
    levels: &'static [char],
    idle_timeout: char,
    line: char,
    vertical: char,
    horizontal: char,
    tick: char,
    corner: char,
    /// Points to what is beyond the right end of the picture.
    beyond: char,
    /// Marks where a text was cut.
    pub(super) cut: &'static str,
}

const UNICODE: Glyphs = Glyphs {
    shades: &['·', '░', '▒', '▓'],
    symbol: |look| look.symbol,
    levels: &['·', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    idle_timeout: '━',
    line: '─',
    vertical: '│',
    horizontal: '─',
    tick: '┬',
    corner: '└',
    beyond: '→',
    cut: "…",
};

const ASCII: Glyphs = Glyphs {
    shades: &['.', ':', '+', '#'],
    symbol: |look| look.ascii,
    levels: &['.', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    idle_timeout: '=',
    line: '-',
    vertical: '|',
    horizontal: '-',
    tick: '+',
    corner: '+',
    beyond: '>',
    cut: "...",
};

impl Glyphs {
    pub(super) fn new(is_ascii: bool) -> Self {
        if is_ascii { ASCII } else { UNICODE }
    }

    /// The text, safe for a terminal and cut to at most `most` columns.
    pub(super) fn shortened(self, text: &str, most: usize) -> String {
        shortened_by(text, most, self.cut)
    }

    /// One character per number, for its share of the largest. Only 0 gets the lowest level.
    pub(super) fn sparkline(self, numbers: &[u64]) -> String {
        let most = numbers.iter().copied().max().unwrap_or(0);
        let highest = self.levels.len() - 1;
        let level = |number: u64| {
            let height = (u128::from(number) * highest as u128).div_ceil(u128::from(most.max(1)));
            usize::try_from(height).unwrap_or(highest)
        };
        numbers.iter().map(|number| self.levels[level(*number)]).collect()
    }
}

/// The bins that a column shows; at least one.
fn bins_of(column: usize, columns: usize, bins: usize) -> std::ops::Range<usize> {
    let first = column * bins / columns;
    first..((column + 1) * bins / columns).max(first + 1)
}

/// Whether a column is the middle one of those that its bin is stretched over. If no bin is stretched, every column
/// is.
fn is_middle(column: usize, columns: usize, bins: usize) -> bool {
    let bin = bins_of(column, columns, bins).start;
    let first = |bin: usize| (bin * columns).div_ceil(bins);
    column == usize::midpoint(first(bin), first(bin + 1) - 1)
}

/// Failures by column: of the time bins of a column, the maximum.
pub(super) fn by_column(over_time: &[u64], columns: usize) -> Vec<u64> {
    let most = |column| over_time[bins_of(column, columns, over_time.len())].iter().copied().max().unwrap_or(0);
    (0..columns).map(most).collect()
}

/// One line of text in which each character has its own style.
struct Canvas(Vec<(Paint, char)>);

impl Canvas {
    fn blank(columns: usize) -> Self {
        Self(vec![(PLAIN, ' '); columns])
    }

    /// Writes `text` from a column on if it fits, and returns whether it does.
    fn write(&mut self, column: usize, paint: Paint, text: &str) -> bool {
        let fits = column + text.width() <= self.0.len();
        if fits {
            for (index, character) in text.chars().enumerate() {
                self.0[column + index] = (paint, character);
            }
        }
        fits
    }

    fn runs(self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (paint, character) in self.0 {
            match runs.last_mut() {
                Some((known, text)) if *known == paint => text.push(character),
                _ => runs.push((paint, character.to_string())),
            }
        }
        runs
    }
}

/// The heatmap, line by line.
pub(super) fn timing(chart: &TimingChart, width: usize, glyphs: Glyphs) -> Vec<Vec<Run>> {
    let right = match width {
        ..NARROW => 0,
        NARROW..WIDE => RIGHT,
        _ => RIGHT_IF_WIDE,
    };
    let columns = width.saturating_sub(LEFT + 1 + right).max(MIN_COLUMNS);
    let bins_per_row = chart.elapsed.bins().div_ceil(MAX_ROWS);
    let rows = chart.elapsed.bins().div_ceil(bins_per_row);
    let row_of = |position: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place on a short axis")]
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

fn glyph_of(line: &Line, glyphs: Glyphs) -> (Paint, char) {
    if line.kind == MarkKind::IdleTimeout { (OF_IDLE_TIMEOUT, glyphs.idle_timeout) } else { (OF_LINES, glyphs.line) }
}

fn paint_of(look: Look) -> Paint {
    Ansi256Color(look.colour().terminal).on_default().effects(Effects::BOLD)
}

/// The text beside each row: the names of its lines, that of the idle timeout first. Names that do not fit go on in
/// neighbouring rows without a line, so that no name is next to another line.
fn names(chart: &TimingChart, rows: usize, right: usize, row_of: impl Fn(f64) -> usize) -> Vec<Option<Run>> {
    let room = right.saturating_sub(1);
    let mut lines: Vec<Vec<&Line>> = vec![Vec::new(); rows];
    for line in &chart.lines {
        lines[row_of(chart.elapsed.position(line.seconds))].push(line);
    }
    let mut names: Vec<Option<Run>> = vec![None; rows];
    for own in (0..rows).filter(|own| !lines[*own].is_empty()) {
        let mut of_row = lines[own].clone();
        of_row.sort_by_key(|line| line.kind != MarkKind::IdleTimeout);
        let texts = shared_name(&of_row, room);
        let is_free = |row: usize| row < rows && lines[row].is_empty() && names[row].is_none();
        // The names are read downwards. Prefer the position with most of them at the line's own row or below.
        let top = (0..texts.len()).map(|up| own + up).find(|&top| {
            let block = (0..texts.len()).map(|down| top.checked_sub(down));
            block.into_iter().all(|row| row.is_some_and(|row| row == own || is_free(row)))
        });
        let (top, texts) = match top {
            Some(top) => (top, texts),
            None => (own, vec![counted_name(&of_row, room)]),
        };
        for (down, text) in texts.into_iter().enumerate() {
            let has_idle_timeout = text.starts_with(MarkKind::IdleTimeout.title());
            names[top - down] = Some((if has_idle_timeout { OF_IDLE_TIMEOUT } else { OF_LINES }, text));
        }
    }
    names
}

/// The names of lines that share a row, one text per row of output. A single line also says where it is known from,
/// if there is room.
fn shared_name(lines: &[&Line], room: usize) -> Vec<String> {
    if let [line] = lines {
        let full = format!("{}, {}", line.label, line.source);
        let is_full = !line.source.is_empty() && full.width() <= room;
        return vec![if is_full { full } else { line.label.clone() }];
    }
    let mut texts: Vec<String> = Vec::new();
    for line in lines {
        match texts.last_mut() {
            Some(text) if text.width() + 2 + line.label.width() < room => *text = format!("{text}, {}", line.label),
            Some(text) => {
                text.push(',');
                texts.push(line.label.clone());
            }
            None => texts.push(line.label.clone()),
        }
    }
    texts
}

/// The first of several names, and how many more there are: `idle timeout 60 s, +2`.
fn counted_name(lines: &[&Line], room: usize) -> String {
    let counted = format!("{}, +{}", lines[0].label, lines.len() - 1);
    if counted.width() <= room { counted } else { lines[0].label.clone() }
}

/// The counts in the cells of a heatmap.
struct Cells {
    rows: usize,
    /// By column and then by row: all requests.
    all: Vec<u64>,
    /// By column and then by row: requests per time bin, the mean of the column's bins.
    requests: Vec<f64>,
    /// By column and then by row: failures by outcome, in no order.
    failed: Vec<Vec<(Outcome, u64)>>,
    /// Failures by outcome in the whole picture.
    totals: BTreeMap<Outcome, u64>,
    most: f64,
}

impl Cells {
    fn new(chart: &TimingChart, columns: usize, rows: usize, bins_per_row: usize) -> Self {
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
    fn failed(&self, column: usize, row: usize) -> Option<Outcome> {
        let failed = self.failed[column * self.rows + row].iter();
        let most = failed.max_by_key(|(outcome, requests)| (*requests, Reverse((self.totals[outcome], *outcome))));
        most.map(|(outcome, _)| *outcome)
    }

    /// Whether fewer than 1 in 100 of a cell's requests failed. With many requests, as over days, a symbol in every
    /// cell with a failure would look as if all requests had failed. The row below the picture has every failure.
    fn fails_rarely(&self, column: usize, row: usize) -> bool {
        const RARE: u64 = 100;
        let cell = column * self.rows + row;
        self.failed[cell].iter().map(|(_, requests)| requests).sum::<u64>() * RARE < self.all[cell]
    }

    /// The shade of a cell, from 0, by the square root of its share of the fullest cell: the steps grow as 1, 3, 5, …
    /// `None` if the cell has no requests.
    fn shade(&self, column: usize, row: usize, shades: usize) -> Option<usize> {
        let requests = self.requests[column * self.rows + row];
        let part = (requests / self.most).sqrt();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
        let shade = (part * shades as f64).ceil() as usize;
        (requests > 0.0).then(|| shade.clamp(1, shades) - 1)
    }
}

/// The time axis under a picture, and the line with its labels.
fn time_axis(chart: &TimingChart, columns: usize, glyphs: Glyphs) -> [Vec<Run>; 2] {
    let is_long = chart.time.ticks(columns).iter().any(|tick| tick.label.width() > TICK_COLUMNS - 2);
    let ticks = chart.time.ticks(columns / if is_long { LONG_TICK_COLUMNS } else { TICK_COLUMNS });
    let (mut axis, mut labels) = (Canvas::blank(LEFT + 1 + columns), Canvas::blank(LEFT + 1 + columns));
    axis.write(LEFT, FAINT, &glyphs.corner.to_string());
    axis.write(LEFT + 1, FAINT, &glyphs.horizontal.to_string().repeat(columns));
    let mut free = 0;
    for Tick { at, label } in ticks {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a line")]
        let column = (at * columns as f64 / chart.time.bins as f64) as usize;
        if (free..columns).contains(&column) && labels.write(LEFT + 1 + column, FAINT, &label) {
            axis.write(LEFT + 1 + column, FAINT, &glyphs.tick.to_string());
            free = column + label.width() + 1;
        }
    }
    [axis.runs(), labels.runs()]
}

/// Failures over time, under a picture.
fn failures(chart: &TimingChart, columns: usize, right: usize, glyphs: Glyphs) -> Vec<Run> {
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
pub(super) fn legend(legend: &Legend, glyphs: Glyphs) -> Vec<[Run; 2]> {
    let entry = |(look, text)| [(paint_of(look), format!("{} ", (glyphs.symbol)(look))), (PLAIN, text)];
    let mut runs: Vec<[Run; 2]> = legend.entries().map(entry).collect();
    let shades: String = glyphs.shades.iter().collect();
    runs.push([(FAINT, format!("{shades} ")), (PLAIN, "all requests, few to many".to_owned())]);
    runs
}

/// The chart of gaps: a line for failed and a line for answered requests, by the time since an earlier answer, and
/// the axis with the keep-alive timeout. The idle timeout is at the end of the axis, or on a line of its own if it is
/// among the bins or does not fit.
pub(super) fn lags(chart: &LagChart<'_>, width: usize, glyphs: Glyphs) -> Vec<Vec<Run>> {
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
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a line")]
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::chart::{self, Failed};
    use super::lags as lags_picture;
    use super::*;
    use crate::diagnose::{LagBins, LagCounts};

    #[test]
    fn a_column_holds_its_bins_and_loses_none() {
        let numbers = [0, 7, 0, 1, 0];
        assert_eq!(by_column(&numbers, 2), [7, 1]);
        assert_eq!(by_column(&numbers, 5), numbers);
        assert_eq!(by_column(&numbers, 10), [0, 0, 7, 7, 0, 0, 1, 1, 0, 0]);
        for (columns, bins) in [(1, 128), (7, 60), (60, 7), (113, 120)] {
            let covered: Vec<usize> = (0..columns).flat_map(|column| bins_of(column, columns, bins)).collect();
            assert!((0..bins).all(|bin| covered.contains(&bin)), "{columns} columns of {bins} bins");
        }
    }

    #[test]
    fn a_stretched_bin_has_one_middle() {
        let middles =
            |columns, bins| (0..columns).filter(|&column| is_middle(column, columns, bins)).collect::<Vec<_>>();
        assert_eq!(middles(6, 2), [1, 4]);
        assert_eq!(middles(5, 2), [1, 3]);
        for (columns, bins) in [(50, 20), (113, 120), (250, 1), (7, 7), (69, 128)] {
            let middles = middles(columns, bins);
            assert_eq!(middles.len(), bins.min(columns), "{bins} bins in {columns} columns");
            let shown: Vec<usize> = middles.iter().map(|&column| bins_of(column, columns, bins).start).collect();
            assert!(shown.is_sorted_by(|one, other| one < other), "{shown:?}");
        }
    }

    #[test]
    fn a_symbol_is_shown_once_in_a_stretched_bin() {
        let mut chart = chart::tests::chart_of_seconds(3, Vec::new());
        chart.failed = vec![Failed { time: 0, elapsed: 1, outcome: Outcome::TargetError, requests: 1 }];
        let picture = timing(&chart, 60, UNICODE);
        let rows: Vec<String> =
            picture.into_iter().map(|row| row.into_iter().map(|(_, text)| text).collect()).collect();
        let row = rows.iter().find(|row| row.contains('◆')).expect("the failure is shown");
        assert_eq!(row.matches('◆').count(), 1, "{row}");
        assert!(row.contains("▓◆▓"), "{row}");
    }

    #[test]
    fn a_symbol_is_shown_if_at_least_one_percent_failed() {
        use Outcome::{ConnectFailed, IdleTimeout, TargetError};
        let failed = vec![
            vec![(IdleTimeout, 9)],
            vec![(ConnectFailed, 1), (IdleTimeout, 9)],
            Vec::new(),
            vec![(ConnectFailed, 5), (TargetError, 5)],
        ];
        let totals = BTreeMap::from([(IdleTimeout, 18), (ConnectFailed, 6), (TargetError, 5)]);
        let cells = Cells { rows: 4, all: vec![1000; 4], requests: vec![10.0; 4], failed, totals, most: 10.0 };
        assert_eq!([0, 1, 2, 3].map(|row| cells.fails_rarely(0, row)), [true, false, true, false]);
        let shown = [Some(IdleTimeout), Some(IdleTimeout), None, Some(TargetError)];
        assert_eq!([0, 1, 2, 3].map(|row| cells.failed(0, row)), shown);
    }

    #[test]
    fn a_sparkline_shows_only_zero_as_zero() {
        assert_eq!(Glyphs::new(false).sparkline(&[0, 1, 50, 100]), "·▁▄█");
        assert_eq!(Glyphs::new(true).sparkline(&[0, 1, 50, 100]), ".159");
        assert_eq!(Glyphs::new(true).sparkline(&[0, 0]), "..");
        assert_eq!(Glyphs::new(true).sparkline(&[u64::MAX, 1]), "91");
    }

    fn line(kind: MarkKind, seconds: f64) -> Line {
        let label = format!("{} {}", kind.title(), duration(seconds));
        Line { kind, seconds, label, source: "finding 2".to_owned() }
    }

    /// The names beside the rows of a chart with these lines, the topmost first; each row is a second.
    fn named(lines: &[(MarkKind, f64)], rows: u32, right: usize) -> Vec<String> {
        let lines = lines.iter().map(|&(kind, seconds)| line(kind, seconds)).collect();
        let chart = chart::tests::chart_of_seconds(rows, lines);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few rows")]
        let mut names = names(&chart, rows as usize, right, |position| position as usize);
        names.reverse();
        names.into_iter().map(|name| name.map_or_else(String::new, |(_, text)| text)).collect()
    }

    #[test]
    fn lines_on_one_row_share_a_name_that_is_never_next_to_another_line() {
        use MarkKind::{ConnectTimeout, IdleTimeout, KeepAlive, Timeout};
        let both = [(KeepAlive, 5.2), (IdleTimeout, 5.5)];
        let wide = ["idle timeout 5.5 s, keep-alive 5.2 s", "", "", "", "", ""];
        assert_eq!(named(&both, 6, 40), wide);
        // A name that is too long goes on in the row below, or begins in the row above.
        assert_eq!(named(&both, 6, 22), ["idle timeout 5.5 s,", "keep-alive 5.2 s", "", "", "", ""]);
        let above_another = [(Timeout, 4.0), (KeepAlive, 5.2), (IdleTimeout, 5.5)];
        let names = ["", "idle timeout 5.5 s,", "keep-alive 5.2 s", "timeout 4 s", "", "", "", ""];
        assert_eq!(named(&above_another, 8, 22)[..], names);
        // With lines above and below, the other names are counted.
        let between = [(Timeout, 4.0), (KeepAlive, 5.2), (IdleTimeout, 5.5), (ConnectTimeout, 6.0)];
        let names = ["", "connect timeout 6 s", "idle timeout 5.5 s, +1", "timeout 4 s, finding 2", "", "", "", ""];
        assert_eq!(named(&between, 8, 23)[..], names);
        assert_eq!(named(&[(IdleTimeout, 0.0)], 1, 34), ["idle timeout 0 ms, finding 2"]);
    }

    /// The lines below the bins of a chart of gaps that ends at 8 s.
    fn times_of_gaps(idle_timeout: f64, width: usize, glyphs: Glyphs) -> Vec<String> {
        let bins = LagBins {
            start: Duration::from_secs(2),
            width: Duration::from_millis(150),
            failures: vec![0; 40],
            controls: vec![0; 40],
        };
        let lags = LagCounts { failures: 1, controls: 1, all: bins.clone(), near: bins };
        let outcome = Outcome::ClosedBeforeResponse;
        let subject = "api".to_owned();
        let chart = LagChart { finding: 0, subject, outcome, lags: &lags, keep_alive: 4.998, idle_timeout };
        let rows = lags_picture(&chart, width, glyphs);
        let text = |row: Vec<Run>| row.into_iter().map(|(_, text)| text).collect::<String>().trim_end().to_owned();
        rows.into_iter().skip(2).map(text).collect()
    }

    #[test]
    fn gaps_are_shown_with_both_timeouts() {
        let axis = "         2 s                4.998 s keep-alive";
        let beyond = format!("{axis:<51}idle timeout 60 s →");
        assert_eq!(times_of_gaps(60.0, 70, UNICODE), [beyond.as_str()]);
        assert_eq!(times_of_gaps(60.0, 70, ASCII), [beyond.replace('→', ">")]);
        // If the idle timeout is within the bins, or there is no room, it has a line of its own.
        let within = format!("{:29}idle timeout 5 s", "");
        assert_eq!(times_of_gaps(5.0, 70, UNICODE), [axis, &within]);
        let rows = times_of_gaps(60.0, 50, UNICODE);
        assert!(rows.len() == 2 && rows[1].ends_with("  idle timeout 60 s →"), "{rows:?}");
        assert!(rows.iter().all(|row| row.width() <= 50), "{rows:?}");
        assert_eq!(times_of_gaps(60.0, 10, UNICODE).len(), 2);
    }

    #[test]
    fn each_character_takes_one_column() {
        for glyphs in [UNICODE, ASCII] {
            let own = [
                glyphs.idle_timeout,
                glyphs.line,
                glyphs.vertical,
                glyphs.horizontal,
                glyphs.tick,
                glyphs.corner,
                glyphs.beyond,
            ];
            let all: Vec<char> = own.iter().chain(glyphs.shades).chain(glyphs.levels).copied().collect();
            assert!(all.iter().all(|character| character.to_string().width() == 1));
            let failures = Outcome::ALL.iter().filter(|outcome| outcome.is_failure());
            for symbol in failures.map(|outcome| (glyphs.symbol)(Look::of(*outcome))) {
                assert!(!all.contains(&symbol), "{symbol} has two meanings");
            }
        }
    }
}
