//! The section on decoding.

use crate::decode::{AIM, Decoding, RULES};
use crate::part::Section;

pub(crate) fn section(decoding: &Decoding) -> Section {
    let Decoding { steps, own_alone, by_last_rule } = decoding;
    let mut text = String::from(
        "## From a message to readings\n\n\
         One message of each kind, decoded over and over in one thread with all presets; the median of 5 runs, with the \
         lowest and highest.\n\n\
         | message | readings in it | readings/s |\n| --- | ---: | ---: |\n",
    );
    for step in steps {
        text += &format!(
            "| {} | {} | {} |\n",
            step.what,
            step.readings_by_message,
            rate(step.readings_per_second)
        );
    }
    let ten = steps.iter().find(|step| step.readings_by_message == 10).map(|step| step.readings_per_second.0);
    let own = steps.first().map(|step| step.readings_per_second.0);
    let share = |part: Option<f64>, whole: f64| part.unwrap_or_default() / whole * 100.0;
    text += &format!(
        "\n| what | aim | measured |\n| --- | ---: | ---: |\n\
         | readings/s of JSON with 10 fields | ≥ {AIM:.0} | {:.0} |\n\
         | … by the last of {RULES} rules of one's own | as by the first | {} |\n\
         | own format without the presets | | {} |\n\
         | … and with them, in comparison | ≥ 97 % | {:.0} % |\n",
        ten.unwrap_or_default(),
        rate(*by_last_rule),
        rate(*own_alone),
        share(own, own_alone.0),
    );
    Section { text, figures: serde_json::json!(decoding), plot: None }
}

fn rate((median, lowest, highest): (f64, f64, f64)) -> String {
    format!("{median:.0} ({lowest:.0}–{highest:.0})")
}
