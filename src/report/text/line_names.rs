//! The names of timeouts beside a heatmap.

use unicode_width::UnicodeWidthStr;

use super::glyphs::{OF_IDLE_TIMEOUT, OF_LINES, StyledText};
use crate::report::chart::{TimeoutLine, TimingChart};
use crate::report::pictures::MarkKind;

/// The text beside each row: the names of its lines, that of the idle timeout first. Names that do not fit go on in
/// neighbouring rows without a line, so that no name is next to another line.
pub(super) fn names(
    chart: &TimingChart,
    rows: usize,
    right: usize,
    row_of: impl Fn(f64) -> usize,
) -> Vec<Option<StyledText>> {
    let room = right.saturating_sub(1);
    let mut lines: Vec<Vec<&TimeoutLine>> = vec![Vec::new(); rows];
    for line in &chart.lines {
        lines[row_of(chart.elapsed.position(line.seconds))].push(line);
    }
    let mut names: Vec<Option<StyledText>> = vec![None; rows];
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
fn shared_name(lines: &[&TimeoutLine], room: usize) -> Vec<String> {
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
fn counted_name(lines: &[&TimeoutLine], room: usize) -> String {
    let counted = format!("{}, +{}", lines[0].label, lines.len() - 1);
    if counted.width() <= room { counted } else { lines[0].label.clone() }
}
