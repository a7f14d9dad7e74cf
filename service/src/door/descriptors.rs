//! The limit of open files, and who may use how much of it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use super::Limits;

/// Descriptors that are kept for the store, the log, outgoing connections and the process itself.
const RESERVED: usize = 128;

/// Raises the soft limit of open files to the hard one.
pub(crate) fn raise() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(e) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        warn!("cannot raise the limit of open files (ulimit -n): {e}");
    }
}

/// The limit of open files of this process.
pub(super) fn limit() -> usize {
    let current = getrlimit(Resource::Nofile).current;
    current.and_then(|limit| limit.try_into().ok()).unwrap_or(usize::MAX)
}

/// The limits that fit into `limit` descriptors beside those of the process itself: the wanted ones if there is room,
/// else less for each in proportion, but for no group nothing.
pub(super) fn fit<const N: usize>(limit: usize, wanted: [Limits; N]) -> [Limits; N] {
    let room = limit - RESERVED.min(limit / 8 * 5);
    let sum: usize = wanted.iter().map(|limits| limits.max_connections).sum();
    if sum <= room {
        return wanted;
    }
    // A quarter is the same for all.
    let same = room / (4 * N).max(1);
    let rest = room - same * N;
    wanted.map(|limits| {
        let share = same + rest * limits.max_connections / sum;
        limits.scaled_to(limits.max_connections.min(share).max(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MQTT: Limits = Limits { max_connections: 15_000, max_connections_per_address: 12_000 };
    const HTTP: Limits = Limits { max_connections: 2_000, max_connections_per_address: 200 };

    #[test]
    fn all_get_what_they_want_where_there_is_room() {
        assert_eq!(fit(20_000, [MQTT, HTTP]), [MQTT, HTTP]);
        assert_eq!(fit(usize::MAX, [MQTT, HTTP]), [MQTT, HTTP]);
    }

    #[test]
    fn with_few_descriptors_each_gets_some_and_the_process_keeps_its_own() {
        for limit in [16, 80, 128, 256, 1_024, 4_096, 16_000] {
            let fitting = fit(limit, [MQTT, HTTP]);
            let sum: usize = fitting.iter().map(|limits| limits.max_connections).sum();
            assert!(sum <= limit - RESERVED.min(limit / 8 * 5), "{limit}: {fitting:?}");
            assert!(
                fitting.iter().all(|limits| limits.max_connections >= limit / 32),
                "{limit}: {fitting:?}"
            );
            let all = fitting.iter().all(|limits| {
                limits.max_connections == 1 || limits.max_connections_per_address < limits.max_connections
            });
            assert!(all, "one address does not take all: {limit}: {fitting:?}");
        }
    }
}
