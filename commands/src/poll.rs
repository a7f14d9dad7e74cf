//! The next command of a device that asks for it.

use jiff::Timestamp;
use store::{Command, Store};
use telemetry::time::saturating_add;

use crate::schedule;

/// The first open command of a device, where it may be sent at this time.
///
/// # Errors
/// The store does not answer.
pub async fn next_command(store: &dyn Store, device: &str, now: Timestamp) -> store::Result<Option<Command>> {
    let command = store.open_command(device).await?;
    Ok(command.filter(|command| command.is_released(now) && command.expires_at > now))
}

/// The first open command of a device, which counts as sent with this; none while there is none. It is given again until
/// the device says how it went.
///
/// # Errors
/// The store does not answer: nothing was changed.
pub async fn poll(store: &dyn Store, device: &str, now: Timestamp) -> store::Result<Option<Command>> {
    let Some(command) = next_command(store, device, now).await? else { return Ok(None) };
    let sent = u32::try_from(command.sent_count).unwrap_or(u32::MAX).saturating_add(1);
    let next_at = saturating_add(now, schedule::again(sent));
    // It may have ended just now.
    Ok(store.note_sent(&command.id, now, next_at).await?.then_some(command))
}
