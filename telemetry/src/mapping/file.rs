//! Files of mapping rules, as they are written in TOML.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use super::announce::Announces;
use super::command::CommandTable;
use super::format::Format;
use super::pattern::Pattern;
use super::pointer::{Glob, Pointer};
use super::template::Template;

/// A file of mappings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The presets to use beside the rules of this file. All of them if it is left out.
    #[serde(alias = "use")]
    pub(super) presets: Option<Vec<Spanned<String>>>,
    /// The zone of times that name none.
    pub(super) zone: Option<Zone>,
    /// The same for single presets.
    #[serde(default)]
    pub(super) zones: BTreeMap<String, Zone>,
    /// Tables of names that rules refer to.
    #[serde(default)]
    pub(super) names: BTreeMap<String, Names>,
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<RuleTable>,
    /// Commands of firmware.
    #[serde(default, rename = "command")]
    pub(super) commands: Vec<Spanned<CommandTable>>,
}

/// Defines a rule and one part of it, which have these fields in common: written once.
macro_rules! tables {
    ($($(#[doc = $doc:literal])* $field:ident: $type:ty,)*) => {
        /// A rule. What it says of readings holds for each `take` that does not say otherwise.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct RuleTable {
            pub(super) topic: Spanned<Pattern>,
            #[serde(default)]
            pub(super) format: Format,
            /// The messages are none of ours.
            #[serde(default)]
            pub(super) ignore: bool,
            /// The messages hold no readings, but the units of later ones, in this form.
            pub(super) announces: Option<Announces>,
            /// Whether values get the units that were announced for them.
            #[serde(default)]
            pub(super) announced_units: bool,
            /// The level that must be a well-known metric, or the rule is not for the message.
            pub(super) only_known: Option<String>,
            pub(super) zone: Option<Zone>,
            pub(super) time_format: Option<String>,
            #[serde(default)]
            pub(super) words: BTreeMap<String, f64>,
            /// Numbers that mean "no value".
            #[serde(default)]
            pub(super) none: Vec<f64>,
            pub(super) names: Option<NamesOf>,
            /// Whether metrics with a well-known name get their usual unit.
            #[serde(default = "yes")]
            pub(super) usual_units: bool,
            /// Whether the numbers of a list become `power_1`, `power_2` and so on.
            #[serde(default)]
            pub(super) lists: bool,
            #[serde(default)]
            pub(super) take: Vec<TakeTable>,
            $($(#[doc = $doc])* $field: Option<$type>,)*
        }

        /// One part of a payload that readings are taken from.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct TakeTable {
            $($(#[doc = $doc])* pub(super) $field: Option<$type>,)*
        }

        impl RuleTable {
            /// A part that says what the rule says, where it says nothing itself.
            pub(super) fn completed(&self, take: &TakeTable) -> TakeTable {
                TakeTable { $($field: take.$field.clone().or_else(|| self.$field.clone()),)* }
            }
        }
    };
}

tables! {
    /// Where the values are; `*` in it means several places.
    at: Pointer,
    /// Keys that the last `*` does not stand for.
    except: Vec<String>,
    /// The values to take, as paths below the place. All if it is left out.
    only: Vec<Glob>,
    /// The values to leave.
    skip: Vec<Glob>,
    device: Template,
    /// The metric of a single value. Without it a value is named after its path.
    metric: Template,
    /// The metric where the place is not an object.
    bare: Template,
    /// The level that holds place and metric in one: `living_room_temperature`.
    split: String,
    /// The value, where its name stands beside it.
    value: Pointer,
    unit: UnitOf,
    time: Pointer,
    /// What must stand in the payload, or there is no reading.
    need: BTreeMap<Pointer, serde_json::Value>,
    /// Texts that are attributes of the device: what each is called, and where it is.
    attributes: BTreeMap<Template, Pointer>,
    /// Readings with a fixed value.
    constant: BTreeMap<String, f64>,
}

pub(super) type Names = BTreeMap<String, Name>;

/// A table of names: here, or by the name it has in the file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum NamesOf {
    Called(String),
    Here(Names),
}

/// What becomes of a value with a certain name or path.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "\"skip\", the name of a metric, or a table of metric, unit, scale, offset and words"
)]
pub(super) enum Name {
    Metric(String),
    Full(FullName),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FullName {
    pub(super) metric: Option<String>,
    /// Empty: no unit, not even the usual one.
    pub(super) unit: Option<UnitOf>,
    pub(super) scale: Option<Scale>,
    #[serde(default)]
    pub(super) offset: f64,
    /// Words for its numbers, before those of the rule.
    #[serde(default)]
    pub(super) words: BTreeMap<String, f64>,
}

/// A unit: itself, or where it stands in the payload.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "a unit, a path such as \"./u\", or { from = \"/TempUnit\", else = \"celsius\" }"
)]
pub(super) enum UnitOf {
    Text(UnitText),
    From { from: Pointer, r#else: Option<String> },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum UnitText {
    Fixed(String),
    At(Pointer),
    /// The name of the value with something behind it: `{leaf}_unit`.
    Beside(String),
}

/// A factor, as a number or as a fraction that a computer's numbers cannot hold: `"1/60"`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "ScaleText")]
pub(super) struct Scale {
    pub(super) times: f64,
    pub(super) over: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ScaleText {
    Number(f64),
    Whole(i64),
    Fraction(String),
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Zone(pub(super) TimeZone);

fn yes() -> bool {
    true
}

/// Lets serde read a type by its parser, so that the error has its place in the file.
macro_rules! from_text {
    ($($type:ident),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

from_text!(Pattern, Pointer, Template);

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

impl TryFrom<String> for UnitText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(suffix) = text.strip_prefix("{leaf}") {
            return Ok(Self::Beside(suffix.to_owned()));
        }
        if text.starts_with("./") || text.starts_with("../") || text.starts_with('/') {
            return Pointer::parse(&text).map(Self::At);
        }
        Ok(Self::Fixed(text))
    }
}

impl TryFrom<ScaleText> for Scale {
    type Error = String;

    fn try_from(text: ScaleText) -> Result<Self, String> {
        let wrong = "a scale is a number other than 0, or a fraction such as \"1/60\"".to_owned();
        let scale = match text {
            ScaleText::Number(times) => Self { times, over: 1.0 },
            ScaleText::Whole(times) => Self { times: times as f64, over: 1.0 },
            ScaleText::Fraction(text) => {
                let (times, over) = text.split_once('/').ok_or_else(|| wrong.clone())?;
                let number = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong.clone());
                Self { times: number(times)?, over: number(over)? }
            }
        };
        let good = |number: f64| number.is_finite() && number != 0.0;
        if good(scale.times) && good(scale.over) { Ok(scale) } else { Err(wrong) }
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        TimeZone::get(&name)
            .map(Self)
            .map_err(|_| format!("{name:?} is no time zone: write for example \"Europe/Berlin\""))
    }
}
