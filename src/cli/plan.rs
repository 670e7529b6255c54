//! `--dry-run`: what a command would read.

use std::io::{self, BufWriter, Write};

use albscope::report::{Format, Plan};
use albscope::source::{Listing, Selection, Source, list_all};
use anyhow::Context;

use super::exit::Exit;
use super::inputs::OpenedInputs;
use super::progress::Shown;
use super::terminal::{complain, output_width};

/// Lists the inputs and prints what would be read.
pub(super) fn run(
    mut shown: Shown,
    inputs: &OpenedInputs,
    selection: &Selection,
    format: Format,
) -> anyhow::Result<Exit> {
    let listings: Vec<(&dyn Source, Listing)> = {
        shown.show()?;
        let cancel_token = shown.progress().cancel_token();
        let listings = list_all(&inputs.sources, selection, cancel_token);
        if cancel_token.is_cancelled() {
            return Err(albscope::Error::from(albscope::ErrorKind::Cancelled).into());
        }
        drop(shown);
        listings
    };
    let plan = Plan::new(&listings);
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match format {
        Format::Json => plan.write_json(&mut out),
        _ => plan.write_text(output_width(), &mut out),
    };
    written.and_then(|()| out.flush()).context("cannot write the plan")?;
    if !plan.problems.is_empty() {
        complain("not everything could be listed; the plan says what is missing");
    }
    Ok(inputs.exit().max(Exit::incomplete_if(!plan.problems.is_empty())))
}
