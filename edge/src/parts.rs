//! The parts of the process: what each is given, what it runs, and when it stops. One function for each.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use alerter::NoticeSender;
use api::forms::{self, Broker, Connection};
use api::{Commanding, DeviceBroker, Ingest, IngestLimits, Resend};
use async_trait::async_trait;
use broker::server::{LastWill, Request, Server};
use broker::{BrokerUrl, Deliveries};
use bytes::Bytes;
use commands::{Inbox, Offer, Offered, Outlet};
use dashboard::{AuditNotices, Live, Pipeline, ScrapeTargets};
use jiff::{Timestamp, Unit};
use sensor_sim::{Metric, RunConfig};
use service::{Context, Decoder, Door, HttpConfig, Limits, SettingError, Tls};
use store::Store;
use telemetry::{Clock, Decoded, Inputs, Message};
use tracing::warn;
use uplink::{AskOutlet, Asker, AskerCounters, Uplink};

use crate::clock;
use crate::hub::Hub;
use crate::mqtt_broker;
use crate::resend::ToHub;
use crate::settings::Sensors;

/// How long the simulated sensors may wait for their last PUBACKs.
const SENSORS_GRACE: Duration = Duration::from_secs(5);

/// How long what an edge is asked for is worth delivering.
const ASK_LASTS: Duration = Duration::from_secs(30);

/// What parts share.
pub(crate) struct Shared {
    pub(crate) context: Context,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) decoder: Decoder,
    /// Where this process itself connects over MQTT.
    pub(crate) broker: BrokerUrl,
    /// Where devices publish.
    pub(crate) devices: Broker,
    /// Where people reach the page.
    pub(crate) page: String,
    pub(crate) live: Live,
    pub(crate) pipeline: Pipeline,
}

/// Something that runs beside the broker until it is time to stop.
pub(crate) struct Part {
    pub(crate) stops: Stops,
    pub(crate) run: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// When a part ends, and how long the process waits for it.
#[derive(Clone, Copy)]
pub(crate) enum Stops {
    /// By the context's stop, before the broker stops: it publishes, and needs its PUBACKs.
    BeforeBroker,
    /// With its deliveries, after the broker has stopped. That it ends earlier is a fault.
    WithDeliveries,
    /// By the context's stop. The process waits for it last, and not for long.
    Last,
}

impl Part {
    fn new(stops: Stops, run: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { stops, run: Box::pin(run) }
    }
}

/// Stores readings and rejections.
pub(crate) fn db_writer(shared: &Shared, deliveries: Deliveries<Arc<Decoded>>) -> anyhow::Result<Part> {
    let Context { settings, health, metrics, .. } = &shared.context;
    let config = db_writer::Config::from_settings(settings)?;
    let counters = db_writer::Counters::register(metrics, shared.context.clock.clone());
    let ready = health.check("db-writer");
    let run = db_writer::run(config, deliveries, shared.store.clone(), counters, ready);
    Ok(Part::new(Stops::WithDeliveries, run))
}

/// Deletes what is older than the retention.
pub(crate) fn retention(shared: &Shared) -> anyhow::Result<Part> {
    let Context { settings, clock, metrics, stop, .. } = shared.context.clone();
    let retention = db_writer::Retention::from_settings(&settings)?;
    let run = db_writer::forget_old(retention, shared.store.clone(), clock, metrics, stop);
    Ok(Part::new(Stops::Last, run))
}

/// Sums up the readings of each hour and day.
pub(crate) fn rollups(shared: &Shared) -> Part {
    let Context { clock, metrics, stop, .. } = shared.context.clone();
    Part::new(Stops::Last, db_writer::keep_rollups(shared.store.clone(), clock, metrics, stop))
}

/// Deletes what is stored of devices that people forgot, and moves that of renamed ones.
pub(crate) fn history(shared: &Shared) -> Part {
    let Context { clock, stop, .. } = shared.context.clone();
    Part::new(Stops::Last, db_writer::keep_history(shared.store.clone(), clock, stop))
}

/// Follows what messages are read by: the file of rules, and what devices announced.
pub(crate) fn mappings(shared: &Shared) -> Part {
    let (decoder, store, stop) = (shared.decoder.clone(), shared.store.clone(), shared.context.stop.clone());
    Part::new(Stops::Last, async move {
        let following = async { tokio::join!(decoder.follow(), decoder.keep_up(store.as_ref())) };
        stop.run_until_cancelled(following).await;
    })
}

/// Evaluates readings and sends notifications.
pub(crate) fn alerter(shared: &Shared, deliveries: Deliveries<Arc<Decoded>>) -> anyhow::Result<Part> {
    let Shared { context, store, hub, broker, page, decoder, .. } = shared;
    let wiring = alerter::Wiring {
        page: page.clone(),
        broker: broker.clone(),
        name: "millrace".into(),
        decoder: decoder.clone(),
    };
    let (alerter, notifiers) = alerter::prepare(context, store.clone(), wiring)?.start();
    let run = alerter.run(deliveries, hub.connection_status(), notifiers, context.health.check("alerter"));
    Ok(Part::new(Stops::WithDeliveries, run))
}

/// Redirects plain HTTP to the page.
pub(crate) fn redirect(shared: &Shared, door: Option<Door>) -> Part {
    let (page, stop) = (shared.page.clone(), shared.context.stop.clone());
    Part::new(Stops::Last, async {
        if let Some(door) = door {
            service::serve_redirect(door, page, stop).await;
        }
    })
}

/// Sends notices about Millrace itself.
pub(crate) fn notices(shared: &Shared) -> anyhow::Result<Part> {
    let Shared { context, store, page, .. } = shared;
    let notices = NoticeSender::new(context, store.clone(), page.clone(), "millrace".into())?;
    Ok(Part::new(Stops::Last, notices.run(context.stop.clone())))
}

/// Tells the end of the audit once a day, if it is asked for.
pub(crate) fn audit(shared: &Shared) -> anyhow::Result<Part> {
    let notices = AuditNotices::from_settings(&shared.context, shared.store.clone())?;
    Ok(Part::new(Stops::Last, async {
        if let Some(notices) = notices {
            notices.run().await;
        }
    }))
}

/// Keeps the newest reading of each series for open pages.
pub(crate) fn live_view(shared: &Shared, deliveries: Deliveries<Arc<Decoded>>) -> Part {
    let Shared { context, store, hub, live, .. } = shared;
    let ready = context.health.check("dashboard");
    let run = dashboard::relay(deliveries, hub.connection_status(), live.clone(), store.clone(), ready);
    Part::new(Stops::WithDeliveries, run)
}

/// Watches how each stage of the pipeline is doing.
pub(crate) fn monitor(shared: &Shared) -> Part {
    let Context { health, metrics, stop, .. } = &shared.context;
    let targets = ScrapeTargets::here(health.clone(), metrics.clone());
    Part::new(Stops::Last, shared.pipeline.clone().follow(targets, shared.live.clone(), stop.clone()))
}

/// Serves the page, its API and its WebSocket.
pub(crate) fn page(
    shared: &Shared,
    (door, tls, http): (Door, Option<Arc<Tls>>, HttpConfig),
    max_clients: Limits,
    (mqtt, inbox): (Server, Inbox),
) -> anyhow::Result<Part> {
    let Shared { context, store, hub, decoder, devices, page, live, pipeline, .. } = shared;
    let access = dashboard::authority(context, store.as_ref())?;
    let (access, oidc) = dashboard::identity_provider(context, page, access)?;
    let limits = IngestLimits::from_settings(&context.settings)?;
    let registry = decoder.registry().cloned();
    let server = dashboard::Server {
        live: live.clone(),
        store: store.clone(),
        access,
        oidc,
        cache: cache::Cache::from_settings(context)?,
        commanding: Commanding::new(commands::Config::from_settings(&context.settings)?, inbox),
        broker: Arc::new(Devices {
            reached: devices.clone(),
            mqtt,
            hub: hub.clone(),
            clock: context.clock.clone(),
        }),
        resend: Resend::new(Arc::new(ToHub(hub.clone())), decoder.inputs(), context.clock.clone()),
        ingest: Ingest::new(hub.clone(), registry, limits, &context.metrics),
        health: context.health.clone(),
        metrics: context.metrics.clone(),
        pipeline: pipeline.clone(),
        decoder: decoder.clone(),
        max_clients,
        public_url: page.clone(),
        limits: api::Limits {
            query_timeout: http.query_timeout,
            requests_per_second: http.requests_per_second,
            ..api::Limits::default()
        },
        clock: context.clock.clone(),
        stop: context.stop.clone(),
    };
    Ok(Part::new(Stops::Last, dashboard::serve(door, tls, http, server)))
}

/// Where devices publish, and which of them are in each other's way.
struct Devices {
    reached: Broker,
    mqtt: Server,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
}

impl DeviceBroker for Devices {
    fn form(&self) -> Broker {
        Broker { contested_client_ids: self.mqtt.contested_client_ids(), ..self.reached.clone() }
    }

    fn firmware(&self) -> Option<Arc<Inputs>> {
        Some(self.hub.inputs())
    }

    fn connection(&self, device: &str, users: &[String]) -> Option<Connection> {
        let by_user = || users.iter().find_map(|user| self.mqtt.client_of(user));
        let client = self.hub.client_of(device).or_else(by_user)?;
        Some(Connection {
            client_id: client.client_id.clone(),
            user: client.user.as_deref().map(str::to_owned),
            address: client.address.to_string(),
            since: since(self.clock.wall(), client.connected_at.elapsed()).into(),
            last_will: client.last_will.as_deref().map(last_will),
        })
    }
}

/// When that was, to the second: the clock and the age are not read at once.
fn since(now: Timestamp, age: Duration) -> Timestamp {
    let at = now.checked_sub(age).unwrap_or(Timestamp::MIN);
    at.round(Unit::Second).unwrap_or(at)
}

fn last_will(LastWill { topic, payload, retain }: &LastWill) -> forms::LastWill {
    let payload = String::from_utf8_lossy(payload).into_owned();
    forms::LastWill { topic: topic.clone(), payload, retain: *retain }
}

/// Publishes now and then as a device would, to know whether the process is ready.
pub(crate) fn probe(shared: &Shared, server: Server) -> Part {
    let (health, stop) = (&shared.context.health, shared.context.stop.clone());
    let probe = mqtt_broker::probe(server, shared.broker.credentials.clone(), health.check("mqtt"));
    Part::new(Stops::Last, async move {
        stop.run_until_cancelled(probe).await;
    })
}

/// Sends commands to devices, and records what they answer. Returns what records it, too.
pub(crate) fn commands(
    shared: &Shared,
    server: Server,
    answers: Deliveries<Arc<Message>>,
) -> anyhow::Result<(Inbox, [Part; 2])> {
    let Shared { context, store, hub, .. } = shared;
    let counters = commands::Counters::register(&context.metrics);
    let config = commands::Config::from_settings(&context.settings)?;
    let ready = context.health.check("commands");
    let shared_by_all = (store.clone(), context.clock.clone());
    let (mut sender, listener) =
        commands::Sender::new(shared_by_all, ToSubscribers(server), config, (counters.clone(), ready), None);
    hub.be_heard_by(listener.clone());
    sender = sender.with_rules(shared.decoder.inputs());
    let inbox = Inbox::new(store.clone(), counters, listener).with_rules(shared.decoder.inputs());
    let stop = context.stop.clone();
    let receives = inbox.clone().run(answers, context.health.check("answers"));
    let sends = async move {
        stop.run_until_cancelled(sender.run()).await;
    };
    Ok((inbox, [Part::new(Stops::WithDeliveries, receives), Part::new(Stops::BeforeBroker, sends)]))
}

/// Forwards what is stored to the cloud, if there is one.
///
/// # Errors
/// A setting is wrong, or the store is none that can be forwarded.
pub(crate) async fn uplink(shared: &Shared) -> anyhow::Result<Part> {
    let Context { settings, clock, metrics, stop, .. } = shared.context.clone();
    let (config, journal) = (uplink::Config::from_settings(&settings)?, shared.store.journal());
    let uplink = match (config, journal) {
        (Some(config), Some(journal)) => {
            // Before anything is stored: from the first reading on all have numbers.
            journal.start_journal().await?;
            let counters = uplink::Counters::register(&metrics);
            Some(Uplink::new(config, journal, clock, counters))
        }
        (Some(_), None) => {
            let why = "needs the file in data_dir as its store: leave store.url empty";
            return Err(SettingError::new("uplink.url", why).into());
        }
        (None, Some(journal)) => {
            journal.stop_journal().await?;
            None
        }
        (None, None) => None,
    };
    Ok(Part::new(Stops::Last, async {
        if let Some(uplink) = uplink {
            Box::pin(uplink.run(stop)).await;
        }
    }))
}

/// Asks edges that forward to this process for what does not arrive.
pub(crate) fn asker(shared: &Shared, server: Server) -> Part {
    let Context { clock, metrics, stop, .. } = shared.context.clone();
    let counters = AskerCounters::register(&metrics);
    let outlet = Arc::new(ToSubscribers(server));
    let asker = Asker::new(shared.store.clone(), outlet, clock, "millrace".into(), counters);
    Part::new(Stops::Last, async move {
        stop.run_until_cancelled(asker.run()).await;
    })
}

/// Hands commands to those who subscribe to them and are connected.
struct ToSubscribers(Server);

#[async_trait]
impl Outlet for ToSubscribers {
    async fn offer(&self, offer: Offer) -> Offered {
        let Offer { topic, payload, reply_to, id, lasts } = offer;
        let request = Request { topic, payload, reply_to, correlation: id, lasts };
        if self.0.request(&request) > 0 { Offered::Taken } else { Offered::Absent }
    }
}

#[async_trait]
impl AskOutlet for ToSubscribers {
    async fn ask(&self, topic: String, payload: Bytes) {
        let (reply_to, correlation) = (String::new(), String::new());
        let _ = self.0.request(&Request { topic, payload, reply_to, correlation, lasts: ASK_LASTS });
    }
}

/// Keeps in the store when the clock was stepped.
pub(crate) fn clock(shared: &Shared) -> Part {
    let Shared { context, store, hub, .. } = shared;
    Part::new(Stops::Last, clock::follow(hub.clone(), store.clone(), context.stop.clone()))
}

/// Publishes the readings of simulated sensors.
pub(crate) fn sensors(shared: &Shared, sensors: &Sensors) -> Part {
    let config = RunConfig {
        broker: shared.broker.clone(),
        devices: sensor_sim::names(sensors.count),
        metric: Metric::Temperature,
        interval: sensors.interval,
        duration: None,
        count: None,
        seed: 1,
        grace: Some(SENSORS_GRACE),
        takes_commands: true,
    };
    let stop = shared.context.stop.clone();
    Part::new(Stops::BeforeBroker, async move {
        if let Err(e) = sensor_sim::run(config, stop).await {
            warn!("the simulated sensors do not run: {e}");
        }
    })
}
