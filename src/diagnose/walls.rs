//! Failing times that pile up at a constant: somebody's timeout.

use std::time::Duration;

/// Shorter times are no timeouts that anybody sets for requests.
const MIN_TIME: Duration = Duration::from_secs(1);

/// Supervisors look once a second or so, and a stubborn worker is killed a second later: a timeout shows as a wall this thick.
const THICKNESS: Duration = Duration::from_millis(2_200);

/// The wall must hold so many, and so large a share of all.
const MIN_TIMES: usize = 5;
const MIN_SHARE: f64 = 0.6;

/// Just before a wall there is little: at most this share of what it holds, in as much time.
const MAX_BEFORE: f64 = 0.25;

/// A pile of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wall {
    /// Where it begins: the timeout, or just behind it.
    pub(super) at: Duration,
    /// From its first time to its last.
    pub(super) thickness: Duration,
    /// How many times it holds.
    pub(super) times: usize,
}

/// The wall among `times`, if there is one.
pub(super) fn wall(times: &[Duration]) -> Option<Wall> {
    let mut times: Vec<Duration> = times.iter().copied().filter(|time| *time >= MIN_TIME).collect();
    times.sort_unstable();
    // Both ends only move forward, so that many times take no longer than they must.
    let (mut start, mut held, mut end) = (0, 0, 0);
    for candidate in 0..times.len() {
        while end < times.len() && times[end].saturating_sub(times[candidate]) <= THICKNESS {
            end += 1;
        }
        // The earliest of the fullest, so that the wall begins at its front.
        if end - candidate > held {
            (start, held) = (candidate, end - candidate);
        }
    }
    if held < MIN_TIMES {
        return None;
    }
    let at = times[start];
    let before = times[..start].iter().filter(|time| at.saturating_sub(**time) <= THICKNESS).count();
    let is_wall = held as f64 >= times.len() as f64 * MIN_SHARE
        && before as f64 <= held as f64 * MAX_BEFORE
        // Within one to three seconds everything is near everything.
        && at >= THICKNESS;
    is_wall.then(|| Wall { at, thickness: times[start + held - 1].saturating_sub(at), times: held })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(times: &[u64]) -> Vec<Duration> {
        times.iter().map(|&time| Duration::from_millis(time)).collect()
    }

    #[test]
    fn a_smeared_timeout_is_found_at_its_front() {
        let times = millis(&[2_000, 30_020, 30_310, 30_500, 30_740, 30_990, 31_400, 31_950]);
        let wall = wall(&times).expect("a wall");
        assert_eq!((wall.at, wall.times), (Duration::from_millis(30_020), 7));
    }

    #[test]
    fn a_sharp_one_is_found_too() {
        assert_eq!(wall(&millis(&[15_000, 15_001, 15_001, 15_002, 15_003])).map(|wall| wall.times), Some(5));
    }

    #[test]
    fn times_of_all_lengths_are_none() {
        assert_eq!(wall(&millis(&[1_500, 4_000, 7_000, 9_000, 12_000, 20_000, 33_000])), None);
        assert_eq!(wall(&millis(&[])), None);
    }

    #[test]
    fn a_slope_is_none() {
        let times: Vec<Duration> = (0..60).map(|step| Duration::from_millis(3_000 + step * 150)).collect();
        assert_eq!(wall(&times), None);
    }

    #[test]
    fn a_few_are_none() {
        assert_eq!(wall(&millis(&[30_000, 30_100, 30_200, 30_300])), None);
    }
}
