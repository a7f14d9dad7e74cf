//! A bar chart of the drains, as SVG.

use std::fmt::Write as _;

use super::limits::Limits;
use super::spread::median;
use super::{Figures, Steady};

/// In pixels.
const WIDTH: f64 = 720.0;
const LABELS: f64 = 200.0;
const NUMBERS: f64 = 90.0;
const ROW: usize = 28;

/// The chart; `None` if nothing was drained.
pub(super) fn drains(figures: &Figures) -> Option<String> {
    let limit = |rate: fn(&Limits) -> f64| median(figures.limits.iter().map(rate));
    let mut bars = vec![
        ("taking from the queue", limit(|run| run.null_consumer.readings_per_second), "limit"),
        ("COPY into the hypertable", limit(|run| run.copy_hypertable.readings_per_second), "limit"),
        ("both, one after the other", limit(Limits::together), "limit"),
    ];
    for (at, drained) in figures.drains.iter().enumerate() {
        let rate = median(drained.runs.iter().map(|run| run.readings_per_second));
        bars.push((drained.name, rate, if at == 0 { "ours" } else { "peer" }));
    }
    let highest = median(figures.highest.iter().flatten().map(|step: &Steady| step.per_second as f64));
    bars.push(("db-writer, queue empty", highest, "ours"));
    bars.retain(|(_, rate, _)| *rate > 0.0);
    let longest = bars.iter().map(|(_, rate, _)| *rate).fold(0.0, f64::max);
    (longest > 0.0).then(|| svg(&bars, longest))
}

fn svg(bars: &[(&str, f64, &str)], longest: f64) -> String {
    let height = bars.len() * ROW + ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Readings a second\">\n\
         <style>text {{ font: 13px sans-serif; fill: #777 }} .limit {{ fill: #bbb }} .ours {{ fill: #2a7fbf }} .peer {{ fill: #c98a2b }}</style>\n\
         <text x=\"{LABELS}\" y=\"18\">readings/s, median of the runs</text>\n"
    );
    for (row, (name, rate, class)) in bars.iter().enumerate() {
        let (y, length) = ((row + 1) * ROW, rate / longest * (WIDTH - LABELS - NUMBERS));
        let (text, after) = (y + 17, LABELS + length + 6.0);
        // A String takes all that is written to it.
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{LABELS}\" y=\"{y}\" width=\"{length:.1}\" height=\"{}\"/>\
             <text x=\"{after:.0}\" y=\"{text}\">{rate:.0}</text>",
            LABELS - 8.0,
            ROW - 6,
        );
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_its_room_and_the_others_are_to_scale() {
        let svg = svg(&[("a", 200.0, "limit"), ("b", 50.0, "ours")], 200.0);
        assert!(svg.contains("width=\"430.0\"") && svg.contains("width=\"107.5\""), "{svg}");
        assert_eq!(drains(&Figures::default()), None);
    }
}
