//! One measurement of one metric by one device.

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::Series;

/// One measurement, with two of its three times: the third, `stored_at`, is the database's.
///
/// Two readings that agree in all that the device said are the same reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub series: Series,
    /// Finite.
    pub value: f64,
    pub unit: Option<String>,
    /// When the device measured it, in whole microseconds; the broker's time where the device gave none.
    pub measured_at: Timestamp,
    /// When the broker took it.
    pub received_at: Timestamp,
    /// Which start of the device this belongs to: a number that grows with each start.
    pub boot: Option<u64>,
    /// Which reading within the boot; a missing number is a lost reading.
    pub seq: Option<u64>,
}

impl Reading {
    /// The payload that says all of this reading.
    #[must_use]
    pub fn to_payload(&self) -> Vec<u8> {
        serde_json::to_vec(&Payload(self)).expect("a reading is a map of numbers and strings")
    }
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
