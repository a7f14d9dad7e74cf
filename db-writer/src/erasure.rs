//! Deletes what is stored of devices that people forgot, where they asked for that.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{Forgotten, Lifecycle, Store};
use telemetry::Clock;
use telemetry::time::age;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often it is looked for such devices.
const EVERY: Duration = Duration::from_secs(2);

/// What was received just before a device was forgotten may be stored only after a while: until then it is looked for.
const SETTLED_AFTER: Duration = Duration::from_secs(5 * 60);

/// Erases forgotten devices until the stop. What a failure or a restart interrupts goes on afterwards.
pub async fn erase_forgotten(store: Arc<dyn Store>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EVERY);
    let mut has_failed = false;
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let erased = stop.run_until_cancelled(erase_all(store.as_ref(), clock.as_ref())).await;
        let Some(erased) = erased else { return };
        let failed_before = std::mem::replace(&mut has_failed, erased.is_err());
        if let Err(e) = erased
            && !failed_before
        {
            warn!("cannot erase what is stored of forgotten devices: {e}");
        }
    }
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
