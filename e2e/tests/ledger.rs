//! What is missing is named, by the API of both shapes and on the command line.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::process::Command;

use e2e::{LONG, Shape, Start, binary, eventually};
use serde_json::json;

fn publish(shape: &impl Shape, device: &str, seqs: &[u32]) {
    for seq in seqs {
        let payload =
            format!(r#"{{"value":{seq},"measured_at":"2026-01-15T10:30:0{seq}Z","boot":7,"seq":{seq}}}"#);
        shape.publish(&format!("temperature/{device}"), &["-m", &payload]);
    }
}

fn the_ledger_names_what_is_missing(shape: &mut impl Shape) {
    let device = shape.device("counted");
    publish(shape, &device, &[1, 2, 5, 6, 6, 9]);
    let boot = shape.promised(|| {
        let ledger = shape.get(&format!("/api/completeness?device={device}"));
        match ledger["completeness"].as_array().unwrap().as_slice() {
            [boot] if boot["stored"] == 5 => Ok(boot.clone()),
            boots => Err(boots.to_vec()),
        }
    });
    let expected = json!({
        "device": device, "boot": 7, "first": 1, "last": 9, "expected": 9, "stored": 5, "repeated": 0, "late": 5,
        "missing": 4, "missing_ranges": [[3, 4], [7, 8]], "newest_measured_at": "2026-01-15T10:30:09.000000Z",
        "oldest_measured_at": "2026-01-15T10:30:01.000000Z",
    });
    assert_eq!(boot, expected);
}

e2e::on_both_shapes! {
    together: [the_ledger_names_what_is_missing],
    alone: []
}

#[test]
fn verify_names_what_is_missing_and_its_exit_code_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let millrace = Start::new(&folder.path().join("data")).start();
    let (database, acked) = (folder.path().join("data/millrace.db"), folder.path().join("acked.log"));
    let (database, log) = (database.to_str().unwrap(), acked.to_str().unwrap());
    let verify = |arguments: &[&str]| {
        let output = Command::new(binary("millrace")).arg("verify").args(arguments).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let says = |arguments: &[&str], code: i32, words: &str| {
        let (ended, said) = verify(arguments);
        assert!(ended == code && said.contains(words), "{arguments:?}: {ended}: {said}");
    };
    publish(&millrace, "lab", &[1, 2, 4]);
    says(&["--database", database], 1, "  3\nNOT COMPLETE: 4 expected, 3 stored, 1 missing");
    publish(&millrace, "lab", &[3]);
    says(&["--database", database], 0, "\ncomplete: 4 expected, 4 stored, 0 missing");
    says(&["--database", database, "--full"], 0, "\ncomplete: 4 expected, 4 stored, 0 missing");
    says(&["--database", database, "--json"], 0, r#"{"complete":true,"expected":4,"stored":4,"missing":0"#);
    std::fs::write(&acked, "lab 7 4\nlab 7 5\n").unwrap();
    says(&["--database", database, "--acked", log], 1, "acked and not stored: lab 7 5");
    std::fs::write(&acked, "lab seven\n").unwrap();
    says(&["--database", database, "--acked", log], 1, "is not `device boot seq`");
    says(&["--database", "nowhere.db"], 1, "there is no file nowhere.db");
    says(&["--database", "mysql://lab"], 64, "setting store.url");
    says(&["--from", "soon"], 64, "--from");

    // The hour of January is counted within seconds.
    let connection = rusqlite::Connection::open(database).unwrap();
    let counted = "SELECT count(*) FROM ledger_rollups WHERE readings = 4";
    eventually(LONG, || match connection.query_row(counted, [], |row| row.get::<_, u32>(0)) {
        Ok(2) => Ok(()),
        other => Err(other),
    });
    says(&["--database", database, "--full"], 0, "\ncomplete: 4 expected");
    connection.execute("DELETE FROM readings WHERE seq = 2", []).unwrap();
    says(&["--database", database], 0, "\ncomplete: 4 expected");
    says(&["--database", database, "--full"], 1, "differs from the readings for 1 boots: lab 7");
}
