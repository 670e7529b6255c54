//! `albscope explain`

mod cause;
mod page;
mod topic;

use std::ffi::OsStr;
use std::io::{self, Read, Write};

use albscope::classify::{Elapsed, Exchange, classify};
use albscope::diagnose::first_cause::causes_of;
use albscope::kind::{self, Alb};
use albscope::knowledge::causes::CAUSES;
use albscope::record::{Bounds, MAX_LINE_BYTES, ReadKind, Record};
use albscope::report::plain::shortened;
use anyhow::{Context, bail};

use super::args::ExplainArgs;
use super::exit::Exit;
use super::terminal::output_width;

/// Characters of a field that are shown.
const MAX_FIELD_CHARACTERS: usize = 160;

pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let mut out = Vec::new();
    match (&args.line, &args.topic) {
        (Some(line), _) => explain_line(&line_of(line)?, &mut out)?,
        (None, Some(word)) => {
            if !topic::write(word, output_width(), &mut out)? {
                let word = shortened(word, MAX_FIELD_CHARACTERS);
                bail!("\"{word}\" is no cause, outcome, status, code of error_reason or field; {}", next_step(&word));
            }
        }
        (None, None) => list(&mut out)?,
    }
    io::stdout().write_all(&out)?;
    Ok(Exit::Done)
}

/// What to type instead of a word that is nothing.
fn next_step(word: &str) -> String {
    let similar = topic::similar(word);
    if similar.is_empty() {
        return "albscope explain lists the causes".to_owned();
    }
    format!("did you mean {}?", similar.join(", or "))
}

fn list(out: &mut dyn Write) -> io::Result<()> {
    let width = CAUSES.iter().map(|cause| cause.id.len()).max().unwrap_or_default();
    for cause in CAUSES {
        writeln!(out, "{:width$}  {}", cause.id, cause.title)?;
    }
    Ok(())
}

fn line_of(argument: &OsStr) -> anyhow::Result<Vec<u8>> {
    if argument != "-" {
        return Ok(argument.as_encoded_bytes().trim_ascii().to_vec());
    }
    let mut line = Vec::new();
    io::stdin().take(MAX_LINE_BYTES as u64).read_to_end(&mut line).context("cannot read standard input")?;
    let first = line.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    Ok(first.trim_ascii().to_vec())
}

fn explain_line(line: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut bounds = Bounds::default();
    let record: Record<'_, Alb> = match Record::parse(line, &mut bounds) {
        Ok(record) => record,
        Err(problem) => {
            bail!("this is not a line of an access log: {}", kind::problem_of(line, Alb::KIND, problem).title())
        }
    };
    let fields = Alb::SCHEMA.fields;
    let width = fields.iter().map(|field| field.name.len()).max().unwrap_or_default();
    for (index, field) in fields.iter().enumerate() {
        let value = match (record.bytes(index), record.value(index)) {
            (None, _) => "(the line ends before this field)".to_owned(),
            (Some(_), None) => "-".to_owned(),
            (Some(_), Some(value)) => shortened(&String::from_utf8_lossy(value), MAX_FIELD_CHARACTERS),
        };
        writeln!(out, "{:>2}  {:width$}  {value}", index + 1, field.name)?;
        writeln!(out, "    {:width$}  {}", "", field.meaning)?;
    }
    if !record.unknown_tail().is_empty() {
        let tail = shortened(&String::from_utf8_lossy(record.unknown_tail()), MAX_FIELD_CHARACTERS);
        writeln!(out, "    {:width$}  {tail} (fields that this version does not know)", "and more")?;
    }
    let exchange = record.exchange().map_err(|problem| anyhow::anyhow!("{}", problem.title()))?;
    let outcome = classify(&exchange);
    writeln!(out, "\nelapsed  {}", elapsed(&exchange))?;
    writeln!(out, "outcome  {}: {}; answered by the {}", outcome.id(), outcome.title(), outcome.answered_by().title())?;
    let causes = causes_of(outcome);
    if causes.is_empty() {
        writeln!(out, "causes   none: a request with this outcome does not count as failed")?;
    }
    for (index, cause) in causes.iter().enumerate() {
        let label = if index == 0 { "causes" } else { "" };
        writeln!(out, "{label:<9}{}: {}", cause.id, cause.title)?;
    }
    if causes.len() > 1 {
        writeln!(out, "\nOne line is not enough to distinguish them; albscope analyze looks at all lines together.")?;
    }
    Ok(())
}

fn elapsed(exchange: &Exchange<'_>) -> String {
    match exchange.elapsed {
        Elapsed::Exact(elapsed) => format!("{:.3} s (time - request_creation_time)", elapsed.as_secs_f64()),
        Elapsed::FromTraceId(elapsed) => {
            format!("{:.3} s, or up to a second less (trace_id has only the second)", elapsed.as_secs_f64())
        }
        Elapsed::Unknown => "unknown".to_owned(),
    }
}
