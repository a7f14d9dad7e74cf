//! Who may do what: people with roles and filters, their sessions, the keys of their programs.
//!
//! | module | what is in it |
//! |---|---|
//! | `decision` | [`may`]: what a caller may do with a device; pure |
//! | `caller` | who asks, and how that is known |
//! | `authority` | recognises callers, logs people in, and changes users, sessions and keys, each change with its audit record |
//! | `sending` | [`may_send`]: whose readings somebody may send over HTTP; pure |
//! | `rights` | what a device may publish and subscribe; pure |
//! | `device_password` | the passwords that devices get, and their hashes |
//! | `identity` | who logs in at an identity provider, and how its claims become a role and filters; pure |
//! | `password`, `delay` | hashes of passwords, and the delay of those who guess |
//! | `token` | signed tokens, which every process accepts without asking the store |
//! | `contents` | what the audit says of users, keys, devices and credentials |
//! | `restore` | the changes that bring a former state back |
//! | `signed_head` | the end of the audit, signed, to be kept elsewhere |
//! | `state` | what stood in the store at a time, by the audit |
//! | `archive`, `segment` | segments of the audit that leave it as files, and contents that are erased |
//! | `verify` | whether the audit's chain holds |
//!
//! As long as there is no user, everyone may do everything: the first user closes that for good.

#![warn(missing_docs)]

mod archive;
mod authority;
mod caller;
mod contents;
mod decision;
mod delay;
mod device_password;
mod identity;
mod names;
mod password;
mod restore;
pub mod rights;
mod secret;
mod segment;
mod sending;
mod signed_head;
mod state;
mod token;
mod verify;

pub use archive::{
    Archived, Erasable, Known, Until, archive, erase, erase_file, last_archived, next_segment,
};
pub use authority::device_login::user_and_password;
pub use authority::{
    Authority, Credentials, LoggedIn, MAX_KEY_DAYS, NewCredential, NewKey, NewUser, Problem, Recognized,
    RecognizedDevice, SESSION_SECONDS, TokenIssuer, UserChange, check_device,
};
pub use caller::{Caller, record_of_command};
pub use decision::{Action, Decision, may};
pub use delay::{Delays, delay};
pub use device_password::{hash_device_password, is_device_password, new_device_password};
pub use identity::{ClaimRules, Claims, Identity, WrongRule};
pub use names::check_username;
pub use password::{hash_password, is_password, network};
pub use restore::{Step, careful_steps, registry_steps, take_step, user_steps};
pub use rights::Rights;
pub use segment::{Ends, Segment};
pub use sending::{Sender, may_send, may_send_on};
pub use signed_head::{HeadKey, read_heads};
pub use state::{State, StateReader, state_at};
pub use verify::{Proof, Verification, Verified, verify};
