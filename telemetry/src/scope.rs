//! Which devices a caller may see.

use std::sync::Arc;

use crate::filter::{Filter, FilterError, covers};

/// The devices that match one of a few filters; without a filter, all devices. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Scope(Arc<[Filter]>);

impl Scope {
    /// Filters in one scope, at most.
    pub const MAX_FILTERS: usize = 16;

    /// All devices.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The devices that match one of these filters; all where there is none.
    #[must_use]
    pub fn new(filters: impl IntoIterator<Item = Filter>) -> Self {
        let filters: Vec<_> = filters.into_iter().collect();
        if filters.contains(&Filter::all()) { Self::all() } else { Self(filters.into()) }
    }

    /// Reads filters, each as MQTT writes it.
    ///
    /// # Errors
    /// One of them is not a filter.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, FilterError> {
        texts.into_iter().map(str::parse).collect::<Result<Vec<_>, _>>().map(Self::new)
    }

    /// Whether it holds all devices.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it holds a device, by its name.
    #[must_use]
    pub fn holds(&self, device: &str) -> bool {
        self.is_all() || self.0.iter().any(|filter| filter.matches(device))
    }

    /// Whether it holds the device of a topic: what follows the first level.
    #[must_use]
    pub fn holds_topic(&self, topic: &str) -> bool {
        self.is_all() || topic.split_once('/').is_some_and(|(_, device)| self.holds(device))
    }

    /// Whether it holds all devices that match a filter.
    #[must_use]
    pub fn covers(&self, filter: &Filter) -> bool {
        self.is_all() || self.0.iter().any(|wide| covers(wide.as_str(), filter.as_str()))
    }

    /// Whether it holds all devices of another scope.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.is_all() || (!other.is_all() && other.0.iter().all(|filter| self.covers(filter)))
    }

    /// The devices that both hold, as far as one of the filters lies within another; None where that is none.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        if self.is_all() || other.is_all() {
            return Some(if self.is_all() { other.clone() } else { self.clone() });
        }
        let inner = self.0.iter().filter(|filter| other.covers(filter));
        let outer = other.0.iter().filter(|filter| self.covers(filter));
        let mut both: Vec<Filter> = Vec::new();
        for filter in inner.chain(outer) {
            if !both.contains(filter) {
                both.push(filter.clone());
            }
        }
        (!both.is_empty()).then(|| Self(both.into()))
    }

    /// The filters; none where it holds all devices.
    #[must_use]
    pub fn filters(&self) -> &[Filter] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(filters: &[&str]) -> Scope {
        Scope::read(filters.iter().copied()).unwrap()
    }

    #[test]
    fn a_scope_holds_what_one_of_its_filters_matches() {
        let some = scope(&["site-a/#", "lab"]);
        for (device, held) in [("site-a/rack-1", true), ("site-a", true), ("lab", true), ("site-b/x", false)]
        {
            assert_eq!(some.holds(device), held, "{device}");
            assert_eq!(some.holds_topic(&format!("temperature/{device}")), held, "{device}");
            assert!(Scope::all().holds(device) && scope(&["lab", "#"]).holds(device));
        }
        assert!(!some.holds_topic("lab") && Scope::all().holds_topic("lab"));
    }

    #[test]
    fn an_intersection_is_within_both() {
        for (one, other, expected) in [
            (vec![], vec!["lab"], Some(vec!["lab"])),
            (vec!["site-a/#"], vec!["site-a/rack-1", "lab"], Some(vec!["site-a/rack-1"])),
            (vec!["lab"], vec!["lab", "other"], Some(vec!["lab"])),
            (vec!["lab"], vec!["other"], None),
            (vec!["+/x"], vec!["a/+"], None),
        ] {
            let (one, other) = (scope(&one), scope(&other));
            let expected = expected.map(|filters| scope(&filters));
            assert_eq!(one.intersection(&other), expected);
            assert_eq!(other.intersection(&one), expected);
        }
    }

    #[test]
    fn a_scope_contains_only_narrower_ones() {
        let some = scope(&["site-a/#", "lab"]);
        for (other, contained) in [
            (vec!["site-a/rack-1", "lab"], true),
            (vec!["site-a/#"], true),
            (vec!["site-a/+/#"], true),
            (vec!["+/rack-1"], false),
            (vec!["lab", "other"], false),
            (vec![], false),
            (vec!["#"], false),
        ] {
            assert_eq!(some.contains(&scope(&other)), contained, "{other:?}");
            assert!(Scope::all().contains(&scope(&other)));
        }
    }
}
