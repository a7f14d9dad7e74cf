//! The median of some runs, with the lowest and highest.

/// The spread as text, for example `12 (11–14)`; a dash if there are no runs.
pub(crate) fn spread(figures: impl IntoIterator<Item = f64>, digits: usize) -> String {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let (Some(lowest), Some(highest)) = (figures.first(), figures.last()) else { return "–".into() };
    match figures.len() {
        1 => format!("{lowest:.digits$}"),
        runs => format!("{:.digits$} ({lowest:.digits$}–{highest:.digits$})", figures[runs / 2]),
    }
}

/// The median of some runs; zero if there are none.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_says_the_middle_and_both_ends() {
        assert_eq!(spread([3.0, 1.0, 2.0], 0), "2 (1–3)");
        assert_eq!(spread([1.25], 1), "1.2");
        assert_eq!(spread([], 1), "–");
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([]), 0.0);
    }
}
