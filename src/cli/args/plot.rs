//! Where `analyze` draws the pictures of a report.

use std::path::PathBuf;

use albscope::plot::PlotFormat;
use clap::ValueHint;

use super::headings;

/// The pictures of a report as a file.
#[derive(Debug, clap::Args)]
pub(crate) struct PlotArgs {
    /// Also draw the report's pictures into this file; its extension is .svg or .png
    #[arg(help_heading = headings::OUTPUT, long = "plot", value_name = "FILE", value_hint = ValueHint::FilePath, value_parser = parse_plot)]
    pub(crate) file: Option<PlotFile>,
}

/// A file to draw into.
#[derive(Clone, Debug)]
pub(crate) struct PlotFile {
    pub(crate) path: PathBuf,
    pub(crate) format: PlotFormat,
}

/// Checks the extension immediately, not after all logs have been read.
fn parse_plot(text: &str) -> Result<PlotFile, String> {
    let path = PathBuf::from(text);
    match PlotFormat::of(&path) {
        Some(format) => Ok(PlotFile { path, format }),
        None => Err("expected a name that ends in .svg or .png".to_owned()),
    }
}
