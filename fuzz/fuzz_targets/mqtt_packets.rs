//! No bytes of a client make the server panic, hang, or send what MQTT forbids; and it closes at the end of the input.
//!
//! The input is one byte for the version and whether a CONNECT goes before, one for where the sink settles what was
//! collected, and what the client sends.
#![no_main]

use e2e::mqtt::{Connect, Version};
use libfuzzer_sys::fuzz_target;
use millrace_fuzz::run;

fuzz_target!(|input: &[u8]| {
    let [how, cut, sent @ ..] = input else { return };
    let version = [Version::V31, Version::V311, Version::V5][usize::from(how % 3)];
    // Most bytes are worth more behind a CONNECT that is good.
    let is_connected = *how < 200;
    let (before, after) = sent.split_at(sent.len() * usize::from(*cut) / 256);
    run(8, |broker| async move {
        let mut client = broker.open(version);
        if is_connected {
            client.send(&Connect::new(version, "fuzz").lasting(60).written()).await;
        }
        client.send(before).await;
        broker.settle();
        client.send(after).await;
        // What a CONNECT of the fuzzer's own is answered with may be of another version.
        if is_connected {
            client.packets().await;
        }
        broker.settle();
    });
});
