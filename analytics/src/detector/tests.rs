use super::*;

/// Evenly spread numbers from 0 to 1, the same each time.
fn noise() -> impl Iterator<Item = f64> {
    let next = |state: &u64| {
        Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    std::iter::successors(Some(1), next).skip(1).map(|state: u64| (state >> 11) as f64 / 2_f64.powi(53))
}

/// Twelve thousand values, one a minute: waves with a spike, a step for 200 values, a pause, a flat stretch and a gross outlier.
fn series() -> Vec<(f64, f64)> {
    let value = |(at, noise): (usize, f64)| {
        let wave = 20.0 + 3.0 * (at as f64 / 45.0).sin() + 0.6 * (noise - 0.5);
        match at {
            3_000 => 40.0,
            5_000..5_200 => wave + 4.0,
            9_000..9_400 => 21.5,
            11_000 => 1e6,
            _ => wave,
        }
    };
    let seconds = |at: usize| 60.0 * at as f64 + if at < 7_000 { 0.0 } else { 86_400.0 * 3.0 };
    noise().take(12_000).enumerate().map(|one| (value(one), seconds(one.0))).collect()
}

fn scores(series: impl IntoIterator<Item = (f64, f64)>) -> Vec<f64> {
    let mut detector = Detector::default();
    series.into_iter().map(|(value, seconds)| detector.observe(value, seconds).score).collect()
}

fn unusual(scores: &[f64]) -> Vec<usize> {
    scores.iter().enumerate().filter(|(_, score)| **score >= 0.5).map(|(at, _)| at).collect()
}

/// The same series, scored by an independent implementation of the same description.
#[test]
fn scores_are_those_of_the_reference() {
    let scores = scores(series());
    assert_eq!(unusual(&scores), [168, 3_000, 5_081, 8_412, 11_000]);
    let sum: f64 = scores.iter().sum();
    assert!((sum - 312.908_520_994_28).abs() < 1e-3, "{sum}");
    for (at, expected) in [
        (500, 0.0),
        (3_000, 0.709_560_329_843_103_1),
        (5_000, 0.029_947_451_845_301_374),
        (5_003, 0.070_178_944_976_743_17),
        (7_000, 0.301_838_540_872_957_8),
        (9_001, 0.083_960_274_186_347_38),
        (11_000, 0.881_318_213_575_686),
    ] {
        assert!((scores[at] - expected).abs() < 1e-4, "{at}: {} {expected}", scores[at]);
    }
}

#[test]
fn a_score_depends_on_nothing_that_comes_later() {
    let all = series();
    assert_eq!(scores(all[..7_500].iter().copied()), scores(all.iter().copied())[..7_500]);
}

#[test]
fn scale_and_offset_do_not_matter() {
    let scaled = |scale: f64, offset: f64| {
        scores(series().into_iter().map(|(value, seconds)| (scale * value + offset, seconds)))
    };
    let scores = scores(series());
    assert_eq!(scaled(1_024.0, 0.0), scores);
    // A value on the edge of two bins may fall into the other one.
    assert_eq!(unusual(&scaled(-3.7, 4_096.0)), unusual(&scores));
}

#[test]
fn a_flat_line_and_a_last_digit_that_flickers_are_usual() {
    let flat = (0..5_000).map(|at| (7.0, f64::from(at)));
    assert!(scores(flat).iter().all(|score| *score == 0.0));
    let flicker = noise().take(2_000).map(|noise| 20.0 + if noise < 0.5 { 0.0 } else { 0.1 });
    let flicker = std::iter::repeat_n(20.0, 2_000).chain(flicker);
    let scores = scores(flicker.zip((0..).map(f64::from)));
    assert!(unusual(&scores).is_empty(), "{:?}", unusual(&scores));
}

#[test]
fn what_is_missing_changes_nothing() {
    let with_gaps = series().into_iter().enumerate().flat_map(|(at, one)| {
        let missing = (at % 7 == 0).then_some(([f64::NAN, f64::INFINITY][at % 2], one.1));
        missing.into_iter().chain([one])
    });
    let mut detector = Detector::default();
    let known: Vec<f64> = with_gaps
        .map(|(value, seconds)| (value, detector.observe(value, seconds).score))
        .filter(|(value, _)| value.is_finite())
        .map(|(_, score)| score)
        .collect();
    assert_eq!(known, scores(series()));
}

#[test]
fn the_usual_range_holds_most_values_and_says_which_scale_was_surprised() {
    let mut detector = Detector::default();
    assert_eq!(detector.usual(0.02), None);
    let before: Vec<_> = series().into_iter().take(3_000).collect();
    for (value, seconds) in &before {
        detector.observe(*value, *seconds);
    }
    let (low, high) = detector.usual(0.02).unwrap();
    let inside = before.iter().filter(|(value, _)| (low..=high).contains(value)).count();
    assert!((2_880..=2_999).contains(&inside), "{low} {high} {inside}");
    let opinion = detector.observe(40.0, 180_000.0);
    assert!(opinion.is_unusual() && opinion.parts[0] > opinion.parts[4], "{opinion:?}");
}

#[test]
fn the_greatest_numbers_do_no_harm() {
    let mut detector = Detector::default();
    for at in 0..2_000 {
        let value = [f64::MAX, f64::MIN, 0.0, f64::MIN_POSITIVE, 1e300][at % 5];
        let score = detector.observe(value, at as f64).score;
        assert!((0.0..=1.0).contains(&score), "{at}: {score}");
    }
}

#[test]
fn what_is_known_of_a_series_is_a_few_kilobytes() {
    let bytes = size_of::<Detector>() + SCALES.len() * size_of::<Histogram>();
    assert!(bytes <= 4_096, "{bytes}");
}
