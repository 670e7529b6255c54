//! The keep-alive race: failures that come a fixed time after an earlier answer on the same node and target.
//!
//! When a target closes connections that were idle for K, and the load balancer reuses one just then, the failing request comes K after *some* earlier answer on the same pair:
//! the last one on that connection. All other lags between it and earlier answers are background, and successful requests on the same pair show what the background looks like. So the lags
//! of failures are held against those of such controls, in bins of several widths, and a bin counts only if it could not be chance.

use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;
use serde::{Serialize, Serializer};

use crate::aggregate::timeline::Passage;
use crate::classify::Outcome;
use crate::diagnose::{MAX_IDLE_TIMEOUT, seconds_of};
use crate::knowledge::servers::{KeepAlive as ServerKeepAlive, SERVERS, Server};
use crate::timestamp::Timestamp;

/// A target that closes a connection it had given up ends the request sooner than this.
const MAX_TOOK: Duration = Duration::from_millis(500);

/// Shorter lags are those of connections in use.
const MIN_LAG: Duration = Duration::from_millis(800);

/// Controls lie this close to their failure, so that both see the same traffic.
const CONTROLS_WITHIN: Duration = Duration::from_mins(10);

/// Controls for each failure.
const CONTROLS: usize = 10;

/// Failures looked at; more add nothing to the certainty.
const MAX_FAILURES: usize = 200;

/// Widths of the bins: timers of the kernel and of event loops are sharp, supervisors look once a second or so.
const WIDTHS: [Duration; 5] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
];

/// Failures of a pair that follow each other sooner than this met one event: only the first of them counts, or the lags of a burst would count many times.
const BURST: Duration = Duration::from_millis(20);

/// The chance, over all bins and widths, that the best bin is one by accident.
const MAX_CHANCE: f64 = 0.001;

/// Failures that the bin must hold, how large a share of all that must be, and how many times the share of the controls.
const MIN_HITS: usize = 6;
const MIN_COVERAGE: f64 = 0.5;
const MIN_LIFT: f64 = 1.5;

/// Lags that spread over more than this part of the timeout are smeared.
const SMEAR_DIVISOR: u32 = 20;

/// What the lags of a target group's failures say of a race.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::diagnose) enum Lags {
    /// They pile up at the target's keep-alive timeout.
    Peak(KeepAlive),
    /// Whatever timeout a server has by default, they would have shown it, and show none.
    NoPeak,
    /// Too few, or too much like those of answered requests, to tell.
    Unclear,
}

/// What the lags tell.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::diagnose) struct KeepAlive {
    /// The target's keep-alive timeout: the median of the lags in the bin, or, where they are smeared, their front.
    pub(in crate::diagnose) timeout: Duration,
    /// Between which the middle eight in ten of them lie.
    pub(in crate::diagnose) interval: (Duration, Duration),
    /// Failures that have such a lag, and all that were looked at.
    pub(in crate::diagnose) hits: usize,
    pub(in crate::diagnose) failures: usize,
    /// The share of controls that have such a lag.
    pub(in crate::diagnose) control_share: f64,
    /// All lags, to be drawn.
    pub(in crate::diagnose) drawn: Arc<LagCounts>,
}

/// Bins over all lags.
const ALL_BINS: u32 = 128;

/// Bins to each side of the one in which failures pile up.
const NEAR_BINS: u32 = 20;

/// That bin holds the middle eight in ten of them, and half as much to its sides; it is no narrower than this, in milliseconds.
const MIN_NEAR_WIDTH: u32 = 20;

/// How many failed and how many answered requests had an earlier answer on the same node and target how long before: what shows a keep-alive race to the eye.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LagCounts {
    /// Failed requests that were looked at.
    pub failures: usize,
    /// Answered requests near them that were.
    pub controls: usize,
    /// From nothing up to a little over the idle timeout.
    pub all: LagBins,
    /// Around the lags at which failures pile up, in finer steps.
    pub near: LagBins,
}

/// Requests by lag, in bins of one width. A request counts once in each bin in which it has a lag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LagBins {
    /// The shortest lag of the first bin.
    #[serde(rename = "start_seconds", serialize_with = "as_seconds")]
    pub start: Duration,
    /// From one bin's beginning to the next one's.
    #[serde(rename = "bin_seconds", serialize_with = "as_seconds")]
    pub width: Duration,
    /// Failed requests, by bin.
    pub failures: Vec<u32>,
    /// Answered requests, by bin; of as many bins.
    pub controls: Vec<u32>,
}

fn as_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(seconds_of(*duration))
}

impl LagCounts {
    /// The middle eight in ten of the lags that pile up lie in `peak`, and `max_lag` is the longest lag; all in milliseconds.
    fn new(failures: &[RequestLags], controls: &[RequestLags], peak: (u32, u32), max_lag: u32) -> Self {
        let (low, high) = peak;
        let width = ((high - low) * 3 / 2).max(MIN_NEAR_WIDTH);
        // So that they lie in the middle of a bin.
        let start = low.midpoint(high).saturating_sub(width / 2);
        let bins_before = (start / width).min(NEAR_BINS);
        let bins = |start, end, width| LagBins::new(failures, controls, start, end, width);
        Self {
            failures: failures.len(),
            controls: controls.len(),
            all: bins(0, max_lag, (max_lag / ALL_BINS).max(1)),
            near: bins(start - bins_before * width, (start + NEAR_BINS * width).min(max_lag), width),
        }
    }
}

impl LagBins {
    fn new(failures: &[RequestLags], controls: &[RequestLags], start: u32, end: u32, width: u32) -> Self {
        let bins = (end.saturating_sub(start) / width + 1) as usize;
        let count = |requests: &[RequestLags]| {
            let mut counts = vec![0; bins];
            for lags in requests {
                let mut places: Vec<usize> = lags
                    .iter()
                    .filter_map(|lag| Some((lag.checked_sub(start)? / width) as usize))
                    .filter(|place| *place < bins)
                    .collect();
                places.dedup();
                for place in places {
                    counts[place] += 1;
                }
            }
            counts
        };
        Self {
            start: Duration::from_millis(start.into()),
            width: Duration::from_millis(width.into()),
            failures: count(failures),
            controls: count(controls),
        }
    }
}

impl KeepAlive {
    /// The share of failures that have such a lag.
    pub(in crate::diagnose) fn coverage(&self) -> f64 {
        self.hits as f64 / self.failures as f64
    }
}

/// Whether a request may have been lost in such a race: it was sent, and closed nearly at once.
pub(in crate::diagnose) fn may_be_race(passage: &Passage) -> bool {
    passage.outcome == Outcome::ClosedBeforeResponse && passage.took() <= MAX_TOOK
}

/// A pair's requests in the order in which they ended, and which of its failures to look at.
#[derive(Default)]
pub(in crate::diagnose) struct PairHistory {
    pub(in crate::diagnose) passages: Vec<Passage>,
    /// Failures of this pair that nothing else explains.
    pub(in crate::diagnose) failures: Vec<Passage>,
}

/// The lags of one request: sorted, each once.
type RequestLags = Vec<u32>;

/// Lags are kept in milliseconds.
fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Estimates the keep-alive timeout of targets that share one, from their pairs. No lag is longer than `idle_timeout`, after which the load balancer itself closes.
pub(in crate::diagnose) fn estimate(pairs: &[PairHistory], idle_timeout: Duration) -> Lags {
    let events: Vec<(&PairHistory, &Passage)> =
        pairs.iter().flat_map(|pair| events(&pair.failures).map(move |failure| (pair, failure))).collect();
    let stride = events.len().div_ceil(MAX_FAILURES).max(1);
    let idle_timeout = idle_timeout.min(MAX_IDLE_TIMEOUT);
    let max_lag = idle_timeout + idle_timeout / 20;
    let (failures, controls): (Vec<RequestLags>, Vec<Vec<RequestLags>>) = events
        .par_iter()
        .step_by(stride)
        .map(|(PairHistory { passages, .. }, failure)| {
            let lags_of = |passage: &Passage| lags(passages, passage.dispatched, max_lag);
            (lags_of(failure), controls_of(passages, failure).map(lags_of).collect())
        })
        .unzip();
    let controls: Vec<RequestLags> = controls.into_iter().flatten().collect();
    match best_bin(&failures, &controls, millis(max_lag)) {
        Some(found) => Lags::Peak(found),
        None if would_show(&failures, &controls, millis(max_lag)) => Lags::NoPeak,
        None => Lags::Unclear,
    }
}

/// Whether a race would have been found at whatever timeout nearly all servers have by default.
fn would_show(failures: &[RequestLags], controls: &[RequestLags], max_lag: u32) -> bool {
    /// Of the failures of a race, so many have their lag at the timeout; the connections of the rest were used last before the log begins.
    const USUAL_COVERAGE: f64 = 0.8;
    /// Timers that fire so late, of which there are few, would not be seen anyway.
    const MAX_STRETCH: u32 = 1_300;
    let mut known = known_timeouts(max_lag);
    known.retain(|(start, end)| end - start <= MAX_STRETCH);
    let ln_tried = (known.len().max(1) as f64).ln();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "fewer than the failures")]
    let hits = (failures.len() as f64 * USUAL_COVERAGE) as usize;
    hits >= MIN_HITS
        && controls.len() >= failures.len()
        && known.into_iter().all(|(start, end)| {
            let share = (hits_of(controls, start, end) as f64 + 1.0) / (controls.len() as f64 + 2.0);
            USUAL_COVERAGE >= MIN_LIFT * share
                && ln_binomial_tail(failures.len(), hits, share) + ln_tried <= MAX_CHANCE.ln()
        })
}

/// How many requests have a lag from `start` up to `end`.
fn hits_of(requests: &[RequestLags], start: u32, end: u32) -> usize {
    requests.iter().filter(|lags| first_in(lags, start, end).is_some()).count()
}

/// The shortest lag of a request from `start` up to `end`.
fn first_in(lags: &RequestLags, start: u32, end: u32) -> Option<u32> {
    lags.get(lags.partition_point(|lag| *lag < start)).copied().filter(|lag| *lag < end)
}

/// The first failure of each burst.
fn events(failures: &[Passage]) -> impl Iterator<Item = &Passage> {
    let burst = i64::try_from(BURST.as_micros()).unwrap_or(i64::MAX);
    let is_same = move |one: &Passage, next: &Passage| next.dispatched.micros_since(one.dispatched).abs() <= burst;
    failures.chunk_by(is_same).filter_map(|burst| burst.first())
}

/// The times since earlier answers on the pair.
fn lags(passages: &[Passage], dispatched: Timestamp, max_lag: Duration) -> RequestLags {
    let before = passages.partition_point(|passage| passage.ended < dispatched);
    let mut lags: RequestLags = passages[..before]
        .iter()
        .rev()
        .map_while(|passage| {
            let lag = Duration::from_micros(u64::try_from(dispatched.micros_since(passage.ended)).ok()?);
            (lag <= max_lag).then_some((lag, passage))
        })
        // Only an answered request leaves its connection open.
        .filter(|(lag, passage)| *lag >= MIN_LAG && !passage.outcome.is_failure())
        .map(|(lag, _)| millis(lag))
        .collect();
    lags.dedup();
    lags
}

/// Answered requests near a failure, evenly spread over those there are.
fn controls_of<'a>(passages: &'a [Passage], failure: &Passage) -> impl Iterator<Item = &'a Passage> {
    let reach = i64::try_from(CONTROLS_WITHIN.as_micros()).unwrap_or(i64::MAX);
    let from = passages.partition_point(|passage| passage.ended < failure.dispatched.plus_micros(-reach));
    let to = passages.partition_point(|passage| passage.ended < failure.dispatched.plus_micros(reach));
    let near = &passages[from..to];
    let stride = near.len().div_ceil(CONTROLS).max(1);
    near.iter().step_by(stride).filter(|passage| !passage.outcome.is_failure())
}

/// A stretch of lags, and the logarithm of how many such were looked at.
#[derive(Clone, Copy)]
struct Bin {
    start: u32,
    end: u32,
    ln_tried: f64,
}

fn best_bin(failures: &[RequestLags], controls: &[RequestLags], max_lag: u32) -> Option<KeepAlive> {
    if failures.len() < MIN_HITS || controls.len() < failures.len() {
        return None;
    }
    let mut best: Option<(f64, Bin)> = None;
    let mut consider = |bin: Bin, hits: usize, control_hits: usize| {
        if hits < MIN_HITS {
            return;
        }
        // One more hit and one more miss than seen: a few controls never prove that there are none.
        let share = (control_hits as f64 + 1.0) / (controls.len() as f64 + 2.0);
        let coverage = hits as f64 / failures.len() as f64;
        if coverage < MIN_COVERAGE || coverage < MIN_LIFT * share {
            return;
        }
        let chance = ln_binomial_tail(failures.len(), hits, share) + bin.ln_tried;
        if best.is_none_or(|(least, _)| chance < least) {
            best = Some((chance, bin));
        }
    };
    let steps = |width: u32| (width / 2, (max_lag / (width / 2)) as usize + 1);
    let ln_tried = WIDTHS.map(|width| steps(millis(width)).1 as f64).iter().sum::<f64>().ln();
    let counted = WIDTHS.into_par_iter().map(millis).map(|width| {
        // Bins overlap by half, so that no peak is cut in two.
        let (step, bins) = steps(width);
        let hits = rayon::join(|| hits_by_bin(failures, step, bins), || hits_by_bin(controls, step, bins));
        (width, step, hits)
    });
    for (width, step, (hits, control_hits)) in counted.collect::<Vec<_>>() {
        for ((start, hits), control_hits) in (0..).step_by(step as usize).zip(hits).zip(control_hits) {
            consider(Bin { start, end: start + width, ln_tried }, hits, control_hits);
        }
    }
    // What servers do by default is worth a look of its own: few stretches, so that fewer failures prove one.
    let known = known_timeouts(max_lag);
    let ln_tried = (known.len().max(1) as f64).ln();
    for (start, end) in known {
        consider(Bin { start, end, ln_tried }, hits_of(failures, start, end), hits_of(controls, start, end));
    }
    let (chance, Bin { start, end, .. }) = best?;
    if chance > MAX_CHANCE.ln() {
        return None;
    }
    let mut peak: Vec<u32> = failures.iter().filter_map(|lags| first_in(lags, start, end)).collect();
    peak.sort_unstable();
    let at = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
        let place = (peak.len() as f64 * share) as usize;
        Duration::from_millis(u64::from(peak[place.min(peak.len() - 1)]))
    };
    let control_share = hits_of(controls, start, end) as f64 / controls.len() as f64;
    let interval = (at(0.1), at(0.9));
    // A timer that is looked at now and then fires late, never early: where the lags are smeared, the timeout is at their front.
    let is_smeared = interval.1.saturating_sub(interval.0) > interval.0 / SMEAR_DIVISOR;
    let found = KeepAlive {
        timeout: if is_smeared { front(interval) } else { at(0.5) },
        interval,
        hits: peak.len(),
        failures: failures.len(),
        control_share,
        drawn: Arc::new(LagCounts::new(failures, controls, (millis(interval.0), millis(interval.1)), max_lag)),
    };
    Some(found)
}

/// The timeout behind smeared lags, from between which the middle eight in ten lie: their front; or the default of a server whose timer fires as late as that, or the whole second
/// that it is as near to as its error, for such timeouts are set in seconds.
fn front((low, high): (Duration, Duration)) -> Duration {
    let spread = high.saturating_sub(low);
    // A tenth of the lags lie before it.
    let front = low.saturating_sub(spread / 8);
    let default_of = |server: &&Server| match server.keep_alive {
        ServerKeepAlive::After(default) if (default..=default + server.smear / 2).contains(&front) => Some(default),
        _ => None,
    };
    if let Some(default) = SERVERS.iter().filter_map(|server| default_of(&server)).max() {
        return default;
    }
    let whole = Duration::from_secs((front + Duration::from_millis(500)).as_secs());
    if whole.abs_diff(front) <= spread * 3 / 20 { whole } else { front }
}

/// Where the lags lie when a server closes idle connections as it does by default: from its timeout to as much later as its timer may fire.
fn known_timeouts(max_lag: u32) -> Vec<(u32, u32)> {
    /// The load balancer hears of the answer's end and of the close a little later than the server.
    const EARLY: u32 = 20;
    const LATE: u32 = 150;
    let stretch = |server: &Server| match server.keep_alive {
        ServerKeepAlive::After(timeout) if millis(timeout) >= millis(MIN_LAG) + EARLY && millis(timeout) <= max_lag => {
            Some((millis(timeout) - EARLY, millis(timeout + server.smear) + LATE))
        }
        _ => None,
    };
    let mut known: Vec<(u32, u32)> = SERVERS.iter().filter_map(stretch).collect();
    known.sort_unstable();
    known.dedup();
    known
}

/// For each bin (of two steps, beginning a step after the one before) but the last, how many requests have a lag in it.
fn hits_by_bin(requests: &[RequestLags], step: u32, bins: usize) -> Vec<usize> {
    let mut hits = vec![0; bins.saturating_sub(1)];
    for lags in requests {
        // Lags are sorted: the bins up to here have counted this request, if ever.
        let mut next = 0;
        for lag in lags {
            let bin = (lag / step) as usize;
            for bin in bin.saturating_sub(1).max(next)..=bin {
                if let Some(hits) = hits.get_mut(bin) {
                    *hits += 1;
                }
                next = bin + 1;
            }
        }
    }
    hits
}

/// The logarithm of the chance of at least `hits` in `trials` when each hits with `share`.
fn ln_binomial_tail(trials: usize, hits: usize, share: f64) -> f64 {
    let ln_factorials: Vec<f64> = std::iter::once(0.0)
        .chain((1..=trials).scan(0.0, |sum, number| {
            *sum += (number as f64).ln();
            Some(*sum)
        }))
        .collect();
    let (ln_share, ln_rest) = (share.ln(), (1.0 - share).ln());
    let terms = (hits..=trials).map(|hits| {
        ln_factorials[trials] - ln_factorials[hits] - ln_factorials[trials - hits]
            + hits as f64 * ln_share
            + (trials - hits) as f64 * ln_rest
    });
    let largest = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    largest + terms.map(|term| (term - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: f64) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "a test's times are small")]
        Timestamp::from_micros((seconds * 1e6) as i64)
    }

    fn passage(dispatched: f64, ended: f64, outcome: Outcome) -> Passage {
        Passage { dispatched: at(dispatched), ended: at(ended), outcome, target_status: None, route: 0, node: 0 }
    }

    /// Answers at random moments, `rate` a second, for two hours.
    fn answers(rate: f64, dice: &mut ChaCha8Rng) -> Vec<Passage> {
        let mut now = 0.0;
        let mut passages = Vec::new();
        while now < 7_200.0 {
            now += -(1.0 - dice.random::<f64>()).ln() / rate;
            passages.push(passage(now - 0.03, now, Outcome::Ok));
        }
        passages
    }

    fn failure(dispatched: f64) -> Passage {
        passage(dispatched, dispatched + 0.004, Outcome::ClosedBeforeResponse)
    }

    #[test]
    fn failures_a_fixed_time_after_an_answer_give_the_timeout_away() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let passages = answers(1.0, &mut dice);
        let failures: Vec<Passage> = (0..30)
            .map(|number| {
                let answer = passages[200 + number * 200];
                #[expect(clippy::cast_precision_loss, reason = "a test's times are small")]
                let ended = answer.ended.as_micros() as f64 / 1e6;
                failure(ended + 5.0 + 0.01 * dice.random::<f64>())
            })
            .collect();
        let Lags::Peak(found) = estimate(&[PairHistory { passages, failures }], MINUTE) else { panic!("no peak") };
        assert!(found.timeout.abs_diff(Duration::from_secs(5)) < Duration::from_millis(50), "{found:?}");
        assert_eq!(found.hits, 30);
    }

    #[test]
    fn the_lags_that_are_drawn_show_the_peak() {
        let failures: Vec<RequestLags> =
            (0..20).map(|number| vec![1_000, 5_001 + number % 2, 40_000 + number]).collect();
        let controls: Vec<RequestLags> = (0..40).map(|number| vec![1_000 * number]).collect();
        let LagCounts { all, near, .. } = LagCounts::new(&failures, &controls, (5_001, 5_002), 63_000);
        assert_eq!((all.start, all.failures.len()), (Duration::ZERO, all.controls.len()));
        assert_eq!(near.start + near.width * 20, Duration::from_millis(4_991), "they lie in the middle of a bin");
        let highest = near.failures.iter().position(|failures| *failures == 20);
        assert_eq!((highest, near.failures.len()), (Some(20), 41));
        assert_eq!((near.failures.iter().sum::<u32>(), near.controls.iter().sum::<u32>()), (20, 1));
        assert_eq!((all.failures.iter().sum::<u32>(), all.controls.iter().sum::<u32>()), (60, 40));
    }

    #[test]
    fn failures_at_random_moments_tell_nothing() {
        for seed in 0..40 {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            // Rare answers would have shown a race; many leave little room for one.
            for (rate, expected) in [(0.2, Lags::NoPeak), (0.7, Lags::Unclear)] {
                let passages = answers(rate, &mut dice);
                let failures = (0..40).map(|_| failure(dice.random_range(100.0..7_100.0))).collect();
                let found = estimate(&[PairHistory { passages, failures }], MINUTE);
                assert_eq!(found, expected, "seed {seed}, rate {rate}");
            }
        }
    }

    #[test]
    fn a_poller_makes_no_peak_where_failures_are_random() {
        // Every five seconds an answer: most moments have one five seconds before the next, and so do the controls.
        let mut dice = ChaCha8Rng::seed_from_u64(3);
        let mut passages = answers(0.2, &mut dice);
        passages.extend((0..1_440).map(|number| {
            let ended = f64::from(number) * 5.0 + 0.004 * dice.random::<f64>();
            passage(ended - 0.003, ended, Outcome::Ok)
        }));
        passages.sort_by_key(|passage| passage.ended);
        // They hit the poller's requests as often as the others.
        let failures = (0..40)
            .map(|number| {
                let victim = passages[100 + number * 31];
                Passage { outcome: Outcome::ClosedBeforeResponse, ..victim }
            })
            .collect();
        assert!(!matches!(estimate(&[PairHistory { passages, failures }], MINUTE), Lags::Peak(_)));
    }

    #[test]
    fn a_few_failures_are_too_few() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let passages = answers(1.0, &mut dice);
        let failures = (1..5).map(|number| failure(f64::from(number) * 300.0)).collect();
        assert!(!matches!(estimate(&[PairHistory { passages, failures }], MINUTE), Lags::Peak(_)));
    }

    #[test]
    fn the_tail_of_a_binomial_is_known() {
        assert!((ln_binomial_tail(10, 10, 0.5).exp() - 0.5_f64.powi(10)).abs() < 1e-12);
        assert!((ln_binomial_tail(5, 1, 0.2).exp() - (1.0 - 0.8_f64.powi(5))).abs() < 1e-12);
    }
}
