//! What a RuuviTag measures, from the Bluetooth advertisement that a Ruuvi gateway passes on.
//!
//! Source: the data formats 3, 5 and 6, <https://docs.ruuvi.com/communication/bluetooth-advertisements>.

use serde_json::{Map, Value, json};

/// Manufacturer data of Ruuvi Innovations (0x0499), before the number of the data format.
const MARK: [u8; 3] = [0xff, 0x99, 0x04];

/// The object with `decoded` beside its `data`, where that is an advertisement of a known format.
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
    let (format, fields) = data[start..].split_first()?;
    let mut values = Values(Map::new());
    match format {
        3 => values.format_3(fields.first_chunk()?),
        5 => values.format_5(fields.first_chunk()?),
        6 => values.format_6(fields.first_chunk()?),
        _ => return None,
    }
    Some(Value::Object(values.0))
}

struct Values(Map<String, Value>);

impl Values {
    /// Each field has a value that means "not available".
    fn add(&mut self, name: &str, there: bool, value: f64) {
        if there {
            self.0.insert(name.into(), json!(value));
        }
    }

    fn format_3(&mut self, fields: &[u8; 13]) {
        let hundredths = f64::from(fields[1] & 0x7f) * 100.0 + f64::from(fields[2]);
        let sign = if fields[1] & 0x80 == 0 { 1.0 } else { -1.0 };
        self.add("temperature", true, sign * hundredths / 100.0);
        self.add("humidity", true, f64::from(fields[0]) / 2.0);
        self.add("pressure", true, pressure(pair(fields, 3)));
        self.add("voltage", true, f64::from(pair(fields, 11)) / 1000.0);
    }

    fn format_5(&mut self, fields: &[u8; 17]) {
        self.climate(fields);
        let millivolts = pair(fields, 12) >> 5;
        self.add("voltage", millivolts != 0x7ff, (f64::from(millivolts) + 1600.0) / 1000.0);
        self.add("movement_counter", fields[14] != 0xff, f64::from(fields[14]));
    }

    /// Ruuvi Air, in the short form. The lowest bit of two indices is among the flags.
    fn format_6(&mut self, fields: &[u8; 16]) {
        self.climate(fields);
        let (pm25, co2, flags) = (pair(fields, 6), pair(fields, 8), fields[15]);
        self.add("pm25", pm25 != 0xffff, f64::from(pm25) / 10.0);
        self.add("co2", co2 != 0xffff, f64::from(co2));
        let index = |high: u8, bit: u8| u16::from(high) << 1 | u16::from(flags >> bit & 1);
        let (voc, nox) = (index(fields[10], 6), index(fields[11], 7));
        self.add("voc_index", voc != 511, f64::from(voc));
        self.add("nox_index", nox != 511, f64::from(nox));
        // A logarithmic scale with 254 steps up to 65,535 lx.
        let lux = (f64::from(fields[12]) * 65_536_f64.ln() / 254.0).exp_m1();
        self.add("illuminance", fields[12] != 0xff, (lux * 100.0).round() / 100.0);
    }

    /// What formats 5 and 6 begin with.
    fn climate(&mut self, fields: &[u8]) {
        let [temperature, humidity, air] = [0, 2, 4].map(|at| pair(fields, at));
        self.add("temperature", temperature != 0x8000, f64::from(temperature.cast_signed()) / 200.0);
        self.add("humidity", humidity != 0xffff, f64::from(humidity) / 400.0);
        self.add("pressure", air != 0xffff, pressure(air));
    }
}

fn pair(fields: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([fields[at], fields[at + 1]])
}

/// In hectopascals.
fn pressure(field: u16) -> f64 {
    (f64::from(field) + 50_000.0) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The valid and the invalid examples of the formats' descriptions.
    #[test]
    fn the_published_examples_are_decoded() {
        let decoded = |hex: &str| with_decoded(json!({ "data": hex }))["decoded"].clone();
        assert_eq!(
            decoded("FF990405 12FC5394C37C0004FFFC040CAC364200CDCBB8334C884F".replace(' ', "").as_str()),
            json!({"temperature": 24.3, "humidity": 53.49, "pressure": 1000.44, "voltage": 2.977, "movement_counter": 66.0})
        );
        assert_eq!(decoded("FF9904058000FFFFFFFF800080008000FFFFFFFFFFFFFFFFFFFFFF"), json!({}));
        assert_eq!(
            decoded("FF990403291A1ECE1EFC18F94202CA0B53"),
            json!({"temperature": 26.3, "humidity": 20.5, "pressure": 1027.66, "voltage": 2.899})
        );
        assert_eq!(decoded("FF9904030081000000000000000000000064")["temperature"], json!(-1.0));
        assert_eq!(
            decoded("FF990406170C5668C79E007000C90501D900CD004C884F"),
            json!({"temperature": 29.5, "humidity": 55.3, "pressure": 1011.02, "pm25": 11.2, "co2": 201.0,
                   "voc_index": 10.0, "nox_index": 2.0, "illuminance": 13_026.67})
        );
        assert_eq!(decoded("FF9904068000FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"), json!({}));
        assert_eq!(decoded("FF99040512FC"), Value::Null);
        assert_eq!(decoded("FF9904E100"), Value::Null);
        assert_eq!(decoded("xyz"), Value::Null);
    }
}
