//! Time in the model.

/// A duration, or a moment since the Unix epoch, in microseconds.
pub(super) type Micros = i64;

pub(super) const MILLISECOND: Micros = 1_000;
pub(super) const SECOND: Micros = 1_000_000;
pub(super) const MINUTE: Micros = 60 * SECOND;

/// A moment of the run: a minute of its nominal length, and a delay that does not scale with it.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) minute: u32,
    pub(super) delay: Micros,
}

impl Moment {
    pub(super) const fn minute(minute: u32) -> Self {
        Self { minute, delay: 0 }
    }

    pub(super) const fn plus(self, delay: Micros) -> Self {
        Self { delay: self.delay + delay, ..self }
    }
}
