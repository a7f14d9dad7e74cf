//! The limits of a message.

use std::time::Duration;

/// Largest payload, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// Most readings in one message.
pub const MAX_READINGS: usize = 10_000;

/// How far `measured_at` may be ahead of the broker's clock.
pub const MAX_CLOCK_AHEAD: Duration = Duration::from_secs(5 * 60);
