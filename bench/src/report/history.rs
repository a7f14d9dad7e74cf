//! The section about ranges of time.

use super::{MIB, millis};
use crate::history::{Answers, Grown, POINTS, SERIES};
use crate::part::Section;

pub(crate) fn section(sizes: &[Grown]) -> Section {
    let mut text = format!(
        "## A range of time\n\n\
         How long SQLite's store takes for {POINTS} points of one series over a range, of {SERIES} series with a reading a \
         second each; 40 ranges of each length, none at a whole minute, from a table of which all hours are summed up. The \
         aim is 30 ms for 95 of 100, and 150 ms for {SERIES} series at once.\n\n\
         | readings | range | p50 | p95 | longest |\n| ---: | ---: | ---: | ---: | ---: |\n",
    );
    for Grown { readings, answers, .. } in sizes {
        for Answers { seconds, p50, p95, longest } in answers {
            let [p50, p95, longest] = [*p50, *p95, *longest].map(millis);
            text += &format!(
                "| {readings} | {} | {p50:.1} ms | {p95:.1} ms | {longest:.1} ms |\n",
                length(*seconds)
            );
        }
    }
    text += "\nAll of it, and what that costs:\n\n\
         | readings | all of one series from its readings | from rollups, p95 | of all series at once | readings written/s | summed up in | file |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for grown in sizes {
        let rolled = grown.answers.last().map_or(0.0, |answers| millis(answers.p95));
        text += &format!(
            "| {} | {:.0} ms | {rolled:.1} ms | {:.0} ms | {:.0} | {:.1} s | {:.0} MiB, {:.1} bytes a reading |\n",
            grown.readings,
            millis(grown.from_readings),
            millis(grown.all_at_once),
            grown.written_per_second,
            grown.rolled_up.as_secs_f64(),
            grown.file_bytes as f64 / MIB,
            grown.file_bytes as f64 / grown.readings as f64,
        );
    }
    Section { text, figures: serde_json::json!(sizes), plot: None }
}

fn length(seconds: u64) -> String {
    match seconds / 3_600 {
        1 => "1 h".into(),
        hours @ ..48 => format!("{hours} h"),
        hours => format!("{} days", hours / 24),
    }
}
