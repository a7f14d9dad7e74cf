//! A device written in Python with Eclipse Paho.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// Runs `e2e/clients/device.py` against `mqtt://…` or `ws://…` with these lines to publish, and returns its report:
/// `connack`, `suback`, `acked` and `closed`.
///
/// # Panics
/// It is not installed, or does not end in time.
#[must_use]
pub fn paho(broker_url: &str, arguments: &[&str], payloads: &str) -> Value {
    let python = format!("{HERE}/../target/python/bin/python");
    assert!(std::fs::exists(&python).is_ok_and(|there| there), "{python} is missing: `make test-tools`");
    let mut command = Command::new(python);
    command.arg(format!("{HERE}/clients/device.py")).args(arguments).env("BROKER", broker_url);
    let mut device =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("run a device in Python");
    // One that may not connect ends without reading.
    let _ = device.stdin.take().expect("stdin is piped").write_all(payloads.as_bytes());
    let output = device.wait_with_output().expect("wait for the device");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}
