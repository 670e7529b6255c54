//! Durations of failed requests that pile up at one value: somebody's timeout.

use std::time::Duration;

/// Nobody sets a request timeout shorter than this.
pub(in crate::diagnose) const MIN_TIME: Duration = Duration::from_secs(1);

/// Supervisors check about once a second, and kill a stubborn worker a second later. So a timeout shows as a wall up
/// to this thick.
pub(in crate::diagnose) const THICKNESS: Duration = Duration::from_millis(2_200);

/// A wall holds at least this many times, and at least [`MIN_SHARE`] of all.
const MIN_TIMES: usize = 5;
const MIN_SHARE: f64 = 0.6;

/// The stretch just before a wall, as long as a wall may be thick, has at most this share of the times that the wall
/// holds.
const MAX_BEFORE: f64 = 0.25;

/// A wall of at least this thickness is smeared.
const MIN_SMEAR: Duration = Duration::from_millis(250);

/// Sharp timers fire within this of each other, or within 1/`SHARP_DIVISOR` of the timeout.
const MIN_SHARP_THICKNESS: Duration = Duration::from_millis(30);
const SHARP_DIVISOR: u32 = 100;

/// Shorter times are alike by nature, not because of a timer.
const MIN_SHARP_TIME: Duration = Duration::from_millis(90);

/// Times that pile up at one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnose) struct Wall {
    /// Its shortest time: the timeout, or slightly more.
    pub(in crate::diagnose) at: Duration,
    /// From its shortest time to its longest.
    pub(in crate::diagnose) thickness: Duration,
    /// How many times it holds.
    pub(in crate::diagnose) times: usize,
}

impl Wall {
    /// The timeout that makes this wall. A sharp timer fires where the wall begins. One that a supervisor checks now
    /// and then fires up to a second or two late. Then the wall begins after the timeout, by about the mean distance
    /// of its times; the estimate is rounded to whole seconds if these are near, because such timeouts are set in
    /// seconds.
    pub(in crate::diagnose) fn timeout(&self) -> Duration {
        if self.thickness < MIN_SMEAR || self.times < 2 {
            return self.at;
        }
        let spacing = self.thickness / u32::try_from(self.times - 1).unwrap_or(u32::MAX);
        let front = self.at.saturating_sub(spacing);
        let whole = Duration::from_secs((front + Duration::from_millis(500)).as_secs());
        if whole <= self.at && whole.abs_diff(front) <= spacing * 2 { whole } else { front }
    }

    /// Whether `time` is in it, both ends included.
    pub(in crate::diagnose) fn holds(&self, time: Duration) -> bool {
        (self.at..=self.at + self.thickness).contains(&time)
    }
}

/// The wall among those of `times` that are at least a second, if there is one; up to [`THICKNESS`] thick.
pub(in crate::diagnose) fn wall(times: &[Duration]) -> Option<Wall> {
    let long: Vec<Duration> = times.iter().copied().filter(|time| *time >= MIN_TIME).collect();
    // Between one and three seconds all times are near each other, so a wall there means nothing.
    pile(long, |_| THICKNESS).filter(|wall| wall.at >= THICKNESS)
}

/// A sharp wall among `times` of any length: a timer of a kernel, a proxy or a client's library.
pub(in crate::diagnose) fn sharp_wall(times: &[Duration]) -> Option<Wall> {
    pile(times.to_vec(), |at| MIN_SHARP_THICKNESS.max(at / SHARP_DIVISOR)).filter(|wall| wall.at >= MIN_SHARP_TIME)
}

/// The stretch that holds the most of `times`, if it is a wall. `thickness` gives the length of a stretch from where
/// it begins.
fn pile(mut times: Vec<Duration>, thickness: impl Fn(Duration) -> Duration) -> Option<Wall> {
    times.sort_unstable();
    // Both ends only move forward, so this takes linear time.
    let (mut start, mut held, mut end) = (0, 0, 0);
    for candidate in 0..times.len() {
        let limit = times[candidate] + thickness(times[candidate]);
        end = end.max(candidate);
        while end < times.len() && times[end] <= limit {
            end += 1;
        }
        // Of equally full stretches the earliest is taken, so the wall begins at its front.
        if end - candidate > held {
            (start, held) = (candidate, end - candidate);
        }
    }
    if held < MIN_TIMES {
        return None;
    }
    let at = times[start];
    let near = thickness(at);
    let before = times[..start].iter().filter(|time| at.saturating_sub(**time) <= near).count();
    let is_wall = held as f64 >= times.len() as f64 * MIN_SHARE && before as f64 <= held as f64 * MAX_BEFORE;
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
    fn the_timeout_of_a_smeared_wall_is_estimated() {
        let late = |front: u64, times: u64| {
            let times: Vec<Duration> =
                (0..times).map(|number| Duration::from_millis(front + 70 + number * 900 / times)).collect();
            wall(&times).expect("a wall").timeout()
        };
        assert_eq!(late(6_000, 14), Duration::from_secs(6));
        assert_eq!(late(30_000, 8), Duration::from_secs(30));
        let odd = late(7_500, 40);
        assert!(odd.abs_diff(Duration::from_millis(7_500)) < Duration::from_millis(75), "{odd:?}");
        let sharp = wall(&millis(&[15_003, 15_004, 15_003, 15_005, 15_004])).expect("a wall");
        assert_eq!(sharp.timeout(), Duration::from_millis(15_003));
    }

    #[test]
    fn a_sharp_wall_is_found_too() {
        assert_eq!(wall(&millis(&[15_000, 15_001, 15_001, 15_002, 15_003])).map(|wall| wall.times), Some(5));
    }

    #[test]
    fn times_of_all_lengths_are_no_wall() {
        assert_eq!(wall(&millis(&[1_500, 4_000, 7_000, 9_000, 12_000, 20_000, 33_000])), None);
        assert_eq!(wall(&millis(&[])), None);
    }

    #[test]
    fn a_slope_is_no_wall() {
        let times: Vec<Duration> = (0..60).map(|step| Duration::from_millis(3_000 + step * 150)).collect();
        assert_eq!(wall(&times), None);
    }

    #[test]
    fn a_few_times_are_no_wall() {
        assert_eq!(wall(&millis(&[30_000, 30_100, 30_200, 30_300])), None);
    }

    #[test]
    fn a_sharp_wall_may_be_shorter_than_a_second() {
        let budget = [99, 100, 101, 100, 102, 100, 40, 350].map(Duration::from_millis);
        assert_eq!(sharp_wall(&budget).map(|wall| (wall.at, wall.times)), Some((Duration::from_millis(99), 6)));
        let of_all_lengths: Vec<Duration> = (1..60).map(|step| Duration::from_millis(step * step * 13)).collect();
        assert_eq!(sharp_wall(&of_all_lengths), None);
    }
}
