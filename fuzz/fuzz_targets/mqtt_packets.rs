//! No bytes of a client make the server panic, hang, or send what MQTT forbids; and it closes at the end of the input.
#![no_main]

use e2e::mqtt::{Connect, Version};
use libfuzzer_sys::fuzz_target;
use millrace_fuzz::run;

fuzz_target!(|input: (u8, Vec<u8>, Vec<u8>)| {
    let (how, before, after) = input;
    let version = [Version::V31, Version::V311, Version::V5][usize::from(how % 3)];
    run(|broker| async move {
        let mut client = broker.open(version);
        // Most bytes are worth more behind a CONNECT that is good.
        if how < 200 {
            client.send(&Connect::new(version, "fuzz").lasting(60).written()).await;
        }
        client.send(&before).await;
        broker.settle();
        client.send(&after).await;
        // What a CONNECT of the fuzzer's own is answered with may be of another version.
        if how < 200 {
            client.packets().await;
        }
        broker.settle();
    });
});
