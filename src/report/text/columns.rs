//! Which bins a column of a picture shows.

/// The bins that a column shows; at least one.
pub(super) fn bins_of(column: usize, columns: usize, bins: usize) -> std::ops::Range<usize> {
    let first = column * bins / columns;
    first..((column + 1) * bins / columns).max(first + 1)
}

/// Whether a column is the middle one of those that its bin is stretched over. If no bin is stretched, every column
/// is.
pub(super) fn is_middle(column: usize, columns: usize, bins: usize) -> bool {
    let bin = bins_of(column, columns, bins).start;
    let first = |bin: usize| (bin * columns).div_ceil(bins);
    column == usize::midpoint(first(bin), first(bin + 1) - 1)
}

/// Failures by column: of the time bins of a column, the maximum.
pub(super) fn by_column(over_time: &[u64], columns: usize) -> Vec<u64> {
    let most = |column| over_time[bins_of(column, columns, over_time.len())].iter().copied().max().unwrap_or(0);
    (0..columns).map(most).collect()
}
