//! The statistics of the server below `$SYS`, by the names and in the units that mosquitto gave.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::counters::{Counters, Traffic};
use super::packet::{Forwarded, Qos};
use super::publication::Publication;

/// The averages: how many minutes each is over, and its name.
const WINDOWS: [(f64, &str); 3] = [(1.0, "1min"), (5.0, "5min"), (15.0, "15min")];

/// Counts of which averages are made.
const LOADS: [&str; 8] = [
    "messages/received",
    "messages/sent",
    "publish/received",
    "publish/sent",
    "publish/dropped",
    "bytes/received",
    "bytes/sent",
    "connections",
];

/// Statistics of a server: what its counters do not have.
#[derive(Debug)]
pub(crate) struct Statistics {
    began: Instant,
    loads: Mutex<Option<Loads>>,
}

/// Averages of what happens in a minute.
#[derive(Debug)]
struct Loads {
    at: Instant,
    counts: [u64; LOADS.len()],
    averages: [[f64; WINDOWS.len()]; LOADS.len()],
    most_clients: i64,
}

impl Statistics {
    /// None are published until the first [`note`](Self::note).
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), loads: Mutex::new(None) }
    }

    /// Brings the averages up to date.
    pub(crate) fn note(&self, counters: &Counters, now: Instant) {
        let counts = counts(&counters.traffic);
        let clients = counters.connections.get();
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *loads {
            None => {
                let averages = [[0.0; WINDOWS.len()]; LOADS.len()];
                *loads = Some(Loads { at: now, counts, averages, most_clients: clients });
            }
            Some(loads) => loads.update(counts, clients, now),
        }
    }

    /// All messages as they are now; none while statistics are off.
    pub(crate) fn messages(&self, counters: &Counters, now: Instant) -> Vec<Publication> {
        let loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(loads) = &*loads else { return Vec::new() };
        let uptime = now.duration_since(self.began);
        let mut told = values(counters, uptime, loads.most_clients);
        for (name, averages) in LOADS.iter().zip(&loads.averages) {
            for ((_, window), average) in WINDOWS.iter().zip(averages) {
                told.push((format!("load/{name}/{window}"), format!("{average:.2}")));
            }
        }
        told.into_iter().map(message).collect()
    }
}

impl Loads {
    fn update(&mut self, counts: [u64; LOADS.len()], clients: i64, now: Instant) {
        let minutes = now.duration_since(self.at).as_secs_f64() / 60.0;
        if minutes <= 0.0 {
            return;
        }
        for ((averages, before), count) in self.averages.iter_mut().zip(self.counts).zip(counts) {
            let rate = count.saturating_sub(before) as f64 / minutes;
            for (average, (window, _)) in averages.iter_mut().zip(WINDOWS) {
                *average = rate + (-minutes / window).exp() * (*average - rate);
            }
        }
        self.at = now;
        self.counts = counts;
        self.most_clients = self.most_clients.max(clients);
    }
}

fn counts(traffic: &Traffic) -> [u64; LOADS.len()] {
    [
        traffic.packets_received.get(),
        traffic.packets_sent.get(),
        traffic.publishes_received.get(),
        traffic.publishes_sent.get(),
        traffic.publishes_dropped.get(),
        traffic.bytes_received.get(),
        traffic.bytes_sent.get(),
        traffic.connects.get(),
    ]
}

fn values(counters: &Counters, uptime: Duration, most_clients: i64) -> Vec<(String, String)> {
    let (connected, total) = (counters.connections.get(), counters.sessions.get());
    let traffic = &counters.traffic;
    let values: [(&str, String); 15] = [
        ("version", concat!("millrace version ", env!("CARGO_PKG_VERSION")).to_owned()),
        ("uptime", format!("{} seconds", uptime.as_secs())),
        ("clients/total", total.to_string()),
        ("clients/connected", connected.to_string()),
        ("clients/disconnected", (total - connected).max(0).to_string()),
        ("clients/maximum", most_clients.max(connected).to_string()),
        ("subscriptions/count", counters.subscriptions.get().to_string()),
        ("retained messages/count", counters.retained.get().to_string()),
        ("messages/received", traffic.packets_received.get().to_string()),
        ("messages/sent", traffic.packets_sent.get().to_string()),
        ("publish/messages/received", traffic.publishes_received.get().to_string()),
        ("publish/messages/sent", traffic.publishes_sent.get().to_string()),
        ("publish/messages/dropped", traffic.publishes_dropped.get().to_string()),
        ("bytes/received", traffic.bytes_received.get().to_string()),
        ("bytes/sent", traffic.bytes_sent.get().to_string()),
    ];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn message((name, value): (String, String)) -> Publication {
    let topic = format!("$SYS/broker/{name}");
    Publication::new(topic, Bytes::from(value), Qos::AtMostOnce, true, &Forwarded::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(statistics: &Statistics, counters: &Counters) -> Vec<(String, String)> {
        let messages = statistics.messages(counters, Instant::now()).into_iter();
        messages
            .map(|message| (message.topic, String::from_utf8(message.payload.to_vec()).unwrap()))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn averages_are_those_of_a_minute_and_go_towards_the_rate() {
        let (statistics, counters) = (Statistics::new(), Counters::default());
        assert!(told(&statistics, &counters).is_empty(), "they are off");
        statistics.note(&counters, Instant::now());
        for _ in 0..6 {
            tokio::time::advance(Duration::from_secs(10)).await;
            counters.traffic.packets_received.inc_by(20);
            statistics.note(&counters, Instant::now());
        }
        let told = told(&statistics, &counters);
        // 120 in a minute: 120 × (1 − e^(−1/1)), and so on.
        for (topic, value) in [
            ("$SYS/broker/load/messages/received/1min", "75.85"),
            ("$SYS/broker/load/messages/received/5min", "21.75"),
            ("$SYS/broker/load/messages/received/15min", "7.74"),
            ("$SYS/broker/load/messages/sent/1min", "0.00"),
            ("$SYS/broker/messages/received", "120"),
            ("$SYS/broker/uptime", "60 seconds"),
        ] {
            assert!(told.contains(&(topic.into(), value.into())), "{topic}: {told:?}");
        }
    }
}
