//! The section about relay and page, each figure beside its aim.

use crate::page::{Heap, Page, Scrolling};
use crate::part::Section;
use crate::relay::{CYCLES, DEVICES, Relayed, VIEWERS, Wait, Waits};

use super::MIB;

const KB: f64 = 1e3;

pub(crate) fn section(relayed: &Relayed, page: &Page) -> Section {
    let text = waits(&relayed.waits) + &viewers(relayed) + &cycles(relayed) + &in_a_browser(page);
    Section { text, figures: serde_json::json!({ "relay": relayed, "page": page }), plot: None }
}

fn waits(waits: &Waits) -> String {
    let row = |what: &str, wait: &Wait| {
        let Wait { readings, p50_ms, p99_ms, max_ms } = wait;
        format!("| {what} | {readings} | {p50_ms:.1} ms | {p99_ms:.1} ms | {max_ms:.0} ms |\n")
    };
    format!(
        "\n## From a device to the page\n\n\
         {DEVICES} devices send a reading a second each, for {:.0} s; the time is from when a reading was measured to when it \
         was read off the wire, after it was stored and evaluated. The page gets at most ten frames a second, so that 100 ms \
         of the wait are by design; aim: p99 under 200 ms. Beside it, in the same run, a plain MQTT subscriber over \
         WebSocket at the same broker, which gets each reading by itself.\n\n\
         | who | readings | p50 | p99 | max |\n| --- | ---: | ---: | ---: | ---: |\n",
        waits.seconds
    ) + &row("the page's WebSocket", &waits.page)
        + &row("MQTT over WebSocket", &waits.subscriber)
}

fn viewers(relayed: &Relayed) -> String {
    let viewers = &relayed.viewers;
    let resident = &viewers.resident_bytes;
    let mib = |bytes: u64| bytes as f64 / MIB;
    format!(
        "\n## {VIEWERS} viewers\n\n\
         {VIEWERS} WebSockets watch all of {DEVICES} sensors for {:.0} s, from one other process on the same \
         cores. The lag is from the server's time in a frame to when it was read, of every frame of every viewer. Memory \
         grows with the readings, viewers or not, until SQLite's cache of 32 MiB is full.\n\n\
         | what | measured | aim |\n| --- | --- | --- |\n\
         | readings/s that came, and that each viewer got | {:.0}, {:.0} | 1000 |\n\
         | processor, readings alone | {:.0} % of one core | |\n\
         | processor, with the viewers | {:.0} % of one core | |\n\
         | processor of the viewers themselves | {:.0} % of one core | |\n\
         | memory (RSS), readings alone | {:.1} MiB | |\n\
         | memory with the viewers: first, most, last | {:.1}, {:.1}, {:.1} MiB | ≤ 100 MB, flat |\n\
         | frames by viewer and second | {:.1} | ≤ 10 |\n\
         | bytes by reading in a frame | {:.1} | |\n\
         | lag: p50, p99 | {:.1}, {:.1} ms | |\n\
         | lag of the slowest viewer | {:.0} ms | |\n",
        viewers.seconds,
        viewers.readings_per_second,
        viewers.updates_per_second,
        viewers.cpu_alone * 100.0,
        viewers.cpu * 100.0,
        viewers.own_cpu * 100.0,
        mib(viewers.alone_bytes),
        mib(resident.first().copied().unwrap_or_default()),
        mib(resident.iter().max().copied().unwrap_or_default()),
        mib(resident.last().copied().unwrap_or_default()),
        viewers.frames as f64 / VIEWERS as f64 / viewers.seconds,
        viewers.bytes_per_update,
        viewers.lag_p50_ms,
        viewers.lag_p99_ms,
        viewers.lag_max_ms,
    )
}

fn cycles(relayed: &Relayed) -> String {
    let cycles = &relayed.cycles;
    format!(
        "\n## Pages that come and go\n\n\
         {CYCLES} times a WebSocket is opened, takes its snapshot of {DEVICES} sensors and leaves, every second one without \
         a goodbye; twenty at a time, {:.0} a second.\n\n\
         | what | before | after | aim |\n| --- | ---: | ---: | --- |\n\
         | memory (RSS) | {:.1} MiB | {:.1} MiB | as before |\n\
         | open sockets | {} | {} | as before |\n",
        CYCLES as f64 / cycles.seconds,
        cycles.before.resident_bytes as f64 / MIB,
        cycles.after.resident_bytes as f64 / MIB,
        cycles.before.sockets,
        cycles.after.sockets,
    )
}

fn in_a_browser(page: &Page) -> String {
    let heap = |pick: fn(&[Heap]) -> Option<u64>| pick(&page.heap).unwrap_or_default() as f64 / MIB;
    let mut report = format!(
        "\n## The page in a browser\n\n\
         Debian's Chromium, headless and without a graphics card, on the same cores as `millrace`. Weight and first paint \
         are with three sensors, the median of five browsers; the rest is with {} sensors while {:.0} readings/s come.\n\n\
         | what | measured | aim |\n| --- | --- | --- |\n\
         | first load over the wire | {:.1} kB | ≤ 60 kB |\n\
         | all files of the page by gzip | {:.1} kB | |\n\
         | first paint | {:.0} ms | |\n",
        page.sensors,
        page.updates_per_second,
        page.first_load_bytes as f64 / KB,
        page.all_gzip_bytes as f64 / KB,
        page.first_paint_ms,
    );
    for Scrolling { view, p50_ms, p95_ms, max_ms, late_share } in &page.scrolling {
        report += &format!(
            "| a frame while {view} scroll: p50, p95, max | {p50_ms:.1}, {p95_ms:.1}, {max_ms:.0} ms; {:.0} % late | 16.7 ms |\n",
            late_share * 100.0
        );
    }
    report
        + &format!(
            "| JavaScript's heap over {:.0} s: first, most, last | {:.1}, {:.1}, {:.1} MiB | flat |\n",
            page.heap.last().map_or(0.0, |heap| heap.seconds),
            heap(|heap| heap.first().map(|heap| heap.bytes)),
            heap(|heap| heap.iter().map(|heap| heap.bytes).max()),
            heap(|heap| heap.last().map(|heap| heap.bytes)),
        )
}
