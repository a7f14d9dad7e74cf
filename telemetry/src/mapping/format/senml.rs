//! SenML, RFC 8428: lists of records that take what they leave out from the base values before them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Times below this are relative to now (RFC 8428, section 4.5.3): 2^28 seconds.
const RELATIVE: f64 = 268_435_456.0;

/// The values that hold for all records after them.
#[derive(Default)]
struct Base {
    name: String,
    time: f64,
    unit: Option<String>,
    value: f64,
}

/// `{"device", "metric", "v", "u", "t"}` for each record with a number or a truth value.
pub(super) fn parse(text: &str, received_at: Timestamp) -> Result<Vec<Value>, String> {
    let records: Vec<Map<String, Value>> =
        serde_json::from_str(text).map_err(|e| format!("the payload is not SenML in JSON: {e}"))?;
    let mut base = Base::default();
    Ok(records.iter().filter_map(|record| base.resolve(record, received_at)).collect())
}

impl Base {
    fn resolve(&mut self, record: &Map<String, Value>, received_at: Timestamp) -> Option<Value> {
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        let number = |key: &str| record.get(key).and_then(Value::as_f64);
        self.name = text("bn").map_or_else(|| std::mem::take(&mut self.name), str::to_owned);
        self.time = number("bt").unwrap_or(self.time);
        self.value = number("bv").unwrap_or(self.value);
        self.unit = text("bu").map(str::to_owned).or_else(|| self.unit.take());

        let value = match (number("v"), record.get("vb").and_then(Value::as_bool)) {
            (Some(value), _) => json!(value + self.value),
            (None, Some(value)) => json!(value),
            (None, None) => return None,
        };
        let (device, metric) = names(&self.name, text("n").unwrap_or_default());
        let unit = text("u").map(str::to_owned).or_else(|| self.unit.clone());
        let time = match self.time + number("t").unwrap_or_default() {
            // Without a time the broker's counts.
            0.0 => Value::Null,
            time if time < RELATIVE => json!(received_at.as_microsecond() as f64 / 1e6 + time),
            time => json!(time),
        };
        Some(json!({"device": device, "metric": metric, "v": value, "u": unit, "t": time}))
    }
}

/// The base name is the device; without one, all of the name before its last part.
fn names<'a>(base: &'a str, name: &'a str) -> (&'a str, &'a str) {
    match (base, name.rfind(['/', ':'])) {
        ("", Some(at)) => (&name[..at], &name[at + 1..]),
        _ => (base, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Value> {
        parse(text, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn records_take_what_they_leave_out_from_before() {
        let records = read(
            r#"[{"bn":"a/","bt":1320078429,"bu":"Cel","bv":20,"n":"t","v":1},{"n":"u","v":2,"u":"V","t":-5},{"bn":"b","n":"x","vb":true},{"n":"s","vs":"text"}]"#,
        );
        assert_eq!(records.len(), 3);
        assert_eq!(
            records[0],
            json!({"device": "a/", "metric": "t", "v": 21.0, "u": "Cel", "t": 1_320_078_429.0})
        );
        assert_eq!(records[1]["t"], json!(1_320_078_424.0));
        assert_eq!(records[1]["u"], json!("V"));
        assert_eq!(records[2]["device"], json!("b"));
        assert_eq!(records[2]["v"], json!(true));
    }

    #[test]
    fn a_small_time_is_relative_to_now() {
        assert_eq!(read(r#"[{"n":"x:t","v":1,"t":-10}]"#)[0]["t"], json!(1_767_225_590.0));
        assert_eq!(
            read(r#"[{"n":"x:t","v":1}]"#)[0],
            json!({"device": "x", "metric": "t", "v": 1.0, "u": null, "t": null})
        );
    }
}
