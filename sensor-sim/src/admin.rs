//! Health and metrics of a simulation.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use prometheus_client::metrics::counter::Counter;
use sensor_sim::Counters;
use service::{Check, Health, Metrics};

/// How often the counts are read.
const READ_EVERY: Duration = Duration::from_secs(1);

/// Serves the admin routes until the process ends; ready once a reading is acked.
pub(crate) fn listen(address: SocketAddr) -> Result<(Check, Metrics)> {
    let (health, metrics) = (Health::default(), Metrics::default());
    let door = service::admin_door(address, &metrics);
    let door = door.with_context(|| format!("--admin: listen on {address}"))?;
    let check = health.check("broker");
    tokio::spawn(service::serve(door, health, metrics.clone()));
    Ok((check, metrics))
}

/// Ready while readings are acked, or none is un-acked. Never ends.
pub(crate) async fn follow(served: Option<(Check, Metrics)>, counters: &Counters) {
    let Some((check, metrics)) = served else { return std::future::pending().await };
    let metrics = metrics.of("sensor_sim");
    let sent: Counter = metrics.register("sent", "Readings published, acknowledged or not");
    let acked: Counter = metrics.register("acked", "Readings whose PUBACK arrived");
    let mut ticks = tokio::time::interval(READ_EVERY);
    loop {
        ticks.tick().await;
        let summary = counters.summary();
        sent.inc_by(summary.sent - sent.get());
        let progressed = summary.acked > acked.get();
        acked.inc_by(summary.acked - acked.get());
        if progressed || (summary.sent > 0 && summary.unacked() == 0) {
            check.pass();
        } else {
            check.fail(format!("{} readings are un-acked", summary.unacked()));
        }
    }
}
