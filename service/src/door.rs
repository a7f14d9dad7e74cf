//! Where connections come in: one accept loop for all listeners, with limits that no peer can exceed.
//!
//! | module | what is in it |
//! |---|---|
//! | `descriptors` | the limit of open files, and how many of them each group of listeners may use |
//! | `admission` | the connections that may be open, in all and for each address |
//! | `accept` | the accept loop, which pauses while the system has no room |
//! | `connection` | an accepted connection, which holds its place until it is closed |
//! | `http` | HTTP on a door, with time limits |
//! | `tls` | TLS, whose files are read again when they change |
//! | `counters` | what is counted |

mod accept;
mod admission;
mod connection;
mod counters;
mod descriptors;
mod http;
mod redirect;
mod tls;

pub use accept::{Door, Doors};
pub use admission::{Admission, Limits, Permit, Refusal};
pub use connection::Connection;
pub use http::{Client, HttpConfig, serve_http};
pub use redirect::serve_redirect;
pub use tls::{Tls, TlsFiles, certificate_end};

pub(crate) use descriptors::raise;
pub(crate) use tls::connect_here;
