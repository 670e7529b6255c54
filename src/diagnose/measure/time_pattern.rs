//! When failures came: their episodes, and the shape of their course.

use std::time::Duration;

use serde::Serialize;

use crate::aggregate::Span;
use crate::timestamp::Timestamp;

/// Failures further apart than this, and than [`EPISODE_GAPS`] times their mean gap, are in different episodes.
const MIN_GAP: Duration = Duration::from_secs(30);
const EPISODE_GAPS: f64 = 4.0;

/// Failures at random times now and then have a gap this many times as long as the mean gap. A trickle has no longer
/// ones.
const GAP_FACTOR: f64 = 8.0;

/// This many episodes or more are pulses.
const MIN_PULSES: usize = 3;

/// Fewer failures than this have no shape.
const MIN_FOR_SHAPE: usize = 5;

/// How failures of one cause come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// They begin suddenly and at full rate: a change, a crash, a cut.
    Step,
    /// They become more and more frequent: load, or something that leaks.
    Ramp,
    /// They come and go several times.
    Pulses,
    /// Few at a time, for at least half of the log.
    Trickle,
}

impl Shape {
    /// For people: how they came.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Step => "with a sudden start",
            Self::Ramp => "more and more often",
            Self::Pulses => "now and again",
            Self::Trickle => "a trickle",
        }
    }
}

/// The course of one finding's failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimePattern {
    /// First and last dispatch of each episode's failures, in the order of time. Empty if only their outcome was looked
    /// at.
    pub episodes: Vec<Span>,
    /// `None` if there are fewer than five failures, or if only their outcome was looked at.
    pub shape: Option<Shape>,
}

impl TimePattern {
    /// Adds the episodes of another; those that overlap or nearly meet become one. The shape stays, unless there is
    /// none, or the failures now come and go.
    pub(in crate::diagnose) fn absorb(&mut self, other: Self) {
        self.episodes.extend(other.episodes);
        self.episodes.sort_by_key(|episode| (episode.first, episode.last));
        self.episodes.dedup_by(|next, episode| {
            let is_same = next.first.since(episode.last) <= MIN_GAP;
            if is_same {
                episode.last = episode.last.max(next.last);
            }
            is_same
        });
        self.shape = match self.shape.or(other.shape) {
            Some(Shape::Step | Shape::Ramp) if self.episodes.len() >= MIN_PULSES => Some(Shape::Pulses),
            shape => shape,
        };
    }
}

/// The course of failures in a log of the span `log_span`. `times` are their dispatch times, sorted.
pub(in crate::diagnose) fn time_pattern(times: &[Timestamp], log_span: Span) -> TimePattern {
    let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return TimePattern::default() };
    let mean_gap = seconds(first, last) / (times.len().max(2) - 1) as f64;
    let gap = MIN_GAP.max(Duration::from_secs_f64(mean_gap * EPISODE_GAPS));
    let spans: Vec<Span> = episodes(times, gap)
        .into_iter()
        .map(|episode| Span { first: times[episode.start], last: times[episode.end - 1] })
        .collect();
    let whole = seconds(log_span.first, log_span.last).max(1.0);
    // Sparse, and without gaps that are long compared with the mean gap: one thing that goes on.
    let longest_gap = times.windows(2).map(|pair| seconds(pair[0], pair[1])).fold(0.0, f64::max);
    let is_long = seconds(first, last) >= whole / 2.0 || mean_gap >= MIN_GAP.as_secs_f64();
    let is_trickle = is_long && longest_gap <= GAP_FACTOR * mean_gap && mean_gap >= 1.0;
    let shape = if times.len() < MIN_FOR_SHAPE {
        None
    } else if is_trickle {
        Some(Shape::Trickle)
    } else if spans.len() >= MIN_PULSES {
        Some(Shape::Pulses)
    } else {
        let end_of_first_third = first.plus_micros(last.micros_since(first) / 3);
        let early = times.partition_point(|time| *time <= end_of_first_third);
        // Evenly spread, a third of them would be early.
        Some(if early * 6 >= times.len() { Shape::Step } else { Shape::Ramp })
    };
    if shape == Some(Shape::Trickle) {
        return TimePattern { episodes: vec![Span { first, last }], shape };
    }
    TimePattern { episodes: spans, shape }
}

/// Runs of `times` (sorted) without a gap longer than `gap`, as ranges of indices.
pub(in crate::diagnose) fn episodes(times: &[Timestamp], gap: Duration) -> Vec<std::ops::Range<usize>> {
    let limit = i64::try_from(gap.as_micros()).unwrap_or(i64::MAX);
    let mut start = 0;
    let runs = times.chunk_by(|one, next| next.micros_since(*one) <= limit).map(|run| {
        let range = start..start + run.len();
        start = range.end;
        range
    });
    runs.collect()
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.micros_since(from) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG_SPAN: Span = Span { first: Timestamp::from_seconds(0), last: Timestamp::from_seconds(7_200) };

    fn shape_of(seconds: impl IntoIterator<Item = i64>) -> (usize, Option<Shape>) {
        let times: Vec<Timestamp> = seconds.into_iter().map(Timestamp::from_seconds).collect();
        let time_pattern = time_pattern(&times, LOG_SPAN);
        (time_pattern.episodes.len(), time_pattern.shape)
    }

    #[test]
    fn shapes_are_recognised() {
        assert_eq!(shape_of((0..60).map(|number| 2_400 + number * 5)), (1, Some(Shape::Step)));
        assert_eq!(shape_of((0..60).map(|number| 2_400 + number * 5).chain(5_000..5_020)), (2, Some(Shape::Step)));
        // One more in each step of ten seconds than in the one before.
        let growing = (0..14).flat_map(|second| (0..=second).map(move |_| 1_000 + second * 10));
        assert_eq!(shape_of(growing), (1, Some(Shape::Ramp)));
        assert_eq!(
            shape_of((0..5).flat_map(|pulse| (0..10).map(move |at| 600 + pulse * 900 + at))),
            (5, Some(Shape::Pulses))
        );
        assert_eq!(shape_of((0..40).map(|number| 100 + number * 170 + number % 7)), (1, Some(Shape::Trickle)));
        // Ten of them in an hour of a log of two are none that begin suddenly.
        assert_eq!(shape_of((0..10).map(|number| 3_000 + number * 380)), (1, Some(Shape::Trickle)));
        assert_eq!(shape_of([100, 200]), (1, None));
        assert_eq!(shape_of([]), (0, None));
    }

    #[test]
    fn episodes_at_the_same_time_are_one() {
        let pattern = |episodes: &[(i64, i64)]| TimePattern {
            episodes: episodes
                .iter()
                .map(|(first, last)| Span {
                    first: Timestamp::from_seconds(*first),
                    last: Timestamp::from_seconds(*last),
                })
                .collect(),
            shape: Some(Shape::Step),
        };
        let mut same = pattern(&[(100, 200), (900, 950)]);
        same.absorb(pattern(&[(150, 220), (240, 260), (880, 910)]));
        assert_eq!(same, pattern(&[(100, 260), (880, 950)]));
        same.absorb(pattern(&[(5_000, 5_001)]));
        assert_eq!((same.episodes.len(), same.shape), (3, Some(Shape::Pulses)));
    }
}
