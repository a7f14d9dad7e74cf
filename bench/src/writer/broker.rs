//! RabbitMQ: filling a queue, publishing at a fixed rate, and consuming without doing anything else.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, PublisherConfirm};
use telemetry::Reading;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::load::Load;

/// Connections that publish at once.
const PUBLISHERS: u64 = 4;

/// The most readings of one connection that are not confirmed yet.
const UNCONFIRMED: usize = 2_000;

/// The prefetch of db-writer: a batch that is being written and one that is being collected.
const PREFETCH: u16 = 20_000;
const BATCH: u64 = 10_000;

/// The delivery mode of a message that is written to disk.
const PERSISTENT: u8 = 2;

async fn connect(url: &str) -> anyhow::Result<(Connection, Channel)> {
    let connection =
        Connection::connect(url, ConnectionProperties::default()).await.context("reach RabbitMQ")?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

/// A connection that publishes; a confirmed message is in the queue on a majority of nodes.
struct AmqpPublisher {
    _connection: Connection,
    channel: Channel,
    unconfirmed: VecDeque<PublisherConfirm>,
}

impl AmqpPublisher {
    async fn connect(url: &str) -> anyhow::Result<Self> {
        let (connection, channel) = connect(url).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { _connection: connection, channel, unconfirmed: VecDeque::new() })
    }

    async fn publish(&mut self, reading: &Reading) -> anyhow::Result<()> {
        let key = reading.series.as_str().replace('/', ".");
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let payload = reading.to_payload();
        let sent =
            self.channel.basic_publish("amq.topic".into(), key.into(), options, &payload, properties).await?;
        self.unconfirmed.push_back(sent);
        if self.unconfirmed.len() > UNCONFIRMED {
            self.confirm().await?;
        }
        Ok(())
    }

    /// Waits for the oldest confirm.
    async fn confirm(&mut self) -> anyhow::Result<()> {
        let Some(oldest) = self.unconfirmed.pop_front() else { return Ok(()) };
        ensure!(oldest.await? == Confirmation::Ack(None), "RabbitMQ did not take a reading");
        Ok(())
    }

    async fn finish(mut self) -> anyhow::Result<()> {
        while !self.unconfirmed.is_empty() {
            self.confirm().await?;
        }
        Ok(())
    }
}

/// Publishes the readings `0..readings` as fast as the broker confirms them.
pub(super) async fn fill(url: &str, load: Load, readings: u64) -> anyhow::Result<()> {
    let mut publishers = JoinSet::new();
    for first in 0..PUBLISHERS {
        let mut publisher = AmqpPublisher::connect(url).await?;
        publishers.spawn(async move {
            for number in (first..readings).step_by(PUBLISHERS as usize) {
                publisher.publish(&load.reading(number)).await?;
            }
            publisher.finish().await
        });
    }
    publishers.join_all().await.into_iter().collect()
}

/// A fixed rate, whether or not the writer keeps up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) devices: u64,
    pub(super) per_second: u64,
    pub(super) duration: Duration,
}

impl Pace {
    pub(super) fn readings(&self) -> u64 {
        self.per_second * self.duration.as_secs()
    }

    /// Time from the start to when a reading is due.
    fn due(&self, number: u64) -> Duration {
        Duration::from_nanos(number * 1_000_000_000 / self.per_second)
    }
}

/// What was published, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Published {
    pub(super) first_due: Timestamp,
    /// The longest time from when a reading was due to when it was published.
    pub(super) behind: Duration,
}

/// Publishes at a fixed rate; the time of a reading is when it was due, whenever it was published.
pub(super) async fn keep_pace(url: &str, pace: Pace) -> anyhow::Result<Published> {
    let mut publishers = Vec::new();
    for _ in 0..PUBLISHERS {
        publishers.push(AmqpPublisher::connect(url).await?);
    }
    let (start, first_due) = (Instant::now(), Timestamp::now());
    let load = Load { devices: pace.devices, first_measured_at: first_due, late: false };
    let mut tasks = JoinSet::new();
    for (first, mut publisher) in (0..PUBLISHERS).zip(publishers) {
        tasks.spawn(async move {
            let mut behind = Duration::ZERO;
            for number in (first..pace.readings()).step_by(PUBLISHERS as usize) {
                let due = pace.due(number);
                sleep_until(start + due).await;
                behind = behind.max(start.elapsed().saturating_sub(due));
                publisher.publish(&load.reading_at(number, first_due + due)).await?;
            }
            publisher.finish().await?;
            anyhow::Ok(behind)
        });
    }
    let behind: Vec<Duration> = tasks.join_all().await.into_iter().collect::<Result<_, _>>()?;
    Ok(Published { first_due, behind: behind.into_iter().max().unwrap_or_default() })
}

/// Consumes this many readings as db-writer does and only acknowledges them; returns readings a second.
pub(super) async fn take_and_forget(url: &str, queue: &str, readings: u64) -> anyhow::Result<f64> {
    let (_connection, channel) = connect(url).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer =
        channel.basic_consume(queue.into(), "null".into(), options, FieldTable::default()).await?;
    let mut first = None;
    for taken in 1..=readings {
        let delivery = consumer.next().await.context("the consumer ended")??;
        first.get_or_insert_with(Instant::now);
        if taken % BATCH == 0 || taken == readings {
            channel.basic_ack(delivery.delivery_tag, BasicAckOptions { multiple: true }).await?;
        }
    }
    let since_first = first.context("there is nothing to take")?.elapsed();
    Ok((readings - 1) as f64 / since_first.as_secs_f64())
}

/// The state of a queue, as the management API reports it.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueState {
    /// Messages that are delivered to no consumer yet.
    pub(super) waiting: u32,
    pub(super) consumers: u32,
}

pub(super) async fn queue_state(url: &str, queue: &str) -> anyhow::Result<QueueState> {
    let (connection, channel) = connect(url).await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(queue.into(), passive, FieldTable::default()).await?;
    connection.close(200, "asked".into()).await?;
    Ok(QueueState { waiting: queue.message_count(), consumers: queue.consumer_count() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_spreads_its_readings_evenly() {
        let pace = Pace { devices: 1, per_second: 5_000, duration: Duration::from_secs(2) };
        assert_eq!(pace.readings(), 10_000);
        assert_eq!(pace.due(0), Duration::ZERO);
        assert_eq!(pace.due(1), Duration::from_micros(200));
        assert_eq!(pace.due(9_999), Duration::from_micros(1_999_800));
    }
}
