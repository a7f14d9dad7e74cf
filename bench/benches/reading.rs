//! One reading's way through db-writer, as far as it needs neither broker nor database: `cargo bench -p bench`.

use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::Timestamp;
use telemetry::{Batcher, Limits, Message, Reading, Series, Size};

/// As many as db-writer's largest batch.
const READINGS: u64 = 10_000;

const DEVICES: u64 = 1_000;

fn main() {
    divan::main();
}

fn reading(number: u64) -> Reading {
    let at = Timestamp::from_millisecond(1_760_000_000_000 + number as i64).expect("a time of 2025");
    Reading {
        series: Series::new("temperature", &format!("bench-{:06}", number % DEVICES)).expect("a topic"),
        value: 15.0 + (number % 1_000) as f64 / 100.0,
        unit: Some("celsius".into()),
        measured_at: at,
        received_at: at,
        boot: Some(1),
        seq: Some(number / DEVICES),
    }
}

fn messages() -> Vec<Message> {
    let message = |reading: Reading| Message {
        topic: reading.series.to_string(),
        payload: reading.to_payload().into(),
        received_at: reading.received_at,
    };
    (0..READINGS).map(reading).map(message).collect()
}

/// From bytes to readings.
#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let messages = messages();
    bencher
        .counter(ItemsCount::new(READINGS as usize))
        .bench(|| messages.iter().map(|message| message.decode().readings.len()).sum::<usize>());
}

/// The topic alone.
#[divan::bench]
fn topic(bencher: Bencher<'_, '_>) {
    let messages = messages();
    bencher
        .counter(ItemsCount::new(READINGS as usize))
        .bench(|| messages.iter().filter(|message| Series::parse(&message.topic).is_ok()).count());
}

/// Gathering readings into a batch.
#[divan::bench]
fn batch(bencher: Bencher<'_, '_>) {
    let limits = Limits { count: READINGS as usize, bytes: usize::MAX, age: Duration::ZERO };
    bencher
        .counter(ItemsCount::new(READINGS as usize))
        .with_inputs(|| (0..READINGS).map(reading).collect::<Vec<_>>())
        .bench_values(|readings| {
            let mut batcher = Batcher::<Vec<Reading>>::new(limits);
            let now = Instant::now();
            for reading in readings {
                batcher.add(now, Size { count: 1, bytes: 100 }).push(reading);
            }
            batcher.take().len()
        });
}

/// What a device sends; the load generators pay for it.
#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let readings: Vec<_> = (0..READINGS).map(reading).collect();
    bencher
        .counter(ItemsCount::new(READINGS as usize))
        .bench(|| readings.iter().map(|reading| reading.to_payload().len()).sum::<usize>());
}
