//! `millrace confirm-clock`: a person says that the clock is right, so that retention goes on by it.

use std::io::Write;

use service::Settings;
use store::RetentionClock;

/// Lets retention follow the clock again after a jump that it did not believe.
///
/// # Errors
/// The store cannot be opened or written.
pub async fn confirm_clock(settings: &Settings) -> anyhow::Result<()> {
    let store = service::store(settings, crate::clock()).await?;
    let at = crate::clock().wall();
    store.set_retention_clock(RetentionClock { at, held_since: None }).await?;
    let said = format!("The clock is taken to be right ({at:.0}): retention follows it within ten minutes");
    Ok(writeln!(std::io::stdout().lock(), "{said}")?)
}
