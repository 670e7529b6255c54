//! Prefetches memory before it is needed.

#![allow(unsafe_code, reason = "the one instruction that the library offers on one processor only")]

/// Asks the processor to load `value` into its cache, and does not wait for it. Does nothing on processors for which
/// the standard library has no such instruction.
#[inline]
pub(super) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has SSE, and the instruction reads nothing and cannot fault.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
