//! The characters and colours that pictures are made of. Nothing depends on colour alone: shades are for requests,
//! symbols for failures.

use anstyle::{Ansi256Color, AnsiColor, Effects, Style as Paint};

use crate::report::chart::Look;
use crate::report::plain::shortened_by;

pub(super) const PLAIN: Paint = Paint::new();
pub(super) const FAINT: Paint = Paint::new().effects(Effects::DIMMED);
pub(super) const OF_IDLE_TIMEOUT: Paint = Paint::new().effects(Effects::BOLD);
pub(super) const OF_LINES: Paint = AnsiColor::Cyan.on_default();

/// Text in one style.
pub(super) type StyledText = (Paint, String);

/// The characters that pictures are made of. Each takes one column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyphs {
    /// From few requests to many.
    pub(super) shades: &'static [char],
    /// The symbol of a failure.
    pub(super) symbol: fn(Look) -> char,
    /// Levels of a sparkline, from few to many; the first is for 0.
    pub(super) levels: &'static [char],
    pub(super) idle_timeout: char,
    pub(super) line: char,
    pub(super) vertical: char,
    pub(super) horizontal: char,
    pub(super) tick: char,
    pub(super) corner: char,
    /// Points to what is beyond the right end of the picture.
    pub(super) beyond: char,
    /// Marks where a text was cut.
    pub(super) cut: &'static str,
}

pub(super) const UNICODE: Glyphs = Glyphs {
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

pub(super) const ASCII: Glyphs = Glyphs {
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

pub(super) fn paint_of(look: Look) -> Paint {
    Ansi256Color(look.colour().terminal).on_default().effects(Effects::BOLD)
}
