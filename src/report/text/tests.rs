//! Pictures of small charts.

use std::collections::BTreeMap;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::cells::Cells;
use super::columns::{bins_of, by_column, is_middle};
use super::gaps::lags as lags_picture;
use super::glyphs::{ASCII, Glyphs, StyledText, UNICODE};
use super::heatmap::timing;
use super::line_names::names;
use crate::classify::Outcome;
use crate::diagnose::{LagBins, LagCounts};
use crate::report::chart::{self, FailedCell, LagChart, Look, TimeoutLine};
use crate::report::numbers::duration;
use crate::report::pictures::MarkKind;

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
    let middles = |columns, bins| (0..columns).filter(|&column| is_middle(column, columns, bins)).collect::<Vec<_>>();
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
    chart.failed = vec![FailedCell { time: 0, elapsed: 1, outcome: Outcome::TargetError, requests: 1 }];
    let picture = timing(&chart, 60, UNICODE);
    let rows: Vec<String> = picture.into_iter().map(|row| row.into_iter().map(|(_, text)| text).collect()).collect();
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

fn line(kind: MarkKind, seconds: f64) -> TimeoutLine {
    let label = format!("{} {}", kind.title(), duration(seconds));
    TimeoutLine { kind, seconds, label, source: "finding 2".to_owned() }
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
    let text = |row: Vec<StyledText>| row.into_iter().map(|(_, text)| text).collect::<String>().trim_end().to_owned();
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
