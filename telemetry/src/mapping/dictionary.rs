//! Words that devices use for what they measure, with the unit that goes without saying.

use crate::series::is_first_level;

/// A metric that many devices know.
#[derive(Debug)]
pub(crate) struct Word {
    /// The canonical name of the metric.
    pub(crate) metric: &'static str,
    /// Other names for it. Case does not matter.
    spellings: &'static [&'static str],
    /// The unit, where a payload names none; empty if devices differ.
    pub(crate) unit: &'static str,
}

const fn word(metric: &'static str, unit: &'static str, spellings: &'static [&'static str]) -> Word {
    Word { metric, spellings, unit }
}

const WORDS: &[Word] = &[
    word("temperature", "celsius", &["temp", "temperatur", "temperature_c", "temp_c", "tempc", "tc"]),
    word("humidity", "percent", &["hum", "relative_humidity", "rh", "humidite", "feuchte"]),
    word("pressure", "hPa", &["baro", "barometer", "air_pressure", "druck"]),
    word("illuminance", "lx", &["lux", "illumination", "brightness_lx", "light_level"]),
    word("co2", "ppm", &["carbon_dioxide", "eco2"]),
    word("tvoc", "ppb", &["voc_ppb"]),
    word("pm25", "ug/m3", &["pm2_5", "pm2.5"]),
    word("pm10", "ug/m3", &[]),
    word("battery", "percent", &["batt", "battery_level", "batterylevel"]),
    word("rssi", "dBm", &["wifi_rssi", "wifi_signal"]),
    word("snr", "dB", &["lorasnr"]),
    word("dew_point", "celsius", &["dewpoint"]),
    word("voltage", "", &["volt"]),
    word("current", "", &["amperage"]),
    word("power", "", &["leistung"]),
    word("energy", "", &[]),
    word("frequency", "Hz", &["freq"]),
    word("wind_speed", "", &["windspeed"]),
    word("wind_direction", "degree", &["winddirection", "winddir"]),
    word("rain", "", &["rainfall", "precipitation"]),
    word("noise", "", &["loudness"]),
    word("distance", "", &[]),
    word("level", "", &["fill_level", "tank_level"]),
    word("flow", "", &["flow_rate"]),
    word("soil_moisture", "percent", &["soil"]),
    word("uv_index", "", &["uv", "uvindex"]),
    word("occupancy", "", &[]),
    word("presence", "", &[]),
    word("motion", "", &[]),
    word("contact", "", &[]),
    word("door", "", &[]),
    word("window", "", &[]),
    word("uptime", "", &[]),
];

/// The word of this name.
pub(crate) fn word_of(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| {
        let mut names = word.spellings.iter().chain([&word.metric]);
        names.any(|spelling| spelling.eq_ignore_ascii_case(name))
    })
}

/// Whether a topic's first level is a metric that many devices know, spelled as Millrace does.
///
/// Every message asks for it. So only the few words with the topic's first byte are compared with it, and the end of its first
/// level is not looked for.
pub(crate) fn begins_with_a_word(topic: &str) -> bool {
    let Some(first) = topic.as_bytes().first() else { return false };
    let mut places = PLACES[usize::from(*first)];
    while places != 0 {
        if is_first_level(WORDS[places.trailing_zeros() as usize].metric, topic) {
            return true;
        }
        places &= places - 1;
    }
    false
}

/// For each byte, the places in [`WORDS`] of metrics that begin with it, as bits.
const PLACES: [u64; 256] = {
    let (mut places, mut place) = ([0; 256], 0);
    while place < WORDS.len() {
        places[WORDS[place].metric.as_bytes()[0] as usize] |= 1 << place;
        place += 1;
    }
    places
};

/// The unit that goes without saying for a metric of exactly this name.
pub(crate) fn usual_unit(name: &str) -> Option<&'static str> {
    // A spelling such as `temp` means a temperature as well, whatever the metric is called in the end.
    word_of(name).map(|word| word.unit).filter(|unit| !unit.is_empty())
}

/// Splits the name of an entity at the metric at its end: `living_room_temperature` is the `temperature` of
/// `living_room`. The place is empty if the name is nothing but a metric.
pub(crate) fn split_at_word(name: &str) -> Option<(&str, &'static Word)> {
    let starts = std::iter::once(0).chain(name.match_indices('_').map(|(at, _)| at + 1));
    starts
        .filter_map(|start| word_of(&name[start..]).map(|word| (name[..start].trim_end_matches('_'), word)))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_begins_with_a_word_or_does_not() {
        for word in WORDS {
            for (topic, expected) in [
                (word.metric.to_owned(), true),
                (format!("{}/lab", word.metric), true),
                (format!("{}x/lab", word.metric), false),
                (word.metric[1..].to_owned(), false),
                (format!("lab/{}", word.metric), false),
            ] {
                assert_eq!(begins_with_a_word(&topic), expected, "{topic}");
            }
        }
        for topic in ["", "/", "t", "Temperature/lab", "temp/lab", "ü/lab"] {
            assert!(!begins_with_a_word(topic), "{topic}");
        }
    }
    use crate::Unit;

    #[test]
    fn every_unit_is_known_and_no_spelling_has_two_meanings() {
        let mut all: Vec<&str> = Vec::new();
        for word in WORDS {
            assert!(word.unit.is_empty() || Unit::of(word.unit).is_some_and(|unit| unit.name == word.unit));
            all.extend(word.spellings.iter().chain([&word.metric]));
        }
        let before = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), before);
    }

    #[test]
    fn an_entity_is_a_place_and_a_metric() {
        let split = |name| split_at_word(name).map(|(place, word)| (place, word.metric));
        assert_eq!(split("living_room_temperature"), Some(("living_room", "temperature")));
        assert_eq!(split("hall_dew_point"), Some(("hall", "dew_point")));
        assert_eq!(split("Humidity"), Some(("", "humidity")));
        assert_eq!(split("front_door_lock"), None);
    }
}
