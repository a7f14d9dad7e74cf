//! Units of measurement: their spellings, and what converts into what.

mod table;

use self::table::UNITS;

/// A unit that Millrace knows.
///
/// A unit that it does not know is a text as good as any: it is stored, and equals only itself.
#[derive(Debug, PartialEq)]
pub struct Unit {
    /// The one spelling that readings from foreign payloads are stored with.
    pub name: &'static str,
    /// How people write it, such as `°C`.
    pub sign: &'static str,
    /// Other spellings, as devices write them. Upper and lower case differ: `mW` is not `MW`.
    spellings: &'static [&'static str],
    /// Units of one dimension convert into each other.
    dimension: Dimension,
    /// `base = value × factor + offset`, in a unit that all of the dimension share.
    factor: f64,
    offset: f64,
}

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Temperature,
    Ratio,
    Pressure,
    Voltage,
    Current,
    Power,
    ApparentPower,
    ReactivePower,
    Energy,
    Frequency,
    Illuminance,
    Irradiance,
    Fraction,
    Density,
    Conductivity,
    Level,
    Length,
    Speed,
    Volume,
    Flow,
    Mass,
    Time,
    Data,
    Resistance,
    Angle,
    Rotation,
    Precipitation,
}

impl Unit {
    /// The unit of this spelling, with or without blanks around it.
    ///
    /// ```
    /// use telemetry::Unit;
    ///
    /// assert_eq!(Unit::of("°C").map(|unit| unit.name), Some("celsius"));
    /// assert_eq!(Unit::of("furlong"), None);
    /// ```
    #[must_use]
    pub fn of(spelling: &str) -> Option<&'static Self> {
        let spelling = spelling.trim();
        UNITS.iter().find(|unit| unit.is_spelt(spelling))
    }

    fn is_spelt(&self, spelling: &str) -> bool {
        self.name == spelling || self.sign == spelling || self.spellings.contains(&spelling)
    }

    /// All units, those of one dimension after each other.
    #[must_use]
    pub fn all() -> &'static [Self] {
        UNITS
    }

    /// The value in another unit of the same dimension; nothing where the two measure different things.
    ///
    /// ```
    /// use telemetry::Unit;
    ///
    /// let (celsius, fahrenheit) = (Unit::of("C").unwrap(), Unit::of("°F").unwrap());
    /// assert_eq!(celsius.convert(20.0, fahrenheit).map(f64::round), Some(68.0));
    /// ```
    #[must_use]
    pub fn convert(&self, value: f64, into: &Self) -> Option<f64> {
        if self == into {
            return Some(value);
        }
        let converted = (value * self.factor + self.offset - into.offset) / into.factor;
        // Sums with an offset have an error of a binary fraction: 32 °F shall be 0 °C.
        let is_sum = self.offset != into.offset && converted.abs() < 1e6;
        self.converts(into).then(|| if is_sum { (converted * 1e9).round() / 1e9 } else { converted })
    }

    /// A difference of two values in another unit of the same dimension: 1 °C more is 1.8 °F more.
    #[must_use]
    pub fn convert_difference(&self, difference: f64, into: &Self) -> Option<f64> {
        if self == into {
            return Some(difference);
        }
        self.converts(into).then(|| difference * self.factor / into.factor)
    }

    /// Whether values in this unit are values in the other one, too.
    #[must_use]
    pub fn converts(&self, into: &Self) -> bool {
        // Two levels differ by what they refer to, not by a factor.
        self == into || (self.dimension == into.dimension && self.dimension != Dimension::Level)
    }

    /// What it measures, in one word.
    #[must_use]
    pub fn dimension(&self) -> String {
        format!("{:?}", self.dimension)
    }

    /// How a value becomes one in the unit that all of its dimension share: times the first, plus the second.
    #[must_use]
    pub fn factor_and_offset(&self) -> (f64, f64) {
        (self.factor, self.offset)
    }

    /// All its spellings but the name and the sign.
    #[must_use]
    pub fn spellings(&self) -> &'static [&'static str] {
        self.spellings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_names_two_units() {
        let mut all = Vec::new();
        for unit in UNITS {
            all.extend(unit.spellings.iter().chain([&unit.name]));
            if unit.sign != unit.name {
                all.push(&unit.sign);
            }
        }
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
    }

    fn converted(value: f64, from: &str, into: &str) -> Option<f64> {
        Unit::of(from).unwrap().convert(value, Unit::of(into).unwrap())
    }

    #[test]
    fn conversions_are_exact() {
        for (value, from, into, expected) in [
            (0.0, "celsius", "fahrenheit", 32.0),
            (f64::MAX, "kelvin", "celsius", f64::MAX),
            (212.0, "°F", "℃", 100.0),
            (-40.0, "°C", "°F", -40.0),
            (0.0, "celsius", "K", 273.15),
            (1.0, "kWh", "Wh", 1000.0),
            (1.0, "kWh", "J", 3.6e6),
            (1.0, "Wh", "kJ", 3.6),
            (1013.25, "mbar", "hPa", 1013.25),
            (1.0, "bar", "Pa", 1e5),
            // NIST SP 811, appendix B.8, has seven of these digits.
            (1.0, "inHg", "Pa", 3_386.388_640_341),
            (1.0, "psi", "Pa", 6_894.757_293_168_361),
            (760.0, "Torr", "Pa", 101_325.0),
            (760.0, "mmHg", "Pa", 101_325.014_435_4),
            (1.5, "kW", "W", 1500.0),
            (36.0, "km/h", "m/s", 10.0),
            (1.0, "mph", "km/h", 1.609_344),
            (1.0, "kn", "km/h", 1.852),
            (25.4, "mm", "inch", 1.0),
            (1.0, "ft", "in", 12.0),
            (1.0, "mi", "ft", 5280.0),
            (1.0, "ppm", "ppb", 1000.0),
            (1.0, "m³", "l", 1000.0),
            (1.0, "gal", "l", 3.785_411_784),
            (1.0, "ft³", "l", 28.316_846_592),
            (60.0, "l/min", "m³/h", 3.6),
            (1.0, "lb", "oz", 16.0),
            (1.0, "in/h", "mm/h", 25.4),
            (1.0, "h", "s", 3600.0),
        ] {
            let found = converted(value, from, into).unwrap();
            let error = (found - expected).abs() / expected.abs().max(1.0);
            assert!(error < 1e-13, "{value} {from} is {found} {into}, not {expected}");
        }
    }

    #[test]
    fn what_measures_different_things_does_not_convert() {
        for (from, into) in [
            ("celsius", "percent"),
            ("W", "Wh"),
            ("dB", "dBm"),
            ("W", "VA"),
            ("ppm", "mg/m3"),
            ("ppm", "percent"),
            ("ug/m3", "ppb"),
            ("lx", "W/m2"),
        ] {
            assert_eq!(converted(1.0, from, into), None, "{from} {into}");
        }
    }

    #[test]
    fn every_unit_converts_there_and_back_within_its_dimension() {
        for from in UNITS {
            for into in UNITS.iter().filter(|into| from.converts(into)) {
                let there = from.convert(20.5, into).unwrap();
                let back = into.convert(there, from).unwrap();
                assert!((back - 20.5).abs() < 1e-9, "{} {}", from.name, into.name);
            }
        }
    }

    #[test]
    fn a_converted_limit_is_met_exactly() {
        assert_eq!(converted(32.0, "°F", "°C"), Some(0.0));
        assert_eq!(converted(75.2, "°F", "°C"), Some(24.0));
        assert_eq!(converted(25.0, "°C", "°F"), Some(77.0));
        assert_eq!(converted(25.0, "°C", "K"), Some(298.15));
    }

    #[test]
    fn a_difference_has_no_offset() {
        let of = |spelling| Unit::of(spelling).unwrap();
        let found = of("°C").convert_difference(5.0, of("°F")).unwrap();
        assert!((found - 9.0).abs() < 1e-12, "{found}");
        assert_eq!(of("°C").convert_difference(5.0, of("K")), Some(5.0));
        assert_eq!(of("°C").convert_difference(5.0, of("%")), None);
    }

    #[test]
    fn case_tells_units_apart() {
        assert_eq!(Unit::of("mW").unwrap().name, "mW");
        assert_eq!(Unit::of("MW").unwrap().name, "MW");
        assert_eq!(Unit::of(" % ").unwrap().name, "percent");
    }
}
