//! Measurements of a target's requests, before anything is concluded about causes.

pub(super) mod bursts;
pub(super) mod dispatches;
pub(super) mod endings;
pub(super) mod good_times;
pub(super) mod lag_counts;
pub(super) mod lags;
pub(super) mod load;
pub(super) mod routes;
pub(super) mod share;
pub(super) mod subnet;
pub(super) mod time_pattern;
pub(super) mod walls;
