//! Whether the audit's chain holds, by its contents.

use store::{AuditQuery, AuditRecord, BrokenChain, Head, Store, Unavailable};

/// Records that are read at once.
const PAGE: usize = 1_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The chain holds up to here.
    Holds(Head),
    /// The first record that does not fit, and what is wrong with it.
    Broken(BrokenChain),
    /// Records after this one are missing.
    CutOff {
        /// The last record that is there.
        last: i64,
        /// The last that was recorded.
        recorded: i64,
    },
    /// An earlier end of the chain, which was kept elsewhere, is not in it: the chain was computed anew.
    Rewritten(Head),
}

/// Verifies the whole chain from its contents, and that ends of it which were kept elsewhere are in it.
///
/// # Errors
/// The store does not answer.
pub async fn verify(store: &dyn Store, kept: &[Head]) -> Result<Verified, Unavailable> {
    let head = store.audit_head().await?;
    let mut later: Option<AuditRecord> = None;
    let mut first_broken = None;
    let mut missing_kept: Vec<&Head> = kept.iter().filter(|head| head.number > 0).collect();
    let (mut before, mut last) = (None, None);
    loop {
        let page = store.audit(&AuditQuery { before, limit: PAGE, ..AuditQuery::default() }).await?;
        let Some(oldest) = page.last() else { break };
        before = Some(oldest.number);
        for record in page {
            last.get_or_insert(record.number);
            missing_kept.retain(|kept| (kept.number, &kept.hash) != (record.number, &record.hash));
            if let Some(later) = &later {
                let link = Head { number: record.number, hash: record.hash.clone() };
                first_broken = later.check(&link).err().or(first_broken);
            }
            later = Some(record);
        }
    }
    if let Some(first) = later {
        first_broken = first.check(&Head::default()).err().or(first_broken);
    }
    Ok(match (first_broken, last.unwrap_or(0)) {
        (Some(broken), _) => Verified::Broken(broken),
        (None, last) if last < head.number => Verified::CutOff { last, recorded: head.number },
        (None, last) => match missing_kept.into_iter().min_by_key(|kept| kept.number) {
            Some(kept) if kept.number > last => Verified::CutOff { last, recorded: kept.number },
            Some(kept) => Verified::Rewritten(kept.clone()),
            None => Verified::Holds(head),
        },
    })
}
