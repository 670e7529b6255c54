//! How many threads the work besides reading uses.

/// Makes the work besides reading, such as the diagnosis, use as many threads as reading does: one for each core
/// unless the user said how many.
pub(super) fn use_threads(threads: Option<u16>) {
    let threads = threads.map_or(0, usize::from);
    // An error can be ignored: no pool was built before, and any number of threads gives the same result.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}
