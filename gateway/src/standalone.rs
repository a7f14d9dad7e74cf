//! The gateway as a process of its own.

use std::time::Duration;

use serde::Deserialize;
use service::{Context, SettingError};

use crate::commands::Brokers;
use crate::management::Management;
use crate::provisioner::{Counters, Provisioner};

#[derive(Deserialize)]
#[serde(transparent)]
struct Every(#[serde(with = "humantime_serde")] Duration);

/// Runs until the context's stop.
///
/// # Errors
/// A setting is wrong.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let url: String = settings.get("gateway.rabbitmq")?;
    let management = Management::new(&url).map_err(|e| SettingError::new("gateway.rabbitmq", e))?;
    let brokers = Brokers::from_settings(&context)?;
    let store = service::store(settings, context.clock.clone()).await?;
    let provisioner = Provisioner {
        store: store.clone(),
        management,
        unknown: settings.get("devices.unknown")?,
        compare_every: settings.get::<Every>("gateway.compare_every")?.0,
        name: service::instance_name(),
        ready: context.health.check("provisioning"),
        counters: Counters::register(&context.metrics),
    };
    context.serve_admin()?;
    let provisions = async {
        context.stop.run_until_cancelled(provisioner.run()).await;
        provisioner.release().await;
    };
    let commands = async {
        match brokers {
            Some(brokers) => brokers.run(&context, store).await,
            None => Ok(()),
        }
    };
    tokio::join!(provisions, commands).1
}
