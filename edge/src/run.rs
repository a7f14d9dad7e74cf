//! Starts the parts of the process, and stops them in order.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alerter::Mailer;
use anyhow::{Context as _, bail};
use api::Site;
use api::forms::Broker;
use dashboard::{Live, Pipeline};
use service::{Context, Decoder, Door, Doors, HttpConfig, MappingsFile, SettingError, Settings, say_unknown};
use store::Store;
use telemetry::{Series, SeriesQuota};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::banner::Banner;
use crate::hub::{Feeds, Hub};
use crate::listeners::Listeners;
use crate::lock::Lock;
use crate::mqtt_broker::EmbeddedBroker;
use crate::parts::{self, Part, Shared, Stops};
use crate::settings::{Mqtt, Sensors};
use crate::websocket::Origins;

/// How long open pages may take to hear that the process stops. One that still downloads something is cut off.
const LAST_GRACE: Duration = Duration::from_secs(3);

/// How long publishes in flight may take to be settled once the process stops.
const IN_FLIGHT_GRACE: Duration = Duration::from_secs(5);

/// How long the banner waits for the first PUBACK: with a store that is away there is none yet.
const FIRST_PUBACK: Duration = Duration::from_secs(3);

/// The file in the data folder that keeps sessions and retained messages.
const SESSIONS: &str = "mqtt-sessions";

/// Runs everything until the context's stop, then finishes what is in flight.
///
/// Order of the stop: sensors, broker, then the parts behind it, so that what was accepted is stored and acknowledged.
///
/// # Errors
/// A setting is wrong, an address is taken, or the data folder cannot be used.
pub async fn run(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let (mqtt, sensors) = (Mqtt::from_settings(settings)?, Sensors::from_settings(settings)?);
    let config = dashboard::Config::from_settings(settings)?;
    let data_dir = service::data_dir(settings)?;
    let _lock = Lock::take(&data_dir)?;
    let store = service::store(settings, context.clock.clone()).await?;
    let http = HttpConfig::from_settings(settings)?;
    dashboard::check_open(&http, store.as_ref()).await?;
    let [mqtt_doors, http_doors] =
        Doors::share(&context.metrics, [("mqtt", mqtt.limits), ("http", http.limits)]);
    let door = http_doors.open("http.listen", http.listen)?;
    let tls = service::page_tls(settings, &context.metrics)?;
    let page = service::page_url(settings, door.local_addr())?;
    let redirect = redirect(settings, &http_doors)?;

    let (mut feeds, shown) = Feeds::new();
    let (written, judged, answers) = (feeds.add(), feeds.add(), feeds.answers());
    let mappings = MappingsFile::at_the_edge(settings)?;
    let decoder = Decoder::from_settings(settings, mappings, &context.metrics, context.clock.clone())?;
    // Otherwise asked again when a message lacks something.
    if let Err(e) = decoder.load(store.as_ref()).await {
        warn!("cannot read what devices announced before: {e}");
    }
    let registry = decoder.registry().cloned().context("the decoder has no registry")?;
    if let Err(e) = registry.load(store.as_ref()).await {
        warn!("cannot read which devices are registered: {e}");
    }
    say_unknown(registry.unknown());
    let quota = SeriesQuota::new(settings.get("max_series")?, stored_series(store.as_ref()).await);
    let hub = Hub::new(decoder.clone(), &feeds, &context.metrics, context.clock.clone());
    let hub = Arc::new(hub.with_series_quota(quota));
    // A store that cannot be read now is asked again later.
    if let Ok(before) = store.clock_runs().await {
        hub.stamps().remember(before);
    }
    let sessions = data_dir.join(SESSIONS);
    let origins = Origins { site: Site::new(&page), allowed: mqtt.websocket_origins.clone() };
    let listeners = Listeners::open(&mqtt, &mqtt_doors, origins, &context.metrics)?;
    let broker = EmbeddedBroker::new(
        &mqtt,
        listeners,
        sessions,
        hub.clone(),
        (store.clone(), registry, context.clock.clone()),
        &context.metrics,
    )?;
    let devices = dashboard::device_address(settings, || devices(&mqtt, broker.addresses.tcp))?;
    let banner = banner(settings, &mqtt, &broker, &page, &data_dir)?;
    let shared = Shared {
        context: context.clone(),
        store,
        hub,
        decoder,
        broker: broker.url.clone(),
        devices,
        page,
        live: Live::new(config.ages(), context.clock.clone()).measured(&context.metrics),
        pipeline: Pipeline::new(context.clock.clone()),
    };
    let mut running = Running::default();
    running.start(parts::uplink(&shared).await?);
    let (inbox, commands) = parts::commands(&shared, broker.server(), answers)?;
    commands.into_iter().for_each(|part| running.start(part));
    for part in [
        parts::db_writer(&shared, written)?,
        parts::retention(&shared)?,
        parts::history(&shared),
        parts::rollups(&shared),
        parts::live_view(&shared, shown),
        parts::monitor(&shared),
        parts::mappings(&shared),
        parts::page(&shared, (door, tls, http), config.max_clients(), (broker.server(), inbox))?,
        parts::alerter(&shared, judged)?,
        parts::redirect(&shared, redirect),
        parts::notices(&shared)?,
        parts::audit(&shared)?,
        parts::sensors(&shared, &sensors),
        parts::probe(&shared, broker.server()),
        parts::clock(&shared),
        parts::asker(&shared, broker.server()),
    ] {
        running.start(part);
    }
    drop(shared);
    running.until_stopped(&context, broker, feeds, &banner).await
}

/// Where plain HTTP is redirected to the page over TLS, if it is.
fn redirect(settings: &Settings, doors: &Doors) -> Result<Option<Door>, SettingError> {
    const KEY: &str = "http.redirect_listen";
    let Some(listen) = settings.optional_address(KEY)? else { return Ok(None) };
    if !service::serves_tls(settings)? {
        return Err(SettingError::new(
            KEY,
            "needs http.tls_certificate: there is no page over TLS to redirect to",
        ));
    }
    doors.open(KEY, listen).map(Some)
}

/// A store that cannot be read now has them later: until then they count when they publish again.
async fn stored_series(store: &dyn Store) -> Vec<Series> {
    match store.latest().await {
        Ok(latest) => latest.into_iter().map(|reading| reading.series).collect(),
        Err(e) => {
            warn!("cannot count the stored series, which max_series limits: {e}");
            Vec::new()
        }
    }
}

/// The parts that run, by when they stop.
#[derive(Default)]
struct Running {
    before_broker: JoinSet<()>,
    with_deliveries: JoinSet<()>,
    last: JoinSet<()>,
}

impl Running {
    fn start(&mut self, part: Part) {
        let set = match part.stops {
            Stops::BeforeBroker => &mut self.before_broker,
            Stops::WithDeliveries => &mut self.with_deliveries,
            Stops::Last => &mut self.last,
        };
        set.spawn(part.run);
    }

    /// Runs the broker, and stops everything in order once the context says so.
    async fn until_stopped(
        mut self,
        context: &Context,
        broker: EmbeddedBroker,
        feeds: Feeds,
        banner: &Banner,
    ) -> anyhow::Result<()> {
        let server = broker.server();
        let ready = broker.first_puback();
        let mut broker = tokio::spawn(broker.run());
        let _ = tokio::time::timeout(FIRST_PUBACK, ready).await;
        say(banner);
        tokio::select! {
            () = context.stop.cancelled() => {}
            end = &mut broker => return end.context("the MQTT broker panicked"),
            Some(end) = self.with_deliveries.join_next() => {
                return end.context("a service panicked").and_then(|()| bail!("a service ended by itself"));
            }
        }
        all_ended(&mut self.before_broker).await?;
        broker.abort();
        server.stop(IN_FLIGHT_GRACE).await;
        drop(feeds);
        all_ended(&mut self.with_deliveries).await?;
        let _ = tokio::time::timeout(LAST_GRACE, all_ended(&mut self.last)).await;
        info!("stopped; every acknowledged reading is stored");
        Ok(())
    }
}

async fn all_ended(parts: &mut JoinSet<()>) -> anyhow::Result<()> {
    while let Some(end) = parts.join_next().await {
        end.context("a service panicked")?;
    }
    Ok(())
}

/// Where devices publish: on all addresses of this machine the page's own host is one of them.
fn devices(mqtt: &Mqtt, address: SocketAddr) -> Broker {
    let host = (!address.ip().is_unspecified()).then(|| address.ip().to_string());
    Broker { host, port: Some(address.port()), password: mqtt.asks_for_users(), ..Broker::default() }
}

fn banner(
    settings: &Settings,
    mqtt: &Mqtt,
    broker: &EmbeddedBroker,
    page: &str,
    data_dir: &Path,
) -> anyhow::Result<Banner> {
    let database = match settings.get::<String>("store.url")?.as_str() {
        "" => data_dir.join(store::FILE).display().to_string(),
        _ => "the database in store.url".to_owned(),
    };
    Ok(Banner {
        page: page.to_owned(),
        mqtt: broker.addresses,
        password: mqtt.asks_for_users(),
        mails: Mailer::from_settings(settings)?.place(),
        database,
    })
}

/// Printed, not logged: it is what a person starts this for. A closed stdout is no reason not to run.
fn say(banner: &Banner) {
    let _ = writeln!(std::io::stdout().lock(), "{banner}");
}
