//! What a device with a credential may do at the edge, and what becomes of devices that nobody has registered.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::time::{Duration, Instant};

use e2e::mqtt::{Connect, Endpoint, Version};
use e2e::scenarios::registry::{self, connect, publish, reasons, start_with_unknown};
use e2e::{Millrace, SOON, Shape as _, eventually};
use serde_json::json;

/// Within this time a revoked credential is worth nothing anywhere.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);

/// The user name and the password of a new credential.
fn credential(millrace: &Millrace, device: &str) -> (String, String) {
    let (status, made) = millrace.post(&format!("/api/devices/{device}/credentials"), &json!({}));
    assert_eq!((status, &made["in_force"]), (201, &json!(true)), "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("user"), text("password"))
}

#[test]
fn a_device_with_a_credential_is_itself_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start_with_unknown(folder.path(), "accept");
    let (user, password) = credential(&millrace, "site-a.lab");
    let (mut lab, mut anyone) = (connect(&millrace, &user, &password), connect(&millrace, "other", ""));
    assert_eq!(publish(&mut lab, "temperature/site-a/lab", "21.5"), 0);
    assert_eq!(publish(&mut lab, "temperature/other", "1"), 0x87);
    assert_eq!(publish(&mut anyone, "temperature/other", "2"), 0);
    assert_eq!(publish(&mut anyone, "temperature/site-a/lab", "3"), 0x87);
    // By a payload that names the device.
    assert_eq!(publish(&mut anyone, "telegraf/x/y", "env,device=site-a/lab temperature=4"), 0);
    eventually(SOON, || match reasons(&millrace).len() {
        3 => Ok(()),
        other => Err(other),
    });
    assert!(reasons(&millrace)[0].contains("has a credential"), "{:?}", reasons(&millrace));
    assert_eq!(millrace.readings("device=site-a/lab").len(), 1);

    // Another one lets the device in before the first is revoked.
    let (next, next_password) = credential(&millrace, "site-a.lab");
    let mut rotated = connect(&millrace, &next, &next_password);
    assert_eq!(publish(&mut rotated, "temperature/site-a/lab", "22"), 0);
    let began = Instant::now();
    let revoked = millrace.delete(&format!("/api/devices/site-a.lab/credentials/{user}"));
    assert_eq!(revoked, (200, r#"{"in_force":true}"#.to_owned()));
    lab.closed();
    assert!(began.elapsed() < REVOKED_WITHIN, "{:?}", began.elapsed());
    assert_eq!(publish(&mut rotated, "temperature/site-a/lab", "23"), 0);
    // Whoever comes with the old one is as free as anyone, and no more.
    let mut old = connect(&millrace, &user, &password);
    assert_eq!(publish(&mut old, "temperature/site-a/lab", "24"), 0x87);
}

#[test]
fn what_is_held_is_stored_with_its_own_time_once_the_device_is_adopted() {
    registry::hold_adopt();
}

#[test]
fn where_unknown_devices_are_refused_only_a_credential_lets_in() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = start_with_unknown(folder.path(), "refuse");
    let (user, password) = credential(&millrace, "lab");
    let mut lab = connect(&millrace, &user, &password);
    assert_eq!(publish(&mut lab, "temperature/lab", "21"), 0);
    assert_eq!(millrace.readings("device=lab").len(), 1);
    let endpoint = Endpoint { address: millrace.mqtt.parse().unwrap(), version: Version::V5 };
    for (user, password) in [(None, None), (Some("lab"), Some("wrong")), (Some("other"), Some("x"))] {
        let (user, password) = (user.map(Into::into), password.map(Into::into));
        let (_, connack) =
            endpoint.try_connect(&Connect { user, password, ..Connect::new(Version::V5, "x") });
        assert_ne!(connack.code, 0, "{connack:?}");
    }
}
