//! In what a device is not as it should be.

use serde_json::Value;

/// Places that are named, at most.
const MAX_PLACES: usize = 100;

/// The places, as JSON pointers (RFC 6901), where what a device says that it is lacks what it should be, or says otherwise.
/// What it says beside is its own affair.
#[must_use]
pub fn differences(desired: &Value, reported: &Value) -> Vec<String> {
    let mut places = Vec::new();
    compare(desired, reported, &mut String::new(), &mut places);
    places
}

fn compare(desired: &Value, reported: &Value, at: &mut String, places: &mut Vec<String>) {
    if places.len() >= MAX_PLACES {
        return;
    }
    match (desired, reported) {
        (Value::Object(desired), Value::Object(reported)) => {
            for (name, wanted) in desired {
                let before = at.len();
                at.push('/');
                at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                compare(wanted, reported.get(name).unwrap_or(&Value::Null), at, places);
                at.truncate(before);
            }
        }
        _ if is_same(desired, reported) => {}
        _ => places.push(at.clone()),
    }
}

/// `10` and `10.0` are the same number.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_is_named_by_its_place() {
        for (desired, reported, expected) in [
            (json!({}), json!({}), vec![]),
            (json!({"interval": 10}), json!({"interval": 10.0, "uptime": 7}), vec![]),
            (json!({"interval": 10}), json!({"interval": 5}), vec!["/interval"]),
            (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": 1}}), vec!["/a/c"]),
            (json!({"a": {"b": 1}}), json!({}), vec!["/a"]),
            (json!({"a": [1, 2]}), json!({"a": [1]}), vec!["/a"]),
            (json!({"a/b": 1, "~": 2}), json!({}), vec!["/a~1b", "/~0"]),
            (json!({"off": null}), json!({}), vec![]),
            (json!({"a": 1}), Value::Null, vec![""]),
        ] {
            assert_eq!(differences(&desired, &reported), expected, "{desired} {reported}");
        }
    }
}
