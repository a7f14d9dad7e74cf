//! From what a range of time is answered: from days, hours and minutes where they hold, else from readings.

use super::width::Width;

/// Ranges that count as one each, at most; of more, neighbours count as one with what lies between them.
const MAX_STALE: usize = 64;

/// What is known of the rollups of one series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// What was measured from here on is not summed up yet.
    pub(crate) until: i64,
    /// What was measured there has changed since it was summed up. In any order.
    pub(crate) stale: Vec<(i64, i64)>,
}

/// A part of a range, and of what it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// None reads readings.
    pub(crate) width: Option<Width>,
    pub(crate) from: i64,
    /// Excluded.
    pub(crate) to: i64,
}

/// Covers a range without a gap or an overlap, in order of time; `width` is the longest that may be read.
pub(crate) fn cover(range: (i64, i64), width: Option<Width>, known: &Known) -> Vec<Piece> {
    let mut pieces = Pieces::new(Width::Hour);
    pieces.cover(range, width, known);
    pieces.all
}

/// Covers the range between each two of some times, which are in order, so that no piece of a width is in two of them.
///
/// There are as many ends as times, so that minutes are read where hours do not fit.
pub(crate) fn cover_between(times: &[i64], known: &Known) -> Vec<Piece> {
    let mut pieces = Pieces::new(Width::Minute);
    for (from, to) in times.iter().zip(times.iter().skip(1)) {
        pieces.cover((*from, *to), Width::of(to - from), known);
    }
    pieces.all
}

/// As few ranges as are worth to be read one by one.
fn stale_hours(stale: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let hours = whole_hours(stale);
    let together = hours.len().div_ceil(MAX_STALE).max(1);
    hours.chunks(together).filter_map(|few| Some((few.first()?.0, few.last()?.1))).collect()
}

/// Ranges from hour to hour, in order of time, none of which touches the next one.
pub(crate) fn whole_hours(ranges: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let hours = ranges.iter().map(|(from, to)| (Width::Hour.floor(*from), Width::Hour.ceil(*to)));
    let mut hours: Vec<_> = hours.collect();
    hours.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, to) in hours {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

struct Pieces {
    all: Vec<Piece>,
    /// The shortest width at the ends of a range; where the range itself is shorter, its own.
    shortest: Width,
}

impl Pieces {
    fn new(shortest: Width) -> Self {
        Self { all: Vec::new(), shortest }
    }

    fn cover(&mut self, (from, to): (i64, i64), width: Option<Width>, known: &Known) {
        let mut at = from;
        if width.is_some() {
            for (stale_from, stale_to) in
                stale_hours(&known.stale).into_iter().chain([(known.until, i64::MAX)])
            {
                let clean_to = stale_from.min(known.until).min(to);
                self.clean(at, clean_to, width);
                let stale = (at.max(clean_to), stale_to.min(to));
                self.add(None, stale.0, stale.1);
                at = at.max(clean_to).max(stale.1);
            }
        }
        self.add(None, at, to);
    }

    /// The longest width in the middle, shorter ones towards both ends.
    fn clean(&mut self, from: i64, to: i64, width: Option<Width>) {
        let Some(longest) = width else { return self.add(None, from, to) };
        let (first, last) = (longest.ceil(from), longest.floor(to));
        let shorter = longest.shorter().filter(|width| *width >= self.shortest);
        if first >= last {
            return self.clean(from, to, shorter);
        }
        self.clean(from, first, shorter);
        self.add(width, first, last);
        self.clean(last, to, shorter);
    }

    fn add(&mut self, width: Option<Width>, from: i64, to: i64) {
        if from >= to {
            return;
        }
        match self.all.last_mut() {
            Some(last) if last.width == width && last.to == from => last.to = to,
            _ => self.all.push(Piece { width, from, to }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = Width::Hour.micros();
    const DAY: i64 = Width::Day.micros();

    fn covered(range: (i64, i64), width: Option<Width>, until: i64, stale: &[(i64, i64)]) -> Vec<Piece> {
        cover(range, width, &Known { until, stale: stale.to_vec() })
    }

    fn piece(width: Option<Width>, from: i64, to: i64) -> Piece {
        Piece { width, from, to }
    }

    #[test]
    fn the_middle_is_of_days_and_the_ends_of_hours_and_readings() {
        let (day, hour) = (Some(Width::Day), Some(Width::Hour));
        let pieces = covered((HOUR + 5, 3 * DAY + HOUR + 7), day, 10 * DAY, &[]);
        let expected = [
            piece(None, HOUR + 5, 2 * HOUR),
            piece(hour, 2 * HOUR, DAY),
            piece(day, DAY, 3 * DAY),
            piece(hour, 3 * DAY, 3 * DAY + HOUR),
            piece(None, 3 * DAY + HOUR, 3 * DAY + HOUR + 7),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn what_is_new_or_has_changed_is_of_readings() {
        let (day, hour, minute) = (Some(Width::Day), Some(Width::Hour), Some(Width::Minute));
        for (range, width, until, stale, expected) in [
            ((0, DAY), day, 0, &[][..], &[piece(None, 0, DAY)][..]),
            ((0, DAY), None, DAY, &[], &[piece(None, 0, DAY)]),
            (
                (0, 3 * HOUR),
                minute,
                2 * HOUR,
                &[],
                &[piece(minute, 0, 2 * HOUR), piece(None, 2 * HOUR, 3 * HOUR)],
            ),
            (
                (0, DAY),
                day,
                DAY,
                &[(5 * HOUR + 1, 5 * HOUR + 2)],
                &[piece(hour, 0, 5 * HOUR), piece(None, 5 * HOUR, 6 * HOUR), piece(hour, 6 * HOUR, DAY)],
            ),
            ((HOUR, 2 * HOUR), hour, DAY, &[(-DAY, DAY)], &[piece(None, HOUR, 2 * HOUR)]),
            ((HOUR, 2 * HOUR), hour, DAY, &[(DAY, 2 * DAY), (-DAY, 0)], &[piece(hour, HOUR, 2 * HOUR)]),
            ((5, 5), hour, DAY, &[], &[]),
        ] {
            assert_eq!(covered(range, width, until, stale), expected, "{range:?} {until} {stale:?}");
        }
    }

    #[test]
    fn many_changes_are_read_in_few_pieces() {
        let stale: Vec<_> = (0..1000).map(|day| (day * DAY, day * DAY + 1)).collect();
        let pieces = covered((0, 2000 * DAY), Some(Width::Day), 2000 * DAY, &stale);
        let raw = pieces.iter().filter(|piece| piece.width.is_none());
        assert!(raw.count() <= MAX_STALE && pieces.len() > MAX_STALE);
    }

    proptest! {
        #[test]
        fn every_moment_is_in_one_piece_and_no_rollup_is_stale(
            from in -50_i64..400, length in 0_i64..500, until in -60_i64..400, minutes in 0_i64..60,
            stale in prop::collection::vec((-50_i64..400, 1_i64..30), 0..8),
            width in prop::sample::select(vec![None, Some(Width::Minute), Some(Width::Hour), Some(Width::Day)]),
        ) {
            let minute = Width::Minute.micros();
            let range = (from * HOUR + minutes * minute, (from + length) * HOUR + 3);
            let stale: Vec<_> = stale.iter().map(|(at, hours)| (at * HOUR + 7, (at + hours) * HOUR)).collect();
            let pieces = covered(range, width, until * HOUR, &stale);
            let mut at = range.0;
            for piece in &pieces {
                prop_assert_eq!(piece.from, at);
                prop_assert!(piece.from < piece.to);
                at = piece.to;
                let Some(unit) = piece.width else { continue };
                prop_assert!(Some(unit) <= width);
                prop_assert_eq!((unit.floor(piece.from), unit.floor(piece.to)), (piece.from, piece.to));
                prop_assert!(piece.to <= until * HOUR);
                prop_assert!(stale.iter().all(|(from, to)| *to <= piece.from || *from >= piece.to));
            }
            prop_assert_eq!(at, range.1.max(range.0));
        }
    }
}
