//! Memory that was freed goes back to the system.
//!
//! glibc keeps what is freed in the middle of its arenas, of which it makes one for each busy thread: a worker that ran and
//! deleted a connector of 40 MB 25 times held 250 MiB, of which 215 were free. jemalloc or mimalloc would be another way; they
//! would take all of librdkafka's and OpenSSL's memory over too, for each user's build, where one call is enough.
#![expect(unsafe_code, reason = "two calls of the C library; everywhere else it is denied")]

use std::ffi::c_int;

#[cfg(target_env = "gnu")]
unsafe extern "C" {
    fn malloc_trim(pad: usize) -> c_int;
    fn mallopt(parameter: c_int, value: c_int) -> c_int;
}

/// `M_MMAP_THRESHOLD` of glibc's `malloc.h`.
#[cfg(target_env = "gnu")]
const MMAP_THRESHOLD: c_int = -3;
/// Pieces of this size and more have pages of their own: answers of brokers and most batches. Half of it costs a tenth more
/// CPU, twice as much gives nothing back.
#[cfg(target_env = "gnu")]
const OF_THEIR_OWN: c_int = 512 * 1024;

/// Gives large pieces pages of their own, so that they go back the moment they are freed. glibc starts so, but takes the size of
/// the largest piece that was freed for its next limit, up to 32 MiB, and from then on such pieces leave holes in its arenas.
pub fn part_large_pieces() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes the allocator's own lock and changes from which size on it asks the system. It refuses what it does
    // not know.
    unsafe {
        mallopt(MMAP_THRESHOLD, OF_THEIR_OWN);
    }
}

/// Gives free pages back, in all arenas. It takes milliseconds, in which allocations may wait: nothing for an async thread.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes the allocator's own locks and may be called from any thread at any time; it touches free memory only.
    unsafe {
        malloc_trim(0);
    }
}
