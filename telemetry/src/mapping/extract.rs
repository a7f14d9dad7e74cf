//! From the values of a payload to readings, as a rule says.

use jiff::Timestamp;
use serde_json::Value;

use super::dictionary::{split_at_word, usual_unit, word_of};
use super::file::{FullName, Scale, UnitOf, UnitText};
use super::moment::moment;
use super::name;
use super::number::{Number, number};
use super::pattern::Captures;
use super::pointer::Place;
use super::rule::{Rule, Take};
use super::template::Publisher;
use crate::Unit;
use crate::announcements::Announcements;
use crate::limits::MAX_READINGS;
use crate::payload::MAX_UNIT_BYTES;
use crate::series::Series;
use crate::words;

/// Most levels of objects in objects that values are looked for in.
const MAX_DEPTH: usize = 32;

/// Most numbers of a list that become readings of their own: phases, strings, channels.
const MAX_LIST: usize = 16;

/// One reading as the payload has it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) series: Series,
    pub(super) value: f64,
    pub(super) unit: Option<String>,
    pub(super) measured_at: Option<Timestamp>,
}

/// A rule at work on one message.
pub(super) struct Extraction<'a> {
    pub(super) rule: &'a Rule,
    pub(super) topic: &'a str,
    pub(super) captures: &'a Captures<'a, 'a>,
    pub(super) publisher: Publisher<'a>,
    pub(super) received_at: Timestamp,
    pub(super) announcements: &'a Announcements,
}

impl Extraction<'_> {
    /// The readings in one value of a payload.
    ///
    /// # Errors
    /// A device, a metric or a time is not there or is refused: none of the value's readings counts.
    pub(super) fn readings(&self, root: &Value) -> Result<Vec<Found>, String> {
        let mut found = Vec::new();
        for take in &self.rule.takes {
            for place in self.places(take, root) {
                self.at_place(take, &place, &mut found)?;
            }
        }
        if found.len() > MAX_READINGS {
            return Err(format!("{} readings in one message: at most {MAX_READINGS}", found.len()));
        }
        Ok(found)
    }

    /// Where a part of the rule finds something in one value of a payload.
    pub(super) fn places<'v>(&self, take: &Take, root: &'v Value) -> Vec<Place<'v>> {
        let mut places = match &take.at {
            None => vec![Place::root(root)],
            Some(at) => at.places(root),
        };
        let is_excepted = |place: &Place<'_>| place.keys.last().is_some_and(|key| take.except.contains(key));
        places.retain(|place| !is_excepted(place) && take.is_met(place));
        places
    }

    fn at_place(&self, take: &Take, place: &Place<'_>, found: &mut Vec<Found>) -> Result<(), String> {
        let mut values = Vec::new();
        self.values(take, place, &mut values)?;
        for (metric, value) in &take.constant {
            values.push((metric.clone(), FullName::default(), Number { value: *value, unit: None }));
        }
        if values.is_empty() {
            return Ok(());
        }
        let measured_at = self.time(take, place)?;
        let mut device = take.device.fill(self.captures, place, self.publisher)?;
        for (path, full, number) in values {
            let mut metric = full.metric.clone().unwrap_or_else(|| name::metric(&path));
            if let Some(known) = self.rule.only_known.as_ref().and_then(|level| self.captures.get(level)) {
                metric = word_of(known).map_or(known, |word| word.metric).to_owned();
            }
            if let Some(level) = &take.split {
                (device, metric) = self.split(&device, self.captures.get(level).unwrap_or_default());
            }
            let series = Series::new(&metric, &name::device(&device))
                .map_err(|e| format!("{metric:?} of {device:?}: {e}"))?;
            let unit = self.unit(take, place, (&path, &metric), &full, number);
            let value = scaled(number.value, &full);
            found.push(Found { series, value, unit, measured_at });
        }
        Ok(())
    }

    /// The numbers at a place, each with the path or name by which it is called.
    fn values(
        &self,
        take: &Take,
        place: &Place<'_>,
        values: &mut Vec<(String, FullName, Number)>,
    ) -> Result<(), String> {
        if let Some(path) = &take.value {
            let Some(value) = path.find_near(place) else { return Ok(()) };
            if self.number(value).is_none() {
                return Ok(());
            }
            let metric = self.fill_metric(take, place)?;
            self.add(take, &metric.split('/').collect::<Vec<_>>(), value, values);
            return Ok(());
        }
        match place.value() {
            Value::Object(_) => self.leaves(take, place.value(), &mut Vec::new(), values),
            value
                if self.number(value).is_some()
                    && (take.split.is_some() || take.metric.is_some() || take.bare.is_some()) =>
            {
                let metric = self.fill_metric(take, place)?;
                self.add_named(&metric, value, values);
            }
            _ => {}
        }
        Ok(())
    }

    fn fill_metric(&self, take: &Take, place: &Place<'_>) -> Result<String, String> {
        let level = || take.split.as_ref().and_then(|level| self.captures.get(level));
        match take.metric.as_ref().or(take.bare.as_ref()) {
            Some(template) => template.fill(self.captures, place, self.publisher),
            None => Ok(level().unwrap_or_default().to_owned()),
        }
    }

    fn leaves<'v>(
        &self,
        take: &Take,
        value: &'v Value,
        path: &mut Vec<&'v str>,
        values: &mut Vec<(String, FullName, Number)>,
    ) {
        let object = match value {
            Value::Object(object) => object,
            Value::Array(list) if self.rule.lists => return self.add_list(take, path, list, values),
            _ => return self.add(take, path, value, values),
        };
        if path.len() >= MAX_DEPTH {
            return;
        }
        for (key, value) in object {
            path.push(key);
            self.leaves(take, value, path, values);
            path.pop();
        }
    }

    fn add(&self, take: &Take, path: &[&str], value: &Value, values: &mut Vec<(String, FullName, Number)>) {
        if take.wants(path) {
            self.add_named(&path.join("/"), value, values);
        }
    }

    /// Each number of a list by the name of the list, and its place in it from 1 on.
    fn add_list(
        &self,
        take: &Take,
        path: &[&str],
        list: &[Value],
        values: &mut Vec<(String, FullName, Number)>,
    ) {
        let Some(name) =
            self.rule.name(&path.join("/")).filter(|_| take.wants(path) && list.len() <= MAX_LIST)
        else {
            return;
        };
        let metric = name.metric.clone().unwrap_or_else(|| name::metric(&path.join("/")));
        for (value, place) in list.iter().zip(1..) {
            if let Some(number) = self.number(value) {
                let name = FullName { metric: Some(format!("{metric}_{place}")), ..name.clone() };
                values.push((path.join("/"), name, number));
            }
        }
    }

    fn add_named(&self, path: &str, value: &Value, values: &mut Vec<(String, FullName, Number)>) {
        let Some(name) = self.rule.name(path) else { return };
        if let Some(number) = self.state(path, &name, value).or_else(|| self.number(value)) {
            values.push((path.to_owned(), name, number));
        }
    }

    /// The number of a word that the metric has: a contact that is "closed" is 1, a door that is "closed" is 0.
    fn state(&self, path: &str, name: &FullName, value: &Value) -> Option<Number> {
        let text = value.as_str()?;
        let own = name.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
        if let Some((_, value)) = own {
            return Some(Number { value: *value, unit: None });
        }
        if !self.rule.words.is_empty() {
            return None;
        }
        let metric = name.metric.clone().unwrap_or_else(|| name::metric(path));
        words::value_of(&metric, text).map(|value| Number { value, unit: None })
    }

    fn number(&self, value: &Value) -> Option<Number> {
        number(value, &self.rule.words).filter(|number| !self.rule.none.contains(&number.value))
    }

    fn time(&self, take: &Take, place: &Place<'_>) -> Result<Option<Timestamp>, String> {
        let value = take.time.as_ref().and_then(|path| path.find(place));
        value.map_or(Ok(None), |value| {
            moment(value, self.rule.time_format.as_deref(), self.rule.zone.as_ref())
        })
    }

    /// Device and metric of a name that holds both.
    fn split(&self, device: &str, name: &str) -> (String, String) {
        let (place, metric) = split_at_word(name).map_or(("", name), |(place, word)| (place, word.metric));
        let parts: Vec<&str> = [device, place].into_iter().filter(|part| !part.is_empty()).collect();
        let device = if parts.is_empty() {
            self.topic.split('/').next().unwrap_or_default().to_owned()
        } else {
            parts.join("/")
        };
        (device, name::metric(metric))
    }

    /// What stands in the payload comes first, then what was announced, what the rule says, and what goes without
    /// saying.
    fn unit(
        &self,
        take: &Take,
        place: &Place<'_>,
        (path, metric): (&str, &str),
        full: &FullName,
        number: Number,
    ) -> Option<String> {
        if let Some(unit) = number.unit {
            return Some(unit.to_owned());
        }
        if let Some(unit) = self.announced_unit(place, path) {
            return canonical(&unit);
        }
        for unit in [&take.unit, &full.unit].into_iter().flatten() {
            if let Some(text) = unit_text(unit, place, path) {
                return canonical(&text);
            }
        }
        self.rule.usual_units.then(|| usual_unit(metric)).flatten().map(str::to_owned)
    }
}

impl Extraction<'_> {
    fn announced_unit(&self, place: &Place<'_>, path: &str) -> Option<String> {
        if !self.rule.announced_units {
            return None;
        }
        // A payload that is no object has one value, which has no path.
        let path = if place.value().is_object() { path } else { "" };
        self.announcements.unit(self.topic, path, self.received_at)
    }
}

fn unit_text(unit: &UnitOf, place: &Place<'_>, path: &str) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match unit {
        UnitOf::Text(UnitText::Fixed(unit)) => Some(unit.clone()),
        UnitOf::Text(UnitText::At(at)) => at.find_near(place).and_then(text),
        UnitOf::Text(UnitText::Beside(suffix)) => place.value().get(format!("{path}{suffix}")).and_then(text),
        UnitOf::From { from, r#else } => from.find_near(place).and_then(text).or_else(|| r#else.clone()),
    }
}

/// One spelling for one unit. A text that no unit may be is left out.
fn canonical(unit: &str) -> Option<String> {
    let unit = Unit::of(unit).map_or(unit.trim(), |unit| unit.name);
    let good = !unit.is_empty() && unit.len() <= MAX_UNIT_BYTES && !unit.chars().any(char::is_control);
    good.then(|| unit.to_owned())
}

fn scaled(value: f64, name: &FullName) -> f64 {
    let Some(Scale { times, over }) = name.scale else { return value + name.offset };
    // A tenth has no exact binary form; dividing by ten rounds once.
    let inverse = (1.0 / times).round();
    let product = if over == 1.0 && (inverse * times - 1.0).abs() < 1e-12 && inverse.abs() > 1.0 {
        value / inverse
    } else {
        value * times / over
    };
    product + name.offset
}
