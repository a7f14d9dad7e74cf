//! `resend`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, bail};
use api::forms::{Resent, ResentSelected};
use clap::ArgGroup;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use service::{SettingError, Settings};
use store::Store;
use tokio::time::timeout;

use super::{Which, say};
use crate::table::plain;

/// A page that does not answer a resend for so long is away: it waits 10 s for acknowledgements itself.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Bytes of an answer, at most.
const MAX_ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// Payloads that could not be resent and are named one by one, at most.
const MAX_NAMED: usize = 10;

/// The arguments of `resend`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["id", "topic", "device", "reason"]))]
pub struct ResendArgs {
    /// The id of one payload, as shown by `list`
    #[arg(value_name = "ID", conflicts_with_all = ["topic", "device", "reason", "replace"])]
    id: Option<i64>,
    #[command(flatten)]
    which: Which,
    /// The corrected payload; without it the payload is read once more as it is
    #[arg(long, value_name = "PAYLOAD", requires = "id", conflicts_with_all = ["topic", "device", "reason"])]
    payload: Option<String>,
    /// Replace a text in each payload, such as , .
    #[arg(long, num_args = 2, value_names = ["FIND", "WITH"])]
    replace: Option<Vec<String>>,
    /// The corrected topic
    #[arg(long, value_name = "TOPIC")]
    new_topic: Option<String>,
}

/// What came of many.
#[derive(Default)]
struct Total {
    resent: usize,
    readings: usize,
    /// By id, with why.
    failed: Vec<(String, String)>,
}

pub(super) async fn run(store: &dyn Store, settings: &Settings, args: ResendArgs) -> anyhow::Result<()> {
    let page = Page::of(settings)?;
    let ResendArgs { id, which, payload, replace, new_topic } = args;
    if let Some(id) = id {
        let correction = without_nulls(json!({ "payload": payload, "topic": new_topic }));
        let resent: Resent = page.post(&format!("/api/rejected/{id}/resend"), &correction).await?;
        say(&format!("resent: {} were stored and judged", count(resent.readings, "reading")));
        return Ok(());
    }
    debug_assert!(!which.is_all(), "clap asks for one of them");
    let groups = which.groups(store, Some(false)).await?;
    if groups.is_empty() {
        bail!("there are no such rejected payloads: millrace rejected list shows all");
    }
    let replace = replace.map(|texts| json!({ "find": texts[0], "with": texts[1] }));
    let mut total = Total::default();
    for group in groups {
        let asked = json!({
            "topic": group.topic, "reason": group.reason, "new_topic": new_topic, "replace": replace,
        });
        total.add(&page, without_nulls(asked)).await?;
    }
    total.end()
}

impl Total {
    /// Resends all payloads of a group, a bounded number in each call.
    async fn add(&mut self, page: &Page, mut asked: Value) -> anyhow::Result<()> {
        loop {
            let done: ResentSelected = page.post("/api/rejected/resend", &asked).await?;
            self.resent += done.resent;
            self.readings += done.readings;
            self.failed.extend(done.failed.into_iter().map(|failed| (failed.id, failed.error)));
            let Some(next) = done.next else { return Ok(()) };
            asked["after"] = next.into();
        }
    }

    fn end(self) -> anyhow::Result<()> {
        let (payloads, readings) = (count(self.resent, "payload"), count(self.readings, "reading"));
        say(&format!("resent: {payloads} with {readings}"));
        for (id, error) in self.failed.iter().take(MAX_NAMED) {
            say(&format!("not resent: {id}: {}", plain(error)));
        }
        if let more @ 1.. = self.failed.len().saturating_sub(MAX_NAMED) {
            say(&format!("… and {more} more"));
        }
        match self.failed.len() {
            0 => Ok(()),
            failed => bail!("{} could not be resent", count(failed, "payload")),
        }
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A field that is left out stays as it was stored.
fn without_nulls(mut body: Value) -> Value {
    if let Value::Object(fields) = &mut body {
        fields.retain(|_, value| !value.is_null());
    }
    body
}

/// The page that publishes what is resent.
struct Page {
    address: SocketAddr,
    /// Recognises us where people have to log in; may be empty.
    key: String,
}

impl Page {
    fn of(settings: &Settings) -> Result<Self, SettingError> {
        let listen = settings.address("http.listen")?;
        if listen.port() == 0 {
            let problem = "port 0 is another one at each start: set the port at which millrace runs";
            return Err(SettingError::new("http.listen", problem));
        }
        let host = match listen.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        Ok(Self { address: SocketAddr::new(host, listen.port()), key: crate::access_key(settings)? })
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> anyhow::Result<T> {
        let Self { address, key } = self;
        let body = body.to_string();
        let asked = service::post(*address, path, &body, key, MAX_ANSWER_BYTES);
        let answer = timeout(ANSWER_WITHIN, asked).await;
        let late = || format!("no answer from http://{address} within {ANSWER_WITHIN:?}");
        let (status, said) = answer.with_context(late)?.context("is millrace running at http.listen?")?;
        if status == 200 {
            return serde_json::from_str(&said).context("read the answer");
        }
        let answer: Option<Value> = serde_json::from_str(&said).ok();
        match answer.as_ref().and_then(|answer| answer["error"].as_str()) {
            Some(error) => bail!("{}", plain(error)),
            None => bail!("http://{address} answered {status}"),
        }
    }
}
