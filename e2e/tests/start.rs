//! What ends a start, and what the message says.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::net::TcpListener;

use e2e::{SOON, Shape, Start, binary, eventually};

/// The one line that a failed start prints.
fn complaint(start: &Start, code: i32) -> String {
    let output = start.fails();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    let plain: Vec<_> = said.lines().filter(|line| line.starts_with("millrace: ")).collect();
    assert_eq!(plain.len(), 1, "{said}");
    plain[0].to_owned()
}

#[test]
fn a_start_that_fails_names_the_setting_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below_a_file = folder.path().join("file/data").display().to_string();
    for (name, value, expected) in [
        ("MQTT__LISTEN", taken.as_str(), "setting mqtt.listen (MILLRACE__MQTT__LISTEN): cannot listen"),
        ("HTTP__LISTEN", &taken, "setting http.listen (MILLRACE__HTTP__LISTEN): cannot listen"),
        ("MQTT__WEBSOCKET_LISTEN", &taken, "setting mqtt.websocket_listen"),
        ("MQTT__LISTEN", "nonsense", "setting mqtt.listen"),
        ("MQTT__LISTEN", "0.0.0.0:0", "add users with `millrace passwd USER`"),
        (
            "MQTT__TLS_LISTEN",
            "127.0.0.1:0",
            "setting mqtt.tls_listen (MILLRACE__MQTT__TLS_LISTEN): needs mqtt.tls_certificate",
        ),
        ("MQTT__TLS_KEY", "/no/such", "setting mqtt.tls_certificate"),
        ("HTTP__LISTEN", "0.0.0.0:0", "millrace user add NAME --role admin; or listen on"),
        ("HTTP__LISTEN", "[::]:0", "goes with http.behind_proxy = true (MILLRACE__HTTP__BEHIND_PROXY)"),
        ("HTTP__IDLE_TIMEOUT", "0s", "setting http.idle_timeout"),
        ("HTTP__MAX_CONNECTIONS_PER_ADDRESS", "0", "setting http.max_connections_per_address"),
        ("MQTT__PASSWORD_FILE", "/no/such/file", "setting mqtt.password_file"),
        ("DATA_DIR", &below_a_file, "setting data_dir (MILLRACE__DATA_DIR): cannot write in"),
        ("SENSORS__COUNT", "-1", "setting sensors.count"),
        ("SENSORS__INTERVAL", "0s", "setting sensors.interval"),
        ("SENSORS__INTERVAL", "soon", "write a duration such as 1s"),
        ("SENSORS__INTERVAL", "5", "a duration has a unit, write 5s"),
        ("HTTP__LISTEN", "millrace.local:80", "write an IP address and a port, such as 127.0.0.1:8080"),
        ("SMTP__URL", "mail.example.org", "setting smtp.url"),
        ("SMTP__TO", "nobody", "setting smtp.to"),
        (
            "SMTP__ZONE",
            "Europe/Berln",
            "setting smtp.zone (MILLRACE__SMTP__ZONE): there is no such time zone",
        ),
        (
            "ALERTER__RULES",
            "/no/such.toml",
            "setting alerter.rules (MILLRACE__ALERTER__RULES): cannot read /no/such.toml",
        ),
        ("ALERTER__TEMPLATES", "/no/such", "setting alerter.templates"),
        ("METRICS", "a/b", "setting metrics"),
        ("STORE__RETENTION", "1s", "setting store.retention"),
        ("DASHBOARD__OFFLINE_AFTER", "1s", "setting dashboard.offline_after"),
        ("DB_WRITER__MAX_BATCH", "0", "setting db_writer.max_batch"),
        ("LOG", "=loud=", "setting log"),
        ("MQTT__LISEN", "x", "unknown setting MILLRACE__MQTT__LISEN"),
    ] {
        let said = complaint(&Start::new(&folder.path().join("data")).set(name, value), 64);
        assert!(said.contains(expected), "{name}={value}: {said}");
    }
}

#[test]
fn a_secret_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data")).set("SMTP__URL", "gopher://ann:s3cret@mail");
    assert!(!complaint(&start, 64).contains("s3cret"));
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let start = Start::new(&folder.path().join("data"));
    let first = start.clone().start();
    let said = complaint(&start, 64);
    assert!(said.contains("another millrace runs on"), "{said}");
    // A lock that outlived a killed process would keep the next one out.
    drop(first.kill().start());
}

#[test]
fn a_file_of_settings_is_read_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    std::fs::write(&file, "[http]\nlisten = '127.0.0.1:1'\n[store]\nretention = 'long'").unwrap();
    let start = Start::new(&folder.path().join("data"));
    let output = start.command().arg("--config").arg(&file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("setting store.retention"), "{said}");
    for arguments in [["--config", "/no/such.toml"], ["--bogus", "x"]] {
        let output = start.command().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{output:?}");
    }
}

#[test]
fn every_binary_has_help_and_a_health_check() {
    for name in ["millrace", "db-writer", "alerter", "dashboard", "sensor-sim"] {
        let help = std::process::Command::new(binary(name)).arg("--help").output().unwrap();
        assert!(help.status.success() && help.stdout.starts_with(b""), "{name}");
        let mut ask = std::process::Command::new(binary(name));
        ask.arg("healthcheck")
            .env("MILLRACE__ADMIN__LISTEN", "127.0.0.1:1")
            .env("MILLRACE__HTTP__LISTEN", "127.0.0.1:1");
        if name == "sensor-sim" {
            ask.args(["--admin", "127.0.0.1:1"]);
        }
        let ask = ask.output().unwrap();
        let said = String::from_utf8_lossy(&ask.stderr);
        assert!(ask.status.code() == Some(1) && said.contains("connect to 127.0.0.1:1"), "{name}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let mut ask = std::process::Command::new(binary("millrace"));
    let address = millrace.http.trim_start_matches("http://");
    ask.arg("healthcheck").env("MILLRACE__HTTP__LISTEN", address);
    // It says where it is before every part of it is ready.
    eventually(SOON, || ask.status().unwrap().success().then_some(()).ok_or("not ready"));
}

#[test]
fn help_says_that_a_user_of_the_broker_is_a_device() {
    let help = std::process::Command::new(binary("millrace")).args(["passwd", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("The user, which is a device: it publishes on `METRIC/USER`"), "{help}");
}

#[test]
fn every_binary_says_its_name_and_version() {
    for name in ["millrace", "db-writer", "alerter", "dashboard", "sensor-sim"] {
        let version = std::process::Command::new(binary(name)).arg("--version").output().unwrap();
        let expected = format!("{name} {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(String::from_utf8_lossy(&version.stdout), expected);
    }
}

/// Whatever the umask is, and though an older version or a person left them open.
#[test]
fn only_the_owner_may_read_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir_all(data.join("mails")).unwrap();
    for open in [&data, &data.join("mails")] {
        std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    let start = Start::new(&data);
    let mut open_to_all = std::process::Command::new("sh");
    open_to_all.args(["-c", "umask 0; exec \"$0\""]).arg(start.command().get_program());
    open_to_all.envs(start.command().get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut millrace = open_to_all.stdout(std::process::Stdio::null()).spawn().unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    // The mailer closes its folder last.
    eventually(SOON, || match data.join("millrace.db-wal").exists() && mode(&data.join("mails")) == 0o700 {
        true => Ok(()),
        false => Err("it has not begun"),
    });
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                // Some are there for a moment only.
                false => assert!(!path.exists() || mode(&path) == 0o600, "{}", path.display()),
            }
        }
    }
    millrace.kill().unwrap();
    millrace.wait().unwrap();
}

/// Before the edge had a server of its own, its broker kept sessions and retained messages in a folder.
#[test]
fn a_folder_of_a_version_with_the_former_broker_is_used_and_its_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let former = [
        (
            "mqtt/retained/status%2Flab.json",
            r#"{"topic":"status/lab","payload":[111,110],"qos":"AtLeastOnce"}"#,
        ),
        ("mqtt/sessions/gateway.json", r#"{"client_id":"gateway","clean_session":false}"#),
        ("mqtt/queues/gateway/0001.json", "{ half a fi"),
    ];
    for (name, text) in former {
        let path = data.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut millrace = Start::new(&data).start();
    millrace.publish("temperature/lab", &["-m", "21.5"]);
    millrace.publish("status/lab", &["-m", "on", "-r"]);
    millrace.restart();
    assert_eq!(millrace.readings("device=lab").len(), 1);
    for (name, text) in former {
        assert_eq!(std::fs::read_to_string(data.join(name)).unwrap(), text, "{name}");
    }
    assert!(data.join("mqtt-sessions").exists());
}

#[test]
fn the_cluster_names_a_port_that_is_taken_and_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../debian/cluster");
    let others = [
        "MQTTS",
        "AMQP",
        "AMQPS",
        "MANAGEMENT",
        "WEB_MQTT",
        "WEB_MQTTS",
        "DASHBOARD",
        "HTTPS",
        "STATS",
        "MAIL",
        "POSTGRES",
    ];
    let mut ports = std::process::Command::new(script);
    ports.arg("ports").envs(others.map(|name| (format!("{name}_PORT"), "0")));
    let free = ports.env("MQTT_PORT", "0").output().unwrap();
    assert!(free.status.success(), "{free:?}");
    let output = ports.env("MQTT_PORT", &port).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains(&format!("port {port} is taken")) && said.contains("MQTT_PORT"), "{said}");
}
