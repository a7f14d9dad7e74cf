use super::*;

#[test]
fn what_no_rule_reads_is_counted_and_sampled() {
    let decoder = Decoder::new(Inputs::default(), &Metrics::default());
    let decode = |topic: &str, payload: &'static [u8]| {
        let received_at = Timestamp::UNIX_EPOCH;
        let message = Message { topic: topic.into(), payload: payload.into(), received_at };
        decoder.decode(&message, Publisher::default()).map(|decoded| decoded.count())
    };
    assert_eq!(decode("temperature/lab", b"21"), Some(1));
    assert_eq!(decode("house/mood/now", b"happy"), None);
    assert_eq!(decode("house/mood/then", b"sad"), None);
    assert_eq!(decode("tele/lab/RESULT", b"{}"), None);
    assert_eq!(decode("zigbee2mqtt/lamp", b"{}"), Some(0), "a rule reads it, and finds nothing");
    let (groups, others) = decoder.unmapped();
    assert_eq!(
        (groups.len(), groups[0].count, groups[0].topic.as_str(), others),
        (1, 2, "house/mood/then", 0)
    );
    assert_eq!(decoder.unmapped_groups(), 1);
    assert_eq!((decoder.0.counters.unmapped.get(), decoder.0.counters.ignored.get()), (2, 1));
    let by_rule = decoder.ignored();
    let (rule, count) = &by_rule[0];
    assert_eq!((by_rule.len(), rule.preset, &*rule.topic, *count), (1, Some("tasmota"), "tele/#", 1));
    assert!(decoder.may_hold_readings("house/mood") && !decoder.may_hold_readings("commands/lab"));
}

const LAMP: &str = "[[rule]]\ntopic = \"lamp/{d}\"\nformat = \"text\"\ndevice = \"{d}\"\nmetric = \"on\"\n";

/// A decoder at the edge, whose data folder this is.
fn at_the_edge(folder: &tempfile::TempDir, metrics: &Metrics) -> Decoder {
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, format!("data_dir = {:?}", folder.path())).unwrap();
    let settings = Settings::load(Some(&settings)).unwrap();
    let (mappings, clock) = (MappingsFile::at_the_edge(&settings).unwrap(), Arc::new(SystemClock::default()));
    Decoder::from_settings(&settings, mappings, metrics, clock).unwrap()
}

fn count(decoder: &Decoder) -> usize {
    let message = Message {
        topic: "lamp/hall".into(),
        payload: b"ON".as_slice().into(),
        received_at: Timestamp::UNIX_EPOCH,
    };
    decoder.decode(&message, Publisher::default()).map_or(0, |decoded| decoded.count())
}

async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("in time");
}

#[tokio::test]
async fn a_file_that_appears_or_changes_is_followed_and_a_wrong_one_is_refused_once() {
    let (folder, metrics) = (tempfile::tempdir().unwrap(), Metrics::default());
    let decoder = at_the_edge(&folder, &metrics);
    let (hash, since) = (decoder.rules_hash(), decoder.rules_status().since);
    assert_eq!((count(&decoder), decoder.unmapped().0.len()), (0, 1));
    let following = tokio::spawn({
        let decoder = decoder.clone();
        async move { decoder.follow().await }
    });
    let path = folder.path().join("mappings.toml");
    std::fs::write(&path, LAMP).unwrap();
    until(|| count(&decoder) == 1).await;
    assert!(decoder.unmapped().0.is_empty(), "what a rule reads is no sample any more");
    assert!(decoder.rules_hash() != hash && decoder.rules_status().since > since);
    let shown = format!("millrace_inputs_info{{hash=\"{}\"}} 1", decoder.rules_hash());
    assert!(metrics.text().contains(&shown) && metrics.text().matches("inputs_info{").count() == 1);

    std::fs::write(&path, format!("{LAMP}[[rule]]\ntopic = 1")).unwrap();
    until(|| decoder.rules_status().error.is_some()).await;
    let error = decoder.rules_status().error.unwrap();
    assert!(error.contains("mappings.toml is invalid: line 7, column 9: "), "{error}");
    decoder.replace(std::fs::read_to_string(&path).map_err(|e| e.to_string()));
    assert_eq!((count(&decoder), decoder.0.counters.rules_refused.get()), (1, 1));
    assert!(metrics.text().contains("millrace_inputs_rules_loaded 0"));
    assert!(decoder.can_add_rules().unwrap_err().ends_with("is wrong: correct it first"));
    std::fs::remove_file(&path).unwrap();
    until(|| decoder.rules_hash() == hash).await;
    assert_eq!((count(&decoder), decoder.rules_status().error), (0, None));
    following.abort();
}

#[test]
fn a_rule_that_is_added_is_in_force_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let decoder = at_the_edge(&folder, &Metrics::default());
    let watching = decoder.inputs();
    assert_eq!((decoder.add_rules(LAMP), count(&decoder)), (Ok(1), 1));
    assert_eq!(watching.borrow().mappings().own_topics().collect::<Vec<_>>(), ["lamp/{d}"]);
    assert!(decoder.add_rules(LAMP).is_err() && decoder.can_add_rules().is_ok());
    let named_nowhere = Decoder::new(Inputs::default(), &Metrics::default());
    assert!(named_nowhere.add_rules(LAMP).is_err() && named_nowhere.can_add_rules().is_err());
}
