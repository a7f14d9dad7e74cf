//! What is done to the history of devices beside live writes: it is deleted where people forgot a device and asked for that, and
//! moved where a device got another name.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{Alias, Forgotten, Lifecycle, Store};
use telemetry::Clock;
use telemetry::time::age;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often it is looked for such devices.
const EVERY: Duration = Duration::from_secs(2);

/// What was received just before a device was forgotten may be stored only after a while: until then it is looked for.
const SETTLED_AFTER: Duration = Duration::from_secs(5 * 60);

/// Names of devices are looked at for what came under them this many times less often.
const MOVE_EVERY: u32 = 5;

/// Erases forgotten devices, and moves the history of renamed ones, until the stop. What a failure or a restart interrupts goes on
/// afterwards.
pub async fn keep_history(store: Arc<dyn Store>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    let (mut has_failed, mut looks, mut names) = (false, 0_u32, Vec::new());
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let is_turn = looks.is_multiple_of(MOVE_EVERY);
        looks = looks.wrapping_add(1);
        let work = async {
            erase_all(store.as_ref(), clock.as_ref()).await?;
            move_all(store.as_ref(), is_turn, &mut names).await
        };
        let erased = stop.run_until_cancelled(work).await;
        let Some(erased) = erased else { return };
        let failed_before = std::mem::replace(&mut has_failed, erased.is_err());
        if let Err(e) = erased
            && !failed_before
        {
            warn!("cannot erase or move what is stored of devices: {e}");
        }
    }
}

/// A new name is looked at at once; under the others something comes only from who has not heard of it yet.
async fn move_all(store: &dyn Store, is_turn: bool, known: &mut Vec<Alias>) -> store::Result<()> {
    let aliases = store.aliases().await?;
    for alias in aliases.iter().filter(|alias| is_turn || !known.contains(alias)) {
        let rows = store.move_history(alias).await?;
        if rows > 0 {
            info!(rows, "moved what was stored under an old name of a device");
        }
    }
    *known = aliases;
    Ok(())
}

async fn erase_all(store: &dyn Store, clock: &dyn Clock) -> store::Result<()> {
    for forgotten in store.forgotten_devices().await? {
        erase(store, &forgotten, clock.wall()).await?;
    }
    Ok(())
}

async fn erase<S: Lifecycle + ?Sized>(store: &S, forgotten: &Forgotten, now: Timestamp) -> store::Result<()> {
    let Some(to) = forgotten.erase_to else { return Ok(()) };
    let rows = store.erase(&forgotten.device, to).await?;
    if rows > 0 {
        info!(rows, "erased what was stored of a forgotten device");
    } else if age(now, to) > SETTLED_AFTER {
        store.note_erased(&forgotten.device, to).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::{
        AccessStore as _, AuditOutcome, Batch, Change, Forgetting, NewRecord, ReadingStore as _, Via,
    };
    use telemetry::{Reading, Series};
    use testkit::MemoryStore;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn reading(second: i64) -> Reading {
        Reading {
            series: Series::parse("temperature/lab").unwrap(),
            value: 1.0,
            unit: None,
            measured_at: at(second),
            received_at: at(second),
            boot: None,
            seq: None,
        }
    }

    async fn write(store: &MemoryStore, second: i64) {
        let batch = Batch { readings: vec![reading(second)], ..Batch::default() };
        assert_eq!(store.write(&batch.into()).await.unwrap().stored, 1);
    }

    #[tokio::test]
    async fn what_is_stored_late_is_erased_too() {
        let store = MemoryStore::default();
        write(&store, 1).await;
        let forgetting = Forgetting { device: "lab".into(), at: at(10), erase: true };
        let record = NewRecord {
            at: at(10),
            actor: None,
            via: Via::Command,
            address: None,
            action: "forget device",
            target: "lab".into(),
            outcome: AuditOutcome::Done,
            before: None,
            after: None,
        };
        store.change(&Change::ForgetDevice(forgetting), &record).await.unwrap().unwrap();
        for (now, late) in [(11, Some(2)), (12, Some(3)), (400, None)] {
            let forgotten = store.forgotten_devices().await.unwrap();
            assert_eq!(forgotten[0].erase_to, Some(at(10)), "{now}");
            erase(&store, &forgotten[0], at(now)).await.unwrap();
            if let Some(second) = late {
                write(&store, second).await;
            }
        }
        let forgotten = store.forgotten_devices().await.unwrap();
        erase(&store, &forgotten[0], at(401)).await.unwrap();
        assert_eq!(store.forgotten_devices().await.unwrap()[0].erase_to, None);
    }
}
