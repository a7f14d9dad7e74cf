//! Devices that publish at a fixed rate, however slow the broker is: each reading is timed from when it was due.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use telemetry::{Reading, Series};

use super::packet;

/// Connections that the devices share: few, so that the sender is cheap.
const CONNECTIONS: u64 = 20;

pub(super) const DEVICES: u64 = 1_000;

/// How long a PUBACK may take before the run counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many readings are sent, and at which rate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Readings a second; `None` sends each reading as soon as the one before it is written.
    pub(super) per_second: Option<u64>,
    pub(super) readings: u64,
    /// The number of readings at the start that are sent and not timed.
    pub(super) warm_up: u64,
}

#[derive(Debug)]
pub(super) struct Paced {
    /// Time from when each reading was due to its PUBACK, sorted.
    pub(super) pubacks: Vec<Duration>,
    /// The longest that the sender itself was late with a timed reading; the waits include it.
    pub(super) behind: Duration,
}

impl Pace {
    pub(super) fn at(per_second: u64, warm_up: Duration, timed: Duration) -> Self {
        let in_time = |time: Duration| per_second * time.as_millis() as u64 / 1_000;
        Self { per_second: Some(per_second), readings: in_time(warm_up + timed), warm_up: in_time(warm_up) }
    }

    /// When a reading is due, from the start on.
    fn due(&self, number: u64) -> Duration {
        self.per_second.map_or(Duration::ZERO, |rate| Duration::from_nanos(number * 1_000_000_000 / rate))
    }
}

/// Publishes at QoS 1 and waits for all PUBACKs. The time of a reading is the time at which it is due.
///
/// # Errors
/// A PUBACK did not come.
pub(super) fn keep(broker: SocketAddr, pace: Pace) -> anyhow::Result<Paced> {
    let lines: Vec<Line> =
        (0..CONNECTIONS).map(|number| Line::open(broker, number)).collect::<Result<_, _>>()?;
    let start = Start { clock: Instant::now(), time: Timestamp::now() };
    let ears: Vec<_> = lines
        .iter()
        .zip(0..)
        .map(|(line, number)| line.listen(pace.share(number), pace.skipped(number), start))
        .collect::<Result<_, _>>()?;
    let behind = publish(lines, pace, start)?;
    let mut pubacks = Vec::new();
    for ear in ears {
        pubacks.extend(ear.join().ok().context("a listener panicked")??);
    }
    pubacks.sort_unstable();
    Ok(Paced { pubacks, behind })
}

#[derive(Debug, Clone, Copy)]
struct Start {
    clock: Instant,
    time: Timestamp,
}

/// Sends all readings and returns the longest that it was late with one.
fn publish(mut lines: Vec<Line>, pace: Pace, start: Start) -> anyhow::Result<Duration> {
    let mut behind = Duration::ZERO;
    for number in 0..pace.readings {
        let mut due = pace.due(number);
        if pace.per_second.is_none() {
            due = start.clock.elapsed();
        }
        thread::sleep(due.saturating_sub(start.clock.elapsed()));
        if number >= pace.warm_up {
            behind = behind.max(start.clock.elapsed().saturating_sub(due));
        }
        let line = &mut lines[(number % CONNECTIONS) as usize];
        line.publish(number / CONNECTIONS, &reading(number, start.time + due), due)?;
    }
    Ok(behind)
}

fn reading(number: u64, measured_at: Timestamp) -> Reading {
    let device = format!("bench-{:04}", number % DEVICES);
    let whole = Timestamp::from_microsecond(measured_at.as_microsecond()).unwrap_or(measured_at);
    Reading {
        series: Series::new("temperature", &device).expect("letters and digits are a topic"),
        value: 20.0 + (number % 400) as f64 / 100.0,
        unit: Some("celsius".into()),
        measured_at: whole,
        received_at: whole,
        boot: Some(1),
        seq: Some(number / DEVICES + 1),
    }
}

impl Pace {
    /// The number of readings that this connection sends.
    fn share(&self, connection: u64) -> u64 {
        share(self.readings, connection)
    }

    /// The number of readings at the start that are not timed.
    fn skipped(&self, connection: u64) -> u64 {
        share(self.warm_up, connection)
    }
}

fn share(readings: u64, connection: u64) -> u64 {
    readings / CONNECTIONS + u64::from(connection < readings % CONNECTIONS)
}

/// A connection, and when each reading that is not acknowledged yet was due, in nanoseconds from the start, by packet
/// identifier.
struct Line {
    stream: TcpStream,
    due: Arc<[AtomicU64]>,
}

impl Line {
    fn open(broker: SocketAddr, number: u64) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(broker).context("connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&packet::connect(&format!("pace-{number}")))?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).context("wait for the CONNACK")?;
        ensure!(answer == packet::CONNACK, "the broker answers {answer:?}");
        Ok(Self { stream, due: (0..=packet::LAST_ID).map(|_| AtomicU64::new(0)).collect() })
    }

    /// Sends the `nth` reading of this connection. Waits while the broker accepts no more.
    fn publish(&mut self, nth: u64, reading: &Reading, due: Duration) -> anyhow::Result<()> {
        let id = packet::id(nth);
        self.due[usize::from(id)].store(due.as_nanos() as u64, Ordering::Release);
        let packet = packet::publish(id, reading.series.as_str(), &reading.to_payload());
        self.stream.write_all(&packet).context("publish")
    }

    /// Reads `count` PUBACKs and times all but the first `skipped`.
    fn listen(
        &self,
        expected: u64,
        skipped: u64,
        start: Start,
    ) -> anyhow::Result<thread::JoinHandle<anyhow::Result<Vec<Duration>>>> {
        let (stream, due) = (self.stream.try_clone().context("share a socket")?, Arc::clone(&self.due));
        Ok(thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut waits = Vec::with_capacity((expected - skipped) as usize);
            for nth in 0..expected {
                let mut answer = [0; 4];
                stream.read_exact(&mut answer).context("wait for a PUBACK")?;
                let id = packet::acked(answer)?;
                let due = Duration::from_nanos(due[usize::from(id)].load(Ordering::Acquire));
                if nth >= skipped {
                    waits.push(start.clock.elapsed().saturating_sub(due));
                }
            }
            Ok(waits)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_all_readings_and_each_is_due_in_its_turn() {
        let pace = Pace::at(1_000, Duration::from_millis(45), Duration::from_secs(1));
        assert_eq!((pace.readings, pace.warm_up), (1_045, 45));
        assert_eq!((0..CONNECTIONS).map(|number| pace.share(number)).sum::<u64>(), 1_045);
        assert_eq!((0..CONNECTIONS).map(|number| pace.skipped(number)).sum::<u64>(), 45);
        assert_eq!((pace.due(0), pace.due(1_000)), (Duration::ZERO, Duration::from_secs(1)));
    }

    #[test]
    fn a_wait_counts_from_when_the_reading_was_due() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let slow = thread::spawn(move || {
            let mut lines = Vec::new();
            for _ in 0..CONNECTIONS {
                let mut line = listener.accept().unwrap().0;
                line.write_all(&packet::CONNACK).unwrap();
                lines.push(line);
            }
            thread::sleep(Duration::from_millis(300));
            for line in &mut lines {
                line.write_all(&[0x40, 2, 0, 1]).unwrap();
            }
            lines
        });
        let pace = Pace { per_second: Some(1_000), readings: CONNECTIONS, warm_up: 0 };
        let paced = keep(address, pace).unwrap();
        drop(slow.join());
        assert_eq!(paced.pubacks.len(), CONNECTIONS as usize);
        assert!(paced.pubacks[0] >= Duration::from_millis(200), "{paced:?}");
    }
}
