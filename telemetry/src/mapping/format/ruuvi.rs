//! What a RuuviTag measures, from the Bluetooth advertisement that a Ruuvi gateway passes on.
//!
//! Source: data format 5, <https://docs.ruuvi.com/communication/bluetooth-advertisements/data-format-5-rawv2>.

use serde_json::{Map, Value, json};

/// Manufacturer data of Ruuvi Innovations (0x0499), data format 5.
const MARK: [u8; 4] = [0xff, 0x99, 0x04, 0x05];

/// The object with `decoded` beside its `data`, where that is an advertisement of data format 5.
pub(super) fn with_decoded(mut value: Value) -> Value {
    let decoded = value.get("data").and_then(Value::as_str).and_then(bytes).and_then(|data| decode(&data));
    if let (Value::Object(object), Some(decoded)) = (&mut value, decoded) {
        object.insert("decoded".into(), decoded);
    }
    value
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

fn decode(data: &[u8]) -> Option<Value> {
    let start = data.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    let fields: &[u8; 17] = data.get(start..start + 17)?.try_into().ok()?;
    let pair = |at: usize| u16::from_be_bytes([fields[at], fields[at + 1]]);
    let mut values = Map::new();
    // Each field has a value that means "not available".
    let mut add = |name: &str, there: bool, value: f64| {
        if there {
            values.insert(name.into(), json!(value));
        }
    };
    add("temperature", pair(0) != 0x8000, f64::from(pair(0).cast_signed()) / 200.0);
    add("humidity", pair(2) != 0xffff, f64::from(pair(2)) / 400.0);
    add("pressure", pair(4) != 0xffff, (f64::from(pair(4)) + 50_000.0) / 100.0);
    let millivolts = pair(12) >> 5;
    add("voltage", millivolts != 0x7ff, (f64::from(millivolts) + 1600.0) / 1000.0);
    add("movement_counter", fields[14] != 0xff, f64::from(fields[14]));
    Some(Value::Object(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The valid and the invalid example of the format's description.
    #[test]
    fn the_published_examples_are_decoded() {
        let decoded = |hex: &str| with_decoded(json!({ "data": hex }))["decoded"].clone();
        assert_eq!(
            decoded("FF990405 12FC5394C37C0004FFFC040CAC364200CDCBB8334C884F".replace(' ', "").as_str()),
            json!({"temperature": 24.3, "humidity": 53.49, "pressure": 1000.44, "voltage": 2.977, "movement_counter": 66.0})
        );
        assert_eq!(decoded("FF9904058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF"), json!({}));
        assert_eq!(decoded("FF99040512FC"), Value::Null);
        assert_eq!(decoded("xyz"), Value::Null);
    }
}
