//! What common firmware does when it connects, and for as long as it stays: it is never cut off, its commands reach it, and
//! every reading that it published is stored once.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use e2e::firmware::{Device, Esphome, Firmware, Series, Shelly1, Shelly2, Tasmota, Zigbee2Mqtt};
use e2e::mqtt::Version;
use e2e::{LONG, Shape, eventually, on_both_shapes};
use serde_json::Value;

on_both_shapes! {
    together: [devices_stay_connected_and_their_readings_are_stored],
    alone: []
}

mod takes_long {
    use std::time::Duration;

    use e2e::{Cluster, Shape, Start};

    #[test]
    #[ignore = "takes a minute, or as many seconds as MILLRACE_FIRMWARE_SECONDS says: `make drill` runs it"]
    #[allow(clippy::print_stdout, reason = "where the log is")]
    fn devices_stay_connected_to_the_edge() {
        // Nothing of it is removed at the end: its log, `data.log`, says why a device was cut off.
        let folder = tempfile::Builder::new().prefix("firmware-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.unwrap().keep();
        println!("{}", folder.display());
        let start = Start::new(&folder.join("data")).set("LOG", "info,broker=debug");
        stay_connected(&start.start());
    }

    #[test]
    #[ignore = "needs a cluster, and takes as long: `make drill` runs it"]
    fn devices_stay_connected_to_the_cluster() {
        stay_connected(&Cluster::attach());
    }

    fn stay_connected(shape: &impl Shape) {
        let seconds = std::env::var("MILLRACE_FIRMWARE_SECONDS").ok();
        let seconds = seconds.map_or(60, |seconds| seconds.parse().unwrap());
        super::live(shape, Duration::from_secs(seconds), Duration::from_secs(10.min(seconds / 4)));
    }
}

fn devices_stay_connected_and_their_readings_are_stored(shape: &mut impl Shape) {
    live(shape, Duration::from_secs(5), Duration::from_secs(1));
}

/// A house of devices for some time. Each has a round of readings in each period and gets a command; one more publishes by
/// `mosquitto_pub`.
#[allow(clippy::print_stdout, reason = "the figures of a long run")]
fn live(shape: &impl Shape, time: Duration, period: Duration) {
    let (address, credentials) = address(&shape.device_url());
    let start = |firmware| Device::start(firmware, address, credentials.as_ref(), period);
    let devices: Vec<_> = house(shape).into_iter().map(start).collect();
    let by_hand = (String::from("temperature"), shape.device("hand"));
    let begun = Instant::now();
    let mut rounds = 0;
    while begun.elapsed() < time {
        // Between the rounds of the devices: equal readings of one millisecond are one reading.
        std::thread::sleep((period * rounds as u32 + period / 2).saturating_sub(begun.elapsed()));
        shape.publish(&format!("temperature/{}", by_hand.1), &["-m", &format!("{rounds}")]);
        for Device { command: (topic, payload), .. } in &devices {
            shape.publish(topic, &["-m", payload]);
        }
        rounds += 1;
        each_has(&devices, rounds);
    }
    let mut readings = Series::from([(by_hand, rounds)]);
    let ends: Vec<_> = devices.into_iter().map(|device| (device.command.0.clone(), device.end())).collect();
    let cut_off: Vec<_> = ends.iter().filter(|(_, end)| end.is_err()).collect();
    assert!(cut_off.is_empty(), "{cut_off:#?}");
    for (name, end) in ends {
        let tally = end.unwrap();
        println!("{name}: {} published, {} acked, {} heard", tally.published, tally.acked, tally.heard);
        assert_eq!(tally.commands, rounds, "{name}");
        readings.extend(tally.series);
    }
    are_stored(shape, &readings);
    println!("{rounds} rounds: {} readings of {} series", readings.values().sum::<usize>(), readings.len());
}

/// One device of each kind.
fn house(shape: &impl Shape) -> Vec<Box<dyn Firmware>> {
    let name = |kind: &str| shape.device(kind);
    vec![
        Box::new(Zigbee2Mqtt::new(Version::V311, &name("z2m3"))),
        Box::new(Zigbee2Mqtt::new(Version::V5, &name("z2m5"))),
        Box::new(Tasmota::new(&name("plug"))),
        Box::new(Tasmota::new(&name("boiler"))),
        Box::new(Esphome::new(&name("board"))),
        Box::new(Shelly1::new(&name("one"))),
        Box::new(Shelly2::new(&name("two"))),
    ]
}

/// The address in `mqtt://[user:password@]host:port`, and the credentials.
fn address(url: &str) -> (SocketAddr, Option<(String, String)>) {
    let rest = url.strip_prefix("mqtt://").unwrap();
    let Some((credentials, address)) = rest.rsplit_once('@') else { return (rest.parse().unwrap(), None) };
    let (user, password) = credentials.split_once(':').unwrap();
    (address.parse().unwrap(), Some((user.into(), password.into())))
}

/// Waits until each device got this many commands.
fn each_has(devices: &[Device], commands: usize) {
    let behind = |device: &&Device| device.commands() < commands && device.lives();
    eventually(LONG, || match devices.iter().find(behind) {
        None => Ok(()),
        Some(device) => Err(format!("{}: {} of {commands}", device.command.0, device.commands())),
    });
}

/// Each reading is stored, none twice, and nothing of these devices is rejected. A Tasmota says the state of its relay with
/// each round and with each command: where both come within a millisecond and stamps are no finer, they are one reading.
fn are_stored<S: Shape>(shape: &S, expected: &Series) {
    eventually(LONG, || {
        let stored: Series = expected.keys().map(|series| (series.clone(), stored(shape, series))).collect();
        let fits = |series: &(String, String)| {
            let merged = usize::from(S::STAMPS_BY_MILLISECOND && series.0 == "relay");
            (expected[series] - merged..=expected[series]).contains(&stored[series])
        };
        if expected.keys().all(fits) { Ok(()) } else { Err(difference(expected, &stored)) }
    });
    let of_ours = |row: &Value| expected.keys().any(|(_, device)| row.to_string().contains(device.as_str()));
    let rejected: Vec<_> = shape.rows("rejected").into_iter().filter(of_ours).collect();
    assert!(rejected.is_empty(), "{rejected:?}");
}

fn stored(shape: &impl Shape, (metric, device): &(String, String)) -> usize {
    shape.readings(&format!("metric={metric}&device={device}")).len()
}

fn difference(expected: &Series, stored: &Series) -> Vec<String> {
    let wrong = expected.iter().filter(|(series, count)| stored[*series] != **count);
    wrong.map(|(series, count)| format!("{series:?}: {} of {count}", stored[series])).collect()
}
