//! What a rule that watches for unusual values remembers of a series: what the series does otherwise.

use analytics::Detector;
use jiff::Timestamp;

use super::state::Evaluation;

/// Values that come sooner after each other are looked at as the mean of a minute: the detector counts values, and would find
/// sixty times as much in a series that comes each second. A little less, so that a series of one a minute is not halved.
const MINUTE_MICROS: i64 = 50_000_000;

/// The share of values that lie outside of the range that is called usual.
const OUTSIDE: f64 = 0.02;

/// What a series does, learned value by value: some 5 kB.
#[derive(Debug, Clone, Default)]
pub(super) struct Unusual {
    detector: Detector,
    minute: Minute,
    /// Up to when readings were learned from the store, which come again after a start: they are judged, and not learned twice.
    known_until: Option<i64>,
}

/// Values since the last one that was looked at.
#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    /// When a value was looked at last.
    last: Option<i64>,
    sum: f64,
    count: u32,
}

/// What is said of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said {
    pub(super) evaluation: Evaluation,
    /// The value, or the mean of a minute.
    pub(super) measure: f64,
    /// Between what most values lay until then.
    pub(super) usual: Option<(f64, f64)>,
}

impl Unusual {
    /// Learns a reading from the store.
    pub(super) fn learn(&mut self, at: Timestamp, value: f64) {
        let at = at.as_microsecond();
        if self.known_until.is_none_or(|until| at > until) {
            self.look(at, value, 0.0);
            self.known_until = Some(at);
        }
    }

    /// Whether nothing was learned yet.
    pub(super) fn is_new(&self) -> bool {
        self.minute.last.is_none()
    }

    /// Looks at the next reading. None where it is part of a minute that is not over.
    pub(super) fn judge(&mut self, at: Timestamp, value: f64, sensitivity: f64) -> Option<Said> {
        let at = at.as_microsecond();
        if self.known_until.is_some_and(|until| at <= until) {
            let mut apart = Self { minute: Minute::default(), ..self.clone() };
            return apart.look(at, value, sensitivity);
        }
        self.look(at, value, sensitivity)
    }

    fn look(&mut self, at: i64, value: f64, sensitivity: f64) -> Option<Said> {
        let measure = self.minute.add(at, value)?;
        let usual = self.detector.usual(OUTSIDE);
        let opinion = self.detector.observe(measure, at as f64 / 1e6);
        let is_usual = usual.is_none_or(|(low, high)| (low..=high).contains(&measure));
        let evaluation = match () {
            () if opinion.score > 0.0 && opinion.score >= 1.0 - sensitivity => {
                Evaluation::Violated { since: Timestamp::from_microsecond(at).unwrap_or_default() }
            }
            () if is_usual => Evaluation::Clear,
            () => Evaluation::Between,
        };
        Some(Said { evaluation, measure, usual })
    }
}

impl Minute {
    /// The value to look at, once a minute.
    fn add(&mut self, at: i64, value: f64) -> Option<f64> {
        self.sum += value;
        self.count += 1;
        // A clock that was set back begins anew.
        if self.last.is_some_and(|last| (last..last.saturating_add(MINUTE_MICROS)).contains(&at)) {
            return None;
        }
        let mean = self.sum / f64::from(self.count);
        *self = Self { last: Some(at), sum: 0.0, count: 0 };
        Some(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn usual(number: i64) -> f64 {
        20.0 + (number % 7) as f64 * 0.3
    }

    fn said(unusual: &mut Unusual, second: i64, value: f64) -> Evaluation {
        unusual.judge(at(second), value, 0.5).unwrap().evaluation
    }

    #[test]
    fn a_value_that_never_was_is_unusual_and_the_range_before_it_is_known() {
        let mut unusual = Unusual::default();
        for minute in 0..1_000 {
            assert!(!matches!(said(&mut unusual, minute * 60, usual(minute)), Evaluation::Violated { .. }));
        }
        let found = unusual.judge(at(60_000), 35.0, 0.5).unwrap();
        let (low, high) = found.usual.unwrap();
        assert_eq!((found.evaluation, found.measure), (Evaluation::Violated { since: at(60_000) }, 35.0));
        assert!((19.5..20.5).contains(&low) && (21.5..22.5).contains(&high), "{low} {high}");
        assert_eq!(said(&mut unusual, 60_060, 35.0), Evaluation::Between, "it is still outside");
        assert_eq!(said(&mut unusual, 60_120, 21.0), Evaluation::Clear);
    }

    #[test]
    fn what_comes_each_second_is_looked_at_as_the_mean_of_a_minute() {
        let mut unusual = Unusual::default();
        let looked = (0..600).filter_map(|second| unusual.judge(at(second), second as f64, 0.5)).count();
        assert_eq!(looked, 12);
        let mean = (600..).find_map(|second| unusual.judge(at(second), 7.0, 0.5)).unwrap().measure;
        assert!((7.0..600.0).contains(&mean), "{mean}");
    }

    #[test]
    fn what_was_learned_from_the_store_is_judged_and_not_learned_again() {
        let mut unusual = Unusual::default();
        (0..1_000).for_each(|minute| unusual.learn(at(minute * 60), usual(minute)));
        unusual.learn(at(60_000), 35.0);
        let before = format!("{:?}", unusual.detector);
        unusual.judge(at(60_000), 35.0, 0.5);
        assert_eq!(format!("{:?}", unusual.detector), before);
        assert_eq!(said(&mut unusual, 60_060, 21.0), Evaluation::Clear);
    }

    #[test]
    fn a_clock_that_was_set_back_and_numbers_without_an_end_do_no_harm() {
        let mut unusual = Unusual::default();
        for (second, value) in [(0, 1.0), (-100_000, f64::MAX), (-99_900, f64::MAX), (0, f64::MIN)] {
            unusual.judge(at(second), value, 0.99);
        }
    }
}
