//! Who may do what: logging in, users, sessions, keys and the audit.

mod audit;
mod decision;
mod keys;
mod oidc;
mod session;
mod sessions;
mod token;
mod users;

use serde::{Deserialize, Deserializer};
use telemetry::Scope;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;

#[cfg(test)]
pub(super) use self::audit::PARAMETERS as AUDIT_PARAMETERS;
#[cfg(test)]
pub(super) use self::decision::PARAMETERS as DECISION_PARAMETERS;
#[cfg(test)]
pub(super) use self::oidc::{CALLBACK_PARAMETERS, START_PARAMETERS};
#[cfg(test)]
pub(super) use self::sessions::PARAMETERS as SESSIONS_PARAMETERS;

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    session::routes(api)
        .or(oidc::routes(api))
        .unify()
        .or(sessions::routes(api))
        .unify()
        .or(users::routes(api))
        .unify()
        .or(keys::routes(api))
        .unify()
        .or(token::routes(api))
        .unify()
        .or(audit::route(api))
        .unify()
        .or(decision::route(api))
        .unify()
}

/// The filters of a body.
///
/// # Errors
/// There are too many, or one of them is not a filter.
fn read_scope(filters: &[String]) -> Result<Scope, ApiError> {
    if filters.len() > Scope::MAX_FILTERS {
        return Err(ApiError::BadRequest(format!("filters: at most {}", Scope::MAX_FILTERS)));
    }
    Scope::read(filters.iter().map(String::as_str)).map_err(|e| ApiError::BadRequest(format!("filters: {e}")))
}

/// The role of a body.
///
/// # Errors
/// There is no such role.
fn read_role(word: &str) -> Result<store::Role, ApiError> {
    let unknown = || ApiError::BadRequest("role must be viewer, operator or admin".into());
    store::TextCodec::read(word).ok_or_else(unknown)
}

/// A field that is left out is none; one that is there has a value.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// What the body holds.
///
/// # Errors
/// Says which part of the body is wrong and what it may be.
fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    crate::requests::read(body).map_err(ApiError::BadRequest)
}
