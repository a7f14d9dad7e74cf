//! What both shapes have in common (one process, a cluster), so that one test can run on either.

use std::fmt::Debug;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::http::{ask, delete, post};
use crate::{Mail, eventually};

/// Millrace, as one process or as a cluster.
pub trait Shape {
    /// How long after a PUBACK everything holds that it promises: no time at all at the edge.
    const PROMISED_WITHIN: Duration;

    /// Whether messages are stamped by the millisecond: equal readings of one are one reading, as docs/limits.md says.
    const STAMPS_BY_MILLISECOND: bool;

    /// Where the page and its API are, for example `http://127.0.0.1:41234`.
    fn http(&self) -> &str;

    /// Where devices publish, with their credentials: `mqtt://[user:password@]127.0.0.1:41235`.
    fn device_url(&self) -> String;

    /// `mosquitto_pub` or `mosquitto_sub` with the address of the broker and credentials.
    fn mosquitto(&self, name: &str) -> Command;

    /// A name of a device that no other test uses.
    fn device(&self, name: &str) -> String;

    /// The mails whose subject contains `about`, oldest first.
    fn mails(&self, about: &str) -> Vec<Mail>;

    /// A service's metric without labels: `metric_of("db-writer", "received_total")`.
    fn metric_of(&self, service: &str, name: &str) -> f64;

    /// Stops Millrace's processes in order, and starts them again.
    fn restart(&mut self);

    /// Waits for something that a PUBACK promises, after one has come.
    ///
    /// # Panics
    /// It does not hold in time.
    fn promised<T, E: Debug>(&self, ask: impl FnMut() -> Result<T, E>) -> T {
        eventually(Self::PROMISED_WITHIN, ask)
    }

    /// Waits for `count` readings or rows that a PUBACK promises.
    ///
    /// # Panics
    /// There are others.
    fn promised_rows(&self, count: usize, mut ask: impl FnMut() -> Vec<Value>) -> Vec<Value> {
        self.promised(|| match ask() {
            rows if rows.len() == count => Ok(rows),
            rows => Err(rows),
        })
    }

    /// `mosquitto_pub` at QoS 1: returns when the PUBACK is there.
    ///
    /// # Panics
    /// It fails.
    fn publish(&self, topic: &str, arguments: &[&str]) {
        let status = self.mosquitto("mosquitto_pub").args(["-q", "1", "-t", topic]).args(arguments).status();
        assert!(status.expect("run mosquitto_pub").success(), "mosquitto_pub -t {topic} {arguments:?}");
    }

    /// Asks for anything: the status and the body.
    ///
    /// # Panics
    /// There is no answer.
    #[must_use]
    fn ask(&self, path: &str) -> (u16, String) {
        ask(&format!("{}{path}", self.http()))
    }

    /// Deletes: the status and the body.
    ///
    /// # Panics
    /// There is no answer.
    fn delete(&self, path: &str) -> (u16, String) {
        delete(&format!("{}{path}", self.http()))
    }

    /// Asks the API.
    ///
    /// # Panics
    /// It does not answer with JSON and status 200.
    #[must_use]
    fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}"))
    }

    /// Posts JSON: the status and the answer.
    ///
    /// # Panics
    /// The answer is no JSON.
    fn post(&self, path: &str, json: &Value) -> (u16, Value) {
        let (status, body) = post(&format!("{}{path}", self.http()), json);
        (status, serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}")))
    }

    /// All readings that match, over all pages.
    #[must_use]
    fn readings(&self, filter: &str) -> Vec<Value> {
        let mut readings = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/api/readings?limit=10000&{filter}&after={after}"));
            readings.extend(page["readings"].as_array().expect("readings").iter().cloned());
            match &page["next"] {
                Value::String(next) => after.clone_from(next),
                _ => return readings,
            }
        }
    }

    /// The rows of `/api/<name>`, all or the newest thousand.
    #[must_use]
    fn rows(&self, name: &str) -> Vec<Value> {
        self.get(&format!("/api/{name}"))[name].as_array().expect("rows").clone()
    }

    /// The rows of `/api/<name>` that name this device.
    #[must_use]
    fn rows_of(&self, name: &str, device: &str) -> Vec<Value> {
        let mut rows = self.rows(name);
        rows.retain(|row| {
            let of_topic = |topic: &str| topic.split_once('/').is_some_and(|(_, named)| named == device);
            row["device"] == device || row["topic"].as_str().is_some_and(of_topic)
        });
        rows
    }
}

/// Runs each test at the edge and in the cluster; those that are `alone` have the cluster to themselves.
#[macro_export]
macro_rules! on_both_shapes {
    (together: [$($together:ident),* $(,)?], alone: [$($alone:ident),* $(,)?]) => {
        mod edge {
            $crate::on_both_shapes!(@edge $($together)* $($alone)*);
        }
        mod cluster {
            $crate::on_both_shapes!(@cluster attach $($together)*);
            $crate::on_both_shapes!(@cluster alone $($alone)*);
        }
    };
    (@edge $($test:ident)*) => {$(
        #[test]
        fn $test() {
            let folder = tempfile::tempdir().unwrap();
            super::$test(&mut $crate::Start::new(&folder.path().join("data")).start());
        }
    )*};
    (@cluster $how:ident $($test:ident)*) => {$(
        #[test]
        #[ignore = "needs a cluster: `make test`, or e2e/with-cluster"]
        fn $test() {
            super::$test(&mut $crate::Cluster::$how());
        }
    )*};
}
