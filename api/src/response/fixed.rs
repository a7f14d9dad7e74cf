//! A body that stays the same while the process lives: tagged at the start and compressed once.

use std::sync::OnceLock;

use warp::http::{HeaderMap, HeaderValue, Response as Message};
use warp::hyper::body::Bytes;
use warp::reply::{Reply, Response};

use super::encoding::{self, Coding, MIN_BYTES};
use super::etag;

/// An answer that stays the same while the process lives, such as a file of the page.
pub struct Fixed {
    headers: HeaderMap,
    plain: Body,
    /// `None` where compression is not worth it.
    gzip: OnceLock<Option<Body>>,
}

#[derive(Clone)]
struct Body {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Body {
    fn new(bytes: Bytes, coding: Coding) -> Self {
        let tag = etag::tag(&bytes, coding, None).parse().expect("a tag is hexadecimal");
        Self { bytes, tag }
    }
}

impl Fixed {
    /// A body with its headers; `extra` headers are sent, too.
    ///
    /// # Panics
    /// A header's value is not visible ASCII.
    #[must_use]
    pub fn new(
        body: Bytes,
        content_type: &'static str,
        cache: &'static str,
        extra: &[(&'static str, &'static str)],
    ) -> Self {
        let named = [("content-type", content_type), ("cache-control", cache), ("vary", "accept-encoding")];
        let mut headers = HeaderMap::new();
        for &(name, value) in named.iter().chain(extra) {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Self { headers, plain: Body::new(body, Coding::Identity), gzip: OnceLock::new() }
    }

    /// The answer to a request with these headers, in the coding that it accepts.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let gzip = match Coding::accepted(request) {
            Coding::Gzip => self.gzip.get_or_init(|| self.packed()).as_ref(),
            Coding::Identity => None,
        };
        let Body { bytes, tag } = gzip.unwrap_or(&self.plain).clone();
        let mut answer = Message::new(bytes).into_response();
        *answer.headers_mut() = self.headers.clone();
        answer.headers_mut().insert("etag", tag);
        if gzip.is_some() {
            answer.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
        }
        answer
    }

    fn packed(&self) -> Option<Body> {
        let kind = self.headers["content-type"].to_str().unwrap_or_default();
        if !encoding::is_text(kind) || self.plain.bytes.len() < MIN_BYTES {
            return None;
        }
        Some(Body::new(encoding::gzip_best(&self.plain.bytes), Coding::Gzip))
    }
}
