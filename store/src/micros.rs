//! Times as whole microseconds, which is what both databases store.

use jiff::Timestamp;

/// The first whole microsecond that is not before `time`: what compares to a column as `time` itself does.
pub(crate) fn micros_from(time: Timestamp) -> i64 {
    let micros =
        time.as_nanosecond().div_euclid(1000) + i128::from(time.as_nanosecond().rem_euclid(1000) > 0);
    i64::try_from(micros).expect("the microseconds of any Timestamp fit 64 bits")
}

/// `time` to the first whole microsecond that is not before it.
pub(crate) fn rounded_up(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(micros_from(time)).unwrap_or(Timestamp::MAX)
}

/// `time` as databases store it: without what is less than a microsecond.
pub(crate) fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// The time of so many microseconds, or the nearest one that there is.
pub(crate) fn clamped(micros: i64) -> Timestamp {
    let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_rounded_up() {
        for (nanos, micros) in
            [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (-1, 0), (-1000, -1), (-1001, -1)]
        {
            assert_eq!(micros_from(Timestamp::from_nanosecond(nanos).unwrap()), micros, "{nanos}");
        }
        assert!(micros_from(Timestamp::MAX) > micros_from(Timestamp::MIN));
    }
}
