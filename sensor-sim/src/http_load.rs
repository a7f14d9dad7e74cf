//! Load over HTTP/1.1: as many readings as asked for, over many connections that stay open.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use telemetry::TopicError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::counters::Counters;
use crate::load::{LoadConfig, Pace, measured, series, take};
use crate::numbered_series::{NumberedSeries, boot_of_now};
use crate::publisher::until_stopped;

/// Bytes of an answer, at most.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// How long a request may take: longer than Millrace lets one wait.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

/// The pause after a request that failed, before it is sent again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Where readings are sent over HTTP.
#[derive(Debug, Clone)]
pub struct HttpTarget {
    /// `HOST:PORT`.
    pub address: String,
    /// The value of the header `Authorization`; may be empty.
    pub authorization: String,
}

impl HttpTarget {
    /// Reads `http://host[:port]`.
    ///
    /// # Errors
    /// It is none.
    pub fn read(url: &str, authorization: &str) -> anyhow::Result<Self> {
        let address = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let Some(address) = address.filter(|address| !address.is_empty() && !address.contains('/')) else {
            bail!("--http: write http://HOST[:PORT]");
        };
        let has_port = address.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
        let address = if has_port { address.to_owned() } else { format!("{address}:80") };
        Ok(Self { address, authorization: authorization.replace(['\r', '\n'], "") })
    }
}

/// How often a request failed, and was sent again.
#[derive(Debug, Default)]
struct Errors(AtomicU64);

/// Sends readings of the devices `load-0001`, `load-0002`, … until `stop`, `duration` or `count`: each request again until it is
/// answered with 2xx. Returns a line about what failed.
///
/// # Errors
/// As of [`load`](crate::load).
pub async fn load_over_http(
    config: LoadConfig,
    target: HttpTarget,
    counters: Arc<Counters>,
    stop: CancellationToken,
) -> Result<String, TopicError> {
    let series = series(config.devices, boot_of_now(), &counters)?;
    let left = Arc::new(AtomicU64::new(config.count.unwrap_or(u64::MAX)));
    let (start, errors) = (Instant::now(), Arc::new(Errors::default()));
    let mut connections = JoinSet::new();
    for index in 0..config.connections {
        let mut sender = Sender {
            target: target.clone(),
            stream: None,
            series: series.iter().skip(index).step_by(config.connections).cloned().collect(),
            batch: config.batch,
            pace: config.pace(start, index),
            left: Arc::clone(&left),
            counters: Arc::clone(&counters),
            errors: Arc::clone(&errors),
        };
        let (stop, duration) = (stop.clone(), config.duration);
        connections.spawn(async move { until_stopped(&stop, duration, sender.send_all()).await });
    }
    connections.join_all().await;
    Ok(format!("{} requests failed and were sent again", errors.0.load(Ordering::Relaxed)))
}

struct Sender {
    target: HttpTarget,
    stream: Option<TcpStream>,
    series: Vec<Arc<NumberedSeries>>,
    batch: usize,
    pace: Option<Pace>,
    /// Readings that no connection has begun to send yet.
    left: Arc<AtomicU64>,
    counters: Arc<Counters>,
    errors: Arc<Errors>,
}

impl Sender {
    async fn send_all(&mut self) {
        for series in self.series.clone().iter().cycle() {
            if let Some(pace) = &mut self.pace {
                pace.due().await;
            }
            let count = take(&self.left, self.batch as u64);
            if count == 0 {
                return;
            }
            self.send(series, count).await;
        }
    }

    /// A request that is stopped before its answer counts as not sent.
    async fn send(&mut self, series: &Arc<NumberedSeries>, count: u64) {
        let payload = telemetry::to_payload(&series.readings(&measured(series, count)));
        let request = self.request(series, &payload);
        let began = Instant::now();
        while self.ask(&request).await.is_err() {
            self.errors.0.fetch_add(1, Ordering::Relaxed);
            self.stream = None;
            sleep(AGAIN_AFTER).await;
        }
        let first_seq = series.next_seq();
        series.advance(count);
        self.counters.sent(count);
        self.counters.acked(series, first_seq, count, began.elapsed());
    }

    fn request(&self, series: &NumberedSeries, payload: &[u8]) -> Vec<u8> {
        let HttpTarget { address, authorization } = &self.target;
        let who = if authorization.is_empty() {
            String::new()
        } else {
            format!("authorization: {authorization}\r\n")
        };
        let head = format!(
            "POST /api/readings/{} HTTP/1.1\r\nhost: {address}\r\n{who}content-type: application/json\r\ncontent-length: \
             {}\r\n\r\n",
            series.series(),
            payload.len()
        );
        [head.as_bytes(), payload].concat()
    }

    /// # Errors
    /// There is no answer with 2xx.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<()> {
        tokio::time::timeout(ANSWERED_WITHIN, self.exchange(request)).await.context("no answer in time")?
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(&self.target.address).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        stream.write_all(request).await?;
        match answer(stream).await? {
            200..300 => Ok(()),
            status => bail!("answered with {status}"),
        }
    }
}

/// Reads an answer of known length to its end, and returns its status.
async fn answer(stream: &mut TcpStream) -> anyhow::Result<u16> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if let Some((status, length)) = whole(&bytes)? {
            anyhow::ensure!(bytes.len() == length, "more than one answer");
            return Ok(status);
        }
        anyhow::ensure!(bytes.len() < MAX_ANSWER_BYTES, "the answer is too long");
        anyhow::ensure!(stream.read_buf(&mut bytes).await? > 0, "the connection ended");
    }
}

/// The status and the length of an answer, if all of it is there.
fn whole(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.next().context("no content-length")?.1.trim().parse()?;
    let all = end + 4 + length;
    Ok((bytes.len() >= all).then_some((status, all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_by_its_length() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(whole(answer).unwrap(), Some((201, answer.len())));
        assert_eq!(whole(&answer[..answer.len() - 1]).unwrap(), None);
        assert_eq!(whole(&answer[..20]).unwrap(), None);
        assert!(whole(b"HTTP/1.1 201 Created\r\n\r\n").is_err());
    }

    #[test]
    fn a_target_has_a_port() {
        let address = |url| HttpTarget::read(url, "").map(|target| target.address).ok();
        assert_eq!(address("http://127.0.0.1:8080/").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(address("http://example.org").as_deref(), Some("example.org:80"));
        for wrong in ["https://example.org", "http://", "http://a/b", "example.org"] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
