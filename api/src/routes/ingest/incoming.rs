//! A request whose body is not read yet.

use std::io::Read as _;
use std::pin::Pin;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures_util::{Stream, StreamExt as _};
use service::Client;
use tokio::time::timeout;
use warp::http::{HeaderMap, Method};
use warp::{Filter, Rejection};

use crate::error::ApiError;
use crate::guards::{Limits, parameters};
use crate::ingest::Charge;
use crate::ingest::elements::MAX_BODY_BYTES;
use crate::query::Parameters;

/// Bytes that are unpacked at once.
const PART: usize = 64 * 1024;

/// The body, as it comes.
pub(super) type Parts = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

/// A request whose body is not read yet: who may not send it costs nothing.
pub(super) struct Incoming {
    pub(super) head: Head,
    pub(super) body: Parts,
}

/// What comes before the body.
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) parameters: Parameters,
    pub(super) client: Option<Client>,
}

pub(super) fn incoming() -> impl Filter<Extract = (Incoming,), Error = Rejection> + Clone {
    warp::method()
        .and(warp::header::headers_cloned())
        .and(parameters())
        .and(warp::ext::optional::<Client>())
        .and(warp::body::stream())
        .map(|method, headers, parameters, client, body| Incoming {
            head: Head { method, headers, parameters, client },
            body: parts(body),
        })
}

fn parts(body: impl Stream<Item = Result<impl bytes::Buf, warp::Error>> + Send + 'static) -> Parts {
    Box::pin(body.map(|part| part.map(|mut part| part.copy_to_bytes(part.remaining()))))
}

impl Head {
    /// A header that is not text counts as empty.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap_or_default())
    }

    /// What the body is declared as, without parameters and in small letters; JSON where it is not declared.
    pub(super) fn media_type(&self) -> String {
        let kind = self.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default();
        let kind = kind.trim().to_ascii_lowercase();
        if kind.is_empty() { "application/json".into() } else { kind }
    }

    /// Whether the body is packed.
    ///
    /// # Errors
    /// It is packed as nobody here can unpack it.
    pub(super) fn is_packed(&self) -> Result<bool, ApiError> {
        match self.header("content-encoding").unwrap_or_default().trim() {
            "" | "identity" => Ok(false),
            gzip if gzip.eq_ignore_ascii_case("gzip") || gzip.eq_ignore_ascii_case("x-gzip") => Ok(true),
            _ => Err(ApiError::MediaType("no content-encoding, or gzip")),
        }
    }
}

/// Reads a body, and unpacks it where it is packed.
///
/// # Errors
/// It is too large or too slow, cannot be unpacked, or there is no room for it.
pub(super) async fn whole(
    mut body: Parts,
    is_packed: bool,
    limits: Limits,
    max_unpacked: usize,
    charge: &mut Charge,
) -> Result<Bytes, ApiError> {
    let read = timeout(limits.body_timeout, read(&mut body, charge));
    let body = read.await.unwrap_or(Err(ApiError::TooSlow))?;
    if is_packed { unpack(body, max_unpacked, charge).await } else { Ok(body) }
}

/// Nearly always there is one part, which need not be copied.
async fn read(body: &mut Parts, charge: &mut Charge) -> Result<Bytes, ApiError> {
    let Some(first) = body.next().await else { return Ok(Bytes::new()) };
    let first = checked(first, 0, charge)?;
    let Some(second) = body.next().await else { return Ok(first) };
    let mut all = Vec::from(first);
    let mut part = Some(second);
    while let Some(next) = part {
        let next = checked(next, all.len(), charge)?;
        all.extend_from_slice(&next);
        part = body.next().await;
    }
    Ok(all.into())
}

fn checked(part: Result<Bytes, warp::Error>, before: usize, charge: &mut Charge) -> Result<Bytes, ApiError> {
    // What ends too early is not complete: nothing of it counts.
    let part = part.map_err(|_| ApiError::BadRequest("the body ended too early".into()))?;
    if before + part.len() > MAX_BODY_BYTES {
        return Err(ApiError::TooLarge(MAX_BODY_BYTES));
    }
    charge.hold(before + part.len())?;
    Ok(part)
}

/// Not in the way of other requests: a small body may become a large one.
async fn unpack(packed: Bytes, max_bytes: usize, charge: &mut Charge) -> Result<Bytes, ApiError> {
    let (sender, mut parts) = tokio::sync::mpsc::channel(1);
    let unpacking = tokio::task::spawn_blocking(move || {
        let mut unpacked = MultiGzDecoder::new(&packed[..]);
        loop {
            let mut part = Vec::with_capacity(PART);
            let read = unpacked.by_ref().take(PART as u64).read_to_end(&mut part);
            let is_last = !matches!(read, Ok(1..));
            let part = read.map(|_| part);
            if sender.blocking_send(part).is_err() || is_last {
                return;
            }
        }
    });
    let mut all = Vec::new();
    while let Some(part) = parts.recv().await {
        let part = part.map_err(|e| ApiError::BadRequest(format!("the body cannot be unpacked: {e}")))?;
        if all.len() + part.len() > max_bytes {
            return Err(ApiError::TooLarge(max_bytes));
        }
        charge.hold(all.len() + part.len())?;
        all.extend_from_slice(&part);
    }
    unpacking.await.map_err(|e| ApiError::Failed(e.to_string()))?;
    Ok(all.into())
}
