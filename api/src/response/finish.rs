//! The last step of every answer: it is tagged and compressed, or not sent because the client has it.

use std::future::poll_fn;
use std::pin::Pin;

use futures_util::{Stream, stream};
use tokio::task::spawn_blocking;
use warp::http::{HeaderMap, HeaderValue, Method, Response as Message, StatusCode, response};
use warp::hyper::body::{Body, Bytes};
use warp::reply::{Reply, Response};

use super::encoding::{self, Coding, Gzip, MIN_BYTES};
use super::etag;

/// A longer body is compressed on a blocking thread, so that it delays no other request.
const MAX_BYTES_AT_ONCE: usize = 64 * 1024;

/// Headers about a body as it is sent, which a 304 has none of.
const BODY_HEADERS: [&str; 3] = ["content-type", "content-length", "content-encoding"];

/// Tags and compresses the answer to a request with this method and these headers.
pub(super) async fn finish(method: Method, request: HeaderMap, answer: Response) -> Response {
    let reads = method == Method::GET || method == Method::HEAD;
    let mut answer =
        if reads && answer.status() == StatusCode::OK { encode(&request, answer).await } else { answer };
    answer.headers_mut().insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    let tag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok());
    if tag.is_some_and(|tag| etag::matches(&request, tag)) {
        return not_modified(answer);
    }
    answer
}

/// An answer that is encoded already is left as it is.
async fn encode(request: &HeaderMap, answer: Response) -> Response {
    let headers = answer.headers();
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if headers.contains_key("vary") || !encoding::is_text(kind) {
        return answer;
    }
    let coding = Coding::accepted(request);
    let (mut head, body) = answer.into_parts();
    head.headers.insert("vary", HeaderValue::from_static("accept-encoding"));
    match (body.size_hint().exact(), coding) {
        (Some(_), _) => whole(head, read(body).await, coding).await,
        (None, Coding::Identity) => Message::from_parts(head, body),
        (None, Coding::Gzip) => {
            mark_gzip(&mut head);
            Message::from_parts(head, warp::reply::stream(compressed(body)).into_response().into_body())
        }
    }
}

async fn whole(mut head: response::Parts, body: Bytes, coding: Coding) -> Response {
    let coding = if body.len() < MIN_BYTES { Coding::Identity } else { coding };
    if head.headers.get("content-type").is_some_and(|kind| kind == "application/json") {
        let revision = head.headers.get("etag").and_then(|tag| tag.to_str().ok());
        let tag = etag::tag(&body, coding, revision).parse().expect("a tag is ASCII");
        head.headers.insert("etag", tag);
        // One that says how old it is says for how long it is good, too.
        if !head.headers.contains_key("age") {
            head.headers.insert("cache-control", HeaderValue::from_static("no-cache"));
        }
    }
    let body = match coding {
        Coding::Identity => body,
        Coding::Gzip => {
            mark_gzip(&mut head);
            compress(body).await
        }
    };
    Message::from_parts(head, body).into_response()
}

async fn compress(body: Bytes) -> Bytes {
    if body.len() <= MAX_BYTES_AT_ONCE {
        return encoding::gzip(&body);
    }
    spawn_blocking(move || encoding::gzip(&body)).await.expect("compressing does not panic")
}

/// Compresses a streamed body. A body that is cut off has no end, so that no client takes it for complete.
fn compressed(
    body: impl Body<Data = Bytes, Error = warp::Error> + Unpin + Send + Sync + 'static,
) -> impl Stream<Item = Result<Bytes, warp::Error>> + Send + Sync {
    stream::try_unfold(Some((body, Gzip::default())), async |state| {
        let Some((mut body, mut gzip)) = state else { return Ok(None) };
        while let Some(part) = next(&mut body).await {
            let packed = gzip.push(&part?);
            if !packed.is_empty() {
                return Ok(Some((packed, Some((body, gzip)))));
            }
        }
        Ok(Some((gzip.end(), None)))
    })
}

async fn read(mut body: impl Body<Data = Bytes, Error = warp::Error> + Unpin) -> Bytes {
    let mut all = Bytes::new();
    while let Some(Ok(part)) = next(&mut body).await {
        // Nearly always there is one part, which need not be copied.
        all = if all.is_empty() { part } else { [all, part].concat().into() };
    }
    all
}

async fn next(
    body: &mut (impl Body<Data = Bytes, Error = warp::Error> + Unpin),
) -> Option<Result<Bytes, warp::Error>> {
    let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
    // No route sends trailers.
    Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

fn mark_gzip(head: &mut response::Parts) {
    head.headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    head.headers.remove("content-length");
}

fn not_modified(answer: Response) -> Response {
    let mut head = answer.into_parts().0;
    head.status = StatusCode::NOT_MODIFIED;
    for name in BODY_HEADERS {
        head.headers.remove(name);
    }
    Message::from_parts(head, Bytes::new()).into_response()
}
