//! The gateway as a process of its own.

use std::sync::Arc;
use std::time::Duration;

use commands::Counters as CommandCounters;
use serde::Deserialize;
use service::{Context, SettingError};
use store::Store;

use crate::commands::Brokers;
use crate::ingest;
use crate::management::Management;
use crate::provisioner::{Counters, Provisioner};

#[derive(Deserialize)]
#[serde(transparent)]
struct Every(#[serde(with = "humantime_serde")] Duration);

/// Runs until the context's stop.
///
/// # Errors
/// A setting is wrong, or an address cannot be listened on.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let brokers = Brokers::from_settings(&context)?;
    let store = service::store(&context.settings, context.clock.clone()).await?;
    let provisioner = provisioner(&context, store.clone())?;
    let counters = CommandCounters::register(&context.metrics);
    let served = ingest::serve(&context, store.clone(), counters.clone()).await?;
    context.serve_admin()?;
    let provisions = async {
        context.stop.run_until_cancelled(provisioner.run()).await;
        provisioner.release().await;
    };
    let commands = async {
        match brokers {
            Some(brokers) => Box::pin(brokers.run(&context, store, counters)).await,
            None => Ok(()),
        }
    };
    tokio::join!(served, provisions, commands).2
}

fn provisioner(context: &Context, store: Arc<dyn Store>) -> Result<Provisioner, SettingError> {
    let settings = &context.settings;
    let url: String = settings.get("gateway.rabbitmq")?;
    let management = Management::new(&url).map_err(|e| SettingError::new("gateway.rabbitmq", e))?;
    Ok(Provisioner {
        store,
        management,
        unknown: settings.get("devices.unknown")?,
        compare_every: settings.get::<Every>("gateway.compare_every")?.0,
        name: service::instance_name(),
        ready: context.health.check("provisioning"),
        counters: Counters::register(&context.metrics),
    })
}
