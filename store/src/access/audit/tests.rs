use super::*;

fn record(target: &str, after: Option<&str>) -> NewRecord {
    NewRecord {
        at: Timestamp::from_microsecond(1_700_000_000_000_000).unwrap(),
        actor: Some("ann".into()),
        via: Via::Session,
        address: Some("192.0.2.1".into()),
        action: "add user",
        target: target.into(),
        outcome: AuditOutcome::Done,
        before: None,
        after: after.map(str::to_owned),
    }
}

fn chain() -> Vec<AuditRecord> {
    let mut head = Head::default();
    let targets = ["ben", "cy", "dee", "eve"].map(|name| record(name, Some(r#"{"role":"viewer"}"#)));
    let records = targets.iter().map(|new| {
        let record = AuditRecord::following(&head, new);
        head = Head { number: record.number, hash: record.hash.clone() };
        record
    });
    records.collect()
}

fn check(records: &[AuditRecord]) -> Result<Head, BrokenChain> {
    records.iter().try_fold(Head::default(), |head, record| record.check(&head))
}

#[test]
fn a_chain_holds_as_it_was_made() {
    let chain = chain();
    assert_eq!(check(&chain).unwrap(), Head { number: 4, hash: chain[3].hash.clone() });
}

#[test]
fn whatever_is_changed_in_a_record_is_found() {
    type Spoil = fn(&mut AuditRecord);
    let spoils: [(&str, Spoil); 12] = [
        ("a field", |record| record.at += jiff::SignedDuration::from_micros(1)),
        ("a field", |record| record.actor = None),
        ("a field", |record| record.actor = Some("anN".into())),
        ("a field", |record| record.via = Via::Key),
        ("a field", |record| record.address = Some("192.0.2.2".into())),
        ("a field", |record| record.action.push('s')),
        ("a field", |record| record.target.clear()),
        ("a field", |record| record.outcome = AuditOutcome::Refused),
        ("a field", |record| record.after_digest = None),
        ("the content after the change", |record| record.after = Some(r#"{"role":"admin"}"#.into())),
        ("the content after the change", |record| record.salt = Some("00".into())),
        ("the content before the change", |record| record.before = Some(String::new())),
    ];
    for (part, spoil) in spoils {
        let mut chain = chain();
        spoil(&mut chain[2]);
        let expected = if chain[2].after_digest.is_none() { "the content after the change" } else { part };
        assert_eq!(check(&chain), Err(BrokenChain::Changed(3, expected)), "{part}");
    }
    let mut chain = chain();
    chain[2].hash = chain[1].hash.clone();
    assert_eq!(check(&chain), Err(BrokenChain::Changed(3, "a field")));
}

#[test]
fn a_record_that_was_deleted_or_moved_is_found() {
    let mut chain = chain();
    chain.remove(1);
    assert_eq!(check(&chain), Err(BrokenChain::Missing { expected: 2, found: 3 }));
    // Numbered anew, the hash betrays it.
    chain.iter_mut().zip(1..).for_each(|(record, number)| record.number = number);
    assert_eq!(check(&chain), Err(BrokenChain::Changed(2, "a field")));
}

#[test]
fn a_content_can_be_erased() {
    let mut chain = chain();
    chain[1].after = None;
    chain[1].salt = None;
    assert!(check(&chain).is_ok());
}

#[test]
fn fields_cannot_run_into_each_other() {
    let one = AuditRecord::following(&Head::default(), &NewRecord { action: "ab", ..record("c", None) });
    let other = AuditRecord::following(&Head::default(), &NewRecord { action: "a", ..record("bc", None) });
    assert_ne!(one.hash, other.hash);
    let none = AuditRecord::following(&Head::default(), &NewRecord { actor: None, ..record("c", None) });
    let empty = AuditRecord::following(
        &Head::default(),
        &NewRecord { actor: Some(String::new()), ..record("c", None) },
    );
    assert_ne!(none.hash, empty.hash);
}
