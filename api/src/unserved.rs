//! What a program answers from that does not serve all routes: nothing.

use std::collections::BTreeMap;

use anyhow::bail;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use telemetry::{Scope, Series};

use crate::context::{Document, Heard, Newest};
use crate::resend::ReadingPublisher;

/// What stands in an [`Api`](crate::Api) for what no served route asks: it knows nothing, and does nothing.
#[derive(Debug, Clone, Copy)]
pub struct Unserved;

impl Newest for Unserved {
    fn page(&self, _: &Scope, _: Option<&Series>, _: usize) -> Option<String> {
        None
    }

    fn devices(&self, _: &Scope) -> Option<BTreeMap<String, Heard>> {
        None
    }

    fn device(&self, _: &str) -> Option<Heard> {
        None
    }

    fn forget(&self, _: &str, _: Timestamp) {}
}

impl Document for Unserved {
    fn json(&self) -> String {
        "{}".to_owned()
    }
}

#[async_trait]
impl ReadingPublisher for Unserved {
    async fn publish(&self, _: &Series, _: Vec<Bytes>) -> anyhow::Result<()> {
        bail!("this program resends nothing")
    }
}
