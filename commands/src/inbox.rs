//! Records what devices answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker::{Deliveries, Delivery, Outcome};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use service::{Check, Retry};
use store::{Batch, Command, CommandResult, CommandState, Recorded, RejectedMessage, Store};
use telemetry::{Asked, FirmwareCommand, Inputs, Message};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::counters::Counters;
use crate::sender::Listener;
use crate::wire::{self, Said};

/// Messages that are recorded before more are received.
const AT_ONCE: usize = 256;

/// Devices whose messages are recorded at the same time; those of one device come in order.
const DEVICES_AT_ONCE: usize = 32;

/// How often, and how many times, it is looked whether a command is noted as sent whose answer seems to be there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const NOTED_WITHIN: u32 = 5;

fn device_of(topic: &str) -> &str {
    topic.split_once('/').map_or(topic, |(_, device)| device)
}

/// Records what devices answer. Cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    store: Arc<dyn Store>,
    counters: Counters,
    listener: Listener,
    rules: Option<watch::Receiver<Arc<Inputs>>>,
}

impl Inbox {
    /// Records in a store, and lets the sender know that a device is heard.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, counters: Counters, listener: Listener) -> Self {
        Self { store, counters, listener, rules: None }
    }

    /// Knows by these rules what other firmware answers.
    #[must_use]
    pub fn with_rules(self, rules: watch::Receiver<Arc<Inputs>>) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// Records each message before it is settled, until the deliveries end. While the store is away nothing is settled.
    pub async fn run(self, mut deliveries: Deliveries<Arc<Message>>, ready: Check) {
        let retry = Retry::new(self.counters.failures.clone()).with_readiness(ready.clone());
        ready.pass();
        let mut received = Vec::new();
        while deliveries.recv_many(&mut received, AT_ONCE).await > 0 {
            let mut by_device = BTreeMap::<String, Vec<_>>::new();
            for delivery in received.drain(..) {
                by_device.entry(device_of(&delivery.item.topic).to_owned()).or_default().push(delivery);
            }
            let devices = stream::iter(by_device.into_values());
            devices
                .for_each_concurrent(DEVICES_AT_ONCE, |deliveries| self.take_all(deliveries, &retry))
                .await;
        }
    }

    /// Records what one device answers, in order.
    async fn take_all(&self, deliveries: Vec<Delivery<Arc<Message>>>, retry: &Retry) {
        for delivery in deliveries {
            let (message, ack) = delivery.split();
            retry.call(|| self.take(&message)).await;
            // One that cannot be settled any more is delivered again, which changes nothing.
            let _ = ack.settle(Outcome::Done).await;
        }
    }

    /// Records one message; what cannot be read, or is about no command, is kept as rejected.
    ///
    /// # Errors
    /// The store does not answer: nothing is recorded.
    pub async fn take(&self, message: &Message) -> store::Result<()> {
        if self.take_of_firmware(message).await? || !wire::is_answer(&message.topic) {
            return Ok(());
        }
        match wire::read(message) {
            Ok((device, said)) => {
                // It answers under the name that it knows.
                let renamed = self.store.renamed(device).await?;
                let device = renamed.as_deref().unwrap_or(device);
                match self.record(device, said, message.received_at).await? {
                    Recorded::Unknown => self.reject(message, "this device has no such command".into()).await,
                    _ => Ok(()),
                }
            }
            Err(reason) => self.reject(message, reason).await,
        }
    }

    /// Records what other firmware answers; whether it is such an answer.
    async fn take_of_firmware(&self, message: &Message) -> store::Result<bool> {
        let Some(rules) = &self.rules else { return Ok(false) };
        let inputs = Arc::clone(&rules.borrow());
        for (firmware, device) in inputs.mappings().answered(&message.topic) {
            let Some(command) = self.sent_to(device, firmware).await? else { continue };
            let args = wire::args(&command);
            let asked = Asked { device, id: &command.id, number: command.number, args: &args };
            if let Some(answer) = firmware.answer(asked, &message.topic, &message.payload) {
                self.record(device, wire::said(&command.id, answer), message.received_at).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The command of a firmware that its device was sent and has not answered.
    async fn sent_to(&self, device: &str, firmware: &FirmwareCommand) -> store::Result<Option<Command>> {
        for _ in 0..NOTED_WITHIN {
            let Some(command) = self.store.open_command(device).await? else { return Ok(None) };
            if command.command != firmware.name {
                return Ok(None);
            }
            if command.state != CommandState::Queued {
                let kind = self.store.device(device).await?.and_then(|device| device.kind);
                return Ok(Some(command).filter(|_| kind.as_ref() == Some(&firmware.kind)));
            }
            // A quick device answers before it is noted that the command was sent.
            sleep(LOOK_EVERY).await;
        }
        Ok(None)
    }

    /// Records what a device says.
    ///
    /// # Errors
    /// The store does not answer: nothing is recorded.
    pub async fn record(&self, device: &str, said: Said, at: Timestamp) -> store::Result<Recorded> {
        let recorded = match said {
            Said::Nothing => return Ok(Recorded::Again),
            Said::Result { id, state, result, reason } => {
                let result = CommandResult { id, device: device.to_owned(), state, result, reason, at };
                let recorded = self.store.record_result(&result).await?;
                self.count(recorded);
                recorded
            }
            Said::State { version, state } => {
                let is_stored = self.store.report_state(device, version, &state, at).await?;
                self.counters.states.inc_by(u64::from(is_stored));
                if is_stored { Recorded::New } else { Recorded::Unknown }
            }
        };
        self.listener.heard(device);
        Ok(recorded)
    }

    fn count(&self, recorded: Recorded) {
        match recorded {
            Recorded::New => self.counters.results.inc(),
            Recorded::Again => self.counters.repeated.inc(),
            Recorded::TooLate => self.counters.late.inc(),
            Recorded::Unknown => return,
        };
    }

    async fn reject(&self, message: &Message, reason: String) -> store::Result<()> {
        let Message { topic, payload, received_at } = message.clone();
        let rejected = vec![RejectedMessage { received_at, topic, reason, payload }];
        self.store.write(&Arc::new(Batch { rejected, ..Batch::default() })).await?;
        self.counters.rejected.inc();
        Ok(())
    }
}
