//! From the payload of a message to readings: the one place where bytes become readings.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::element::Element;
use crate::limits::{MAX_CLOCK_AHEAD, MAX_PAYLOAD_BYTES, MAX_READINGS};
use crate::message::{Decoded, Message, Rejected};
use crate::payload::{self, RawReading};
use crate::reading::Reading;
use crate::series::Series;
use crate::time::whole_microseconds;

impl Message {
    /// Reads a number, an object or an array of objects.
    ///
    /// A bad element of an array is rejected alone, so that a batch does not lose its good readings.
    #[must_use]
    pub fn decode(&self) -> Decoded {
        self.decode_at(self.received_at)
    }

    /// As [`decode`](Self::decode), by a clock that shows another time than when the message was received.
    #[must_use]
    pub fn decode_at(&self, now: Timestamp) -> Decoded {
        let mut decoded = self.without_readings();
        if let Err(reason) = self.read_into(now, &mut decoded) {
            decoded.rejected.push(self.rejection(reason, self.payload.clone()));
        }
        decoded
    }

    /// What was rejected for this reason, as it was or fixed by a person, ready to be decoded once more.
    ///
    /// An element of an array that has no time of its own gets the time that it would have had in its array. What is
    /// ahead of the clock is decided by `now`: when the message was received, the clock may have been behind, or ahead.
    #[must_use]
    pub fn again(mut self, reason: &str, now: Timestamp) -> Self {
        self.received_at = self.received_at.min(now);
        let index = Element::named_in(reason).map_or(0, |element| element.index.min(MAX_READINGS));
        self.received_at += Duration::from_micros(index as u64);
        self
    }

    /// Adds nothing where it fails.
    fn read_into(&self, now: Timestamp, decoded: &mut Decoded) -> Result<(), String> {
        let series = Series::parse(&self.topic).map_err(|e| e.to_string())?;
        if self.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(format!(
                "the payload has {} bytes: at most {MAX_PAYLOAD_BYTES} are accepted",
                self.payload.len()
            ));
        }
        let text =
            std::str::from_utf8(&self.payload).map_err(|e| format!("the payload is not UTF-8: {e}"))?;
        match text.trim_ascii_start().as_bytes().first() {
            None => Err("the payload is empty".into()),
            Some(b'[') => self.read_array(&series, text, now, decoded),
            Some(_) => {
                let reading = self.reading(series, payload::read(text)?, 0, now)?;
                // Most messages hold one reading: a vector that grows would make room for four.
                decoded.readings.reserve_exact(1);
                decoded.readings.push(reading);
                Ok(())
            }
        }
    }

    fn read_array(
        &self,
        series: &Series,
        text: &str,
        now: Timestamp,
        decoded: &mut Decoded,
    ) -> Result<(), String> {
        let elements: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|e| format!("the payload is not JSON: {e}"))?;
        if elements.is_empty() {
            return Err("the array is empty: it holds no reading".into());
        }
        if elements.len() > MAX_READINGS {
            return Err(format!("{} readings in one message: at most {MAX_READINGS}", elements.len()));
        }
        for (index, element) in elements.iter().enumerate() {
            let raw = payload::read_object(element.get());
            match raw.and_then(|raw| self.reading(series.clone(), raw, index, now)) {
                Ok(reading) => decoded.readings.push(reading),
                Err(reason) => decoded.rejected.push(self.rejection(
                    format!("{}: {reason}", Element { index, count: elements.len() }),
                    Bytes::copy_from_slice(element.get().as_bytes()),
                )),
            }
        }
        Ok(())
    }

    /// Completes a reading with what the device left out.
    ///
    /// Readings without a time in one array are a microsecond apart, so that equal values stay two readings.
    pub(crate) fn reading(
        &self,
        series: Series,
        raw: RawReading,
        index: usize,
        now: Timestamp,
    ) -> Result<Reading, String> {
        let measured_at = match raw.measured_at {
            Some(measured_at) => measured_at,
            None => whole_microseconds(self.received_at) + Duration::from_micros(index as u64),
        };
        if measured_at > now + MAX_CLOCK_AHEAD {
            // Which of the two is wrong cannot be known here.
            return Err(format!(
                "measured_at {measured_at} is more than 5 minutes ahead of the broker's clock ({now:.3}): set whichever of the two clocks is wrong"
            ));
        }
        Ok(Reading {
            series,
            value: raw.value,
            unit: raw.unit,
            measured_at,
            received_at: self.received_at,
            boot: raw.boot,
            seq: raw.seq,
        })
    }

    fn rejection(&self, reason: String, payload: Bytes) -> Rejected {
        Rejected { topic: self.topic.clone(), payload, reason, received_at: self.received_at }
    }
}

#[cfg(test)]
mod tests;
