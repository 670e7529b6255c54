//! The legend of the heatmaps.

use super::builder::SheetBuilder;
use super::design::{BODY, LABEL, SHADES, shade_of};
use crate::plot::sheet::{Anchor, Area};
use crate::report::chart::Look;

/// The same in the legend, the width of a symbol there, and the gap between two entries.
pub(super) const LEGEND_LINE: f32 = 20.0;
const LEGEND_SYMBOL: f32 = 22.0;
const LEGEND_GAP: f32 = 24.0;

impl SheetBuilder {
    /// The lines of the legend, each with as many entries as fit in `width`.
    pub(super) fn legend_lines(&self, width: f32) -> Vec<Vec<(Look, String)>> {
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
    pub(super) fn legend(&mut self, lines: Vec<Vec<(Look, String)>>, area: Area) {
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
}
