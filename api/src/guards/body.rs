//! What a request may cost: a body of bounded size, and bounded times.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use warp::hyper::body::Buf;

use crate::error::ApiError;

/// How long a request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The time in which the whole body of a request must arrive.
    pub body_timeout: Duration,
    /// The time in which the store must answer a query.
    pub query_timeout: Duration,
    /// Requests of one caller in a second, over five seconds; 0 limits nothing.
    pub requests_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_timeout: Duration::from_secs(10),
            query_timeout: Duration::from_secs(10),
            requests_per_second: 0,
        }
    }
}

impl Limits {
    /// What the store answers in time. A query that is late is interrupted; with a timeout of zero, none is in time.
    ///
    /// # Errors
    /// The store cannot be read, or not in time.
    pub(crate) async fn within<T, E: Into<ApiError>>(
        self,
        query: impl Future<Output = Result<T, E>>,
    ) -> Result<T, ApiError> {
        let late = ApiError::Late(self.query_timeout);
        if self.query_timeout.is_zero() {
            return Err(late);
        }
        tokio::time::timeout(self.query_timeout, query).await.map_err(|_| late)?.map_err(Into::into)
    }
}

/// Reads a body of at most `max_bytes`, which must arrive within `timeout`.
///
/// # Errors
/// The body is too large or too slow.
pub(super) async fn read(
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    max_bytes: usize,
    timeout: Duration,
) -> Result<Vec<u8>, ApiError> {
    let mut body = std::pin::pin!(body);
    let read = async {
        let mut bytes = Vec::new();
        while let Some(Ok(mut part)) = body.next().await {
            if bytes.len() + part.remaining() > max_bytes {
                return Err(ApiError::TooLarge(max_bytes));
            }
            while part.has_remaining() {
                bytes.extend_from_slice(part.chunk());
                part.advance(part.chunk().len());
            }
        }
        Ok(bytes)
    };
    tokio::time::timeout(timeout, read).await.unwrap_or(Err(ApiError::TooSlow))
}
