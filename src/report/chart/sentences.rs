//! What a heatmap leaves out, and how its requests compare with the idle timeout, in sentences.

use crate::report::numbers::{self, duration};
use crate::report::pictures::{AgainstIdleTimeout, TimingPicture};

/// What a picture leaves out, in words: `Not drawn: 20 WebSocket connections, 3 requests of unknown elapsed time.`
/// `None` if it leaves nothing out.
#[must_use]
pub fn not_drawn(timing: &TimingPicture) -> Option<String> {
    let unknown = timing.requests.saturating_sub(timing.idle_timeout.measured).saturating_sub(timing.web_sockets);
    let web_sockets = (timing.web_sockets > 0).then(|| numbers::counted(timing.web_sockets, "WebSocket connection"));
    let unknown = (unknown > 0).then(|| format!("{} of unknown elapsed time", numbers::counted(unknown, "request")));
    let left_out: Vec<String> = web_sockets.into_iter().chain(unknown).collect();
    (!left_out.is_empty()).then(|| format!("Not drawn: {}.", left_out.join(", ")))
}

/// How requests compare with the idle timeout (in seconds), in words.
#[must_use]
pub fn against_idle_timeout(against: &AgainstIdleTimeout, idle_timeout: f64) -> String {
    let AgainstIdleTimeout { measured, near, met, what_if } = against;
    if *measured == 0 {
        return "No elapsed time is known.".to_owned();
    }
    let idle = duration(idle_timeout);
    let (requests, share) = (numbers::counted(*met, "request"), numbers::percent(*near, *measured));
    let met = match (met, near) {
        (0, 0) => format!("No request reached the idle timeout of {idle} or took 80 to 100 % of it."),
        (_, 0) => format!("{requests} reached the idle timeout of {idle}; no other took 80 to 100 % of it."),
        (_, near) => {
            format!(
                "{requests} reached the idle timeout of {idle}; {} more ({share}) took 80 to 100 % of it.",
                numbers::count(*near)
            )
        }
    };
    let Some(shortest) = what_if.first() else { return met };
    if shortest.cut_off == 0 {
        let shortest = duration(shortest.seconds as f64);
        return format!("{met} An idle timeout of {shortest} would have cut off no answer.");
    }
    let each = what_if.iter().rev().filter(|row| row.cut_off > 0);
    let each: Vec<String> =
        each.map(|row| format!("{} at {}", numbers::count(row.cut_off), duration(row.seconds as f64))).collect();
    format!(
        "{met} Answers that a shorter idle timeout would have cut off: {} (times are accurate to 0.8 %).",
        each.join(", ")
    )
}
