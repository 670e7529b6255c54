//! The keep-alive race: failures that come a fixed time after an earlier answer on the same node and target.
//!
//! A lag is the time from an earlier answer to a request's dispatch. Suppose a target closes connections that were
//! idle for K, and the load balancer reuses one just then. The failing request then comes K after *some* earlier
//! answer on the same pair of node and target: the last one on that connection. All its other lags are background,
//! and successful requests on the same pair (the controls) show what the background looks like. So the lags of
//! failures are compared with those of controls, in bins of several widths. A bin counts only if it is very unlikely
//! to be chance.

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

/// At most this many controls for each failure.
const CONTROLS: usize = 10;

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

/// Failures of a pair that follow each other within this are one event. Only the first counts, or else the lags of a
/// burst would count many times.
const BURST: Duration = Duration::from_millis(20);

/// The highest chance, over all bins and widths, that the best bin is an accident.
const MAX_CHANCE: f64 = 0.001;

/// The best bin must hold at least this many failures.
const MIN_HITS: usize = 6;
/// It must hold at least this share of all failures.
const MIN_COVERAGE: f64 = 0.5;
/// Its share of the failures must be at least this many times its share of the controls.
const MIN_LIFT: f64 = 1.5;

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
    /// The 10th and the 90th percentile of the lags in the bin.
    pub(in crate::diagnose) interval: (Duration, Duration),
    /// Failures that have a lag in the bin.
    pub(in crate::diagnose) hits: usize,
    /// All failures that were looked at.
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

/// Estimates the keep-alive timeout of targets that share one, from their pairs. Lags may be up to 5 % longer than
/// `idle_timeout`, after which the load balancer itself closes the connection.
pub(in crate::diagnose) fn estimate(pairs: &[PairHistory], idle_timeout: Duration) -> Lags {
    let events: Vec<(&PairHistory, &TimedRequest)> =
        pairs.iter().flat_map(|pair| events(&pair.failures).map(move |failure| (pair, failure))).collect();
    let stride = events.len().div_ceil(MAX_FAILURES).max(1);
    let idle_timeout = idle_timeout.min(MAX_IDLE_TIMEOUT);
    let max_lag = idle_timeout + idle_timeout / 20;
    let (failures, controls): (Vec<RequestLags>, Vec<Vec<RequestLags>>) = events
        .par_iter()
        .step_by(stride)
        .map(|(PairHistory { timed_requests, .. }, failure)| {
            let lags_of = |timed_request: &TimedRequest| lags(timed_requests, timed_request.dispatched, max_lag);
            (lags_of(failure), controls_of(timed_requests, failure).map(lags_of).collect())
        })
        .unzip();
    let controls: Vec<RequestLags> = controls.into_iter().flatten().collect();
    match best_bin(&failures, &controls, millis(max_lag)) {
        Some(found) => Lags::Peak(found),
        None if would_show(&failures, &controls, millis(max_lag)) => Lags::NoPeak,
        None => Lags::Unclear,
    }
}

/// Whether a race would have been found at the default timeout of nearly any server.
fn would_show(failures: &[RequestLags], controls: &[RequestLags], max_lag: u32) -> bool {
    /// The usual share of a race's failures that have a lag at the timeout. The connections of the rest were last
    /// used before the log begins.
    const USUAL_COVERAGE: f64 = 0.8;
    /// In milliseconds. The few timers that may fire over a longer range than this would not show anyway.
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

/// How many requests have a lag in `start..end`.
fn hits_of(requests: &[RequestLags], start: u32, end: u32) -> usize {
    requests.iter().filter(|lags| first_in(lags, start, end).is_some()).count()
}

/// The shortest lag of a request in `start..end`.
fn first_in(lags: &RequestLags, start: u32, end: u32) -> Option<u32> {
    lags.get(lags.partition_point(|lag| *lag < start)).copied().filter(|lag| *lag < end)
}

/// The first failure of each burst.
fn events(failures: &[TimedRequest]) -> impl Iterator<Item = &TimedRequest> {
    let burst = i64::try_from(BURST.as_micros()).unwrap_or(i64::MAX);
    let is_same =
        move |one: &TimedRequest, next: &TimedRequest| next.dispatched.micros_since(one.dispatched).abs() <= burst;
    failures.chunk_by(is_same).filter_map(|burst| burst.first())
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

/// At most [`CONTROLS`] answered requests that ended within [`CONTROLS_WITHIN`] of a failure's dispatch, evenly
/// spread.
fn controls_of<'a>(
    timed_requests: &'a [TimedRequest],
    failure: &TimedRequest,
) -> impl Iterator<Item = &'a TimedRequest> {
    let reach = i64::try_from(CONTROLS_WITHIN.as_micros()).unwrap_or(i64::MAX);
    let from =
        timed_requests.partition_point(|timed_request| timed_request.ended < failure.dispatched.plus_micros(-reach));
    let to =
        timed_requests.partition_point(|timed_request| timed_request.ended < failure.dispatched.plus_micros(reach));
    let near = &timed_requests[from..to];
    let stride = near.len().div_ceil(CONTROLS).max(1);
    near.iter().step_by(stride).filter(|timed_request| !timed_request.outcome.is_failure())
}

/// A range of lags in milliseconds, without `end`, and the natural logarithm of how many such ranges were tried.
#[derive(Clone, Copy)]
struct Bin {
    start: u32,
    end: u32,
    ln_tried: f64,
}

fn best_bin(failures: &[RequestLags], controls: &[RequestLags], max_lag: u32) -> Option<KeepAlivePeak> {
    if failures.len() < MIN_HITS || controls.len() < failures.len() {
        return None;
    }
    let mut best: Option<(f64, Bin)> = None;
    let mut consider = |bin: Bin, hits: usize, control_hits: usize| {
        if hits < MIN_HITS {
            return;
        }
        // One more hit and one more miss than were seen: a few controls without a hit do not prove that hits never
        // occur.
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
    // The default timeouts of servers are tried separately: they are few ranges, so fewer failures are enough for
    // proof.
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
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index in a short list")]
        let index = (peak.len() as f64 * share) as usize;
        Duration::from_millis(u64::from(peak[index.min(peak.len() - 1)]))
    };
    let control_share = hits_of(controls, start, end) as f64 / controls.len() as f64;
    let interval = (at(0.1), at(0.9));
    // A timer that is checked now and then fires late, never early. So if the lags are smeared, the timeout is at
    // their front.
    let is_smeared = interval.1.saturating_sub(interval.0) > interval.0 / SMEAR_DIVISOR;
    let found = KeepAlivePeak {
        timeout: if is_smeared { front(interval) } else { at(0.5) },
        interval,
        hits: peak.len(),
        failures: failures.len(),
        control_share,
        drawn: Arc::new(LagCounts::new(failures, controls, (millis(interval.0), millis(interval.1)), max_lag)),
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

/// The ranges of lags of servers that close idle connections by default, in milliseconds, sorted: from the timeout
/// until the server's timer has fired at the latest.
fn known_timeouts(max_lag: u32) -> Vec<(u32, u32)> {
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
    known
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

/// The natural logarithm of the chance of at least `hits` in `trials`, if each trial hits with the chance `share`.
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
    use crate::aggregate::NodeId;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: f64) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "a test's times are small")]
        Timestamp::from_micros((seconds * 1e6) as i64)
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
                #[expect(clippy::cast_precision_loss, reason = "a test's times are small")]
                let ended = answer.ended.as_micros() as f64 / 1e6;
                failure(ended + 5.0 + 0.01 * dice.random::<f64>())
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
    fn the_tail_of_a_binomial_is_known() {
        assert!((ln_binomial_tail(10, 10, 0.5).exp() - 0.5_f64.powi(10)).abs() < 1e-12);
        assert!((ln_binomial_tail(5, 1, 0.2).exp() - (1.0 - 0.8_f64.powi(5))).abs() < 1e-12);
    }
}
