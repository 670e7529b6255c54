//! The only module that calls C: libdeflate's gzip decoder, which reports how much input a member took.
//!
//! The safe wrapper crate does not return that number, and without it the next member cannot be found.

#![allow(unsafe_code, reason = "the only binding to C; each block says why it is sound")]

use std::ffi::c_void;
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE as INSUFFICIENT_SPACE,
    libdeflate_result_LIBDEFLATE_SUCCESS as SUCCESS,
};

/// A reusable gzip decoder, one for each worker. It has about 10 KiB of tables.
pub struct Decompressor(NonNull<libdeflate_decompressor>);

/// How many bytes a member takes as stored and as decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) stored: usize,
    pub(super) decoded: usize,
}

/// Why a member was not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The member decodes to more than the room given.
    InsufficientSpace,
    /// The member is cut off or damaged, or its checksum is wrong. The streaming decoder finds out which.
    BadMember,
}

// SAFETY: the decompressor is plain memory with no tie to the thread that allocated it, and every use needs `&mut`.
unsafe impl Send for Decompressor {}

impl Decompressor {
    /// Allocates the decoder's tables.
    ///
    /// # Panics
    /// If memory runs out, as with every allocation.
    #[must_use]
    pub fn new() -> Self {
        // SAFETY: it takes no argument. Null means that memory ran out, which is checked.
        let raw = unsafe { libdeflate_alloc_decompressor() };
        Self(NonNull::new(raw).expect("memory for a decompressor"))
    }

    /// Decodes the gzip member at the start of `stored` into the start of `room`.
    pub(super) fn member(&mut self, stored: &[u8], room: &mut [u8]) -> Result<Sizes, Refusal> {
        let mut sizes = Sizes { stored: 0, decoded: 0 };
        // SAFETY: both slices are valid for their lengths for the whole call and do not overlap (`room` is `&mut`),
        // the decompressor is alive and borrowed mutably, and the two results are written to the fields of `sizes`.
        let result = unsafe {
            libdeflate_gzip_decompress_ex(
                self.0.as_ptr(),
                stored.as_ptr().cast::<c_void>(),
                stored.len(),
                room.as_mut_ptr().cast::<c_void>(),
                room.len(),
                &raw mut sizes.stored,
                &raw mut sizes.decoded,
            )
        };
        match result {
            SUCCESS => Ok(sizes),
            INSUFFICIENT_SPACE => Err(Refusal::InsufficientSpace),
            _ => Err(Refusal::BadMember),
        }
    }
}

impl Default for Decompressor {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `libdeflate_alloc_decompressor` and is freed once.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) }
    }
}
