//! A steady device: what everybody else notices of a flood or a herd.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::mqtt::{Client, Connect, Endpoint, Publish};
use crate::{LONG, eventually};

/// Publishes a reading at QoS 1 each 20 ms and waits for its PUBACK; ends when dropped.
#[derive(Debug)]
pub struct SteadyDevice {
    waits: Arc<Mutex<Vec<Duration>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SteadyDevice {
    /// Connects as this, and publishes to `temperature/steady`.
    ///
    /// # Panics
    /// It may not connect.
    #[must_use]
    pub fn start(endpoint: Endpoint, connect: &Connect) -> Self {
        let (waits, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let mut client = endpoint.connect_as(connect);
        let (timed, ends) = (Arc::clone(&waits), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                let wait = one_reading(&mut client);
                timed.lock().expect("no other task panics").push(wait);
                sleep(Duration::from_millis(20));
            }
        });
        Self { waits, over, thread: Some(thread) }
    }

    /// The 99th percentile since it was last asked for, of at least this many readings.
    ///
    /// # Panics
    /// The device gets no PUBACK any more.
    #[must_use]
    pub fn p99(&self, readings: usize) -> Duration {
        eventually(LONG, || {
            let mut waits = self.waits.lock().expect("the device goes on");
            if waits.len() < readings {
                return Err("the device gets no PUBACK");
            }
            let mut waits = std::mem::take(&mut *waits);
            waits.sort();
            Ok(waits[(waits.len() - 1) * 99 / 100])
        })
    }
}

fn one_reading(client: &mut Client) -> Duration {
    let start = Instant::now();
    client.publish(&Publish::new("temperature/steady", "21.5").qos(1, 7));
    start.elapsed()
}

impl Drop for SteadyDevice {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // One that has failed has said so.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
