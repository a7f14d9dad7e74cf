//! The WebSocket of an open page: who may have one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::task::TaskTracker;
use warp::http::StatusCode;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::show::{End, show};
use super::socket::{Upgrade, Upgrading, Why, upgrade};
use super::{FOREIGN_NAME, Server, error, parameters};
use crate::counters::Counters;
use crate::own::{own_host, own_origin};
use crate::query::Parameters;
use crate::topics::Topics;

/// Bytes a page may send in one message.
const MAX_INCOMING_BYTES: usize = 4 * 1024;

/// What the routes share.
#[derive(Clone)]
struct Door {
    server: Server,
    counters: Counters,
    taken: Arc<AtomicUsize>,
    /// The open pages.
    pages: TaskTracker,
}

pub(super) fn route(
    server: Server,
    pages: TaskTracker,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    let counters = Counters::register(&server.metrics);
    let door = Door { server, counters, taken: Arc::default(), pages };
    warp::path!("ws")
        .and(upgrade())
        .and(warp::header::optional::<String>("host"))
        .and(warp::header::optional::<String>("origin"))
        .and(parameters())
        .map(move |upgrade, host: Option<String>, origin: Option<String>, parameters| {
            let wanted = door
                .check_own(host.as_deref(), origin.as_deref())
                .and_then(|()| topics(parameters).map_err(|e| (StatusCode::BAD_REQUEST, e)));
            match wanted {
                Ok(topics) => door.open(upgrade, topics),
                Err((status, why)) => {
                    door.counters.refused.inc();
                    error(status, &why)
                }
            }
        })
}

fn topics(mut parameters: Parameters) -> Result<Topics, String> {
    let topics = parameters.remove("topics").unwrap_or_default();
    match parameters.keys().next() {
        Some(name) => Err(format!("unknown parameter {name}: there is topics")),
        None => Topics::of_list(&topics),
    }
}

impl Door {
    fn check_own(&self, host: Option<&str>, origin: Option<&str>) -> Result<(), (StatusCode, String)> {
        let foreign = |why: &str| Err((StatusCode::FORBIDDEN, why.into()));
        if !own_host(host, &self.server.public_url) {
            return foreign(FOREIGN_NAME);
        }
        if !own_origin(origin, host, &self.server.public_url) {
            return foreign("only this page itself may watch: see http.public_url");
        }
        Ok(())
    }

    /// A browser cannot read the status of a refusal: a page that has no seat is told so over the socket.
    fn open(&self, upgrade: Upgrade, topics: Topics) -> Response {
        let Some(seat) = Seat::take(&self.taken, self.server.max_clients, &self.counters) else {
            self.counters.refused.inc();
            return upgrade.accept(MAX_INCOMING_BYTES, &self.pages, |socket| {
                socket.close(Why::TooMany, "too many pages are open: see dashboard.max_clients")
            });
        };
        let door = self.clone();
        upgrade.accept(MAX_INCOMING_BYTES, &self.pages, async move |socket| {
            door.show(socket, topics, seat).await;
        })
    }

    async fn show(self, mut socket: Upgrading, topics: Topics, seat: Seat) {
        let viewer = self.server.live.watch(topics);
        let shown = show(&mut socket, viewer, &self.counters);
        match self.server.stop.run_until_cancelled(shown).await {
            None => socket.close(Why::Stops, "the server stops").await,
            Some(End::Wrong(why, reason)) => socket.close(why, &reason).await,
            Some(End::Left) => socket.closed().await,
            Some(End::Lost) => {
                self.counters.dropped.inc();
            }
        }
        drop(seat);
    }
}

/// One of the places there are for open pages.
struct Seat {
    taken: Arc<AtomicUsize>,
    counters: Counters,
}

impl Seat {
    fn take(taken: &Arc<AtomicUsize>, all: usize, counters: &Counters) -> Option<Self> {
        let free = |count: usize| (count < all).then_some(count + 1);
        taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, free).ok()?;
        counters.pages.inc();
        Some(Self { taken: Arc::clone(taken), counters: counters.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        self.counters.pages.dec();
    }
}
