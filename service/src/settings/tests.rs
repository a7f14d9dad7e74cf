use super::*;
use std::collections::HashMap;
use std::io::Write;

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingError> {
    let variables: HashMap<String, String> =
        variables.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect();
    let mut path = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    path.write_all(file.as_bytes()).unwrap();
    Settings::layered(Some(path.path()), environment().source(Some(variables)))
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_example() {
    let settings = load(
        "[mqtt]\nlisten = '127.0.0.1:1'\n[http]\nlisten = '127.0.0.1:2'",
        &[("MILLRACE__MQTT__LISTEN", "127.0.0.1:3"), ("MILLRACE__METRICS", "a,b"), ("OTHER", "x")],
    )
    .unwrap();
    assert_eq!(settings.get::<String>("mqtt.listen").unwrap(), "127.0.0.1:3");
    assert_eq!(settings.get::<String>("http.listen").unwrap(), "127.0.0.1:2");
    assert_eq!(settings.get::<u32>("sensors.count").unwrap(), 3);
    assert_eq!(settings.get::<Vec<String>>("metrics").unwrap(), ["a", "b"]);
}

#[test]
fn a_list_may_have_blanks() {
    let variables = [("MILLRACE__METRICS", "temperature, co2 "), ("MILLRACE__SMTP__TO", "a@b, c@d")];
    let settings = load("", &variables).unwrap();
    assert_eq!(settings.get::<Vec<String>>("metrics").unwrap(), ["temperature", "co2"]);
    let smtp: Value = settings.get("smtp").unwrap();
    assert_eq!(smtp["to"], serde_json::json!(["a@b", "c@d"]));
}

#[test]
fn a_duration_without_a_unit_says_what_to_write() {
    #[derive(Debug, serde::Deserialize)]
    struct Sensors {
        #[expect(dead_code, reason = "only its error matters")]
        #[serde(with = "humantime_serde")]
        interval: std::time::Duration,
    }
    for (value, expected) in [("5", "write 5s"), ("soon", "such as 1s")] {
        let settings = load("", &[("MILLRACE__SENSORS__INTERVAL", value)]).unwrap();
        let error = settings.get::<Sensors>("sensors").unwrap_err().to_string();
        assert!(error.starts_with("setting sensors.interval (") && error.ends_with(expected), "{error}");
    }
    let settings = load("[sensors]\ninterval = 5", &[]).unwrap();
    let error = settings.get::<Sensors>("sensors").unwrap_err().to_string();
    assert!(error.ends_with("write 5s"), "{error}");
}

#[test]
fn an_address_is_an_ip_address_or_localhost_with_a_port() {
    for (text, expected) in [
        ("127.0.0.1:1", Some("127.0.0.1:1")),
        ("localhost:1", Some("127.0.0.1:1")),
        ("[::1]:80", Some("[::1]:80")),
        (" 0.0.0.0:0 ", Some("0.0.0.0:0")),
        ("localhost", None),
        ("127.0.0.1", None),
        ("millrace.example.org:80", None),
        ("", None),
    ] {
        let settings = load(&format!("[http]\nlisten = '{text}'"), &[]).unwrap();
        match (settings.address("http.listen"), expected) {
            (Ok(address), Some(expected)) => assert_eq!(address.to_string(), expected),
            (Err(e), None) => assert!(e.to_string().contains("such as 127.0.0.1:8080"), "{text}: {e}"),
            (address, _) => panic!("{text}: {address:?}"),
        }
    }
}

#[test]
fn what_is_unknown_or_wrong_is_named() {
    for (file, variables, expected) in [
        ("[mqtt]\nlisen = 'x'", vec![], "unknown setting mqtt.lisen in"),
        ("[mqt]\nlisten = 'x'", vec![], "did you mean mqtt?"),
        ("[htpp]\nlisten = 'x'", vec![], "did you mean http?"),
        ("[http]\nadress = 'x'", vec![], "here there are "),
        ("", vec![("MILLRACE__METRIC", "x")], "did you mean metrics?"),
        (
            "",
            vec![("MILLRACE__MQTT__LISEN", "x")],
            "unknown setting MILLRACE__MQTT__LISEN: did you mean listen?",
        ),
        ("mqtt = [", vec![], "TOML parse error at line 1, column 9, unclosed array, expected `]`, in "),
    ] {
        let error = load(file, &variables).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let settings = load("", &[("MILLRACE__SENSORS__COUNT", "many")]).unwrap();
    let error = settings.get::<u32>("sensors.count").unwrap_err().to_string();
    assert!(error.starts_with("setting sensors.count (MILLRACE__SENSORS__COUNT): "), "{error}");
    assert!(Settings::layered(Some(Path::new("/no/such.toml")), environment()).is_err());
}

#[test]
fn every_list_may_be_written_in_the_environment() {
    let (mut section, mut lists) = (String::new(), Vec::new());
    for line in EXAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((key, _)) = line.split_once(" = [").filter(|_| !line.starts_with('#')) {
            lists.push(format!("{section}{key}"));
        }
    }
    assert_eq!(lists, LISTS);
}
