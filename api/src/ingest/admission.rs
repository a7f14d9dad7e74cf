//! What requests with readings may take together: bytes of their bodies, and how many wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::IngestLimits;
use crate::error::ApiError;

/// Bytes that are counted together.
const UNIT: usize = 1024;

/// The room that all requests share.
pub(super) struct Room {
    waiting: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// What one request takes of the room, until it is dropped: where nobody waits for its readings any more, until they are
/// acknowledged all the same.
pub(crate) struct Charge {
    waiting: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    permits: Vec<OwnedSemaphorePermit>,
    units: usize,
}

impl Room {
    pub(super) fn new(limits: IngestLimits) -> Self {
        let units = (limits.max_bytes / UNIT).min(Semaphore::MAX_PERMITS);
        Self {
            waiting: Arc::new(Semaphore::new(limits.max_waiting.min(Semaphore::MAX_PERMITS))),
            bytes: Arc::new(Semaphore::new(units)),
        }
    }

    pub(super) fn charge(&self) -> Charge {
        Charge { waiting: self.waiting.clone(), bytes: self.bytes.clone(), permits: Vec::new(), units: 0 }
    }
}

impl Charge {
    /// Takes room for so many bytes in all.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), ApiError> {
        let more = bytes.div_ceil(UNIT).saturating_sub(self.units);
        if more > 0 {
            let more_permits = u32::try_from(more).map_err(|_| ApiError::Busy)?;
            let permit = self.bytes.clone().try_acquire_many_owned(more_permits);
            self.permits.push(permit.map_err(|_| ApiError::Busy)?);
            self.units += more;
        }
        Ok(())
    }

    /// Becomes one of those that wait.
    ///
    /// # Errors
    /// There are as many as may be.
    pub(crate) fn wait(&mut self) -> Result<(), ApiError> {
        let permit = self.waiting.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
        self.permits.push(permit);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many_bytes_and_so_many_that_wait() {
        let room = Room::new(IngestLimits { max_waiting: 1, max_bytes: 4 * UNIT, max_idempotency_keys: 1 });
        let (mut one, mut other) = (room.charge(), room.charge());
        one.hold(1).unwrap();
        one.hold(3 * UNIT).unwrap();
        assert!(matches!(other.hold(UNIT + 1), Err(ApiError::Busy)));
        other.hold(UNIT).unwrap();
        one.wait().unwrap();
        assert!(matches!(other.wait(), Err(ApiError::Busy)));
        drop(one);
        other.hold(4 * UNIT).unwrap();
        other.wait().unwrap();
    }
}
