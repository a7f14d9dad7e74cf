//! Keeps RabbitMQ in step with the registry.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use service::{Check, Metrics, UnknownDevices};
use store::{Lease, Store};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::management::Management;
use crate::users::{Changes, Users, users_of};

/// How often it is looked whether the registry was changed: a change is in force within a second.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long another gateway waits before it takes over from one that vanished.
const LEASE: Duration = Duration::from_secs(10);

/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// How long it waits after a failure, and while another gateway has the lease.
const AGAIN: Duration = Duration::from_secs(1);

/// The user that devices without a credential share.
const SHARED_USER: &str = "device";

/// Keeps RabbitMQ in step with the registry, while this process has the lease.
pub(crate) struct Provisioner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) management: Management,
    pub(crate) unknown: UnknownDevices,
    /// How often RabbitMQ's users are compared with the registry, whether it was changed or not.
    pub(crate) compare_every: Duration,
    /// This process's name among those that share the store.
    pub(crate) name: String,
    pub(crate) ready: Check,
    pub(crate) counters: Counters,
}

/// What is counted.
pub(crate) struct Counters {
    users: Gauge,
    changed: Counter,
    drifted: Counter,
    failed: Counter,
}

impl Counters {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let metrics = metrics.of("gateway");
        Self {
            users: metrics.register("users", "Users that RabbitMQ has for devices"),
            changed: metrics.register("users_changed", "Users of devices that were made, changed or removed"),
            drifted: metrics.register(
                "users_drifted",
                "Users of devices that others had changed in RabbitMQ, and that were mended",
            ),
            failed: metrics.register("failed", "Times that RabbitMQ or the store did not answer"),
        }
    }
}

/// What this process knows RabbitMQ to have.
struct Known {
    users: Users,
    revision: i64,
    compared_at: Instant,
}

impl Provisioner {
    /// Never ends.
    pub(crate) async fn run(&self) {
        let (mut known, mut renewed) = (None, None);
        loop {
            match self.turn(&mut known, &mut renewed).await {
                Ok(is_holder) => {
                    self.ready.pass();
                    sleep(if is_holder { LOOK_EVERY } else { AGAIN }).await;
                }
                Err(e) => {
                    self.counters.failed.inc();
                    self.ready.fail(format!("{e:#}"));
                    (known, renewed) = (None, None);
                    sleep(AGAIN).await;
                }
            }
        }
    }

    /// Gives the lease up, so that another one need not wait.
    pub(crate) async fn release(&self) {
        if let Err(e) = self.store.release(Lease::Provision, &self.name).await {
            warn!("the lease was not released: {e}");
        }
    }

    /// Whether this process has the lease, which is renewed now and then.
    async fn is_holder(&self, renewed: &mut Option<Instant>) -> anyhow::Result<bool> {
        if renewed.is_some_and(|renewed| renewed.elapsed() < RENEW_EVERY) {
            return Ok(true);
        }
        let now = Instant::now();
        let is_holder = self.store.acquire(Lease::Provision, &self.name, LEASE).await?;
        *renewed = is_holder.then_some(now);
        Ok(is_holder)
    }

    /// Applies what is new, where this process has the lease; returns whether it has.
    async fn turn(&self, known: &mut Option<Known>, renewed: &mut Option<Instant>) -> anyhow::Result<bool> {
        if !self.is_holder(renewed).await? {
            *known = None;
            return Ok(false);
        }
        // The revision first: what is changed while the rest is read is looked at once more.
        let revision = self.store.registry_head().await?.revision;
        let before = known.take();
        let is_due = before.as_ref().is_none_or(|before| before.compared_at.elapsed() >= self.compare_every);
        if !is_due && before.as_ref().is_some_and(|before| before.revision == revision) {
            *known = before;
            return Ok(true);
        }
        let should = users_of(&self.store.credentials(None).await?)?;
        let (are, compared_at) = match before {
            Some(before) if !is_due => (before.users, before.compared_at),
            before => (self.compare(before.map(|before| before.users)).await?, Instant::now()),
        };
        self.apply(Changes::between(&are, &should)).await?;
        self.store.note_applied(revision).await?;
        self.counters.users.set(should.len() as i64);
        *known = Some(Known { users: should, revision, compared_at });
        Ok(true)
    }

    /// The users that RabbitMQ has. Where they are not those that it was left with, somebody else has changed them.
    async fn compare(&self, left: Option<Users>) -> anyhow::Result<Users> {
        let management = self.management.clone();
        let is_refused = self.unknown == UnknownDevices::Refuse;
        let users = spawn_blocking(move || {
            if is_refused {
                management.shut_out(SHARED_USER)?;
            }
            management.users()
        });
        let users = users.await??;
        if let Some(left) = left {
            let drifted = Changes::between(&users, &left).count();
            if drifted > 0 {
                self.counters.drifted.inc_by(drifted as u64);
                warn!(drifted, "somebody else has changed users of devices in RabbitMQ: the registry holds");
            }
        }
        Ok(users)
    }

    async fn apply(&self, changes: Changes) -> anyhow::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let (management, count) = (self.management.clone(), changes.count());
        let Changes { set, changed, remove } = changes;
        let (made, removed) = (set.len(), remove.len());
        // What is withdrawn comes first.
        let applied = spawn_blocking(move || {
            management.remove(&remove)?;
            management.set(&set)?;
            changed.iter().try_for_each(|name| management.disconnect(name))
        });
        applied.await??;
        self.counters.changed.inc_by(count as u64);
        info!(made, removed, "RabbitMQ has the users of devices that the registry has");
        Ok(())
    }
}
