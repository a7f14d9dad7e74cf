//! What a message says: words, a picture, and the templates that lay them out.

mod chart;
mod facts;
mod headline;
mod picture;
mod said;
mod sample;
mod sections;
mod templates;
pub(crate) mod words;

pub use chart::{Chart, ChartWords};
pub use said::Said;
pub use templates::{TemplateError, Templates, Written};
