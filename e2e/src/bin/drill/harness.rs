//! What a fault may use.

use std::collections::HashMap;

use e2e::{Cluster, LONG, Shape, eventually};
use rand::rngs::StdRng;

use crate::flow::Flow;

/// The cluster under load, while a fault lasts.
pub(crate) struct Harness<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) flow: Flow,
    pub(crate) random: StdRng,
    /// The node of each client of the load, by its device.
    pub(crate) nodes: HashMap<String, String>,
    /// Promises that did not hold, as far as the fault itself saw it.
    pub(crate) violations: Vec<String>,
}

/// Waits for `count` mails about a device.
pub(crate) fn until_mailed(cluster: &Cluster, device: &str, count: usize) {
    eventually(LONG, || match cluster.mails(device) {
        mails if mails.len() == count => Ok(()),
        mails => Err(mails.iter().map(|mail| mail.subject.clone()).collect::<Vec<_>>()),
    });
}
