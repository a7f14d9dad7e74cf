//! `GET /api/readings`: however much is asked for, little is held.

use warp::http::{HeaderMap, HeaderValue};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use super::parts::Sender;
use super::{Server, own, parameters, read, refusal};
use crate::api::{self, Answer};

const JSON: &str = "application/json";
const CSV: &str = "text/csv; charset=utf-8";

pub(super) fn route(
    server: &Server,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let sender = Sender::new(&server.metrics, server.stop.clone());
    let asked = warp::path!("api" / "readings").and(read()).and(own(server)).and(parameters());
    let store = server.store.clone();
    asked.then(move |parameters| {
        let (store, sender) = (store.clone(), sender.clone());
        async move { api::readings(store, parameters).await.map_or_else(refusal, |said| answer(said, &sender)) }
    })
}

fn answer(said: Answer, sender: &Sender) -> Response {
    let (mut answer, file_name) = match said {
        Answer::Json(text) => (text.into_response(), None),
        Answer::Csv(text, name) => (text.into_response(), Some(name)),
        Answer::Parts(first, rest, name) => (sender.send(first, rest), name),
    };
    set(answer.headers_mut(), file_name.as_deref());
    answer
}

fn set(headers: &mut HeaderMap, file_name: Option<&str>) {
    let kind = if file_name.is_some() { CSV } else { JSON };
    headers.insert("content-type", HeaderValue::from_static(kind));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    if let Some(name) = file_name {
        let name = format!("attachment; filename=\"{name}\"").parse().expect("a file's name is plain ASCII");
        headers.insert("content-disposition", name);
    }
}
