//! `millrace tail`: the live stream of a running dashboard, in a terminal or for a script.

mod address;
mod connection;
mod frame;
mod line;
mod printer;
mod view;

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use broker::Backoff;
use service::{Failure, Settings};
use telemetry::{Filter, Words};
use tokio::signal::unix::{SignalKind, signal};

use self::address::Address;
use self::connection::{Connection, End};
use self::line::Style;
use self::printer::Printer;
use self::view::View;

/// The arguments of `tail`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct TailArgs {
    /// Which series: an MQTT filter over `<metric>/<device>`, for example temperature/site-a/#
    #[arg(default_value = "#")]
    topic: Filter,
    /// The page's address, as a browser shows it [default: http.listen in the settings]
    #[arg(long)]
    url: Option<Address>,
    /// Print a JSON object per line: a row of GET /api/series, or {"incident": a row of GET /api/incidents}
    #[arg(long)]
    json: bool,
    /// End after this many lines
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

// Not broken into lines here: the terminal's width does that.
const NOTES: &str = "\
Prints the newest readings and the open incidents first, then what changes: at most ten times a second, and of each \
series the newest value. A line is TIME TOPIC VALUE UNIT, then STATE where a series is not fresh. Times are measured_at \
in UTC. In a terminal values of metrics with a few states are words, also those of the file of mappings. A lost connection is opened again.

Exit codes: 0 stopped as asked, 64 the topic or the address is wrong, 1 refused.";

/// Prints the stream until it is stopped, its reader is gone, or `--count` lines were printed.
///
/// # Errors
/// The dashboard refuses the request, and would again.
pub async fn tail(settings: &Settings, args: TailArgs) -> anyhow::Result<()> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => Address::here(settings)?,
    };
    let key = crate::access_key(settings)?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let style = Style { json: args.json, aligned: std::io::stdout().is_terminal() };
    // A script reads numbers.
    let words = if style.aligned { crate::words(settings) } else { Words::default() };
    let (printer, mut printed) = Printer::start(style, words, args.count);
    tokio::select! {
        refused = follow(&url, &key, &args.topic, printer) => refused,
        () = printed.done() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

/// Follows over reconnects; ends only when refused, or when nothing reads the output any more.
async fn follow(url: &Address, key: &str, topic: &Filter, printer: Printer) -> anyhow::Result<()> {
    let request = url.stream_of(topic);
    let mut view = View::default();
    let mut report = ConnectionReport::new(url);
    loop {
        let tried = Instant::now();
        let end = match Connection::open(&request, key).await {
            Ok(connection) => show(connection, &mut view, &printer, &mut report).await,
            Err(end) => end,
        };
        match end {
            End::Refused { code, said } => return Err(Failure { code, message: said }.into()),
            End::Unread => return std::future::pending().await,
            End::Lost(why) => tokio::time::sleep(report.lost(why, tried)).await,
        }
    }
}

async fn show(
    mut connection: Connection,
    view: &mut View,
    printer: &Printer,
    report: &mut ConnectionReport<'_>,
) -> End {
    view.begin();
    loop {
        let frame = match connection.frame().await {
            Ok(frame) => frame,
            Err(end) => return end,
        };
        report.connected();
        let events = match view.take(&frame) {
            Ok(events) => events,
            Err(e) => return End::Refused { code: 1, said: format!("{e:#}") },
        };
        if !events.is_empty() && printer.print(events).await.is_err() {
            return End::Unread;
        }
    }
}

/// Reports on the connection to the dashboard: when it is lost and why, and when it is back.
struct ConnectionReport<'a> {
    url: &'a Address,
    backoff: Backoff,
    lost: Option<Lost>,
}

struct Lost {
    since: Instant,
    why: String,
}

impl<'a> ConnectionReport<'a> {
    fn new(url: &'a Address) -> Self {
        Self { url, backoff: Backoff::default(), lost: None }
    }

    /// Something was heard: a server with no room takes a connection, too.
    fn connected(&mut self) {
        if let Some(lost) = self.lost.take() {
            say(&format!(
                "connected to {} again after {:.0} s",
                self.url,
                lost.since.elapsed().as_secs_f64()
            ));
        }
    }

    /// How long to wait before the next try. Each reason is said once.
    fn lost(&mut self, why: String, tried: Instant) -> Duration {
        match &mut self.lost {
            None => {
                let now = crate::clock().wall();
                say(&format!(
                    "no connection to {} since {now:.0}: {why}; trying again until it is back",
                    self.url
                ));
                self.lost = Some(Lost { since: Instant::now(), why });
            }
            Some(lost) if lost.why != why => {
                say(&format!("still no connection to {}: {why}", self.url));
                lost.why = why;
            }
            Some(_) => {}
        }
        self.backoff.after(tried.elapsed())
    }
}

/// A closed stderr is no reason to end.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "millrace tail: {text}");
}
