mod formats;

use proptest::prelude::*;

use super::*;

fn message(topic: &str, payload: &[u8]) -> Message {
    Message { topic: topic.into(), payload: Bytes::copy_from_slice(payload), received_at: now() }
}

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

fn name(preset: Option<&'static str>, topic: &str) -> RuleName {
    RuleName { preset, topic: topic.into() }
}

fn decode(rules: &str, topic: &str, payload: &str) -> Mapped {
    let mappings = Mappings::read(&format!("presets = []\n{rules}")).unwrap();
    mappings.decode(
        &message(topic, payload.as_bytes()),
        Publisher::default(),
        &Announcements::default(),
        now(),
    )
}

/// `metric of device = value unit`, one for each reading.
fn readings(rules: &str, topic: &str, payload: &str) -> Vec<String> {
    let Mapped::Read(decoded) = decode(rules, topic, payload) else { panic!("{topic} is not read") };
    let mut lines: Vec<_> = decoded
        .readings
        .iter()
        .map(|reading| {
            let unit = reading.unit.as_deref().unwrap_or_default();
            format!("{}={} {unit}", reading.series, reading.value).trim().to_owned()
        })
        .chain(decoded.rejected.iter().map(|rejected| format!("rejected: {}", rejected.reason)))
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_list_is_read_element_by_element() {
    let rules = "[[rule]]\ntopic = \"x\"\ndevice = \"{/id}\"\nskip = [\"id\"]";
    let payload = r#"[{"id":"a","t":1},{"t":2},{"id":"c","t":3}]"#;
    assert_eq!(
        readings(rules, "x", payload),
        ["rejected: reading 2 of 3: there is no /id", "t/a=1", "t/c=3"]
    );
    let Mapped::Read(decoded) = decode(rules, "x", payload) else { panic!() };
    assert_eq!(decoded.rejected[0].payload, r#"{"t":2}"#);
    assert_eq!(decoded.readings[1].measured_at, now());
    let payload = r#"[{"id":"a","t":1},{"id":"a","t":1}]"#;
    let Mapped::Read(decoded) = decode(rules, "x", payload) else { panic!() };
    assert_eq!(decoded.readings[1].measured_at.as_microsecond() % 10, 1, "equal readings stay two");
}

#[test]
fn the_numbers_of_a_list_are_readings_where_the_rule_says_so() {
    let rules = "[[rule]]\ntopic = \"x\"\ndevice = \"d\"\nlists = true\nskip = [\"raw\"]\n[rule.names]\nPower = { metric = \"power\", unit = \"W\" }\nno = \"skip\"";
    let payload = r#"{"Power":[120,"2 kW",null],"a":{"b":[1]},"raw":[1,2],"no":[3],"many":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}"#;
    assert_eq!(readings(rules, "x", payload), ["a_b_1/d=1", "power_1/d=120 W", "power_2/d=2 kW"]);
}

#[test]
fn texts_that_a_rule_names_are_attributes_and_no_readings() {
    let rules = "[[rule]]\ntopic = \"x/{line}\"\ndevice = \"{line}/{/id}\"\nskip = [\"id\", \"fw\"]\n[rule.attributes]\nfirmware = \"/fw\"\n\"{line}_mode\" = \"./m/mode\"\nlong = \"/long\"\nempty = \"/empty\"";
    let long = "x".repeat(crate::MAX_ATTRIBUTE_CHARS + 1);
    let payload = format!(
        r#"[{{"id":"a","t":1,"fw":1.4,"m":{{"mode":"eco"}},"long":"{long}","empty":""}},{{"id":"b","fw":"2"}}]"#
    );
    let Mapped::Read(decoded) = decode(rules, "x/press", &payload) else { panic!() };
    let metadata = decoded.metadata.unwrap();
    let found: Vec<_> = metadata
        .attributes
        .iter()
        .map(|found| format!("{} {} {}", found.device, found.name, found.value))
        .collect();
    assert_eq!(found, ["press/a firmware 1.4", "press/a press_mode eco", "press/b firmware 2"]);
    assert_eq!(metadata.refused_attributes, 1, "it is too long");
    assert_eq!(metadata.attributes[0].since, now());
    assert_eq!((decoded.readings.len(), decoded.rejected.len()), (1, 0));
    let error = |rules: &str| Mappings::read(rules).unwrap_err().to_string();
    let unknown = "[[rule]]\ntopic = \"x\"\ndevice = \"d\"\nattributes = { \"{y}\" = \"/v\" }";
    assert!(error(unknown).contains("{y} is no level of x"), "{}", error(unknown));
}

#[test]
fn what_is_no_number_is_no_reading_and_no_fault() {
    let rules = "[[rule]]\ntopic = \"x\"\ndevice = \"d\"";
    let payload =
        r#"{"a":null,"b":"nan","c":"","d":"text","e":[1,2],"f":{"g":true},"h":"unavailable","i":"7,5"}"#;
    assert_eq!(readings(rules, "x", payload), ["f_g/d=1", "i/d=7.5"]);
}

#[test]
fn a_payload_that_is_not_of_its_format_is_rejected_with_the_place() {
    for (format, payload, reason) in [
        ("json", "{\"a\":}", "the payload is not JSON: expected value at line 1 column 6"),
        ("influx", "a b", "line 1 is not InfluxDB's line protocol"),
        ("senml", "{}", "the payload is not SenML in JSON"),
        ("sparkplug", "\u{7f}", "the payload is not Sparkplug B"),
    ] {
        let rules = format!("[[rule]]\ntopic = \"x\"\ndevice = \"d\"\nformat = \"{format}\"");
        let lines = readings(&rules, "x", payload);
        assert!(lines.len() == 1 && lines[0].starts_with(&format!("rejected: {reason}")), "{lines:?}");
    }
    let rules = "[[rule]]\ntopic = \"x\"\ndevice = \"d\"\ntime = \"/t\"";
    assert_eq!(
        readings(rules, "x", r#"{"t":"noon","v":1}"#),
        ["rejected: the time \"noon\" is not understood: write RFC 3339, or name its time_format"]
    );
}

#[test]
fn the_first_rule_that_matches_wins() {
    let rules = "[[rule]]\ntopic = \"a/skip\"\nignore = true\n[[rule]]\ntopic = \"a/{m}\"\nformat=\"text\"\ndevice = \"d\"\nmetric=\"{m}\"";
    assert_eq!(decode(rules, "a/skip", "1"), Mapped::Ignored(Some(name(None, "a/skip"))));
    assert_eq!(decode(rules, "b/x", "1"), Mapped::Unmapped);
    assert_eq!(readings(rules, "a/x", "1"), ["x/d=1"]);
}

#[test]
fn units_come_from_the_payload_then_the_rule_then_the_name() {
    let rules = "[[rule]]\ntopic = \"x\"\ndevice = \"d\"\nunit = \"{leaf}_unit\"\n[rule.names]\np = { unit = \"W\" }\ntemp = \"temperature\"\nhumidity = { unit = \"\" }\nq = { metric = \"power2\", scale = 0.1, unit = \"kW\", offset = 1 }";
    assert_eq!(
        readings(rules, "x", r#"{"a":1,"a_unit":"°F","b":"3 Wh","p":5,"q":288,"temp":20,"humidity":3}"#),
        [
            "a/d=1 fahrenheit",
            "b/d=3 Wh",
            "humidity/d=3",
            "p/d=5 W",
            "power2/d=29.8 kW",
            "temperature/d=20 celsius"
        ]
    );
}

#[test]
fn a_metric_at_the_end_of_a_topic_is_read_where_it_is_well_known() {
    let mappings = Mappings::default();
    let read = |topic: &str, payload: &str| {
        mappings.decode(
            &message(topic, payload.as_bytes()),
            Publisher::default(),
            &Announcements::default(),
            now(),
        )
    };
    let Mapped::Read(decoded) = read("home/kitchen/temp", "21.5 °C") else { panic!() };
    assert_eq!(decoded.readings[0].series.as_str(), "temperature/home/kitchen");
    assert_eq!(read("home/kitchen/mood", "21.5"), Mapped::Unmapped);
    assert_eq!(mappings.rule("tele/x/SENSOR"), Some(name(Some("tasmota"), "tele/{device}/SENSOR")));
}

#[test]
fn a_bad_file_is_refused_with_its_place() {
    for (text, problem) in [
        ("[[rule]]\ntopic = \"a/#/b\"\ndevice = \"d\"", "line 2, column 9: # stands for all further levels"),
        ("[[rule]]\ntopic = \"a\"\ndevice = \"{x}\"", "line 2, column 9: {x} is no level of a"),
        ("[[rule]]\ntopic = \"a\"", "line 2, column 9: device is missing"),
        (
            "[[rule]]\ntopic = \"a\"\ndevice = \"d\"\nformat = \"xml\"",
            "line 4, column 10: unknown variant `xml`",
        ),
        ("[[rule]]\ntopic = \"a\"\ndevic = \"d\"", "line 3, column 1: unknown field `devic`"),
        (
            "[[rule]]\ntopic = \"a\"\ndevice = \"d\"\nzone = \"Mars\"",
            "line 4, column 8: \"Mars\" is no time zone",
        ),
        (
            "[[rule]]\ntopic = \"a\"\ndevice = \"d\"\nvalue = \"./v\"",
            "line 2, column 9: a rule with a value needs a metric",
        ),
        ("[[rule]]\ntopic = \"a\"\ndevice = \"d\"\ntime = \"ts\"", "line 4, column 8: \"ts\" is no path"),
        ("[[rule]]\ntopic = \"a\"\ndevice = \"d\"\nnames = \"x\"", "line 2, column 9: there is no [names.x]"),
        ("[[rule]]\ntopic = \"a\"\ndevice = \"d\"\nnames = { a = { scale = 0 } }", "line 4, column"),
        ("presets = [\"zigbee\"]", "line 1, column 12: there is no preset \"zigbee\""),
        ("presets = [", "line 1, column"),
    ] {
        let error = Mappings::read(text).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{text}\n  is {error}\n not {problem}");
    }
    assert!(Mappings::read(&"[[rule]]\ntopic = \"a\"\ndevice = \"d\"\n".repeat(257)).is_err());
}

#[test]
fn a_large_payload_of_a_topic_that_is_ignored_is_not_looked_at() {
    let payload = vec![b'x'; 2 * MAX_PAYLOAD_BYTES];
    let mappings = Mappings::default();
    let decode = |topic: &str| {
        mappings.decode(&message(topic, &payload), Publisher::default(), &Announcements::default(), now())
    };
    let bridge = name(Some("zigbee2mqtt"), "zigbee2mqtt/bridge/#");
    assert_eq!(decode("zigbee2mqtt/bridge/devices"), Mapped::Ignored(Some(bridge.clone())));
    assert!(mappings.has(&bridge) && !Mappings::read("use = []").unwrap().has(&bridge));
    let Mapped::Read(decoded) = decode("zigbee2mqtt/lamp") else { panic!() };
    assert!(decoded.rejected[0].reason.contains("at most 65536"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_message_panics(
        topic in "(zigbee2mqtt|tele|shellies|spBv1.0|senml|ruuvi|v1|N|plant)(/[A-Za-z{}:é. ]{0,6}){0,5}",
        payload in prop_oneof![
            ".{0,80}",
            r#"\[?\{("[a-z]{1,3}":(-?[0-9]{1,20}|"[^"\\]{0,5}"|null|\[\]|\{\}),?){0,6}\}?\]?"#,
        ],
        format in prop_oneof!["json", "text", "csv", "influx", "senml", "ruuvi", "sparkplug"],
    ) {
        let rules = format!("[[rule]]\ntopic=\"plant/#\"\ndevice=\"d{{/id|client}}\"\nformat=\"{format}\"\nat=\"/*\"\ntime=\"./t\"");
        for mappings in [Mappings::default(), Mappings::read(&rules).unwrap()] {
            let publisher = Publisher { client: Some("c/1 ä"), user: None };
            let message = message(&topic, payload.as_bytes());
            if let Mapped::Read(decoded) = mappings.decode(&message, publisher, &Announcements::default(), now()) {
                for reading in decoded.readings {
                    prop_assert!(reading.value.is_finite());
                    prop_assert!(Series::parse(reading.series.as_str()).is_ok());
                }
            }
        }
    }
}

#[test]
fn a_word_is_read_as_its_metric_means_it_unless_the_rule_has_words_of_its_own() {
    let rules = "[[rule]]\ntopic = \"x\"\ndevice = \"d\"";
    let payload = r#"{"contact":"closed","door":"closed","battery_low":"low","lid":"closed"}"#;
    assert_eq!(readings(rules, "x", payload), ["battery_low/d=1", "contact/d=1", "door/d=0", "lid/d=0"]);
    let own = format!("{rules}\nwords = {{ closed = 7 }}");
    assert_eq!(readings(&own, "x", r#"{"contact":"closed"}"#), ["contact/d=7"]);
    let named = format!(
        "{rules}\n[rule.names]\nlid = {{ metric = \"hatch\", words = {{ ajar = 0.5, open = 1 }} }}\ncontact = {{ words = {{ closed = 5 }} }}"
    );
    let payload = r#"{"lid":"AJAR","contact":"closed","door":"open"}"#;
    assert_eq!(readings(&named, "x", payload), ["contact/d=5", "door/d=1", "hatch/d=0.5"]);
}

#[test]
fn the_words_of_a_rule_are_those_of_its_metric() {
    let rules = r#"
        [[rule]]
        topic = "hatch/{d}"
        device = "{d}"
        metric = "hatch"
        words = { ajar = 0.5, opened = 1, open = 1, shut = 0 }
        [[rule]]
        topic = "other/{d}"
        device = "{d}"
        metric = "hatch"
        words = { up = 1 }
        [[rule]]
        topic = "any/{m}"
        device = "d"
        metric = "{m}"
        words = { yes = 1 }
        [[rule]]
        topic = "x"
        device = "d"
        [rule.names]
        mode = { words = { eco = 2 } }
        door = { words = { away = 1 } }
    "#;
    let words = Mappings::read(rules).unwrap().words();
    for (metric, value, unit, word) in [
        ("hatch", 0.5, None, Some("ajar")),
        ("hatch", 1.0, None, Some("open")),
        ("hatch", 1.0, Some("percent"), None),
        ("hatch", 2.0, None, None),
        ("mode", 2.0, None, Some("eco")),
        ("door", 1.0, None, Some("away")),
        ("door", 0.0, None, None),
        ("window", 0.0, None, Some("closed")),
        ("d", 1.0, None, None),
    ] {
        assert_eq!(words.word_for(metric, value, unit), word, "{metric} {value}");
    }
    assert_eq!(words.own().map(|(metric, _)| metric).collect::<Vec<_>>(), ["door", "hatch", "mode"]);
}
