//! One measurement of one metric by one device.

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::limits::MAX_PAYLOAD_BYTES;
use crate::series::Series;

/// One measurement, with two of its three times: the third, `stored_at`, is set by the database.
///
/// Two readings that agree in everything that the device sent are the same reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The metric and the device.
    pub series: Series,
    /// A finite number.
    pub value: f64,
    /// The unit as the device wrote it: at most [`MAX_UNIT_BYTES`](crate::MAX_UNIT_BYTES) bytes.
    pub unit: Option<String>,
    /// When the device measured it, in whole microseconds: `received_at` if the device sent no time.
    pub measured_at: Timestamp,
    /// When the broker received it.
    pub received_at: Timestamp,
    /// The device's restart counter: a number that grows with each start of the device.
    pub boot: Option<u64>,
    /// The number of the reading within its boot: a missing number is a lost reading.
    pub seq: Option<u64>,
}

impl Reading {
    /// The payload that holds every field of this reading: an object in JSON.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(&Payload(self)).expect("a reading is a map of numbers and strings")
    }
}

/// The payload that holds every field of these readings: one as an object, several as an array, however large.
#[must_use]
pub fn to_payload(readings: &[Reading]) -> Vec<u8> {
    match readings {
        [reading] => reading.to_payload(),
        _ => array(&readings.iter().map(Reading::to_payload).collect::<Vec<_>>()),
    }
}

/// Arrays that hold every field of these readings, in as few payloads as they fit into: none is larger than
/// [`MAX_PAYLOAD_BYTES`].
#[must_use]
pub fn to_payloads(readings: &[Reading]) -> Vec<Bytes> {
    let mut payloads = Vec::new();
    let (mut objects, mut bytes) = (Vec::new(), 0);
    for object in readings.iter().map(Reading::to_payload) {
        // With the comma before it and both brackets.
        if !objects.is_empty() && bytes + object.len() + 2 > MAX_PAYLOAD_BYTES {
            payloads.push(array(&objects).into());
            (objects, bytes) = (Vec::new(), 0);
        }
        bytes += object.len() + 1;
        objects.push(object);
    }
    if !objects.is_empty() {
        payloads.push(array(&objects).into());
    }
    payloads
}

fn array(objects: &[Vec<u8>]) -> Vec<u8> {
    [b"[".as_slice(), &objects.join(&b','), b"]"].concat()
}

struct Payload<'a>(&'a Reading);

impl Serialize for Payload<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("value", &self.0.value)?;
        if let Some(unit) = &self.0.unit {
            map.serialize_entry("unit", unit)?;
        }
        map.serialize_entry("measured_at", &self.0.measured_at)?;
        if let Some(boot) = self.0.boot {
            map.serialize_entry("boot", &boot)?;
        }
        if let Some(seq) = self.0.seq {
            map.serialize_entry("seq", &seq)?;
        }
        map.end()
    }
}
