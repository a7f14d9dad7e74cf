//! The parameters of a query, each by one name.

use warp::{Filter, Rejection};

use crate::query::Parameters;

/// The request names a parameter twice.
#[derive(Debug)]
pub(crate) struct DuplicateParameter;

impl warp::reject::Reject for DuplicateParameter {}

/// Reads the query, and rejects one that names a parameter twice.
pub fn parameters() -> impl Filter<Extract = (Parameters,), Error = Rejection> + Copy {
    warp::query::<Vec<(String, String)>>().and_then(async |named: Vec<(String, String)>| {
        let count = named.len();
        let parameters: Parameters = named.into_iter().collect();
        if parameters.len() == count { Ok(parameters) } else { Err(warp::reject::custom(DuplicateParameter)) }
    })
}
