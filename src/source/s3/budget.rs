//! How objects are divided into requests, and the memory that is reserved for them.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Objects up to this size come in one request.
pub(super) const MAX_ONE_REQUEST: u64 = 16 * 1024 * 1024;

/// Bytes of one range of a larger object.
pub(super) const RANGE_BYTES: u64 = 8 * 1024 * 1024;

/// Objects up to this size are held whole, larger ones streamed.
pub(super) const MAX_WHOLE: u64 = 64 * 1024 * 1024;

/// Bytes in one unit of the memory for objects that are being fetched.
const BUDGET_UNIT: u64 = 64 * 1024;

/// How many requests an object of this size takes.
pub(super) fn requests(size: u64) -> u64 {
    if size <= MAX_ONE_REQUEST { 1 } else { size.div_ceil(RANGE_BYTES) }
}

/// The memory for objects that are being fetched: one permit for each [`BUDGET_UNIT`] bytes, and enough for the
/// object that takes most, even if `bytes` is less.
pub(super) fn budget(bytes: u64) -> Arc<Semaphore> {
    let units = units_of(bytes.max(memory(MAX_WHOLE)));
    Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX >> 4)))
}

/// How many permits of the [`budget`] an object of this size takes.
pub(super) fn permits(size: u64) -> u32 {
    units_of(memory(size))
}

/// Bytes of memory that an object of this size takes while it is fetched. One that comes in ranges is in memory
/// twice while they are put together. One that is streamed takes as much as the largest that is held whole.
fn memory(size: u64) -> u64 {
    if size <= MAX_ONE_REQUEST { size } else { 2 * size.min(MAX_WHOLE) }
}

fn units_of(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(BUDGET_UNIT)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;

    #[test]
    fn small_objects_come_in_one_request_and_larger_ones_in_ranges() {
        for (size, expected) in [
            (0, (1, 1)),
            (1, (1, 1)),
            (64 * KIB, (1, 1)),
            (64 * KIB + 1, (1, 2)),
            (16 * MIB, (1, 256)),
            (16 * MIB + 1, (3, 513)),
            (24 * MIB, (3, 768)),
            (24 * MIB + 1, (4, 769)),
            (64 * MIB, (8, 2_048)),
            (64 * MIB + 1, (9, 2_048)),
            (u64::MAX, (u64::MAX.div_ceil(RANGE_BYTES), 2_048)),
        ] {
            assert_eq!((requests(size), permits(size)), expected, "{size} bytes");
        }
        assert_eq!(budget(1024 * MIB).available_permits(), 16_384);
    }

    proptest! {
        /// Otherwise the queue would wait forever.
        #[test]
        fn any_object_fits_into_any_budget(size in any::<u64>(), bytes in any::<u64>()) {
            for (size, bytes) in [(size, bytes), (size, 0), (u64::MAX, bytes)] {
                prop_assert!(permits(size) as usize <= budget(bytes).available_permits());
            }
        }
    }
}
