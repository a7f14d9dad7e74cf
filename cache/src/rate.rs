//! How many requests a caller has left: the generic cell rate algorithm (ITU-T I.371), in the server and by its clock.

use std::time::Duration;

use crate::Cache;

/// Takes a request of a caller's, of whom one time is stored: when all requests will be there again. Times are in
/// microseconds. A clock that was set back leaves nobody without requests.
const TAKE: &str = "\
    local time = redis.call('TIME') \
    local now = time[1] * 1000000 + time[2] \
    local one, burst = tonumber(ARGV[1]), tonumber(ARGV[2]) \
    local full_at = tonumber(redis.call('GET', KEYS[1]) or 0) \
    full_at = math.min(math.max(full_at, now), now + burst) \
    local full_after = full_at + one - now \
    if full_after > burst then return {0, full_after} end \
    redis.call('SET', KEYS[1], string.format('%.0f', full_at + one), 'PX', math.ceil(full_after / 1000)) \
    return {1, full_after}";

/// What came of taking a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether there was one.
    pub is_allowed: bool,
    /// Until the caller has as many as there can be, with this one.
    pub full_after: Duration,
}

impl Cache {
    /// Takes a request of a caller who gets one each `one`, up to those of the time `burst`. None while the server is away.
    pub async fn take(&self, caller: &str, one: Duration, burst: Duration) -> Option<Taken> {
        let mut command = redis::cmd("EVAL");
        command.arg(TAKE).arg(1).arg(format!("millrace:requests:{caller}"));
        command.arg(micros(one)).arg(micros(burst));
        let (is_allowed, full_after): (u8, u64) = self.connection.ask(&command).await?;
        Some(Taken { is_allowed: is_allowed == 1, full_after: Duration::from_micros(full_after) })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
