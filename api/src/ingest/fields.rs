//! The fields of an object and the elements of an array, as they were written.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Fields of an object and elements of an array, at most.
pub(super) const MAX_FIELDS: usize = telemetry::MAX_READINGS;

/// What the error says of an array or object that has more.
pub(super) const TOO_MANY: &str = "too many elements";

/// The fields of an object, in their order.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// The elements of an array.
#[derive(Debug)]
pub(super) struct Elements<'a>(pub(super) Vec<&'a RawValue>);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Fields<'a> {
    /// The first field with one of these names.
    pub(super) fn get(&self, names: &[&str]) -> Option<&'a RawValue> {
        names.iter().find_map(|name| self.0.iter().find(|(field, _)| field == name)).map(|(_, value)| *value)
    }

    /// The text in the first field with one of these names.
    pub(super) fn text(&self, names: &[&str]) -> Option<String> {
        let value = self.get(names)?;
        // A device may be a number, too.
        let is_number = value.get().starts_with(|c: char| c.is_ascii_digit());
        if is_number { Some(value.get().to_owned()) } else { serde_json::from_str(value.get()).ok() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    if fields.len() == MAX_FIELDS {
                        return Err(de::Error::custom(TOO_MANY));
                    }
                    fields.push((name, value));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object).map(Self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> Visitor<'de> for Array {
            type Value = Vec<&'de RawValue>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = array.next_element()? {
                    if elements.len() == MAX_FIELDS {
                        return Err(de::Error::custom(TOO_MANY));
                    }
                    elements.push(element);
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_seq(Array).map(Self)
    }
}
