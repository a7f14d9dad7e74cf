//! Wills.

use std::time::{Duration, Instant};

use e2e::mqtt::{Client, Connect, Properties, Publish, Will, property};

use crate::suite::{Scope, cases};

cases! {
    a_client_that_is_cut_off_has_its_will_published v31: "3.1" v311: "3.1.2-8" v5: "3.1.2-7 3.1.2-8";
    a_disconnect_discards_the_will v31: "3.14" v311: "3.1.2-10 3.14.4-3" v5: "3.1.2-10 3.14.4-3";
    a_disconnect_with_will_publishes_it v5: "3.1.2-8";
    a_silent_client_has_its_will_published v31: "3.1" v311: "3.1.2-8 3.1.2-24" v5: "3.1.2-8 3.1.2-22";
    a_protocol_error_publishes_the_will v31: "3.1" v311: "3.1.2-8" v5: "3.1.2-8";
    a_client_that_is_taken_over_has_its_will_published v311: "3.1.2-8" v5: "3.1.2-8";
    a_client_without_a_will_has_none v311: "3.1.2-12" v5: "3.1.2-10";
    a_will_is_published_once v311: "3.1.2-10" v5: "3.1.2-10";
    a_will_has_its_qos v31: "3.1" v311: "3.1.2-14 3.8.4-6" v5: "3.1.2-12 3.8.4-8";
    a_will_is_not_retained_unless_it_says_so v31: "3.1" v311: "3.1.2-16" v5: "3.1.2-14";
    a_retained_will_is_retained v31: "3.1" v311: "3.1.2-17" v5: "3.1.2-15";
    an_empty_will_is_published v311: "3.1.2-8" v5: "3.1.2-8";
    its_properties_are_published v5: "3.1.3-10 3.3.2-4 3.3.2-15 3.3.2-16 3.3.2-17 3.3.2-20";
    a_delayed_will_waits v5: "3.1.2-8";
    a_client_that_comes_back_takes_its_delayed_will_back v5: "3.1.3-9 3.1.2-8";
    the_end_of_the_session_publishes_a_delayed_will v5: "3.1.2-8";
    a_clean_start_publishes_a_delayed_will v5: "3.1.2-8 3.1.2-4";
    the_newest_will_counts v311: "3.1.2-8" v5: "3.1.2-8";
}

/// A watcher of wills.
fn watcher(mqtt: &Scope) -> Client {
    let mut watcher = mqtt.connect("watcher");
    watcher.subscribe(&mqtt.topic("will"), 2);
    watcher
}

fn will(mqtt: &Scope) -> Will {
    Will::new(&mqtt.topic("will"), "gone")
}

fn device(mqtt: &Scope, will: Will) -> Client {
    mqtt.endpoint.connect_as(&mqtt.request("device").with_will(will))
}

fn a_client_that_is_cut_off_has_its_will_published(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    drop(device(mqtt, will(mqtt)));
    watcher.hear("gone");
}

fn a_disconnect_discards_the_will(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    device(mqtt, will(mqtt)).disconnect();
    if mqtt.is_v5() {
        device(mqtt, will(mqtt)).disconnect_with(Some(0), &Properties::default());
    }
    mqtt.nothing_came(&mut mqtt.connect("marking"), &mut watcher);
}

fn a_disconnect_with_will_publishes_it(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    for reason in [0x04, 0x80, 0x83] {
        device(mqtt, will(mqtt)).disconnect_with(Some(reason), &Properties::default());
        watcher.hear("gone");
    }
}

fn a_silent_client_has_its_will_published(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    let connect = Connect { keep_alive: 1, ..mqtt.request("device") };
    let _silent = mqtt.endpoint.connect_as(&connect.with_will(will(mqtt)));
    watcher.hear("gone");
}

fn a_protocol_error_publishes_the_will(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    let mut device = device(mqtt, will(mqtt));
    device.send(&Publish::new("a", "b").qos(3, 1).written(mqtt.version()));
    watcher.hear("gone");
}

fn a_client_that_is_taken_over_has_its_will_published(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    let _first = device(mqtt, will(mqtt));
    let _second = mqtt.connect("device");
    watcher.hear("gone");
}

fn a_client_without_a_will_has_none(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    device(mqtt, will(mqtt)).disconnect();
    // The will was that of the connection before.
    drop(mqtt.connect("device"));
    mqtt.connect("device").disconnect();
    mqtt.nothing_came(&mut mqtt.connect("marking"), &mut watcher);
}

fn a_will_is_published_once(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    drop(device(mqtt, will(mqtt)));
    watcher.hear("gone");
    mqtt.connect("device").disconnect();
    mqtt.nothing_came(&mut mqtt.connect("marking"), &mut watcher);
}

fn a_will_has_its_qos(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    for qos in 0..3 {
        drop(device(mqtt, Will { qos, ..will(mqtt) }));
        assert_eq!(watcher.hear("gone").qos, qos);
    }
}

fn a_will_is_not_retained_unless_it_says_so(mqtt: &Scope) {
    let mut first = watcher(mqtt);
    drop(device(mqtt, will(mqtt)));
    assert!(!first.hear("gone").retain);
    let mut late = mqtt.connect("late");
    late.subscribe(&mqtt.topic("will"), 0);
    mqtt.nothing_came(&mut first, &mut late);
}

fn a_retained_will_is_retained(mqtt: &Scope) {
    let mut first = watcher(mqtt);
    drop(device(mqtt, Will { retain: true, ..will(mqtt) }));
    assert!(!first.hear("gone").retain);
    let mut late = mqtt.connect("late");
    late.subscribe(&mqtt.topic("will"), 0);
    assert!(late.hear("gone").retain);
    mqtt.connect("clearing").publish(&Publish::new(&mqtt.topic("will"), "").qos(1, 0).retained());
}

fn an_empty_will_is_published(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    drop(device(mqtt, Will { payload: Vec::new(), ..will(mqtt) }));
    watcher.hear("");
}

fn its_properties_are_published(mqtt: &Scope) {
    use property as p;
    let mut watcher = watcher(mqtt);
    let properties = Properties::default().byte(p::PAYLOAD_FORMAT, 1).text(p::CONTENT_TYPE, "text/plain");
    let properties = properties.text(p::RESPONSE_TOPIC, "re/ply").text(p::CORRELATION_DATA, b"\0\xFF");
    let properties = properties.four(p::WILL_DELAY, 0).user("b", "2").user("a", "1");
    drop(device(mqtt, Will { properties, ..will(mqtt) }));
    let came = watcher.hear("gone");
    assert_eq!(came.all(p::PAYLOAD_FORMAT), [[1]]);
    assert_eq!(came.all(p::CONTENT_TYPE), [b"text/plain"]);
    assert_eq!(came.all(p::RESPONSE_TOPIC), [b"re/ply"]);
    assert_eq!(came.all(p::CORRELATION_DATA), [b"\0\xFF"]);
    assert_eq!(came.all(p::USER), [b"b=2", b"a=1"]);
}

/// A device whose will is delayed, and whose session lasts, for this many seconds.
fn delayed(mqtt: &Scope, delay: u32, session: u32) -> Client {
    let properties = Properties::default().four(property::WILL_DELAY, delay);
    let connect = mqtt.request("device").lasting(session);
    mqtt.endpoint.connect_as(&connect.with_will(Will { properties, ..will(mqtt) }))
}

fn a_delayed_will_waits(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    drop(delayed(mqtt, 1, 600));
    let start = Instant::now();
    watcher.hear("gone");
    assert!(start.elapsed() > Duration::from_millis(900), "after {:?}", start.elapsed());
    mqtt.connect("device").disconnect();
}

fn a_client_that_comes_back_takes_its_delayed_will_back(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    drop(delayed(mqtt, 1, 600));
    let mut back = mqtt.resume("device");
    back.hears_nothing(Duration::from_millis(2_000));
    mqtt.nothing_came(&mut mqtt.connect("marking"), &mut watcher);
    mqtt.connect("device").disconnect();
}

fn the_end_of_the_session_publishes_a_delayed_will(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    drop(delayed(mqtt, 600, 1));
    watcher.hear("gone");
    drop(delayed(mqtt, 600, 0));
    watcher.hear("gone");
}

fn a_clean_start_publishes_a_delayed_will(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    drop(delayed(mqtt, 600, 600));
    mqtt.connect("device").disconnect();
    watcher.hear("gone");
}

fn the_newest_will_counts(mqtt: &Scope) {
    let mut watcher = watcher(mqtt);
    device(mqtt, Will { payload: "old".into(), ..will(mqtt) }).disconnect();
    drop(device(mqtt, Will { payload: "new".into(), ..will(mqtt) }));
    watcher.hear("new");
}
