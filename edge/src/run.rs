//! Puts the services together, and takes them apart in order.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use alerter::Mailer;
use anyhow::{Context as _, bail};
use api::Resend;
use broker::{BrokerUrl, Deliveries, Delivery};
use dashboard::{Live, Pipeline, ScrapeTargets, Server};
use sensor_sim::{Metric, RunConfig};
use service::Context;
use store::Store;
use telemetry::{CollectedMetrics, Decoded};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::banner::Banner;
use crate::hub::Hub;
use crate::lock::Lock;
use crate::mqtt_broker::EmbeddedBroker;
use crate::resend::ToHub;
use crate::settings::{Mqtt, Sensors};

/// Messages between the broker and a service: more than devices can have in flight at once.
const AHEAD: usize = 16_384;

/// How long the simulated sensors may wait for their last PUBACKs.
const SENSORS_GRACE: Duration = Duration::from_secs(5);

/// How long open pages may take to hear that we stop.
const PAGES_GRACE: Duration = Duration::from_secs(3);

/// Runs everything until the context's stop, then finishes what is in flight.
///
/// Order of the end: sensors, broker, then the services behind it, so that what was taken is stored and acked.
///
/// # Errors
/// A setting is wrong, an address is taken, or the data folder cannot be used.
pub async fn run(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let (mqtt, sensors) = (Mqtt::from_settings(settings)?, Sensors::from_settings(settings)?);
    let data_dir = service::data_dir(settings)?;
    let _lock = Lock::take(&data_dir)?;
    let database = match settings.get::<String>("store.url")?.as_str() {
        "" => data_dir.join(store::FILE).display().to_string(),
        _ => "the database in store.url".to_owned(),
    };
    let store = service::store(settings).await?;
    let listener = service::bind("http.listen", settings.get("http.listen")?).await?;
    let page = service::page_url(settings, listener.local_addr()?)?;
    let mails = Mailer::from_settings(settings)?.place();

    let mut services = JoinSet::new();
    let (hub, ends) = start_services(&context, &store, listener, &page, &mut services)?;
    let Ends { senders, judged, pages } = ends;
    let broker = EmbeddedBroker::bind(&mqtt, &data_dir.join("mqtt"), hub.clone()).await?;
    let known = alerter::Wiring { page: page.clone(), broker: broker.url.clone(), name: "millrace".into() };
    let (alerter, notifiers) = alerter::prepare(&context, store.clone(), known)?.start();
    services.spawn(alerter.run(judged, hub.link(), notifiers, context.health.check("alerter")));
    let banner = Banner {
        page,
        mqtt: broker.address,
        websocket: broker.websocket_address,
        password: mqtt.password_file.is_some(),
        mails,
        database,
    };
    let (stop_broker, url) = (broker.stop(), broker.url.clone());
    let mut broker = tokio::spawn(broker.run());
    let sensors = start_sensors(&sensors, url, &context.stop);
    say(&banner);

    tokio::select! {
        () = context.stop.cancelled() => {}
        end = &mut broker => return end.context("the MQTT broker panicked")?,
        Some(end) = services.join_next() => return end.context("a service panicked").and_then(|()| bail!("a service ended by itself")),
    }
    sensors.await.context("the simulated sensors panicked")?;
    stop_broker.now();
    broker.await.context("the MQTT broker panicked")??;
    drop(senders);
    while let Some(end) = services.join_next().await {
        end.context("a service panicked")?;
    }
    // Who still downloads something is not waited for.
    let _ = tokio::time::timeout(PAGES_GRACE, pages).await;
    info!("stopped; everything that was acked is stored");
    Ok(())
}

struct Ends {
    /// They keep the services' streams open: dropping them lets the services finish.
    senders: [mpsc::Sender<Delivery<Arc<Decoded>>>; 3],
    /// What the alerter is to judge, once it is known where it can publish alerts.
    judged: Deliveries<Arc<Decoded>>,
    /// Ends when open pages have been told that we stop.
    pages: JoinHandle<()>,
}

fn start_services(
    context: &Context,
    store: &Arc<dyn Store>,
    listener: TcpListener,
    page: &str,
    services: &mut JoinSet<()>,
) -> anyhow::Result<(Arc<Hub>, Ends)> {
    let Context { settings, health, metrics, stop } = context;
    let (to_writer, written) = mpsc::channel(AHEAD);
    let (to_alerter, judged) = mpsc::channel(AHEAD);
    let (to_pages, shown) = mpsc::channel(AHEAD);
    let waited_for = vec![to_writer.downgrade(), to_alerter.downgrade()];
    let collected: CollectedMetrics = settings.get("metrics")?;
    let hub = Arc::new(Hub::new(collected.clone(), waited_for, to_pages.downgrade(), metrics));

    let config = db_writer::Config::from_settings(settings)?;
    let counters = db_writer::Counters::register(metrics);
    services.spawn(db_writer::run(
        config,
        written.into(),
        store.clone(),
        counters,
        health.check("db-writer"),
    ));
    let retention = db_writer::Retention::from_settings(settings)?;
    tokio::spawn(db_writer::forget_old(retention, store.clone(), stop.clone()));

    let config = dashboard::Config::from_settings(settings)?;
    let live = Live::new(config.ages());
    let relayed =
        dashboard::relay(shown.into(), hub.link(), live.clone(), store.clone(), health.check("dashboard"));
    services.spawn(relayed);
    let pipeline = Pipeline::default();
    let targets = ScrapeTargets::here(health.clone(), metrics.clone());
    tokio::spawn(pipeline.clone().follow(targets, live.clone(), stop.clone()));
    let server = Server {
        live,
        store: store.clone(),
        resend: Resend::new(Arc::new(ToHub(hub.clone())), collected),
        health: health.clone(),
        metrics: metrics.clone(),
        pipeline,
        max_clients: config.max_clients,
        public_url: page.to_owned(),
        limits: api::Limits::default(),
        stop: stop.clone(),
    };
    let pages = tokio::spawn(dashboard::serve(listener, server));
    Ok((hub, Ends { senders: [to_writer, to_alerter, to_pages], judged: judged.into(), pages }))
}

fn start_sensors(sensors: &Sensors, broker: BrokerUrl, stop: &CancellationToken) -> JoinHandle<()> {
    let config = RunConfig {
        broker,
        devices: sensor_sim::names(sensors.count),
        metric: Metric::Temperature,
        interval: sensors.interval,
        duration: None,
        count: None,
        seed: 1,
        grace: Some(SENSORS_GRACE),
    };
    let stop = stop.clone();
    tokio::spawn(async move {
        if let Err(e) = sensor_sim::run(config, stop).await {
            warn!("the simulated sensors do not run: {e}");
        }
    })
}

/// Printed, not logged: it is what a person starts this for. A closed stdout is no reason not to run.
fn say(banner: &Banner) {
    let _ = writeln!(std::io::stdout().lock(), "{banner}");
}
