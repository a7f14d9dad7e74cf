//! No payload panics, none vanishes, and what was read is written and read back the same.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use telemetry::Message;

fuzz_target!(|payload: &[u8]| {
    let message = Message {
        topic: "temperature/lab".into(),
        payload: bytes::Bytes::copy_from_slice(payload),
        received_at: Timestamp::constant(1_768_473_000, 0),
    };
    let decoded = message.decode();
    assert!(decoded.readings.len() + decoded.rejected.len() > 0);
    for reading in decoded.readings {
        assert!(reading.value.is_finite());
        let again = Message { payload: reading.to_payload().into(), ..message.clone() }.decode();
        assert_eq!(again.readings, [reading]);
    }
});
