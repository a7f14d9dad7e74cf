use store::{AccessStore as _, BrokenChain, Head};
use testkit::MemoryStore;

use super::*;
use crate::verify::{Proof, Verification, Verified, verify};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// An audit with records at the seconds 1, 2, 3 and so on, of the devices `d1`, `d2`, `d3` ...
async fn audit(records: i64) -> MemoryStore {
    let store = MemoryStore::default();
    for n in 1..=records {
        let (target, after) = (format!("d{n}"), json!({"name": format!("d{n}"), "note": "of ann"}));
        let record = record_of_command(at(n), "register device", &target, Some(after.to_string()));
        store.change(&Change::Nothing, &record).await.unwrap();
    }
    store
}

/// Archives to a file; returns the first and the last record in it.
async fn archive_to(store: &MemoryStore, file: &Path, until: Until, max: usize) -> Option<(i64, i64)> {
    let segment = next_segment(store, until, max).await.unwrap()?;
    segment.write(file).unwrap();
    archive(store, &segment, NOW).await.unwrap();
    Some((segment.ends.first, segment.ends.last))
}

/// Ten records in two files, 1 to 4 and 5 to 8, and the rest in the store.
async fn archived() -> (MemoryStore, tempfile::TempDir, Vec<PathBuf>) {
    let (store, folder) = (audit(10).await, tempfile::tempdir().unwrap());
    let files = vec![folder.path().join("1"), folder.path().join("2")];
    assert_eq!(archive_to(&store, &files[0], Until::Number(8), 4).await, Some((1, 4)));
    assert_eq!(archive_to(&store, &files[1], Until::Before(at(9)), 100).await, Some((5, 8)));
    (store, folder, files)
}

async fn verify_with(store: &MemoryStore, kept: &[Head], files: &[PathBuf]) -> Result<Verified> {
    let mut verification = Verification::of_store(store, kept).await?;
    for file in files.iter().rev() {
        verification.add_file(&Segment::open(file)?)?;
    }
    Ok(verification.finish())
}

async fn proof(store: &MemoryStore, files: &[PathBuf]) -> Proof {
    match verify_with(store, &[], files).await.unwrap() {
        Verified::Holds(proof) => proof,
        other => panic!("{other:?}"),
    }
}

async fn problem(store: &MemoryStore, files: &[PathBuf]) -> String {
    format!("{:#}", verify_with(store, &[], files).await.unwrap_err())
}

#[tokio::test]
async fn the_chain_holds_from_the_end_of_a_segment_and_over_all_files() {
    let (store, _folder, files) = archived().await;
    assert_eq!(proof(&store, &[]).await.first, 9);
    assert_eq!(proof(&store, &files[1..]).await.first, 5);
    let whole = proof(&store, &files).await;
    assert_eq!((whole.first, whole.head.number), (1, 12));
    assert_eq!(next_segment(&store, Until::Number(8), 100).await.unwrap(), None, "it is archived already");
    // The records that speak of files can go into one, too.
    let third = files[0].with_extension("3");
    assert_eq!(archive_to(&store, &third, Until::Number(99), 100).await, Some((9, 12)));
    assert_eq!(proof(&store, &[&files[..], &[third]].concat()).await.first, 1);
    assert_eq!(proof(&store, &[]).await.first, 13);
}

#[tokio::test]
async fn more_than_a_page_is_archived_at_once() {
    let (store, folder) = (audit(2_500).await, tempfile::tempdir().unwrap());
    let file = folder.path().join("1");
    assert_eq!(archive_to(&store, &file, Until::Before(at(2_400)), 5_000).await, Some((1, 2_399)));
    assert_eq!(proof(&store, &[file]).await.head.number, 2_501);
}

#[tokio::test]
async fn a_missing_file_and_a_wrong_order_are_found() {
    let (store, _folder, files) = archived().await;
    for wrong in [vec![0], vec![1, 0], vec![1, 1], vec![0, 0, 1]] {
        let given: Vec<_> = wrong.iter().map(|n| files[*n].clone()).collect();
        let problem = problem(&store, &given).await;
        assert!(problem.contains("is needed here: give all files in their order"), "{wrong:?}: {problem}");
    }
    let (other, _other_folder, others) = {
        let store = audit(10).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("other");
        archive_to(&store, &file, Until::Number(8), 100).await;
        (store, folder, vec![file])
    };
    assert_eq!(proof(&other, &others).await.first, 1);
    assert!(problem(&store, &others).await.contains("no record of the audit"));
}

#[tokio::test]
async fn every_changed_byte_of_a_file_is_found() {
    let (store, _folder, files) = archived().await;
    let bytes = std::fs::read(&files[1]).unwrap();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        std::fs::write(&files[1], changed).unwrap();
        assert!(verify_with(&store, &[], &files).await.is_err(), "byte {position}");
    }
    std::fs::write(&files[1], &bytes[..bytes.len() - 1]).unwrap();
    assert!(verify_with(&store, &[], &files).await.is_err(), "the last byte is gone");
}

#[tokio::test]
async fn records_that_went_without_a_file_are_found() {
    let (store, _folder, files) = archived().await;
    store
        .change(&Change::ArchiveAudit { first: 9, last: 9 }, &record_of_command(NOW, "x", "", None))
        .await
        .unwrap();
    let broken = Verified::Broken(BrokenChain::Missing { expected: 9, found: 10 });
    assert_eq!(verify(&store, &[]).await.unwrap(), broken);
    assert!(problem(&store, &files).await.contains("ends with record 9"));
    assert!(next_segment(&store, Until::Number(10), 9).await.is_err(), "no hole becomes a file");
}

#[tokio::test]
async fn ends_that_were_kept_are_looked_for_in_the_files() {
    let store = audit(3).await;
    let (folder, kept) = (tempfile::tempdir().unwrap(), store.audit_head().await.unwrap());
    let file = folder.path().join("1");
    let record = record_of_command(NOW, "x", "", None);
    store.change(&Change::Nothing, &record).await.unwrap();
    archive_to(&store, &file, Until::Number(4), 9).await;
    let unread = |verified| match verified {
        Verified::Holds(proof) => proof.unread_heads,
        other => panic!("{other:?}"),
    };
    let heads = std::slice::from_ref(&kept);
    assert_eq!(unread(verify(&store, heads).await.unwrap()), 1);
    let files = [file];
    assert_eq!(unread(verify_with(&store, heads, &files).await.unwrap()), 0);
    let other = Head { hash: "0".into(), ..kept };
    let found = verify_with(&store, std::slice::from_ref(&other), &files).await.unwrap();
    assert_eq!(found, Verified::Rewritten(other));
}

#[tokio::test]
async fn a_file_is_never_written_over_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (store, folder) = (audit(2).await, tempfile::tempdir().unwrap());
    let file = folder.path().join("1");
    let segment = next_segment(&store, Until::Number(9), 9).await.unwrap().unwrap();
    segment.write(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    segment.write(&file).unwrap_err();
    archive(&store, &segment, NOW).await.unwrap();
    assert!(
        archive(&store, &segment, NOW).await.unwrap_err().to_string().contains("not in the audit any more")
    );
}

#[tokio::test]
async fn erased_contents_are_said_and_the_chain_holds() {
    let store = audit(3).await;
    assert_eq!(erase(&store, &Erasable::About("d2".into()), NOW).await.unwrap(), 1);
    assert_eq!(
        erase(&store, &Erasable::About("d2".into()), NOW).await.unwrap(),
        0,
        "they are erased already"
    );
    assert_eq!(proof(&store, &[]).await.erased, 1);
    assert_eq!(erase(&store, &Erasable::About("of ann".into()), NOW).await.unwrap(), 2, "by a text in them");
    assert_eq!(proof(&store, &[]).await.erased, 3);
    let records = store.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    assert!(records[2..].iter().all(|record| record.salt.is_none() && !record.has_contents()));
    let kept = erase(&store, &Erasable::Number(4), NOW).await.unwrap_err().to_string();
    assert!(kept.contains("could not be verified"), "{kept}");
    assert!(erase(&store, &Erasable::Number(9), NOW).await.unwrap_err().to_string().contains("no record 9"));
}

#[tokio::test]
async fn contents_that_went_without_a_record_are_found() {
    let store = audit(3).await;
    let change = Change::EraseAudit(vec![2]);
    store.change(&change, &record_of_command(NOW, "x", "", None)).await.unwrap();
    assert_eq!(verify(&store, &[]).await.unwrap(), Verified::Broken(BrokenChain::Emptied(2)));
    let said = json!({"records": [1]}).to_string();
    store.change(&Change::Nothing, &record_of_command(NOW, ERASE, "", Some(said))).await.unwrap();
    assert_eq!(verify(&store, &[]).await.unwrap(), Verified::Broken(BrokenChain::NotErased(1)));
}

#[tokio::test]
async fn contents_are_erased_from_files() {
    let (store, _folder, files) = archived().await;
    let old = std::fs::read(&files[0]).unwrap();
    for about in ["d3", "d6"] {
        let (mut known, mut erased) = (Known::read(&store).await.unwrap(), 0);
        for file in files.iter().rev() {
            let which = Erasable::About(about.into());
            erased += erase_file(&store, file, &mut known, &which, NOW).await.unwrap();
        }
        assert_eq!(erased, 1, "{about}");
        assert!(
            !files.iter().any(|file| std::fs::read_to_string(file)
                .unwrap()
                .contains(&format!("name\\\":\\\"{about}")))
        );
    }
    assert_eq!(proof(&store, &files).await.erased, 2);
    std::fs::write(&files[0], old).unwrap();
    assert!(problem(&store, &files).await.contains("not the one that was recorded"), "an old copy is none");
}

#[tokio::test]
async fn an_erasure_from_a_file_that_was_cut_off_is_finished() {
    let (store, _folder, files) = archived().await;
    let part = PathBuf::from(format!("{}.part", files[1].display()));
    std::fs::write(&part, "half of it").unwrap();
    let old = std::fs::read(&files[1]).unwrap();
    let erase = async |number| {
        let mut known = Known::read(&store).await.unwrap();
        erase_file(&store, &files[1], &mut known, &Erasable::Number(number), NOW).await.unwrap()
    };
    assert_eq!(erase(6).await, 1, "what was not recorded is made anew");
    // Recorded, and not renamed yet.
    std::fs::rename(&files[1], &part).unwrap();
    std::fs::write(&files[1], old).unwrap();
    assert_eq!(erase(6).await, 0, "it is done");
    assert_eq!((proof(&store, &files).await.erased, part.exists()), (1, false));
}
