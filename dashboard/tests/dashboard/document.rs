//! The document of the API says what the server does.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Harness, Wanted};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[tokio::test]
async fn each_route_has_the_methods_that_are_written() {
    let harness = Harness::start(Wanted::default()).await;
    let document = harness.ask("GET", "/api/openapi.json").await.json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let mut written: BTreeSet<String> =
            operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        // Those of all methods of a path.
        written.remove("PARAMETERS");
        if written.contains("GET") {
            written.insert("HEAD".into());
        }
        let path = path
            .replace("{id}", "0123456789ab")
            .replace("{name}", "lab")
            .replace("{metric}", "m")
            .replace("{topic}", "a/b");
        for method in METHODS {
            let answer = harness.ask(method, &path).await;
            // What the id names is missing; the route is not.
            assert!(
                answer.body.is_empty() || answer.status != 404 || answer.error() != "not found",
                "{path}"
            );
            assert_eq!(answer.status != 405, written.contains(method), "{method} {path}: {answer:?}");
            let allowed = answer.header("allow").map(|methods| methods.to_uppercase());
            let allowed = allowed.as_deref().map(|methods| methods.split(", ").map(str::to_owned).collect());
            assert_eq!(allowed, (answer.status == 405).then(|| written.clone()), "{method} {path}");
        }
    }
}

/// The fields that the error for a refused body names: serde lists them all.
async fn fields(harness: &Harness, path: &str) -> BTreeSet<String> {
    let answer = harness.post(path, r#"{"no such field":1}"#).await;
    let said = answer.error();
    let (_, listed) = said.split_once("expected ").unwrap_or_else(|| panic!("{path}: {said}"));
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn each_body_has_the_fields_that_are_written() {
    let harness = Harness::start(Wanted::default()).await;
    let document = harness.ask("GET", "/api/openapi.json").await.json();
    for (path, schema) in [
        ("/api/silences", "NewSilence"),
        ("/api/acknowledgements", "NewAcknowledgement"),
        ("/api/rejected/1/resend", "Resend"),
        ("/api/inputs/rules", "NewRules"),
    ] {
        let Value::Object(written) = &document["components"]["schemas"][schema]["properties"] else {
            panic!("{schema} has no properties");
        };
        assert_eq!(fields(&harness, path).await, written.keys().cloned().collect(), "{path}");
    }
}
