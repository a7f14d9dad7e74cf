//! What holds for every format: its numbers are read, what was cut off is read in part or rejected, and no bytes panic.

use super::*;

const FORMATS: [&str; 7] = ["json", "text", "csv", "influx", "senml", "sparkplug", "ruuvi"];

/// Rules for the formats that have no preset. The columns of CSV have no names of their own.
const RULES: &str = r#"
[[rule]]
topic = "json"
device = "d"
[[rule]]
topic = "text"
format = "text"
device = "d"
metric = "m"
[[rule]]
topic = "csv"
format = "csv"
device = "d"
names = { 1 = "a", 2 = "b", 3 = "c", 4 = "d", 5 = "e" }
"#;

/// A message in this format with a reading of each number; some formats have room for the first one only.
fn sample(format: &str, numbers: &[f64]) -> (String, Vec<u8>, usize) {
    let joined = |separator: &str, one: &dyn Fn(usize, f64) -> String| {
        let all = numbers.iter().enumerate().map(|(index, number)| one(index, *number));
        all.collect::<Vec<_>>().join(separator)
    };
    let (topic, payload) = match format {
        "json" => ("json", format!("{{{}}}", joined(",", &|index, number| format!("\"a{index}\":{number}")))),
        "text" => return ("text".into(), numbers[0].to_string().into(), 1),
        "csv" => ("csv", joined(",", &|_, number| number.to_string())),
        "influx" => {
            ("telegraf/h/m", format!("m,t=x {}", joined(",", &|index, number| format!("a{index}={number}"))))
        }
        "senml" => {
            let record = |index, number| format!("{{\"bn\":\"dev:\",\"n\":\"a{index}\",\"v\":{number}}}");
            ("senml/x", format!("[{}]", joined(",", &record)))
        }
        "ruuvi" => return ("ruuvi/g/d".into(), advertisement(numbers[0]).into(), 6),
        _ => return ("spBv1.0/g/DDATA/n/d".into(), sparkplug(numbers), numbers.len()),
    };
    (topic.into(), payload.into(), numbers.len())
}

/// Data format 5 of a tag with this temperature, in hundredths of what a device can measure.
fn advertisement(number: f64) -> String {
    let temperature = (number / 100.0) as i16;
    format!(
        r#"{{"rssi":-67,"ts":"1764417600","data":"FF990405{temperature:04X}5394C37C0004FFFC040CAC364200CDCBB8334C884F"}}"#
    )
}

/// A payload of Sparkplug B with a metric of type Double for each number.
fn sparkplug(numbers: &[f64]) -> Vec<u8> {
    let metric = |(index, number): (usize, &f64)| {
        let metric =
            [&[0x0a, 2, b'a', b'0' + index as u8, 0x20, 10, 0x69][..], &number.to_le_bytes()].concat();
        [&[0x12, metric.len() as u8][..], &metric].concat()
    };
    numbers.iter().enumerate().flat_map(metric).collect()
}

fn read(mappings: &Mappings, topic: &str, payload: &[u8]) -> Decoded {
    match mappings.decode(&message(topic, payload), Publisher::default(), &Announcements::default(), now()) {
        Mapped::Read(decoded) => decoded,
        other => panic!("{topic}: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_number_is_a_reading(numbers in prop::collection::vec(-1e6..1e6, 1..6)) {
        let mappings = Mappings::read(RULES).unwrap();
        for format in FORMATS {
            let (topic, payload, count) = sample(format, &numbers);
            let decoded = read(&mappings, &topic, &payload);
            prop_assert_eq!(decoded.readings.len(), count, "{}: {:?}", format, decoded);
            prop_assert!(decoded.rejected.is_empty(), "{}: {:?}", format, decoded);
        }
    }

    #[test]
    fn what_is_cut_off_is_read_in_part_or_rejected(
        numbers in prop::collection::vec(-1e6..1e6, 1..6),
        share in 0.0..1.0,
    ) {
        let mappings = Mappings::read(RULES).unwrap();
        for format in FORMATS {
            let (topic, mut payload, _) = sample(format, &numbers);
            payload.truncate((payload.len() as f64 * share) as usize);
            let decoded = read(&mappings, &topic, &payload);
            let is_text = matches!(format, "text" | "csv");
            let holds_nothing = payload.is_empty() || is_text && !payload.iter().any(u8::is_ascii_digit);
            let is_something = decoded.readings.len() + decoded.rejected.len() > 0;
            prop_assert!(is_something || holds_nothing, "{format}: {payload:?}");
        }
    }

    #[test]
    fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..120)) {
        let mappings = Mappings::read(RULES).unwrap();
        for format in FORMATS {
            let (topic, ..) = sample(format, &[1.0]);
            let decoded = read(&mappings, &topic, &payload);
            prop_assert!(decoded.readings.iter().all(|reading| reading.value.is_finite()));
            prop_assert_eq!(decoded.rejected.iter().filter(|rejected| rejected.reason.is_empty()).count(), 0);
        }
    }
}
