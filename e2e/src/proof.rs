//! Compares acknowledged readings with stored ones.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::AckedReading;

/// How often each reading of these boots is stored, from rows of `/api/readings`.
fn times_stored(rows: &[Value], boots: &HashSet<u64>) -> HashMap<AckedReading, usize> {
    let mut stored = HashMap::new();
    for row in rows {
        let Some(boot) = row["boot"].as_u64().filter(|boot| boots.contains(boot)) else { continue };
        let device = row["device"].as_str().expect("a device").to_owned();
        *stored.entry((device, boot, row["seq"].as_u64().expect("a seq"))).or_default() += 1;
    }
    stored
}

/// Checks that every acknowledged reading is stored, and no reading of the same boots twice.
///
/// # Errors
/// Says how many are lost, or stored twice, and names some.
pub fn stored_once(acked: &HashSet<AckedReading>, rows: &[Value]) -> Result<(), String> {
    let boots = acked.iter().map(|(_, boot, _)| *boot).collect();
    let stored = times_stored(rows, &boots);
    let some = |names: Vec<&AckedReading>, what: &str| match names.len() {
        0 => Ok(()),
        many => Err(format!("of {} acked, {many} are {what}: {:?}", acked.len(), &names[..many.min(5)])),
    };
    some(acked.iter().filter(|name| !stored.contains_key(*name)).collect(), "lost")?;
    some(stored.iter().filter(|(_, times)| **times > 1).map(|(name, _)| name).collect(), "stored twice")
}
