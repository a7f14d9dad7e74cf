//! Lines of columns.

use serde_json::{Map, Value};

/// An object for each line: its columns by their number, from 1 on.
pub(super) fn parse(text: &str) -> Result<Vec<Value>, String> {
    let delimiter = [b',', b';', b'\t'].into_iter().find(|&byte| text.as_bytes().contains(&byte));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(delimiter.unwrap_or(b','))
        .from_reader(text.as_bytes());
    let lines = reader.records().map(|line| {
        let line = line.map_err(|e| format!("the payload is not CSV: {e}"))?;
        let columns = line.iter().enumerate().map(|(index, cell)| ((index + 1).to_string(), cell.into()));
        Ok(Value::Object(columns.collect::<Map<_, _>>()))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_named_by_their_number() {
        assert_eq!(
            parse("a, 026.9\n\"b,c\",2\n").unwrap(),
            [json!({"1": "a", "2": "026.9"}), json!({"1": "b,c", "2": "2"})]
        );
        assert_eq!(parse("1;2,5").unwrap(), [json!({"1": "1;2", "2": "5"})]);
        assert_eq!(parse("").unwrap(), Vec::<Value>::new());
    }
}
