//! Splits a list of transitions into batches that one statement for each kind can store.

use std::collections::HashMap;

use crate::alerting::incidents::Transition;

/// Batches in order. Within one no incident occurs twice, so that the order does not matter there.
///
/// Of peaks of one incident that follow each other the last one counts.
pub(crate) fn batches(transitions: &[Transition]) -> Vec<Vec<&Transition>> {
    let mut batches = Vec::new();
    let mut batch: Vec<&Transition> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for transition in transitions {
        let peaked = |other| matches!(other, &Transition::Peaked { .. });
        match places.get(incident(transition)) {
            Some(&place) if peaked(transition) && peaked(batch[place]) => {
                batch[place] = transition;
                continue;
            }
            Some(_) => {
                batches.push(std::mem::take(&mut batch));
                places.clear();
            }
            None => {}
        }
        places.insert(incident(transition), batch.len());
        batch.push(transition);
    }
    batches.push(batch);
    batches
}

fn incident(transition: &Transition) -> &str {
    match transition {
        Transition::Opened(incident, _) => &incident.id,
        Transition::Announced { id, .. }
        | Transition::Peaked { id, .. }
        | Transition::Resolved { id, .. } => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn announced(id: &str) -> Transition {
        Transition::Announced { id: id.into(), at: AT, to: Vec::new() }
    }

    fn peaked(id: &str, value: f64) -> Transition {
        Transition::Peaked { id: id.into(), at: AT, value }
    }

    #[test]
    fn a_batch_has_an_incident_once() {
        let [a, b] = [announced("a"), announced("b")];
        let [a1, a2, b1] = [peaked("a", 1.0), peaked("a", 2.0), peaked("b", 1.0)];
        for (given, expected) in [
            (vec![&a, &b], vec![vec![&a, &b]]),
            (vec![&a, &a], vec![vec![&a], vec![&a]]),
            (vec![&a, &b, &b1, &a1], vec![vec![&a, &b], vec![&b1, &a1]]),
            (vec![&a1, &b1, &a2], vec![vec![&a2, &b1]]),
            (vec![&a1, &a, &a2], vec![vec![&a1], vec![&a], vec![&a2]]),
        ] {
            let given: Vec<_> = given.into_iter().cloned().collect();
            assert_eq!(batches(&given), expected);
        }
    }
}
