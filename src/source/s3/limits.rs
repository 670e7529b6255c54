//! How much a run may have in flight.

use crate::source::s3_options::S3Options;

/// How much may be in flight at the same time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Requests in flight.
    pub(super) concurrency: usize,
    /// Bytes of memory for objects that are being fetched or wait for a worker.
    pub(super) bytes: u64,
}

const MIN_BYTES: u64 = 128 * 1024 * 1024;
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The memory to assume, in bytes, if the system does not report how much it has.
const MEMORY_IF_UNKNOWN: u64 = 2 * 1024 * 1024 * 1024;

impl Limits {
    pub(super) fn of(options: &S3Options) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let concurrency = options.concurrency.unwrap_or_else(|| (cores * 16).clamp(32, 128)).max(1);
        Self { concurrency, bytes: (memory() / 8).clamp(MIN_BYTES, MAX_BYTES) }
    }
}

/// The memory of this machine in bytes, or of this container if that is less.
fn memory() -> u64 {
    if !sysinfo::IS_SUPPORTED_SYSTEM {
        return MEMORY_IF_UNKNOWN;
    }
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let machine = system.total_memory();
    match system.cgroup_limits() {
        Some(limits) if limits.total_memory > 0 => machine.min(limits.total_memory),
        _ => machine,
    }
}
