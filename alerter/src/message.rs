//! What a message says: words, a picture, and the templates that lay them out.

mod build;
mod chart;
mod content;
mod facts;
mod headline;
mod picture;
mod sample;
mod sections;
mod templates;
pub(crate) mod words;

pub use chart::{Chart, ChartCaption};
pub use content::MessageContext;
pub use templates::{TemplateError, Templates, Written};
