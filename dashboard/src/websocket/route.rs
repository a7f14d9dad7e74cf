//! `GET /ws`: which page gets a WebSocket.

use std::time::Duration;

use access::{Authority, Recognized};
use api::{ApiError, Parameters, Site};
use service::{Admission, Client, Limits, Metrics, Permit, Refusal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::session::{End, show};
use super::socket::{CloseReason, Connection, Upgrade, upgrade};
use crate::counters::{Counters, OpenPage};
use crate::live::{Live, Topics};

/// Bytes that a page may send in one message.
const MAX_INCOMING_BYTES: usize = 4 * 1024;

/// Whether the viewer is still logged in is asked for again after this time.
const CHECK_EVERY: Duration = Duration::from_millis(500);

/// What pages watch, and how many may.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) live: Live,
    pub(crate) access: Authority,
    pub(crate) site: Site,
    pub(crate) max_clients: Limits,
    pub(crate) stop: CancellationToken,
}

/// What the requests share.
#[derive(Clone)]
struct Pages {
    watch: Watch,
    counters: Counters,
    admission: Admission,
    /// The tasks of open pages.
    tasks: TaskTracker,
}

pub(crate) fn route(
    watch: Watch,
    metrics: &Metrics,
    tasks: TaskTracker,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let admission = Admission::new(watch.max_clients);
    let pages = Pages { watch, counters: Counters::register(metrics), admission, tasks };
    warp::path!("ws")
        .and(upgrade())
        .and(warp::ext::get::<Client>())
        .and(warp::header::headers_cloned())
        .and(api::parameters())
        .then(move |upgrade, client: Client, headers: HeaderMap, parameters| {
            let pages = pages.clone();
            async move { pages.answer(upgrade, client, headers, parameters).await }
        })
}

fn topics(mut parameters: Parameters) -> Result<Topics, String> {
    let topics = parameters.remove("topics").unwrap_or_default();
    match parameters.keys().next() {
        Some(name) => Err(format!("unknown parameter {name}: there is topics")),
        None => Topics::of_list(&topics),
    }
}

impl Pages {
    async fn answer(
        self,
        upgrade: Upgrade,
        client: Client,
        headers: HeaderMap,
        parameters: Parameters,
    ) -> Response {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let topics = self
            .check(text("host"), text("origin"))
            .and_then(|()| topics(parameters).map_err(|e| (StatusCode::BAD_REQUEST, e)));
        let topics = match topics {
            Ok(topics) => topics,
            Err((status, why)) => {
                self.counters.refused.inc();
                return api::error_response(status, &why);
            }
        };
        match api::recognized(&self.watch.access, &self.watch.site, &headers, Some(&client)).await {
            Ok(viewer) => self.open(upgrade, &client, topics.within(&viewer.caller.scope), viewer),
            Err(error) => {
                self.counters.refused.inc();
                self.refuse(upgrade, error)
            }
        }
    }

    /// A browser cannot read the status of a refused upgrade: who has to log in is told over the WebSocket.
    fn refuse(&self, upgrade: Upgrade, error: ApiError) -> Response {
        match error {
            ApiError::NotRecognized(why) => {
                upgrade.accept(MAX_INCOMING_BYTES, &self.tasks, async move |connection| {
                    connection.close(CloseReason::LoggedOut, &why).await;
                })
            }
            other => other.into_response(),
        }
    }

    /// Host check and same origin: a WebSocket is not subject to the browser's own rules.
    fn check(&self, host: Option<&str>, origin: Option<&str>) -> Result<(), (StatusCode, String)> {
        let forbidden = |why: &str| Err((StatusCode::FORBIDDEN, why.into()));
        if !self.watch.site.is_known_host(host) {
            return forbidden(api::UNKNOWN_HOST);
        }
        if !self.watch.site.is_same_origin(origin, host) {
            return forbidden("only this page itself may watch: see http.public_url");
        }
        Ok(())
    }

    /// A browser cannot read the status of a refused upgrade, so a page for which there is no room is refused over its
    /// WebSocket.
    fn open(&self, upgrade: Upgrade, client: &Client, topics: Topics, viewer: Recognized) -> Response {
        let permit = match self.admission.admit(client.address.ip()) {
            Ok(permit) => (permit, self.counters.page_opened()),
            Err(refusal) => {
                self.counters.refused.inc();
                return upgrade.accept(MAX_INCOMING_BYTES, &self.tasks, move |connection| {
                    connection.close(CloseReason::TooMany, too_many(refusal))
                });
            }
        };
        let pages = self.clone();
        upgrade.accept(MAX_INCOMING_BYTES, &self.tasks, async move |connection| {
            pages.show(connection, topics, &viewer, permit).await;
        })
    }

    async fn show(
        self,
        mut connection: Connection,
        topics: Topics,
        recognized: &Recognized,
        permit: (Permit, OpenPage),
    ) {
        let viewer = self.watch.live.watch(topics);
        let shown = async {
            tokio::select! {
                end = show(&mut connection, viewer, &self.counters) => end,
                () = self.logged_out(recognized) => End::Violation(CloseReason::LoggedOut, "log in again".into()),
            }
        };
        match self.watch.stop.run_until_cancelled(shown).await {
            None => connection.close(CloseReason::Stops, "the server stops").await,
            Some(End::Violation(reason, text)) => connection.close(reason, &text).await,
            Some(End::Left) => connection.closed().await,
            Some(End::Lost) => {
                self.counters.dropped.inc();
            }
        }
        drop(permit);
    }
}

impl Pages {
    /// Ends when the viewer is no longer logged in, or has other rights.
    async fn logged_out(&self, viewer: &Recognized) {
        while self.watch.access.is_still(viewer).await {
            tokio::time::sleep(CHECK_EVERY).await;
        }
    }
}

fn too_many(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::All => "too many pages are open: see dashboard.max_clients",
        Refusal::Address => {
            "too many pages are open from your address: see dashboard.max_clients_per_address"
        }
    }
}
