//! Which element of an array a reason is about.

use std::fmt;

/// An element of an array, as the reason of its rejection begins: `reading 2 of 4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element {
    /// From 0 on.
    pub(crate) index: usize,
    pub(crate) count: usize,
}

/// The place of the element of an array, from 0 on, that the reason of a rejection is about.
#[must_use]
pub fn element_in(reason: &str) -> Option<usize> {
    Element::named_in(reason).map(|element| element.index)
}

impl Element {
    /// The element that a reason names, if it is about one.
    pub(crate) fn named_in(reason: &str) -> Option<Self> {
        let (place, _) = reason.strip_prefix("reading ")?.split_once(": ")?;
        let (number, count) = place.split_once(" of ")?;
        let (number, count): (usize, usize) = (number.parse().ok()?, count.parse().ok()?);
        (1..=count).contains(&number).then(|| Self { index: number - 1, count })
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading {} of {}", self.index + 1, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_reads_back_as_written() {
        for (index, count) in [(0, 1), (1, 4), (9_999, 10_000)] {
            let element = Element { index, count };
            assert_eq!(Element::named_in(&format!("{element}: there is no value: x")), Some(element));
        }
    }

    #[test]
    fn a_reason_of_a_whole_message_names_none() {
        for reason in [
            "there is no value",
            "reading",
            "reading 1 of 2",
            "reading 0 of 2: there is no value",
            "reading 3 of 2: there is no value",
            "reading x of 2: there is no value",
            "the database refuses it: reading 1 of 2: x",
        ] {
            assert_eq!(Element::named_in(reason), None, "{reason}");
        }
    }
}
