//! The dashboard as a process of its own, between a broker and the browsers.

use std::sync::Arc;
use std::time::Duration;

use api::{Commanding, Ingest, IngestLimits, Resend};
use broker::BrokerUrl;
use commands::{Counters, Inbox, Listener};
use futures_util::future::OptionFuture;
use serde::Deserialize;
use service::{Context, Decoder, Doors, HttpConfig, Limits, Outgoing, SettingError, Settings};
use store::Store;
use tracing::info;

use crate::audit_notice::AuditNotices;
use crate::device_address::{as_here, device_address};
use crate::live::{Ages, Live, relay};
use crate::mqtt_publisher::MqttPublisher;
use crate::pipeline::{Pipeline, ScrapeTargets};
use crate::server::{Server, authority, check_open, identity_provider, serve};

/// Messages that may wait between the broker and the pages.
const AHEAD: usize = 10_000;

/// The settings in `dashboard`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(with = "humantime_serde")]
    stale_after: Duration,
    #[serde(with = "humantime_serde")]
    offline_after: Duration,
    max_clients: usize,
    max_clients_per_address: usize,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// A setting is wrong or out of bounds.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let config: Self = settings.get("dashboard")?;
        if config.stale_after.is_zero() {
            return Err(SettingError::new("dashboard.stale_after", "must be more than 0s"));
        }
        if config.offline_after <= config.stale_after {
            return Err(SettingError::new(
                "dashboard.offline_after",
                "must be longer than dashboard.stale_after",
            ));
        }
        Ok(config)
    }

    /// The pages that may be open at the same time.
    #[must_use]
    pub fn max_clients(&self) -> Limits {
        Limits {
            max_connections: self.max_clients,
            max_connections_per_address: self.max_clients_per_address,
        }
    }

    /// The ages at which a series counts as stale and as offline.
    #[must_use]
    pub fn ages(&self) -> Ages {
        Ages { stale_after: self.stale_after, offline_after: self.offline_after }
    }
}

/// The dashboard may miss a birth, which db-writer stores; and it recognises devices by the registry.
async fn keep_up(decoder: Decoder, store: Arc<dyn Store>, context: &Context) {
    let following = async {
        tokio::join!(decoder.keep_up(store.as_ref()), decoder.follow_registry(store.as_ref()));
    };
    context.stop.run_until_cancelled(following).await;
}

/// Runs the dashboard until the context's stop.
///
/// # Errors
/// A setting is wrong, or the store cannot be opened.
pub async fn standalone(context: Context) -> anyhow::Result<()> {
    let settings = &context.settings;
    let config = Config::from_settings(settings)?;
    let source = service::Source::newest_messages(&context, "dashboard")?;
    let decoder = Decoder::of_service(&context)?;
    let broker: String = settings.get("mqtt.url")?;
    let broker: BrokerUrl = broker.parse().map_err(|e| SettingError::new("mqtt.url", e))?;
    let devices = device_address(settings, || as_here(&broker))?;
    let (outgoing, publishing) =
        Outgoing::new(broker.clone(), "millrace-dashboard-ingest", decoder.clone(), context.clock.clone());
    tokio::spawn(publishing);
    let limits = IngestLimits::from_settings(settings)?;
    let registry = decoder.registry().cloned();
    let ingest = Ingest::new(Arc::new(outgoing), registry, limits, &context.metrics);
    let resend = Resend::new(Arc::new(MqttPublisher::new(broker)), decoder.inputs(), context.clock.clone());
    let store = service::store(settings, context.clock.clone()).await?;
    let http = HttpConfig::from_settings(settings)?;
    check_open(&http, store.as_ref()).await?;
    let [doors] = Doors::share(&context.metrics, [("http", http.limits)]);
    let door = doors.open("http.listen", http.listen)?;
    let tls = service::page_tls(settings, &context.metrics)?;
    let public_url = service::page_url(settings, door.local_addr())?;
    info!(listen = %door.local_addr(), "the page is at {public_url}");
    let live = Live::new(config.ages(), context.clock.clone()).measured(&context.metrics);
    let targets = ScrapeTargets::from_settings(settings, context.health.clone(), context.metrics.clone())?;
    let pipeline = Pipeline::new(context.clock.clone());
    let audit = AuditNotices::from_settings(&context, store.clone())?;
    let access = authority(&context, store.as_ref())?;
    let (access, oidc) = identity_provider(&context, &public_url, access)?;
    // What devices answer over HTTP; another process sends.
    let inbox = Inbox::new(store.clone(), Counters::register(&context.metrics), Listener::default());
    let server = Server {
        live: live.clone(),
        commanding: Commanding::new(commands::Config::from_settings(settings)?, inbox),
        store: store.clone(),
        access,
        oidc,
        cache: cache::Cache::from_settings(&context)?,
        broker: Arc::new(devices),
        resend,
        ingest,
        health: context.health.clone(),
        metrics: context.metrics.clone(),
        pipeline: pipeline.clone(),
        max_clients: config.max_clients(),
        decoder: decoder.clone(),
        public_url,
        limits: api::Limits {
            query_timeout: http.query_timeout,
            requests_per_second: http.requests_per_second,
            ..api::Limits::default()
        },
        clock: context.clock.clone(),
        stop: context.stop.clone(),
    };
    tokio::spawn(pipeline.follow(targets, live.clone(), context.stop.clone()));
    let link = source.connection_status();
    let (deliveries, received) = source.open(AHEAD, decoder.clone(), store.clone(), &context);
    tokio::join!(
        received,
        keep_up(decoder, store.clone(), &context),
        relay(deliveries, link, live, store, context.health.check("store")),
        serve(door, tls, http, server),
        OptionFuture::from(audit.map(AuditNotices::run)),
    );
    Ok(())
}
