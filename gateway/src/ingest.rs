//! Readings over HTTP: what comes in is published to the broker, whose services get it as any other.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use access::Authority;
use api::{Api, Commanding, DecoderRules, Ingest, IngestLimits, Limits, Resend, Site, Unserved};
use broker::BrokerUrl;
use commands::{Config, Counters, Inbox, Listener};
use service::{Context, Decoder, Doors, Health, HttpConfig, Outgoing, SettingError};
use store::Store;
use tracing::{info, warn};

type Served = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves at `gateway.listen` until the context's stop; nothing where that is empty.
///
/// # Errors
/// A setting is wrong, or the address cannot be listened on.
pub(crate) async fn serve(
    context: &Context,
    store: Arc<dyn Store>,
    counters: Counters,
) -> anyhow::Result<Served> {
    let listen: String = context.settings.get("gateway.listen")?;
    if listen.is_empty() {
        return Ok(Box::pin(async {}));
    }
    let listen: SocketAddr =
        listen.parse().map_err(|_| SettingError::new("gateway.listen", "write ADDRESS:PORT"))?;
    let http = HttpConfig { listen, ..HttpConfig::from_settings(&context.settings)? };
    if http.is_exposed() {
        http.check_open(store.has_users().await?)?;
    }
    let [doors] = Doors::share(&context.metrics, [("http", http.limits)]);
    let door = doors.open("gateway.listen", listen)?;
    info!(listen = %door.local_addr(), "readings are taken over HTTP");
    let decoder = Decoder::of_service(context)?;
    let health = Health::default();
    let ready = health.check("broker");
    let (outgoing, publishing) = outgoing(context, &decoder)?;
    let inbox = Inbox::new(store.clone(), counters, Listener::default());
    let commanding = Commanding::new(Config::from_settings(&context.settings)?, inbox);
    let api = api(context, store.clone(), (outgoing.clone(), commanding), &decoder, http)?;
    let publishing = async move {
        // Whoever sends readings asks this, and not whether RabbitMQ has all users: that may wait.
        tokio::join!(publishing, outgoing.watch(ready));
    };
    let routes = api::ingest_routes(&api, health, &context.metrics);
    let served = service::serve_http(door, None, routes, http, context.stop.clone());
    Ok(Box::pin(run(served, publishing, decoder, store)))
}

fn outgoing(
    context: &Context,
    decoder: &Decoder,
) -> Result<(Outgoing, impl Future<Output = ()> + Send + use<>), SettingError> {
    let broker: String = context.settings.get("mqtt.url")?;
    let broker: BrokerUrl = broker.parse().map_err(|e| SettingError::new("mqtt.url", e))?;
    Ok(Outgoing::new(broker, "millrace-gateway", decoder.clone(), context.clock.clone()))
}

/// What the routes answer from. People ask the dashboards for all that is stored.
fn api(
    context: &Context,
    store: Arc<dyn Store>,
    (outgoing, commanding): (Outgoing, Commanding),
    decoder: &Decoder,
    http: HttpConfig,
) -> anyhow::Result<Api> {
    let settings = &context.settings;
    let access = Authority::new(store.as_ref(), context.clock.clone())?
        .with_login_required(settings.get("access.require_login")?);
    let limits = IngestLimits::from_settings(settings)?;
    let ingest = Ingest::new(Arc::new(outgoing), decoder.registry().cloned(), limits, &context.metrics);
    let public_url: String = settings.get("http.public_url")?;
    Ok(Api {
        history: store.with_own_readers(),
        alerts: store.with_own_readers(),
        store,
        access,
        oidc: None,
        cache: cache::Cache::from_settings(context)?,
        clock: context.clock.clone(),
        series: Arc::new(Unserved),
        pipeline: Arc::new(Unserved),
        broker: Arc::new(api::forms::Broker::default()),
        inputs: Arc::new(DecoderRules(decoder.clone())),
        resend: Resend::new(Arc::new(Unserved), decoder.inputs(), context.clock.clone()),
        ingest,
        commanding,
        site: Site::new(&public_url),
        limits: Limits {
            query_timeout: http.query_timeout,
            requests_per_second: http.requests_per_second,
            ..Limits::default()
        },
        aborted: context
            .metrics
            .of("gateway")
            .register("aborted", "Long answers that were cut off: there are none"),
        stop: context.stop.clone(),
    })
}

async fn run(
    served: impl Future<Output = ()> + Send,
    publishing: impl Future<Output = ()> + Send,
    decoder: Decoder,
    store: Arc<dyn Store>,
) {
    let keeping_up = async {
        // Otherwise read when a message lacks something.
        if let Err(e) = decoder.load(store.as_ref()).await {
            warn!("cannot read what devices announced before: {e}");
        }
        decoder.keep_up(store.as_ref()).await;
    };
    let following = async {
        tokio::join!(publishing, keeping_up, decoder.follow(), decoder.follow_registry(store.as_ref()));
    };
    // Requests in flight need the connection: it ends after them.
    tokio::select! { () = served => {}, () = following => {} }
}
