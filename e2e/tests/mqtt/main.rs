//! Conformance to MQTT 3.1.1 and 5.0 (and the basics of 3.1) as a client on the network sees it. Each case names the normative
//! statements that it shows, such as `MQTT-3.1.2-3`; docs/mqtt-conformance.md lists them all.
//!
//! By default a fresh `millrace` is tested. `MQTT_ADDRESS=127.0.0.1:1883` tests any other server, which is then allowed to
//! close a connection without a reason; `MQTT_CASE=will` runs only the cases with this in their names.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

mod acknowledgements;
mod clauses;

mod connack;
mod connect;
mod connect_fields;
mod delivery;
mod flow;
mod framing;
mod others;
mod properties;
mod publish;
mod qos2;
mod resend;
mod retained;
mod sessions;
mod shared;
mod subscribe;
mod subscription_options;
mod suite;
mod table;

mod topics;
mod unsubscribe;
mod websocket;
mod wills;

use e2e::Mosquitto;

use crate::suite::{Case, Server, failures};

/// The cases of each chapter.
const CHAPTERS: &[(&str, &[Case])] = &[
    ("framing", framing::CASES),
    ("connect", connect::CASES),
    ("connect_fields", connect_fields::CASES),
    ("connack", connack::CASES),
    ("publish", publish::CASES),
    ("properties", properties::CASES),
    ("delivery", delivery::CASES),
    ("acknowledgements", acknowledgements::CASES),
    ("qos2", qos2::CASES),
    ("resend", resend::CASES),
    ("subscribe", subscribe::CASES),
    ("subscription_options", subscription_options::CASES),
    ("unsubscribe", unsubscribe::CASES),
    ("topics", topics::CASES),
    ("shared", shared::CASES),
    ("retained", retained::CASES),
    ("wills", wills::CASES),
    ("sessions", sessions::CASES),
    ("flow", flow::CASES),
    ("others", others::CASES),
];

/// Where mosquitto 2.0 differs from the specification; everything else passes there, too, which tests this suite.
const MOSQUITTO_DIFFERS: &[(&str, &str)] = &[
    ("a_length_that_is_longer_than_need_be_ends_the_connection", "it takes such lengths"),
    ("packets_of_a_server_end_the_connection", "it ignores SUBACK and UNSUBACK"),
    ("reserved_flags_end_the_connection", "it does not look at the flags of PUBACK and PINGREQ"),
    ("bytes_after_the_last_field_end_the_connection", "it ignores them"),
    ("a_wrong_property_of_a_will_is_refused", "it takes payload format 2"),
    ("a_wrong_property_is_refused", "it takes authentication data without a method"),
    ("wrong_properties_end_the_connection", "it takes a subscription identifier from a client"),
    ("overlapping_subscriptions_deliver_the_largest_qos", "it delivers the QoS of the first that matches"),
    ("a_pubrel_of_nothing_is_answered", "its PUBCOMP says success instead of 0x92"),
    ("an_unknown_reason_ends_the_connection", "it takes any reason"),
    ("many_repeats_are_delivered_once", "it counts each repeat against the Receive Maximum"),
    ("no_local_on_a_shared_subscription_ends_the_connection", "it takes it"),
    ("no_local_keeps_nothing_of_others_away", "a second subscription does not change the option"),
    ("a_wrong_share_name_is_refused", "it takes an empty one"),
    ("no_retained_messages_are_sent", "it sends them to shared subscriptions"),
    ("a_disconnect_with_will_publishes_it", "it does so for reason 0x04 only"),
    ("a_clean_start_publishes_a_delayed_will", "it discards it"),
    ("the_end_of_the_session_publishes_a_delayed_will", "it waits for the delay"),
    ("a_client_that_exceeds_the_receive_maximum_is_cut_off", "it goes on reading"),
    ("what_is_resent_counts", "it sends all again at once"),
    ("no_more_than_the_receive_maximum_is_in_flight", "it exceeds it after the first PUBACK"),
    ("a_packet_above_the_clients_maximum_is_left_out", "it stops delivering after some"),
];

fn all_failures(server: &Server, wanted: impl Fn(&Case) -> bool + Copy + Sync) -> Vec<String> {
    let failures = CHAPTERS.iter().flat_map(|(chapter, cases)| failures(server, chapter, cases, wanted));
    failures.collect()
}

#[test]
fn the_server_conforms() {
    let failures = all_failures(&Server::of_the_test(), |_| true);
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn mosquitto_passes_but_for_known_differences() {
    let folder = tempfile::tempdir().unwrap();
    let mosquitto = Mosquitto::start(folder.path());
    let known = |case: &Case| !MOSQUITTO_DIFFERS.iter().any(|(name, _)| *name == case.name);
    let failures = all_failures(&Server::at(mosquitto.address), known);
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}
