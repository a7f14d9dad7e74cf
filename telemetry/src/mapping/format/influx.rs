//! InfluxDB's line protocol: `measurement,tag=a field=1.5,other="text" 1676522982000000000`.
//!
//! Source: <https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/>.

use serde_json::{Map, Number, Value};

/// `{"name", "tags", "fields", "time"}` for each line.
pub(super) fn parse(text: &str) -> Result<Vec<Value>, String> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || format!("line {} is not InfluxDB's line protocol", index + 1);
        lines.push(read_line(line).ok_or_else(wrong)?);
    }
    Ok(lines)
}

fn read_line(line: &str) -> Option<Value> {
    let (name, mut end, mut rest) = cut(line, ", ");
    let mut tags = Map::new();
    while end == Some(',') {
        let (key, _, value) = cut(rest, "=");
        let (value, next, after) = cut(value, ", ");
        tags.insert(unescape(key), unescape(value).into());
        (end, rest) = (next, after);
    }
    let mut fields = Map::new();
    loop {
        let (key, equals, value) = cut(rest, "=");
        equals?;
        let (value, next, after) = cut(value, ", ");
        fields.insert(unescape(key), field(value)?);
        rest = after;
        if next != Some(',') {
            break;
        }
    }
    let time = match rest.trim() {
        "" => Value::Null,
        time => time.parse::<i64>().ok()?.into(),
    };
    let object =
        [("name", unescape(name).into()), ("tags", tags.into()), ("fields", fields.into()), ("time", time)];
    Some(Value::Object(object.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}

/// What stands before the first of these characters that is neither escaped nor quoted, that character, and the rest.
fn cut<'a>(text: &'a str, stops: &str) -> (&'a str, Option<char>, &'a str) {
    let (mut escaped, mut quoted) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            // Only the value of a field begins with a quote.
            '"' if quoted || at == 0 => quoted = !quoted,
            _ if !quoted && stops.contains(c) => return (&text[..at], Some(c), &text[at + c.len_utf8()..]),
            _ => {}
        }
    }
    (text, None, "")
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        plain.push(if c == '\\' { rest.next().unwrap_or(c) } else { c });
    }
    plain
}

fn field(text: &str) -> Option<Value> {
    if let Some(quoted) = text.strip_prefix('"') {
        return Some(unescape(quoted.strip_suffix('"')?).into());
    }
    match text {
        "t" | "T" | "true" | "True" | "TRUE" => return Some(true.into()),
        "f" | "F" | "false" | "False" | "FALSE" => return Some(false.into()),
        _ => {}
    }
    // `12i` is a signed and `12u` an unsigned integer.
    let digits = text.strip_suffix(['i', 'u']).unwrap_or(text);
    Number::from_f64(digits.parse().ok()?).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_name_tags_fields_and_time() {
        let line = r#"mod\ bus,source=device\ 1,x=a\,b temp=21.4,serial\ number="a \"b, c",hours=123i,on=true 1676522982000000000"#;
        assert_eq!(
            parse(line).unwrap(),
            [json!({
                "name": "mod bus",
                "tags": {"source": "device 1", "x": "a,b"},
                "fields": {"temp": 21.4, "serial number": "a \"b, c", "hours": 123.0, "on": true},
                "time": 1_676_522_982_000_000_000_i64
            })]
        );
        assert_eq!(parse("a v=1\n\n# c\nb v=2").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_line_is_named() {
        for text in ["a", "a,b=c", "a v", "a v=x", "a v=1 noon", "a v=\"open"] {
            assert_eq!(parse(text).unwrap_err(), "line 1 is not InfluxDB's line protocol", "{text}");
        }
    }
}
