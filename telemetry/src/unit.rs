//! Units of measurement: their spellings, and what converts into what.

/// A unit that Millrace knows.
///
/// A unit that it does not know is a text as good as any: it is stored, and equals only itself.
#[derive(Debug, PartialEq)]
pub struct Unit {
    /// The one spelling that readings from foreign payloads are stored with.
    pub name: &'static str,
    /// Other spellings, as devices write them. Upper and lower case differ: `mW` is not `MW`.
    spellings: &'static [&'static str],
    /// Units of one dimension convert into each other.
    dimension: Dimension,
    /// `base = value × factor + offset`, in the dimension's SI unit.
    factor: f64,
    offset: f64,
}

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
    Fraction,
    Density,
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

const fn unit(
    name: &'static str,
    spellings: &'static [&'static str],
    dimension: Dimension,
    factor: f64,
) -> Unit {
    Unit { name, spellings, dimension, factor, offset: 0.0 }
}

use Dimension as D;

/// Factors of units that are not SI: NIST Special Publication 811, appendix B.8.
const UNITS: &[Unit] = &[
    Unit {
        offset: 273.15,
        ..unit("celsius", &["°C", "℃", "C", "Cel", "Celsius", "degC", "deg C", "ºC"], D::Temperature, 1.0)
    },
    Unit {
        offset: 255.372_222_222_222_2,
        ..unit("fahrenheit", &["°F", "℉", "F", "Fahrenheit", "degF", "deg F"], D::Temperature, 5.0 / 9.0)
    },
    unit("kelvin", &["K", "Kelvin"], D::Temperature, 1.0),
    unit("percent", &["%", "pct", "%RH", "% RH", "%rH", "Percent"], D::Ratio, 0.01),
    unit("Pa", &["pascal"], D::Pressure, 1.0),
    unit("hPa", &["hpa"], D::Pressure, 100.0),
    unit("mbar", &["mb", "millibar"], D::Pressure, 100.0),
    unit("kPa", &["kpa"], D::Pressure, 1000.0),
    unit("bar", &["Bar"], D::Pressure, 100_000.0),
    unit("psi", &["PSI"], D::Pressure, 6_894.757),
    unit("mmHg", &["torr"], D::Pressure, 133.322_4),
    unit("inHg", &[], D::Pressure, 3_386.389),
    unit("V", &["volt", "volts", "Volt"], D::Voltage, 1.0),
    unit("mV", &["millivolt"], D::Voltage, 0.001),
    unit("kV", &[], D::Voltage, 1000.0),
    unit("A", &["amp", "ampere", "Amp"], D::Current, 1.0),
    unit("mA", &[], D::Current, 0.001),
    unit("W", &["watt", "watts", "Watt"], D::Power, 1.0),
    unit("mW", &[], D::Power, 0.001),
    unit("kW", &["KW", "kilowatt"], D::Power, 1000.0),
    unit("MW", &[], D::Power, 1e6),
    unit("VA", &[], D::ApparentPower, 1.0),
    unit("kVA", &[], D::ApparentPower, 1000.0),
    unit("var", &["VAR", "VAr"], D::ReactivePower, 1.0),
    unit("J", &["joule"], D::Energy, 1.0),
    unit("kJ", &[], D::Energy, 1000.0),
    unit("Wh", &["wh"], D::Energy, 3600.0),
    unit("kWh", &["kwh", "KWh", "KWH"], D::Energy, 3.6e6),
    unit("MWh", &[], D::Energy, 3.6e9),
    unit("Hz", &["hz", "hertz"], D::Frequency, 1.0),
    unit("kHz", &[], D::Frequency, 1000.0),
    unit("MHz", &[], D::Frequency, 1e6),
    unit("lx", &["lux", "Lux", "lumen/m2"], D::Illuminance, 1.0),
    unit("ppm", &["PPM"], D::Fraction, 1.0),
    unit("ppb", &["PPB"], D::Fraction, 0.001),
    unit("ug/m3", &["µg/m³", "μg/m³", "µg/m3", "μg/m3", "ug/m³"], D::Density, 1.0),
    unit("mg/m3", &["mg/m³"], D::Density, 1000.0),
    unit("dBm", &["dbm", "dBmW"], D::Level, 1.0),
    unit("dB", &["db", "dBA", "dB(A)"], D::Level, 1.0),
    unit("m", &["meter", "metre"], D::Length, 1.0),
    unit("mm", &[], D::Length, 0.001),
    unit("cm", &[], D::Length, 0.01),
    unit("km", &[], D::Length, 1000.0),
    unit("in", &["inch"], D::Length, 0.0254),
    unit("ft", &["feet"], D::Length, 0.3048),
    unit("mi", &["mile"], D::Length, 1_609.344),
    unit("m/s", &["mps"], D::Speed, 1.0),
    unit("km/h", &["kmh", "kph"], D::Speed, 1.0 / 3.6),
    unit("mph", &[], D::Speed, 0.447_04),
    unit("kn", &["knot", "knots", "kt"], D::Speed, 1852.0 / 3600.0),
    unit("l", &["L", "litre", "liter"], D::Volume, 0.001),
    unit("ml", &["mL"], D::Volume, 1e-6),
    unit("m3", &["m³"], D::Volume, 1.0),
    unit("gal", &["gallon"], D::Volume, 0.003_785_412),
    unit("l/min", &["L/min", "lpm"], D::Flow, 0.001 / 60.0),
    unit("l/h", &["L/h"], D::Flow, 0.001 / 3600.0),
    unit("m3/h", &["m³/h"], D::Flow, 1.0 / 3600.0),
    unit("g", &["gram"], D::Mass, 0.001),
    unit("kg", &["kilogram"], D::Mass, 1.0),
    unit("lb", &["lbs"], D::Mass, 0.453_592_37),
    unit("s", &["sec", "second", "seconds"], D::Time, 1.0),
    unit("ms", &[], D::Time, 0.001),
    unit("min", &["minute", "minutes"], D::Time, 60.0),
    unit("h", &["hour", "hours"], D::Time, 3600.0),
    unit("d", &["day", "days"], D::Time, 86_400.0),
    unit("B", &["byte", "bytes"], D::Data, 1.0),
    unit("kB", &["KB"], D::Data, 1e3),
    unit("MB", &[], D::Data, 1e6),
    unit("GB", &[], D::Data, 1e9),
    unit("ohm", &["Ω", "\u{2126}", "Ohm"], D::Resistance, 1.0),
    unit("kohm", &["kΩ", "kOhm"], D::Resistance, 1000.0),
    unit("degree", &["°", "deg", "degrees"], D::Angle, 1.0),
    unit("rpm", &["RPM", "r/min"], D::Rotation, 1.0),
    unit("mm/h", &["mm/hr"], D::Precipitation, 1.0),
    unit("in/h", &["in/hr"], D::Precipitation, 25.4),
];

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
        UNITS.iter().find(|unit| unit.name == spelling || unit.spellings.contains(&spelling))
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
        // Two levels differ by what they refer to, not by a factor.
        let convertible = self.dimension == into.dimension && self.dimension != Dimension::Level;
        convertible.then(|| (value * self.factor + self.offset - into.offset) / into.factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_names_two_units() {
        let mut all: Vec<_> =
            UNITS.iter().flat_map(|unit| unit.spellings.iter().chain([&unit.name])).collect();
        all.sort_unstable();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
    }

    #[test]
    fn units_convert_within_their_dimension() {
        for (value, from, into, expected) in [
            (0.0, "celsius", "fahrenheit", 32.0),
            (212.0, "°F", "℃", 100.0),
            (0.0, "celsius", "K", 273.15),
            (1.0, "kWh", "Wh", 1000.0),
            (1013.25, "mbar", "hPa", 1013.25),
            (29.92, "inHg", "hPa", 1013.21),
            (36.0, "km/h", "m/s", 10.0),
        ] {
            let (from, into) = (Unit::of(from).unwrap(), Unit::of(into).unwrap());
            let converted = from.convert(value, into).unwrap();
            assert!(
                (converted - expected).abs() < 0.01,
                "{value} {} is {converted} {}",
                from.name,
                into.name
            );
        }
        for (from, into) in [("celsius", "percent"), ("W", "Wh"), ("dB", "dBm"), ("W", "VA")] {
            assert_eq!(Unit::of(from).unwrap().convert(1.0, Unit::of(into).unwrap()), None, "{from} {into}");
        }
    }

    #[test]
    fn case_tells_units_apart() {
        assert_eq!(Unit::of("mW").unwrap().name, "mW");
        assert_eq!(Unit::of("MW").unwrap().name, "MW");
        assert_eq!(Unit::of(" % ").unwrap().name, "percent");
    }
}
