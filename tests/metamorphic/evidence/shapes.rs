//! The course of a finding's failures over time, by rules of its own: those of `docs/diagnosis.md`.

use albscope::Timestamp;
use albscope::diagnose::Shape;

use super::reader::SECOND;
use super::recount::Recount;
use super::words::{holds, same};

/// Whether the episodes and the shape are those that the lines have.
pub(crate) fn check(recount: &Recount<'_>) -> Result<(), String> {
    let pattern = &recount.finding.time_pattern;
    // Of a finding from the outcome alone, nobody looked at it.
    if pattern.episodes.is_empty() || !recount.failed.is_exact() || recount.is_of_many {
        return Ok(());
    }
    let times: Vec<i64> = recount.failed.certain.iter().map(|request| request.sent).collect();
    let (first, last) = (times[0], times[times.len() - 1]);
    let pauses: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = (last - first) as f64 / pauses.len().max(1) as f64;
    let limit = (30.0 * SECOND as f64).max(mean * 4.0);
    let episodes = 1 + pauses.iter().filter(|pause| **pause as f64 > limit).count();
    let ends = recount.all.iter().map(|request| request.ended);
    let log = (ends.clone().max().unwrap_or_default() - ends.min().unwrap_or_default()) as f64;
    let longest = pauses.iter().copied().max().unwrap_or_default() as f64;
    let is_long = (last - first) as f64 >= log / 2.0 || mean >= 30.0 * SECOND as f64;
    let early = times.iter().filter(|time| (**time - first) * 3 <= last - first).count();
    let shape = match () {
        () if times.len() < 5 => None,
        () if is_long && mean >= SECOND as f64 && longest <= mean * 8.0 => Some(Shape::Trickle),
        () if episodes >= 3 => Some(Shape::Pulses),
        () if early * 6 >= times.len() => Some(Shape::Step),
        () => Some(Shape::Ramp),
    };
    holds(pattern.shape == shape, &format!("counted {shape:?}, said {:?}", pattern.shape))?;
    same(if shape == Some(Shape::Trickle) { 1 } else { episodes }, pattern.episodes.len(), 0)?;
    let said = |at: usize| [pattern.episodes[at].first, pattern.episodes[at].last].map(Timestamp::as_micros);
    let [begins, ends] = [said(0)[0], said(pattern.episodes.len() - 1)[1]];
    holds((begins - first).abs() <= 200 && (ends - last).abs() <= 200, "the episodes begin or end at another time")?;
    // People read these words, too.
    match shape {
        Some(Shape::Step) => holds(early * 6 >= times.len(), "a sudden start with few in the first third"),
        Some(Shape::Ramp) => {
            let late = times.iter().filter(|time| (**time - first) * 3 > (last - first) * 2).count();
            holds(late > early, "more and more often, but not more at the end than at the beginning")
        }
        _ => Ok(()),
    }
}
