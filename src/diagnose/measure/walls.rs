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

/// A wall that is thicker than this is smeared.
const MIN_SMEAR: Duration = Duration::from_millis(250);

/// Sharp timers fire within this of each other, or within this part of the timeout.
const MIN_SHARP_THICKNESS: Duration = Duration::from_millis(30);
const SHARP_DIVISOR: u32 = 100;

/// Shorter times are alike by nature, not by a timer.
const MIN_SHARP_TIME: Duration = Duration::from_millis(90);

/// A pile of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnose) struct Wall {
    /// Where it begins: the timeout, or just behind it.
    pub(in crate::diagnose) at: Duration,
    /// From its first time to its last.
    pub(in crate::diagnose) thickness: Duration,
    /// How many times it holds.
    pub(in crate::diagnose) times: usize,
}

impl Wall {
    /// The timeout behind it. A sharp one fires where the wall begins; one that a supervisor looks at now and then fires up to a second or two late, so that the wall begins
    /// behind it, by about as much as lies between two of its times: then it is taken for whole seconds, as such timeouts are set, where those are as near.
    pub(in crate::diagnose) fn timeout(&self) -> Duration {
        if self.thickness < MIN_SMEAR || self.times < 2 {
            return self.at;
        }
        let spacing = self.thickness / u32::try_from(self.times - 1).unwrap_or(u32::MAX);
        let front = self.at.saturating_sub(spacing);
        let whole = Duration::from_secs((front + Duration::from_millis(500)).as_secs());
        if whole <= self.at && whole.abs_diff(front) <= spacing * 2 { whole } else { front }
    }

    /// Whether it holds that time.
    pub(in crate::diagnose) fn holds(&self, time: Duration) -> bool {
        (self.at..=self.at + self.thickness).contains(&time)
    }
}

/// The wall among `times` of one second or more, if there is one: as thick as supervisors make it.
pub(in crate::diagnose) fn wall(times: &[Duration]) -> Option<Wall> {
    let long: Vec<Duration> = times.iter().copied().filter(|time| *time >= MIN_TIME).collect();
    // Within one to three seconds everything is near everything.
    pile(long, |_| THICKNESS).filter(|wall| wall.at >= THICKNESS)
}

/// A sharp wall among `times` of any length: a timer of a kernel, a proxy or a client's library.
pub(in crate::diagnose) fn sharp_wall(times: &[Duration]) -> Option<Wall> {
    pile(times.to_vec(), |at| MIN_SHARP_THICKNESS.max(at / SHARP_DIVISOR)).filter(|wall| wall.at >= MIN_SHARP_TIME)
}

/// The stretch of `times`, as long as `thickness` says for where it begins, that holds most of them, if that is a wall.
fn pile(mut times: Vec<Duration>, thickness: impl Fn(Duration) -> Duration) -> Option<Wall> {
    times.sort_unstable();
    // Both ends only move forward, so that many times take no longer than they must.
    let (mut start, mut held, mut end) = (0, 0, 0);
    for candidate in 0..times.len() {
        let limit = times[candidate] + thickness(times[candidate]);
        end = end.max(candidate);
        while end < times.len() && times[end] <= limit {
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
    fn the_timeout_behind_a_smeared_wall_is_told() {
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

    #[test]
    fn a_sharp_wall_may_stand_at_any_time() {
        let budget = [99, 100, 101, 100, 102, 100, 40, 350].map(Duration::from_millis);
        assert_eq!(sharp_wall(&budget).map(|wall| (wall.at, wall.times)), Some((Duration::from_millis(99), 6)));
        let of_all_lengths: Vec<Duration> = (1..60).map(|step| Duration::from_millis(step * step * 13)).collect();
        assert_eq!(sharp_wall(&of_all_lengths), None);
    }
}
