//! Rejected payloads: listed, grouped, shown whole, dismissed and resent.

pub(super) mod query;

use std::sync::Arc;

use access::{Action, Caller};
use store::{Change, RejectionCursor, RejectionSelection, Store};
use telemetry::MAX_PAYLOAD_BYTES;
use warp::http::{Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Dismissed, Page, Rejected, RejectedGroup};
use crate::guards::{MAX_BODY_BYTES, Request, requests};
use crate::query::{Parameters, nothing};
use crate::requests::{Correction, ResendSelected};
use crate::resend;
use crate::response::{answer, json};

/// Bytes of a body with a corrected payload: JSON writes a byte as six, at most.
const MAX_CORRECTION_BYTES: usize = 6 * MAX_PAYLOAD_BYTES + MAX_BODY_BYTES;

/// Rows that are read at once: few enough to hold, however long their topics are.
const CHUNK: usize = 200;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    rejected(api)
        .or(groups(api))
        .unify()
        .or(resends_selected(api))
        .unify()
        .or(one(api))
        .unify()
        .or(resends(api))
        .unify()
}

fn rejected(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "rejected").and(requests).then(move |request| {
        let api = api.clone();
        async move { list_or_dismiss(&api, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn groups(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "rejected" / "groups").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move { answer(list_groups(&api, request).await) }
    })
}

fn resends_selected(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "rejected" / "resend").and(requests).then(move |request| {
        let api = api.clone();
        async move { resend_selected(&api, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

fn one(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "rejected" / String).and(requests).then(move |id: String, request| {
        let api = api.clone();
        async move {
            let answer = api.limits.within(show_or_dismiss(&api, &id, request)).await;
            answer.unwrap_or_else(ApiError::into_response)
        }
    })
}

fn resends(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_CORRECTION_BYTES);
    let api = api.clone();
    warp::path!("api" / "rejected" / String / "resend").and(requests).then(move |id: String, request| {
        let api = api.clone();
        async move { resend(&api, &id, request).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn list_or_dismiss(api: &Api, request: Request) -> Result<Response, ApiError> {
    match request.method {
        Method::GET | Method::HEAD => {
            let (parameters, caller) = request.reads(Action::Read).await?;
            Ok(answer(api.limits.within(list(&api.history, parameters, &caller)).await))
        }
        Method::DELETE => {
            let (parameters, caller) = request.changes_selected(Action::Resend).await?;
            let selection = query::selection(parameters).map_err(ApiError::BadRequest)?;
            check_selection(&caller, selection.topic.as_deref())?;
            let dismissed = dismiss(&api.store, selection.clone()).await?;
            let topic = selection.topic.as_deref().unwrap_or("all topics");
            record(api, &caller, ("dismiss", topic), forms::text(&Dismissed { dismissed })).await?;
            Ok(json(StatusCode::OK, forms::text(&Dismissed { dismissed })))
        }
        _ => Err(ApiError::Method("GET, HEAD, DELETE")),
    }
}

/// Many are dismissed or resent at once by their topic, which must be that of a device the caller sees.
fn check_selection(caller: &Caller, topic: Option<&str>) -> Result<(), ApiError> {
    let is_seen = caller.scope.is_all() || topic.is_some_and(|topic| caller.scope.holds_topic(topic));
    if is_seen { Ok(()) } else { Err(resend::not_found()) }
}

/// Records what was done outside the transaction of the record: published readings cannot be in it.
async fn record(
    api: &Api,
    caller: &Caller,
    what: (&'static str, &str),
    after: String,
) -> Result<(), ApiError> {
    api.access.perform(caller, Change::Nothing, what, Some(after)).await?;
    Ok(())
}

async fn list(store: &Arc<dyn Store>, parameters: Parameters, caller: &Caller) -> Result<String, ApiError> {
    let mut query = query::list(parameters).map_err(ApiError::BadRequest)?;
    let mut page = Page::new("rejected", query.limit);
    loop {
        // One more than there is room for shows whether more follow.
        query.limit = CHUNK.min(page.room() + 1);
        let rows = store.rejected(query.clone()).await?;
        for row in &rows {
            if !caller.scope.holds_topic(&row.message.topic) {
                query.after = Some(RejectionCursor::after(row));
                continue;
            }
            if !page.push(&Rejected::preview(row)) {
                return Ok(page.end(query.after.map(|after| after.to_string()).as_deref()));
            }
            query.after = Some(RejectionCursor::after(row));
        }
        if rows.len() < query.limit {
            return Ok(page.end(None));
        }
    }
}

/// Deletes a chunk at a time, so that other writes go on in between.
async fn dismiss(store: &Arc<dyn Store>, selection: RejectionSelection) -> Result<u64, ApiError> {
    let mut dismissed = 0;
    loop {
        let chunk = store.dismiss_all(selection.clone()).await?;
        dismissed += chunk;
        if chunk < store::MAX_DISMISSED as u64 {
            return Ok(dismissed);
        }
    }
}

async fn list_groups(api: &Api, request: Request) -> Result<String, ApiError> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(ApiError::Method("GET, HEAD"));
    }
    let (parameters, caller) = request.reads(Action::Read).await?;
    let selection = query::selection(parameters).map_err(ApiError::BadRequest)?;
    let mut groups = api.limits.within(api.history.rejection_groups(selection)).await?;
    groups.retain(|group| caller.scope.holds_topic(&group.topic));
    Ok(forms::list("groups", groups.into_iter().map(RejectedGroup::from)))
}

async fn show_or_dismiss(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    match request.method {
        Method::GET | Method::HEAD => {
            let (parameters, caller) = request.reads(Action::Read).await?;
            nothing(&parameters).map_err(ApiError::BadRequest)?;
            let rejection = find(api, &caller, id).await?;
            Ok(answer(Ok(forms::text(&Rejected::from(&rejection)))))
        }
        Method::DELETE => {
            let caller = request.changes(Action::Resend).await?;
            let rejection = find(api, &caller, id).await?;
            if !api.store.dismiss(rejection.id).await? {
                return Err(resend::not_found());
            }
            let before = forms::text(&Rejected::preview(&rejection));
            record(api, &caller, ("dismiss", &rejection.message.topic), before).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err(ApiError::Method("GET, HEAD, DELETE")),
    }
}

async fn resend_selected(api: &Api, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (body, caller) = request.json(Action::Resend).await?;
    let asked = ResendSelected::read(&body).map_err(ApiError::BadRequest)?;
    check_selection(&caller, Some(&asked.topic))?;
    check_selection(&caller, asked.new_topic.as_deref().or(Some(&asked.topic)))?;
    let done = forms::text(&api.resend.selected(api.store.as_ref(), &caller.scope, &asked).await?);
    record(api, &caller, ("resend", &asked.topic), done.clone()).await?;
    Ok(json(StatusCode::OK, done))
}

async fn resend(api: &Api, id: &str, request: Request) -> Result<Response, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::Method("POST"));
    }
    let (body, caller) = request.json(Action::Resend).await?;
    let correction = Correction::read(&body).map_err(ApiError::BadRequest)?;
    let rejection = find(api, &caller, id).await?;
    check_selection(&caller, correction.topic.as_deref().or(Some(&rejection.message.topic)))?;
    let resent = api.resend.one(api.store.as_ref(), &caller.scope, rejection.id, |_| Ok(correction)).await?;
    record(api, &caller, ("resend", &rejection.message.topic), forms::text(&resent)).await?;
    Ok(json(StatusCode::OK, forms::text(&resent)))
}

/// A rejected payload of a device that the caller sees.
async fn find(api: &Api, caller: &Caller, id: &str) -> Result<store::Rejection, ApiError> {
    let found = api.store.rejection(read_id(id)?).await?;
    found.filter(|found| caller.scope.holds_topic(&found.message.topic)).ok_or_else(resend::not_found)
}

fn read_id(id: &str) -> Result<i64, ApiError> {
    id.parse().map_err(|_| resend::not_found())
}
