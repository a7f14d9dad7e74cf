//! Whether the arguments of a command are what its type says: a small part of JSON Schema.

use serde_json::{Map, Value};

/// What a schema may say. Everything else is refused, so that nobody relies on what is not checked.
const KEYWORDS: [&str; 14] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "maxItems",
    "title",
    "description",
    "default",
];

const TYPES: [&str; 7] = ["object", "array", "string", "number", "integer", "boolean", "null"];

/// Schemas within each other, at most.
const MAX_DEPTH: usize = 6;

/// Properties of one object, choices of one enum and types of one value, at most.
const MAX_PARTS: usize = 64;

/// Checks a schema, before it is stored.
///
/// # Errors
/// It says something that is not checked here, or in a wrong way: where, and what to write instead.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    schema_at(schema, "the schema", 0)
}

fn schema_at(schema: &Value, at: &str, depth: usize) -> Result<(), String> {
    let Value::Object(schema) = schema else { return Err(format!("{at} must be a JSON object")) };
    if depth > MAX_DEPTH {
        return Err(format!("{at}: schemas within each other go {MAX_DEPTH} deep, at most"));
    }
    if let Some(unknown) = schema.keys().find(|key| !KEYWORDS.contains(&key.as_str())) {
        return Err(format!("{at}: {unknown} is not checked here: there are {}", KEYWORDS.join(", ")));
    }
    for (keyword, value) in schema {
        keyword_at(keyword, value, at, depth)?;
    }
    Ok(())
}

fn keyword_at(keyword: &str, value: &Value, at: &str, depth: usize) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{at}: {keyword} must be {what}"));
    match (keyword, value) {
        ("type", value) if !types(value).is_some_and(|types| are_types(&types)) => {
            wrong(&format!("one of {}, or a list of them", TYPES.join(", ")))
        }
        ("properties", Value::Object(properties)) if properties.len() <= MAX_PARTS => properties
            .iter()
            .try_for_each(|(name, schema)| schema_at(schema, &format!("{at}, {name}"), depth + 1)),
        ("properties", _) => wrong(&format!("an object of at most {MAX_PARTS} schemas")),
        ("items", schema) => schema_at(schema, &format!("{at}, items"), depth + 1),
        ("required", value) if !is_list(value, Value::is_string) => {
            wrong(&format!("a list of at most {MAX_PARTS} names"))
        }
        ("enum", value) if !is_list(value, |_| true) => {
            wrong(&format!("a list of at most {MAX_PARTS} values"))
        }
        ("additionalProperties", value) if !value.is_boolean() => wrong("true or false"),
        ("minimum" | "maximum", value) if !value.is_number() => wrong("a number"),
        ("minLength" | "maxLength" | "maxItems", value) if !value.is_u64() => wrong("a whole number"),
        ("title" | "description", value) if !value.is_string() => wrong("a text"),
        _ => Ok(()),
    }
}

fn types(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn are_types(types: &[&str]) -> bool {
    (1..=TYPES.len()).contains(&types.len()) && types.iter().all(|one| TYPES.contains(one))
}

fn is_list(value: &Value, is_good: fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|list| list.len() <= MAX_PARTS && list.iter().all(is_good))
}

/// Checks arguments against a schema.
///
/// # Errors
/// They are something else: what is wrong, where, and what it must be.
pub fn check_arguments(schema: &Value, args: &Value) -> Result<(), String> {
    value_at(schema, args, "args")
}

fn value_at(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(types) = schema.get("type").and_then(types)
        && !types.iter().any(|wanted| is_a(wanted, value))
    {
        return Err(format!("{at} must be {}", types.join(" or ")));
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.iter().any(|choice| is_same(choice, value))
    {
        let choices: Vec<_> = choices.iter().map(Value::to_string).collect();
        return Err(format!("{at} must be one of {}", choices.join(", ")));
    }
    match value {
        Value::Number(_) => number_at(schema, value.as_f64().unwrap_or(f64::NAN), at),
        Value::String(text) => length_at(schema, ("minLength", "maxLength"), text.chars().count(), at),
        Value::Array(items) => items_at(schema, items, at),
        Value::Object(fields) => fields_at(schema, fields, at),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn is_a(wanted: &str, value: &Value) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    }
}

/// Numbers are the same however they are written: 1 and 1.0.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().zip(other.as_f64()).is_some_and(|(one, other)| one == other)
}

fn number_at(schema: &Value, number: f64, at: &str) -> Result<(), String> {
    let limit = |keyword| schema.get(keyword).and_then(Value::as_f64);
    match (limit("minimum"), limit("maximum")) {
        (Some(minimum), _) if number < minimum => Err(format!("{at} must be at least {minimum}")),
        (_, Some(maximum)) if number > maximum => Err(format!("{at} must be at most {maximum}")),
        _ => Ok(()),
    }
}

fn length_at(schema: &Value, (least, most): (&str, &str), length: usize, at: &str) -> Result<(), String> {
    let limit = |keyword| schema.get(keyword).and_then(Value::as_u64);
    let length = length as u64;
    match (limit(least), limit(most)) {
        (Some(least), _) if length < least => Err(format!("{at} must have at least {least} characters")),
        (_, Some(most)) if length > most => Err(format!("{at} must have at most {most} characters")),
        _ => Ok(()),
    }
}

fn items_at(schema: &Value, items: &[Value], at: &str) -> Result<(), String> {
    if let Some(most) = schema.get("maxItems").and_then(Value::as_u64)
        && items.len() as u64 > most
    {
        return Err(format!("{at} must have at most {most} items"));
    }
    let Some(schema) = schema.get("items") else { return Ok(()) };
    items.iter().enumerate().try_for_each(|(place, item)| value_at(schema, item, &format!("{at}[{place}]")))
}

fn fields_at(schema: &Value, fields: &Map<String, Value>, at: &str) -> Result<(), String> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            return Err(format!("{at}.{name} is missing"));
        }
    }
    let known = schema.get("properties").and_then(Value::as_object);
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    for (name, value) in fields {
        match known.and_then(|known| known.get(name)) {
            Some(schema) => value_at(schema, value, &format!("{at}.{name}"))?,
            None if is_closed => return Err(unknown(at, name, known)),
            None => {}
        }
    }
    Ok(())
}

fn unknown(at: &str, name: &str, known: Option<&Map<String, Value>>) -> String {
    let known: Vec<_> = known.into_iter().flat_map(|known| known.keys().map(String::as_str)).collect();
    let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    format!("{at}.{name} is not known: there is {known}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_what_the_schema_says() {
        let schema = json!({
            "type": "object",
            "required": ["seconds"],
            "additionalProperties": false,
            "properties": {
                "seconds": {"type": "integer", "minimum": 1, "maximum": 3600},
                "mode": {"enum": ["fast", 2]},
                "name": {"type": ["string", "null"], "minLength": 2, "maxLength": 3},
                "list": {"type": "array", "maxItems": 2, "items": {"type": "boolean"}}
            }
        });
        check_schema(&schema).unwrap();
        for (args, problem) in [
            (json!({"seconds": 10}), None),
            (json!({"seconds": 10.0, "mode": 2.0, "name": null, "list": [true]}), None),
            (json!(null), Some("args must be object")),
            (json!({}), Some("args.seconds is missing")),
            (json!({"seconds": "10"}), Some("args.seconds must be integer")),
            (json!({"seconds": 1.5}), Some("args.seconds must be integer")),
            (json!({"seconds": 0}), Some("args.seconds must be at least 1")),
            (json!({"seconds": 3601}), Some("args.seconds must be at most 3600")),
            (json!({"seconds": 1, "mode": "slow"}), Some("args.mode must be one of \"fast\", 2")),
            (json!({"seconds": 1, "name": "ü"}), Some("args.name must have at least 2 characters")),
            (json!({"seconds": 1, "name": "üüüü"}), Some("args.name must have at most 3 characters")),
            (json!({"seconds": 1, "list": [1]}), Some("args.list[0] must be boolean")),
            (json!({"seconds": 1, "list": [true, true, true]}), Some("at most 2 items")),
            (json!({"seconds": 1, "loud": true}), Some("args.loud is not known: there is ")),
        ] {
            let found = check_arguments(&schema, &args);
            match problem {
                None => assert_eq!(found, Ok(()), "{args}"),
                Some(problem) => assert!(found.clone().unwrap_err().contains(problem), "{args}: {found:?}"),
            }
        }
        assert_eq!(check_arguments(&json!({}), &json!([1, "x"])), Ok(()), "an empty schema takes all");
    }

    #[test]
    fn a_schema_that_is_not_checked_is_refused() {
        let mut deep = json!({});
        for _ in 0..8 {
            deep = json!({ "items": deep });
        }
        let many: Map<String, Value> = (0..65).map(|number| (number.to_string(), json!({}))).collect();
        for (schema, problem) in [
            (json!([]), "the schema must be a JSON object"),
            (json!({"pattern": "^a"}), "pattern is not checked here: there are type, "),
            (json!({"type": "text"}), "type must be one of object, "),
            (json!({"type": []}), "type must be one of"),
            (json!({"properties": {"a": {"$ref": "#"}}}), "the schema, a: $ref is not checked"),
            (json!({"properties": many}), "at most 64 schemas"),
            (json!({"required": "a"}), "required must be a list"),
            (json!({"minimum": "1"}), "minimum must be a number"),
            (json!({"maxLength": -1}), "maxLength must be a whole number"),
            (json!({"additionalProperties": {}}), "additionalProperties must be true or false"),
            (deep, "6 deep"),
        ] {
            let error = check_schema(&schema).unwrap_err();
            assert!(error.contains(problem), "{schema}: {error}");
        }
    }
}
