//! The keep-alive race: failures that come a fixed time after an earlier answer on the same node and target.
//!
//! A lag is the time from an earlier answer to a request's dispatch. Suppose a target closes connections that were
//! idle for K, and the load balancer reuses one just then. The failing request then comes K after *some* earlier
//! answer on the same pair of node and target: the last one on that connection. All its other lags are background.
//!
//! Answered requests on the same pair (the controls) show what the background looks like. A control must have had the
//! same chance of a lag as its failure: near it in time, with as long a log before it, and with about as many answers
//! in that time. A failure and its controls are a stratum. If the failures were no different from their controls, each
//! of the stratum would have a lag in a bin with the same chance. So the test is one within strata: it adds up over
//! them how often the failure is the one that has the lag. Failures of one burst have one cause, and are one
//! observation.
//!
//! Beside being unlikely to be chance, a bin must stand out: from the controls, from the bin before it, and in both
//! halves of the failures.

use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use super::lag_counts::{LagCounts, RequestLags};
use crate::aggregate::timeline::TimedRequest;
use crate::classify::Outcome;
use crate::diagnose::idle_timeout::MAX_IDLE_TIMEOUT;
use crate::knowledge::servers::{KeepAlive, SERVERS, Server};
use crate::timestamp::Timestamp;

/// If a target closes a connection that it had given up, the request ends sooner than this.
const MAX_TOOK: Duration = Duration::from_millis(500);

/// Shorter lags are those of connections in use.
const MIN_LAG: Duration = Duration::from_millis(800);

/// Controls end within this of the dispatch of their failure, so that both see the same traffic.
const CONTROLS_WITHIN: Duration = Duration::from_mins(10);

/// At most this many controls for each failure: those with most nearly as many answers before them.
const CONTROLS: usize = 20;

/// The controls are chosen from this many answered requests, evenly spread.
const CONTROL_CANDIDATES: usize = 60;

/// At most this many failures are looked at; more add nothing to the certainty.
const MAX_FAILURES: usize = 200;

/// Widths of the bins. Timers of the kernel and of event loops are sharp; supervisors check about once a second.
const WIDTHS: [Duration; 5] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
];

/// Failures that follow each other within this, on any node and target, may be one burst. If failures are frequent, it
/// is less: 1/`BURST_DIVISOR` of their mean gap.
const MAX_BURST_GAP: Duration = Duration::from_secs(5);
const BURST_DIVISOR: i64 = 4;

/// The highest chance, over all bins and widths, that the best bin is an accident.
const MAX_CHANCE: f64 = 0.001;

/// The best bin must hold at least this many failures.
const MIN_HITS: usize = 6;
/// It must hold at least this share of the failures whose log reaches back that far. Where half of the lines were not
/// delivered, half of the answers are missing that the others came after.
const MIN_COVERAGE: f64 = 0.35;
/// Its share of the failures must be at least this many times its share of the controls.
const MIN_LIFT: f64 = 2.0;
/// Its share of the controls must be no more than this: what many answered requests have too is no mark of failures.
const MAX_CONTROL_SHARE: f64 = 0.4;
/// The odds of a failure to have a lag there must be at least this many times those of a control.
const MIN_ODDS_RATIO: f64 = 8.0;
/// It must hold at least this many times as many failures as the bin before it: a timer fires late, never early.
const MIN_PROMINENCE: usize = 2;
/// In each half of the failures, its share must be at least this much of its share in all.
const MIN_HALF: f64 = 0.5;

/// Lags are smeared if their 10th and 90th percentile differ by more than 1/`SMEAR_DIVISOR` of the 10th.
const SMEAR_DIVISOR: u32 = 20;

/// What the lags of a target group's failures show about a race.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::diagnose) enum Lags {
    /// They pile up at the target's keep-alive timeout.
    Peak(KeepAlivePeak),
    /// There is no peak, although one would have shown at the default timeout of nearly any server.
    NoPeak,
    /// The lags are too few, or too similar to those of answered requests, to tell.
    Unclear,
}

/// A keep-alive timeout that the lags show.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::diagnose) struct KeepAlivePeak {
    /// The target's keep-alive timeout: the median of the lags in the bin, or their front if they are smeared.
    pub(in crate::diagnose) timeout: Duration,
    /// The shortest and the longest of the lags in the bin.
    pub(in crate::diagnose) range: (Duration, Duration),
    /// Failures that have a lag in the bin.
    pub(in crate::diagnose) hits: usize,
    /// The failures that were looked at, and whose log reaches back as far as the bin.
    pub(in crate::diagnose) failures: usize,
    /// The share of controls that have a lag in the bin.
    pub(in crate::diagnose) control_share: f64,
    /// Histograms of the lags, for charts.
    pub(in crate::diagnose) drawn: Arc<LagCounts>,
}

impl KeepAlivePeak {
    /// The share of failures that have a lag in the bin.
    pub(in crate::diagnose) fn coverage(&self) -> f64 {
        self.hits as f64 / self.failures as f64
    }
}

/// Whether a request may have failed by such a race: it was sent, and the connection was closed within [`MAX_TOOK`].
pub(in crate::diagnose) fn may_be_race(timed_request: &TimedRequest) -> bool {
    timed_request.outcome == Outcome::ClosedBeforeResponse && timed_request.took() <= MAX_TOOK
}

/// The requests of one pair of node and target in the order of their ends, and which of its failures to look at.
#[derive(Default)]
pub(in crate::diagnose) struct PairHistory {
    pub(in crate::diagnose) timed_requests: Vec<TimedRequest>,
    /// Failures of this pair that nothing else explains.
    pub(in crate::diagnose) failures: Vec<TimedRequest>,
}

/// A duration in milliseconds, rounded down; at most [`u32::MAX`].
fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// A failure and its controls.
struct Stratum {
    failure: RequestLags,
    controls: Vec<RequestLags>,
    /// How far back the log reaches, in milliseconds. Longer lags cannot be seen, and are left out.
    reach: u32,
}

impl Stratum {
    fn new(pair: &PairHistory, failure: &TimedRequest, max_lag: Duration) -> Self {
        let begin = pair.timed_requests.first().map_or(failure.dispatched, |first| first.ended);
        let reach = failure.dispatched.since(begin).min(max_lag);
        let lags_of = |timed_request: &TimedRequest| lags(&pair.timed_requests, timed_request.dispatched, reach);
        let failure_lags = lags_of(failure);
        // How differently busy the pair was before the two requests.
        let difference = |lags: &RequestLags| ((lags.len() + 1) as f64 / (failure_lags.len() + 1) as f64).ln().abs();
        let mut controls: Vec<RequestLags> = control_candidates(&pair.timed_requests, failure)
            .filter(|control| control.dispatched.since(begin) >= reach)
            .map(lags_of)
            .collect();
        controls.sort_by(|one, other| difference(one).total_cmp(&difference(other)));
        controls.truncate(CONTROLS);
        Self { failure: failure_lags, controls, reach: millis(reach) }
    }

    /// The chance that it is the failure that has a lag in the bin, if it is no different from its controls.
    fn chance(&self, bin: Bin) -> f64 {
        let hits = hits_of(&self.controls, bin) + usize::from(first_in(&self.failure, bin).is_some());
        hits as f64 / (self.controls.len() + 1) as f64
    }
}

/// Estimates the keep-alive timeout of targets that share one, from their pairs. Lags may be up to 5 % longer than
/// `idle_timeout`, after which the load balancer itself closes the connection.
pub(in crate::diagnose) fn estimate(pairs: &[PairHistory], idle_timeout: Duration) -> Lags {
    let events = events(pairs);
    let stride = events.len().div_ceil(MAX_FAILURES).max(1);
    let idle_timeout = idle_timeout.min(MAX_IDLE_TIMEOUT);
    let max_lag = idle_timeout + idle_timeout / 20;
    let strata: Vec<Stratum> =
        events.par_iter().step_by(stride).map(|(pair, failure)| Stratum::new(pair, failure, max_lag)).collect();
    match best_bin(&strata, millis(max_lag)) {
        Some(found) => Lags::Peak(found),
        None if would_show(&strata, millis(max_lag)) => Lags::NoPeak,
        None => Lags::Unclear,
    }
}

/// Whether a race would have been found at the default timeout of nearly any server.
fn would_show(strata: &[Stratum], max_lag: u32) -> bool {
    /// The usual share of a race's failures that have a lag at the timeout. The connections of the rest were last
    /// used before the log begins.
    const USUAL_COVERAGE: f64 = 0.8;
    /// In milliseconds. The few timers that may fire over a longer range than this would not show anyway.
    const MAX_STRETCH: u32 = 1_300;
    let mut known = known_timeouts(max_lag);
    known.retain(|bin| bin.end - bin.start <= MAX_STRETCH);
    known.into_iter().all(|bin| {
        let able: Vec<&Stratum> = strata.iter().filter(|stratum| stratum.reach >= bin.end).collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "fewer than the failures")]
        let hits = (able.len() as f64 * USUAL_COVERAGE) as usize;
        // As if each failure had a lag there.
        let chance =
            |stratum: &&Stratum| (hits_of(&stratum.controls, bin) + 1) as f64 / (stratum.controls.len() + 1) as f64;
        let control_share = control_share(able.iter().copied(), bin);
        hits >= MIN_HITS
            && odds_ratio(USUAL_COVERAGE, able.len(), control_share) >= MIN_ODDS_RATIO
            && ln_tail(able.iter().map(chance), hits) + bin.ln_tried <= MAX_CHANCE.ln()
    })
}

/// How many times the odds of a failure to have a lag are those of a control. Half a failure is added to both sides, so
/// that a few failures are not infinitely different.
fn odds_ratio(coverage: f64, failures: usize, control_share: f64) -> f64 {
    let half = 0.5 / failures.max(1) as f64;
    (coverage + half) / (1.0 - coverage + half) * (1.0 - control_share + half) / (control_share + half)
}

/// The share of all controls that have a lag in the bin; 0 if there are no controls.
fn control_share<'a>(strata: impl Iterator<Item = &'a Stratum> + Clone, bin: Bin) -> f64 {
    let controls: usize = strata.clone().map(|stratum| stratum.controls.len()).sum();
    let hits: usize = strata.map(|stratum| hits_of(&stratum.controls, bin)).sum();
    hits as f64 / controls.max(1) as f64
}

/// How many requests have a lag in the bin.
fn hits_of(requests: &[RequestLags], bin: Bin) -> usize {
    requests.iter().filter(|lags| first_in(lags, bin).is_some()).count()
}

/// The shortest lag of a request in the bin.
fn first_in(lags: &RequestLags, bin: Bin) -> Option<u32> {
    lags.get(lags.partition_point(|lag| *lag < bin.start)).copied().filter(|lag| *lag < bin.end)
}

/// The first failure of each burst, with its pair.
fn events(pairs: &[PairHistory]) -> Vec<(&PairHistory, &TimedRequest)> {
    let mut failures: Vec<(&PairHistory, &TimedRequest)> =
        pairs.iter().flat_map(|pair| pair.failures.iter().map(move |failure| (pair, failure))).collect();
    failures.sort_by_key(|(_, failure)| (failure.dispatched, failure.ended, failure.node));
    let (Some((_, first)), Some((_, last))) = (failures.first(), failures.last()) else { return failures };
    let mean_gap = last.dispatched.micros_since(first.dispatched) / i64::try_from(failures.len()).unwrap_or(i64::MAX);
    let burst_gap = (mean_gap / BURST_DIVISOR).min(i64::try_from(MAX_BURST_GAP.as_micros()).unwrap_or(i64::MAX));
    let is_same = |one: &(_, &TimedRequest), next: &(_, &TimedRequest)| {
        next.1.dispatched.micros_since(one.1.dispatched) <= burst_gap
    };
    failures.chunk_by(is_same).filter_map(|burst| burst.first().copied()).collect()
}

/// The lags of a request dispatched at `dispatched`, up to `max_lag`. `timed_requests` are the requests of its pair.
fn lags(timed_requests: &[TimedRequest], dispatched: Timestamp, max_lag: Duration) -> RequestLags {
    let before = timed_requests.partition_point(|timed_request| timed_request.ended < dispatched);
    let mut lags: RequestLags = timed_requests[..before]
        .iter()
        .rev()
        .map_while(|timed_request| {
            let lag = Duration::from_micros(u64::try_from(dispatched.micros_since(timed_request.ended)).ok()?);
            (lag <= max_lag).then_some((lag, timed_request))
        })
        // Only an answered request leaves its connection open.
        .filter(|(lag, timed_request)| *lag >= MIN_LAG && !timed_request.outcome.is_failure())
        .map(|(lag, _)| millis(lag))
        .collect();
    lags.dedup();
    lags
}

/// At most [`CONTROL_CANDIDATES`] answered requests that ended within [`CONTROLS_WITHIN`] of a failure's dispatch,
/// evenly spread.
fn control_candidates<'a>(
    timed_requests: &'a [TimedRequest],
    failure: &TimedRequest,
) -> impl Iterator<Item = &'a TimedRequest> {
    let reach = i64::try_from(CONTROLS_WITHIN.as_micros()).unwrap_or(i64::MAX);
    let from =
        timed_requests.partition_point(|timed_request| timed_request.ended < failure.dispatched.plus_micros(-reach));
    let to =
        timed_requests.partition_point(|timed_request| timed_request.ended < failure.dispatched.plus_micros(reach));
    let near = &timed_requests[from..to];
    let stride = near.len().div_ceil(CONTROL_CANDIDATES).max(1);
    near.iter().step_by(stride).filter(|timed_request| !timed_request.outcome.is_failure())
}

/// A range of lags in milliseconds, without `end`, and the natural logarithm of how many such ranges were tried.
#[derive(Clone, Copy)]
struct Bin {
    start: u32,
    end: u32,
    ln_tried: f64,
}

impl Bin {
    /// The bin of the same width before it; it may begin at 0.
    fn before(self) -> Self {
        Self { start: self.start.saturating_sub(self.end - self.start), end: self.start, ..self }
    }
}

/// A bin that may be the peak: what it holds, and the logarithm of the chance that it is an accident.
struct Peak {
    bin: Bin,
    ln_chance: f64,
}

/// Whether the failures pile up in a bin, and how unlikely that is.
fn peak_in(strata: &[Stratum], bin: Bin) -> Option<Peak> {
    let able: Vec<&Stratum> = strata.iter().filter(|stratum| stratum.reach >= bin.end).collect();
    let has_hit = |stratum: &&&Stratum, bin: Bin| first_in(&stratum.failure, bin).is_some();
    let hits_in = |strata: &[&Stratum], bin: Bin| strata.iter().filter(|stratum| has_hit(stratum, bin)).count();
    let hits = hits_in(&able, bin);
    let coverage = hits as f64 / able.len().max(1) as f64;
    let control_share = control_share(able.iter().copied(), bin);
    let controls: usize = able.iter().map(|stratum| stratum.controls.len()).sum();
    let before = hits_in(&able, bin.before());
    // Strata are in the order of time.
    let (earlier, later) = able.split_at(able.len() / 2);
    let is_in_both_halves =
        [earlier, later].into_iter().all(|half| hits_in(half, bin) as f64 >= half.len() as f64 * coverage * MIN_HALF);
    let stands_out = hits >= MIN_HITS
        && able.len() * 2 >= strata.len()
        && controls >= able.len()
        && coverage >= MIN_COVERAGE
        && coverage >= MIN_LIFT * control_share
        && control_share <= MAX_CONTROL_SHARE
        && odds_ratio(coverage, able.len(), control_share) >= MIN_ODDS_RATIO
        && hits >= before * MIN_PROMINENCE
        && is_in_both_halves;
    stands_out.then(|| {
        let ln_chance = ln_tail(able.iter().map(|stratum| stratum.chance(bin)), hits) + bin.ln_tried;
        Peak { bin, ln_chance }
    })
}

fn best_bin(strata: &[Stratum], max_lag: u32) -> Option<KeepAlivePeak> {
    if strata.len() < MIN_HITS {
        return None;
    }
    let failures: Vec<RequestLags> = strata.iter().map(|stratum| stratum.failure.clone()).collect();
    let steps = |width: u32| (width / 2, (max_lag / (width / 2)) as usize + 1);
    let ln_tried = WIDTHS.map(|width| steps(millis(width)).1 as f64).iter().sum::<f64>().ln();
    let bins = WIDTHS.into_iter().map(millis).flat_map(|width| {
        // Bins overlap by half, so that no peak is cut in two.
        let (step, bins) = steps(width);
        let hits = hits_by_bin(&failures, step, bins);
        (0..).step_by(step as usize).zip(hits).filter(|(_, hits)| *hits >= MIN_HITS).map(move |(start, _)| Bin {
            start,
            end: start + width,
            ln_tried,
        })
    });
    // The default timeouts of servers are tried separately: they are few ranges, so fewer failures are enough for
    // proof.
    let bins: Vec<Bin> = bins.chain(known_timeouts(max_lag)).collect();
    let peaks: Vec<Peak> = bins.into_par_iter().filter_map(|bin| peak_in(strata, bin)).collect();
    let Peak { bin, ln_chance } = peaks.into_iter().min_by(|one, other| one.ln_chance.total_cmp(&other.ln_chance))?;
    if ln_chance > MAX_CHANCE.ln() {
        return None;
    }
    let able: Vec<&Stratum> = strata.iter().filter(|stratum| stratum.reach >= bin.end).collect();
    let mut peak: Vec<u32> = able.iter().filter_map(|stratum| first_in(&stratum.failure, bin)).collect();
    peak.sort_unstable();
    let at = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index in a short list")]
        let index = (peak.len() as f64 * share) as usize;
        Duration::from_millis(u64::from(peak[index.min(peak.len() - 1)]))
    };
    let control_share = control_share(able.iter().copied(), bin);
    let interval = (at(0.1), at(0.9));
    let controls: Vec<RequestLags> = strata.iter().flat_map(|stratum| stratum.controls.iter().cloned()).collect();
    // A timer that is checked now and then fires late, never early. So if the lags are smeared, the timeout is at
    // their front.
    let is_smeared = interval.1.saturating_sub(interval.0) > interval.0 / SMEAR_DIVISOR;
    let found = KeepAlivePeak {
        timeout: if is_smeared { front(interval) } else { at(0.5) },
        range: (at(0.0), at(1.0)),
        hits: peak.len(),
        failures: able.len(),
        control_share,
        drawn: Arc::new(LagCounts::new(&failures, &controls, (millis(interval.0), millis(interval.1)), max_lag)),
    };
    Some(found)
}

/// The timeout that explains smeared lags, from their 10th and 90th percentile. It is the front of the lags. If a
/// server's timer could have fired that late (at most half its smear after its default), the timeout is that server's
/// default. Else it is the nearest whole second, if the front is within its own error of it, because such timeouts
/// are set in seconds.
fn front((low, high): (Duration, Duration)) -> Duration {
    let spread = high.saturating_sub(low);
    // A tenth of the lags are below `low`: evenly spread, they take an eighth of the middle spread.
    let front = low.saturating_sub(spread / 8);
    let default_of = |server: &&Server| match server.keep_alive {
        KeepAlive::After(default) if (default..=default + server.smear / 2).contains(&front) => Some(default),
        _ => None,
    };
    if let Some(default) = SERVERS.iter().filter_map(|server| default_of(&server)).max() {
        return default;
    }
    let whole = Duration::from_secs((front + Duration::from_millis(500)).as_secs());
    if whole.abs_diff(front) <= spread * 3 / 20 { whole } else { front }
}

/// A bin for each server that closes idle connections by default: from the timeout until the server's timer has fired
/// at the latest.
fn known_timeouts(max_lag: u32) -> Vec<Bin> {
    /// In milliseconds. The load balancer sees the end of the answer a little later than the server, so a lag may be
    /// this much shorter than the timeout.
    const EARLY: u32 = 20;
    /// In milliseconds. The load balancer also sees the close a little later, so a lag may be this much longer.
    const LATE: u32 = 150;
    let stretch = |server: &Server| match server.keep_alive {
        KeepAlive::After(timeout) if millis(timeout) >= millis(MIN_LAG) + EARLY && millis(timeout) <= max_lag => {
            Some((millis(timeout) - EARLY, millis(timeout + server.smear) + LATE))
        }
        _ => None,
    };
    let mut known: Vec<(u32, u32)> = SERVERS.iter().filter_map(stretch).collect();
    known.sort_unstable();
    known.dedup();
    let ln_tried = (known.len().max(1) as f64).ln();
    known.into_iter().map(|(start, end)| Bin { start, end, ln_tried }).collect()
}

/// How many requests have a lag in each bin, without the last bin. A bin is two steps wide and begins one step after
/// the one before.
fn hits_by_bin(requests: &[RequestLags], step: u32, bins: usize) -> Vec<usize> {
    let mut hits = vec![0; bins.saturating_sub(1)];
    for lags in requests {
        // Lags are sorted, so bins before `next` have already counted this request if it has a lag there.
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

/// The natural logarithm of the chance of at least `hits`, if each trial hits with the chance of its own. Chances below
/// the smallest number count as that.
fn ln_tail(chances: impl Iterator<Item = f64>, hits: usize) -> f64 {
    // The chance of each number of hits so far; the last entry is for `hits` or more.
    let mut by_hits = vec![0.0; hits + 1];
    by_hits[0] = 1.0;
    for chance in chances {
        for number in (0..=hits).rev() {
            let from_before = if number > 0 { by_hits[number - 1] * chance } else { 0.0 };
            let stays = if number == hits { by_hits[number] } else { by_hits[number] * (1.0 - chance) };
            by_hits[number] = from_before + stays;
        }
    }
    by_hits[hits].max(f64::MIN_POSITIVE).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::NodeId;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: f64) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "a test's times are small")]
        Timestamp::from_micros((seconds * 1e6) as i64)
    }

    #[expect(clippy::cast_precision_loss, reason = "a test's times are small")]
    fn at_seconds(time: Timestamp) -> f64 {
        time.as_micros() as f64 / 1e6
    }

    fn timed_request(dispatched: f64, ended: f64, outcome: Outcome) -> TimedRequest {
        TimedRequest {
            dispatched: at(dispatched),
            ended: at(ended),
            outcome,
            target_status: None,
            route: None,
            node: NodeId::for_test(0),
        }
    }

    /// Answers at random moments, `rate` a second, for two hours.
    fn answers(rate: f64, dice: &mut ChaCha8Rng) -> Vec<TimedRequest> {
        let mut now = 0.0;
        let mut timed_requests = Vec::new();
        while now < 7_200.0 {
            now += -(1.0 - dice.random::<f64>()).ln() / rate;
            timed_requests.push(timed_request(now - 0.03, now, Outcome::Ok));
        }
        timed_requests
    }

    fn failure(dispatched: f64) -> TimedRequest {
        timed_request(dispatched, dispatched + 0.004, Outcome::ClosedBeforeResponse)
    }

    #[test]
    fn failures_a_fixed_time_after_an_answer_show_the_timeout() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let timed_requests = answers(1.0, &mut dice);
        let failures: Vec<TimedRequest> = (0..30)
            .map(|number| {
                let answer = timed_requests[200 + number * 200];
                failure(at_seconds(answer.ended) + 5.0 + 0.01 * dice.random::<f64>())
            })
            .collect();
        let Lags::Peak(found) = estimate(&[PairHistory { timed_requests, failures }], MINUTE) else {
            panic!("no peak")
        };
        assert!(found.timeout.abs_diff(Duration::from_secs(5)) < Duration::from_millis(50), "{found:?}");
        assert_eq!(found.hits, 30);
    }

    #[test]
    fn failures_at_random_moments_show_no_timeout() {
        for seed in 0..40 {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            // With rare answers a race would have shown. Frequent answers leave little room for one.
            for (rate, expected) in [(0.2, Lags::NoPeak), (0.7, Lags::Unclear)] {
                let timed_requests = answers(rate, &mut dice);
                let failures = (0..40).map(|_| failure(dice.random_range(100.0..7_100.0))).collect();
                let found = estimate(&[PairHistory { timed_requests, failures }], MINUTE);
                assert_eq!(found, expected, "seed {seed}, rate {rate}");
            }
        }
    }

    #[test]
    fn a_poller_makes_no_peak_if_failures_are_random() {
        // An answer every five seconds: many requests have a lag of five seconds, failures and controls alike.
        let mut dice = ChaCha8Rng::seed_from_u64(3);
        let mut timed_requests = answers(0.2, &mut dice);
        timed_requests.extend((0..1_440).map(|number| {
            let ended = f64::from(number) * 5.0 + 0.004 * dice.random::<f64>();
            timed_request(ended - 0.003, ended, Outcome::Ok)
        }));
        timed_requests.sort_by_key(|timed_request| timed_request.ended);
        // The failures hit the poller's requests as often as the others.
        let failures = (0..40)
            .map(|number| {
                let victim = timed_requests[100 + number * 31];
                TimedRequest { outcome: Outcome::ClosedBeforeResponse, ..victim }
            })
            .collect();
        assert!(!matches!(estimate(&[PairHistory { timed_requests, failures }], MINUTE), Lags::Peak(_)));
    }

    #[test]
    fn a_few_failures_are_too_few() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let timed_requests = answers(1.0, &mut dice);
        let failures = (1..5).map(|number| failure(f64::from(number) * 300.0)).collect();
        assert!(!matches!(estimate(&[PairHistory { timed_requests, failures }], MINUTE), Lags::Peak(_)));
    }

    #[test]
    fn a_burst_counts_once() {
        // Three bursts, each on 12 pairs within four seconds, 30 s after a round of answers.
        let pairs: Vec<PairHistory> = (0..12)
            .map(|pair| {
                let offset = f64::from(pair) * 0.3;
                let rounds = (0..120).map(|round| f64::from(round) * 60.0 + offset);
                let mut timed_requests: Vec<TimedRequest> = rounds
                    .flat_map(|round| [round, round + 13.0])
                    .map(|at| timed_request(at - 0.03, at, Outcome::Ok))
                    .collect();
                let failures: Vec<TimedRequest> =
                    [20, 50, 90].map(|round| failure(f64::from(round) * 60.0 + offset + 30.0)).to_vec();
                timed_requests.extend(&failures);
                timed_requests.sort_by_key(|timed_request| timed_request.ended);
                PairHistory { timed_requests, failures }
            })
            .collect();
        assert_eq!(events(&pairs).len(), 3);
        assert!(!matches!(estimate(&pairs, MINUTE), Lags::Peak(_)));
    }

    #[test]
    fn a_lag_that_many_answers_have_too_is_no_peak() {
        for seed in 0..20 {
            // Answers come in pairs, 30 s apart, and half of the failures follow such an answer.
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            let mut timed_requests = Vec::new();
            let mut failures = Vec::new();
            for round in 0..200 {
                let now = f64::from(round) * 70.0 + dice.random_range(0.0..9.0);
                timed_requests.push(timed_request(now - 0.03, now, Outcome::Ok));
                let again = now + 30.0 + dice.random_range(0.0..0.1);
                let second =
                    if round % 5 == 0 { failure(again) } else { timed_request(again, again + 0.03, Outcome::Ok) };
                timed_requests.push(second);
                failures.extend((round % 5 == 0).then_some(second));
            }
            let found = estimate(&[PairHistory { timed_requests, failures }], MINUTE);
            assert!(!matches!(found, Lags::Peak(_)), "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn a_timeout_is_the_same_in_each_half_of_the_log() {
        for seed in 0..10 {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            let timed_requests = answers(0.5, &mut dice);
            let failures: Vec<TimedRequest> = (0..40)
                .map(|number| {
                    let answer = timed_requests[80 + number * 80];
                    failure(at_seconds(answer.ended) + 20.0 + 0.01 * dice.random::<f64>())
                })
                .collect();
            let middle = at(3_600.0);
            let halves = [true, false].map(|is_first| {
                let is_in = |timed_request: &&TimedRequest| (timed_request.ended < middle) == is_first;
                PairHistory {
                    timed_requests: timed_requests.iter().filter(is_in).copied().collect(),
                    failures: failures.iter().filter(is_in).copied().collect(),
                }
            });
            let whole = PairHistory { timed_requests, failures };
            for pair in halves.into_iter().chain([whole]) {
                let Lags::Peak(found) = estimate(&[pair], MINUTE) else { panic!("seed {seed}: no peak") };
                assert!(found.timeout.abs_diff(Duration::from_secs(20)) < Duration::from_millis(50), "{found:?}");
            }
        }
    }

    #[test]
    fn the_tail_of_a_binomial_is_known() {
        assert!((ln_tail([0.5; 10].into_iter(), 10).exp() - 0.5_f64.powi(10)).abs() < 1e-12);
        assert!((ln_tail([0.2; 5].into_iter(), 1).exp() - (1.0 - 0.8_f64.powi(5))).abs() < 1e-12);
        assert!((ln_tail([0.5, 1.0, 0.0].into_iter(), 2).exp() - 0.5).abs() < 1e-12);
        assert!(ln_tail([0.5, 1.0, 0.0].into_iter(), 0).abs() < 1e-12);
    }
}
