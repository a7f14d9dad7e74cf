//! No topic panics, and what was read is written the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::Series;

fuzz_target!(|text: &str| {
    if let Ok(topic) = Series::parse(text) {
        assert_eq!(topic.as_str(), text);
        assert_eq!(Series::new(topic.metric(), topic.device()).as_ref(), Ok(&topic));
    }
});
