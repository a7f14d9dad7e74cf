//! Readings over HTTP: what comes in is published to the broker, whose services get it as any other.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use access::Authority;
use api::{Api, DecoderRules, Ingest, IngestLimits, Limits, Resend, Site, Unserved};
use broker::BrokerUrl;
use service::{Context, Decoder, Door, Doors, HttpConfig, Outgoing, SettingError};
use store::Store;
use tracing::{info, warn};

type Served = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves at `gateway.listen` until the context's stop; nothing where that is empty.
///
/// # Errors
/// A setting is wrong, or the address cannot be listened on.
pub(crate) async fn serve(context: &Context, store: Arc<dyn Store>) -> anyhow::Result<Served> {
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
    let (outgoing, publishing) = outgoing(context, &decoder)?;
    let api = api(context, store.clone(), outgoing, &decoder, http)?;
    Ok(Box::pin(run(context.clone(), api, (door, http), (decoder, store), publishing)))
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
    outgoing: Outgoing,
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
    context: Context,
    api: Api,
    (door, http): (Door, HttpConfig),
    (decoder, store): (Decoder, Arc<dyn Store>),
    publishing: impl Future<Output = ()> + Send,
) {
    // Otherwise read as soon as the store answers, or when a message lacks something.
    if let Err(e) = decoder.load(store.as_ref()).await {
        warn!("cannot read what devices announced before: {e}");
    }
    let routes = api::ingest_routes(&api, context.health.clone(), context.metrics.clone());
    let served = service::serve_http(door, None, routes, http, context.stop.clone());
    let following = async {
        tokio::join!(
            publishing,
            decoder.follow(),
            decoder.keep_up(store.as_ref()),
            decoder.follow_registry(store.as_ref())
        );
    };
    // Requests in flight need the connection: it ends after them.
    tokio::select! { () = served => {}, () = following => {} }
}
