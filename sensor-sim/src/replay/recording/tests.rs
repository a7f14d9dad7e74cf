use super::*;
use crate::replay::DeviceFrom;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

type Change<'a> = &'a dyn Fn(&mut ReplayConfig);

fn config(file: &Path) -> ReplayConfig {
    ReplayConfig {
        broker: "mqtt://127.0.0.1:1".parse().unwrap(),
        file: file.into(),
        time: None,
        time_format: None,
        values: vec![],
        metric: "temperature".into(),
        units: vec![],
        device: DeviceFrom::FileName,
        delimiter: None,
        decimal_comma: false,
        missing: vec![],
        speed: None,
        batch: 1,
        grace: None,
    }
}

fn file(content: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lab 1.csv");
    fs::write(&path, content).unwrap();
    (folder, path)
}

/// Reads all: each reading as `topic seq value time`, and its boot.
fn read(config: &ReplayConfig) -> (Vec<String>, Vec<u64>, Report) {
    let mut recording = Recording::open(config, &Arc::default()).unwrap();
    let (mut lines, mut boots, mut report) = (Vec::new(), Vec::new(), Report::default());
    while let Some(readings) = recording.next(&mut report).unwrap() {
        for (series, measured) in readings {
            lines.push(format!(
                "{} {} {} {}",
                series.series(),
                series.next_seq(),
                measured.value,
                measured.at
            ));
            boots.push(series.boot().unwrap_or_default());
            series.advance(1);
        }
    }
    (lines, boots, report)
}

fn lines(content: &str, change: Change<'_>) -> (Vec<String>, Report) {
    let (_folder, path) = file(content);
    let mut config = config(&path);
    change(&mut config);
    let (lines, _, report) = read(&config);
    (lines, report)
}

fn boot(content: &str, change: Change<'_>) -> u64 {
    let (_folder, path) = file(content);
    let mut config = config(&path);
    change(&mut config);
    read(&config).1[0]
}

fn refusal(content: &str, change: Change<'_>) -> String {
    let (_folder, path) = file(content);
    let mut config = config(&path);
    change(&mut config);
    format!("{:#}", Recording::open(&config, &Arc::default()).unwrap_err())
}

#[test]
fn a_plain_file_needs_no_options() {
    let content = "timestamp,value\n2013-07-04 00:00:00,69.88\n2013-07-04 01:00:00,71.22\n";
    let (lines, report) = lines(content, &|_| {});
    let first = "temperature/lab-1 1 69.88 2013-07-04T00:00:00Z";
    assert_eq!(lines, [first, "temperature/lab-1 2 71.22 2013-07-04T01:00:00Z"]);
    assert_eq!((report.rows, report.missing, report.bad), (2, 0, 0));
    assert_eq!(
        report.to_string(),
        "value → temperature/lab-1, 2013-07-04 to 2013-07-04, 2 readings\n2 rows, 0 values missing, 0 readings bad"
    );
}

#[test]
fn a_header_one_field_short_leaves_out_the_row_names() {
    let content = "\"date\",\"Temperature\",\"Humidity\"\n\"140\",\"2015-02-02 14:19:00\",23.7,26.272\n";
    for values in [vec![], vec!["temperature".to_string()], vec!["3".to_string()]] {
        let (lines, _) = lines(content, &|config| config.values = values.clone());
        assert_eq!(lines, ["temperature/lab-1 1 23.7 2015-02-02T14:19:00Z"]);
    }
    let (lines, _) = lines(content, &|config| config.metric = "humidity".into());
    assert_eq!(lines, ["humidity/lab-1 1 26.272 2015-02-02T14:19:00Z"]);
}

#[test]
fn several_columns_decimal_commas_and_missing_values() {
    let content = "Date;Time;T;RH;\n10/03/2004;18.00.00;13,6;48,9;\n10/03/2004;19.00.00;-200;47,7;\n\
                   10/03/2004;20.00.00;11,9;;\n;;;;\n\n10/03/2004;21.00.00;11;60;\n";
    let (lines, report) = lines(content, &|config| {
        config.time_format = Some("%d/%m/%Y %H.%M.%S".into());
        config.values = vec!["temperature=T".into(), "humidity=RH".into()];
        config.decimal_comma = true;
        config.missing = vec!["-200".into()];
    });
    let expected = [
        "temperature/lab-1 1 13.6 2004-03-10T18:00:00Z",
        "humidity/lab-1 1 48.9 2004-03-10T18:00:00Z",
        "humidity/lab-1 2 47.7 2004-03-10T19:00:00Z",
        "temperature/lab-1 2 11.9 2004-03-10T20:00:00Z",
        "temperature/lab-1 3 11 2004-03-10T21:00:00Z",
        "humidity/lab-1 3 60 2004-03-10T21:00:00Z",
    ];
    assert_eq!(lines, expected);
    assert_eq!((report.rows, report.missing, report.bad), (4, 2, 0));
}

#[test]
fn devices_come_from_a_column_and_are_numbered_apart() {
    let content = "ts,mote,value\n1372896000000,room 1,20\n1372896001000,room 2,21\n\
                   1372896001000,room 1,22\n1372896001000,room 1,23\n1372896002000,,24\n";
    let (lines, report) = lines(content, &|config| config.device = DeviceFrom::Column("mote".into()));
    let expected = [
        "temperature/room-1 1 20 2013-07-04T00:00:00Z",
        "temperature/room-2 1 21 2013-07-04T00:00:01Z",
        "temperature/room-1 2 22 2013-07-04T00:00:01Z",
        "temperature/room-1 3 23 2013-07-04T00:00:01Z",
    ];
    assert_eq!(lines, expected);
    assert_eq!(report.examples[0].0, 6);
    assert!(report.examples[0].1.starts_with("device \"\": the topic has an empty level"), "{report}");
}

#[test]
fn bad_rows_are_counted_and_the_first_are_listed() {
    let content = "time,value\nyesterday,1\n2013-07-04 00:00:00,warm\n2013-07-04 00:00:00\n\
                   9999-01-01 00:00:00,4\n2013-07-04 00:00:00,5\nx,6\ny,7\nz,8\n";
    let (lines, report) = lines(content, &|_| {});
    assert_eq!(lines, ["temperature/lab-1 1 5 2013-07-04T00:00:00Z"]);
    let lines: Vec<u64> = report.examples.iter().map(|(line, _)| *line).collect();
    assert_eq!((report.rows, report.bad, lines), (8, 7, vec![2, 3, 4, 5, 7]));
    let text = report.to_string();
    for part in [
        "8 rows, 0 values missing, 7 readings bad\nline 2: time \"yesterday\" is not RFC 3339",
        "\nline 3: value \"warm\" is not a number\n",
        "\nline 4: the row has 1 columns, not 2\n",
        "\nline 5: measured_at 9999-01-01T00:00:00Z is more than 5 minutes ahead",
        "\nand 2 more",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_second_replay_repeats_its_numbers_and_a_grown_file_adds_to_them() {
    let content = "time,value\n2013-07-04 00:00:00,1\n2013-07-04 00:00:00,NA\n2013-07-04 00:00:00,3\n";
    let (_folder, path) = file(content);
    let config = ReplayConfig { missing: vec!["NA".into()], ..config(&path) };
    let (first_lines, first_boots, _) = read(&config);
    assert_eq!((&read(&config).0, &read(&config).1), (&first_lines, &first_boots));
    assert!(first_boots.iter().all(|boot| *boot == first_boots[0] && *boot < 1 << 48));
    fs::write(&path, format!("{content}2013-07-04 01:00:00,4\n")).unwrap();
    let (grown_lines, grown_boots, _) = read(&config);
    assert_eq!(grown_lines[..2], first_lines);
    assert_eq!(grown_lines[2], "temperature/lab-1 3 4 2013-07-04T01:00:00Z");
    assert_eq!(grown_boots, vec![first_boots[0]; 3]);
}

#[test]
fn what_numbers_readings_differently_is_another_boot() {
    let content = "time,value,other\n1372896000000,1,2\n";
    let boots = [
        boot(content, &|_| {}),
        boot(content, &|config| config.values = vec!["other".into()]),
        boot(content, &|config| config.metric = "humidity".into()),
        boot(content, &|config| config.device = DeviceFrom::Name("roof".into())),
        boot(content, &|config| config.missing = vec!["1000".into()]),
        boot(content, &|config| config.decimal_comma = true),
        boot(&content.replace("other", "another"), &|_| {}),
        boot(&content.replace(",2\n", ",3\n"), &|_| {}),
    ];
    assert_eq!(boots.iter().collect::<HashSet<_>>().len(), boots.len());
    assert_eq!(boot(content, &|config| config.speed = Some(60.0)), boots[0]);
    assert_eq!(boot(content, &|config| config.units = vec!["celsius".into()]), boots[0]);
    assert_eq!(boot(&content.replace('\n', "\r\n"), &|_| {}), boots[0]);
}

#[test]
fn the_boot_of_a_file_is_the_same_in_every_release() {
    assert_eq!(boot("time,value\n1372896000000,1\n", &|_| {}), 26_013_726_663_310);
}

#[test]
fn what_makes_no_sense_is_refused_with_the_way_out() {
    let content = "when,degrees\n1372896000000,1\n";
    let known = |change: fn(&mut ReplayConfig)| {
        move |config: &mut ReplayConfig| {
            config.time = Some("when".into());
            config.values = vec!["degrees".into()];
            change(config);
        }
    };
    let cases: [(Change<'_>, &str); 10] = [
        (&|_| {}, "which column is the time? Name it with --time; there are: 1 when, 2 degrees"),
        (&|config| config.time = Some("1".into()), "which column is the temperature? Name it with --value"),
        (
            &|config| config.time = Some("when,then".into()),
            "no column \"then\"; there are: 1 when, 2 degrees",
        ),
        (&|config| config.time = Some("3".into()), "there is no column \"3\""),
        (&known(|config| config.values = vec!["humidity=wet".into()]), "there is no column \"wet\""),
        (&known(|config| config.values = vec!["1".into(), "2".into()]), "two columns are temperature"),
        (&known(|config| config.metric = "a/b".into()), "metric \"a/b\" of device \"lab-1\""),
        (&known(|config| config.device = DeviceFrom::Name("a b".into())), "the character ' '"),
        (&known(|config| config.device = DeviceFrom::Column("x".into())), "there is no column \"x\""),
        (&known(|config| config.units = vec!["x".repeat(65)]), "the unit of temperature"),
    ];
    for (change, why) in cases {
        let said = refusal(content, change);
        assert!(said.contains(why), "{said}");
    }
    assert!(refusal("", &|_| {}).contains("the file is empty"));
    let said = refusal(content, &|config| config.file = "no-such-file.csv".into());
    assert!(said.starts_with("read no-such-file.csv: No such file"), "{said}");
}

#[test]
fn units_belong_to_their_metric() {
    let (_folder, path) = file("time,t,h\n1372896000000,1,2\n");
    let config = ReplayConfig {
        values: vec!["t".into(), "humidity=h".into()],
        units: vec!["fahrenheit".into(), "humidity=percent".into()],
        ..config(&path)
    };
    let mut recording = Recording::open(&config, &Arc::default()).unwrap();
    let readings = recording.next(&mut Report::default()).unwrap().unwrap();
    let units = readings.iter().map(|(series, measured)| series.readings(&[*measured])[0].unit.clone());
    assert_eq!(units.collect::<Vec<_>>(), [Some("fahrenheit".into()), Some("percent".into())]);
}

/// Recorded data: in the folder named by MILLRACE_DATA, where there is one.
#[test]
fn recorded_files_replay_in_full() {
    let Some(data) = std::env::var_os("MILLRACE_DATA").map(PathBuf::from) else {
        eprintln!("MILLRACE_DATA names no folder of recorded data: none was replayed");
        return;
    };
    let air = |config: &mut ReplayConfig| {
        config.time_format = Some("%d/%m/%Y %H:%M:%S".into());
        config.values = vec!["temperature=T".into(), "humidity=RH".into()];
        config.missing = vec!["-200".into()];
    };
    let files: [(&str, Change<'_>, usize); 6] = [
        ("nab/ambient_temperature_system_failure.csv", &|_| {}, 7267),
        ("nab/machine_temperature_system_failure.csv", &|_| {}, 22_695),
        ("occupancy/datatraining.txt", &|_| {}, 8143),
        ("occupancy/datatest.txt", &|_| {}, 2665),
        ("occupancy/datatest2.txt", &|_| {}, 9752),
        ("airquality/AirQualityUCI.csv", &air, 2 * 8991),
    ];
    for (name, change, readings) in files {
        let mut config = config(&data.join(name));
        change(&mut config);
        let (lines, _, report) = read(&config);
        assert_eq!((lines.len(), report.bad), (readings, 0), "{name}: {report}");
    }
}

/// As `GET /api/readings?format=csv` answers.
const EXPORT: &str = "\u{feff}device,metric,value,unit,measured_at,received_at,stored_at,boot,seq\r\n\
    site-a/lab,temperature,26.1,\u{b0}C,2026-01-15T10:30:00.250000Z,2026-01-15T10:30:00.3Z,2026-01-15T10:30:01Z,7,1042\r\n\
    '-2-3,humidity,-5e-324,'=x,2026-01-15T10:30:00.250001Z,2026-01-15T10:30:00.3Z,2026-01-15T10:30:01Z,,\r\n";

#[test]
fn an_export_is_read_back_as_it_was_stored() {
    let (_folder, path) = file(EXPORT);
    let mut recording = Recording::open(&config(&path), &Arc::default()).unwrap();
    assert_eq!(recording.ignored(), [""; 0]);
    let (mut readings, mut report) = (Vec::new(), Report::default());
    while let Some(row) = recording.next(&mut report).unwrap() {
        readings.extend(row.into_iter().flat_map(|(series, measured)| series.readings(&[measured])));
    }
    assert_eq!((report.rows, report.bad), (2, 0), "{report}");
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let [first, second] = &readings[..] else { panic!("{readings:?}") };
    assert_eq!((first.series.as_str(), first.value), ("temperature/site-a/lab", 26.1));
    assert_eq!((first.boot, first.seq, first.unit.as_deref()), (Some(7), Some(1042), Some("\u{b0}C")));
    assert_eq!(first.measured_at, time("2026-01-15T10:30:00.25Z"));
    assert_eq!((second.series.as_str(), second.value), ("humidity/-2-3", -5e-324));
    assert_eq!((second.boot, second.seq, second.unit.as_deref()), (None, None, Some("=x")));
    assert_eq!(second.measured_at, time("2026-01-15T10:30:00.250001Z"));
}

#[test]
fn what_an_export_s_row_lacks_is_reported_and_its_numbers_cannot_be_logged() {
    let bad = EXPORT.replace("1042", "x").replace("'-2-3", "a b");
    let (_folder, path) = file(&bad);
    let (_, _, report) = read(&config(&path));
    assert_eq!(report.bad, 2);
    assert!(report.examples[0].1.contains("seq \"x\" is not a whole number"), "{report}");
    let log = tempfile::NamedTempFile::new().unwrap();
    let counters = Arc::new(Counters::logging_to(log.path()).unwrap());
    let refused = Recording::open(&config(&path), &counters).unwrap_err().to_string();
    assert!(refused.contains("--acked-log"), "{refused}");
}

#[test]
fn ignored_columns_are_named() {
    let (_folder, path) = file("timestamp,CO2,Temperature\n2013-07-04 00:00:00,400,69.88\n");
    let recording = Recording::open(&config(&path), &Arc::default()).unwrap();
    assert_eq!(recording.ignored(), ["CO2"]);
}
