//! What the decoder could not read, as the API shows it.

use api::Document;
use api::forms::{self, Inputs};
use service::Decoder;

/// The answer of `GET /api/inputs`.
pub(crate) struct InputsDocument(pub(crate) Decoder);

impl Document for InputsDocument {
    fn json(&self) -> String {
        let (groups, others) = self.0.unmapped();
        let mappings = format!("{:016x}", self.0.inputs().mappings().hash());
        forms::text(&Inputs { mappings, unmapped: groups.into_iter().map(Into::into).collect(), others })
    }
}
