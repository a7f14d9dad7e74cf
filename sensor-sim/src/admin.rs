//! The health of a simulation that runs for long.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use prometheus_client::metrics::counter::Counter;
use sensor_sim::Tally;
use service::{Check, Health, Metrics};

/// How often the counts are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Serves the admin routes until the process ends; ready once a reading is acked.
pub(crate) async fn listen(address: SocketAddr) -> Result<(Check, Metrics)> {
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("--admin: listen on {address}"))?;
    let (health, metrics) = (Health::default(), Metrics::default());
    let check = health.check("broker");
    tokio::spawn(service::serve(listener, health, metrics.clone()));
    Ok((check, metrics))
}

/// Ready while readings are acked, or none is un-acked. Never ends.
pub(crate) async fn follow(served: Option<(Check, Metrics)>, tally: &Tally) {
    let Some((check, metrics)) = served else { return std::future::pending().await };
    let metrics = metrics.of("sensor_sim");
    let sent: Counter = metrics.register("sent", "Readings published");
    let acked: Counter = metrics.register("acked", "Readings whose PUBACK has come");
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        let summary = tally.summary();
        sent.inc_by(summary.sent - sent.get());
        let goes_on = summary.acked > acked.get();
        acked.inc_by(summary.acked - acked.get());
        if goes_on || (summary.sent > 0 && summary.unacked() == 0) {
            check.pass();
        } else {
            check.fail(format!("{} readings are un-acked", summary.unacked()));
        }
    }
}
