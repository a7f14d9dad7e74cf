//! `GET /api/access`: whether a user may do something with a device, and why.

use access::{Action, Caller, Decision, may};
use store::TextCodec as _;
use warp::http::StatusCode;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, Access};
use crate::guards::reads;
use crate::query::{self, Parameters};
use crate::response::json;

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] = &["user", "device", "action"];

pub(super) fn route(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "access").and(reads(api, Action::Read)).then(move |parameters, caller| {
        let api = context.clone();
        async move { decide(&api, parameters, &caller).await.unwrap_or_else(ApiError::into_response) }
    })
}

async fn decide(api: &Api, mut parameters: Parameters, caller: &Caller) -> Result<Response, ApiError> {
    let wrong = ApiError::BadRequest;
    let user = query::text(&mut parameters, "user").map_err(wrong)?;
    let device = query::text(&mut parameters, "device").map_err(wrong)?;
    let words = Action::ALL.map(|action| (action.word(), action));
    let action = query::one_of(&mut parameters, "action", &words).map_err(wrong)?;
    query::nothing_left(&parameters, PARAMETERS).map_err(wrong)?;
    let action = action.ok_or_else(|| wrong("name an action, such as action=read".into()))?;
    let about = match user {
        Some(name) if Some(&name) != caller.user.as_ref() => {
            let decision = may(caller, Action::Users, None);
            if !decision.is_allowed() {
                return Err(ApiError::NotAllowed(decision.why()));
            }
            Caller::person(api.access.user(&name).await?, None, None)
        }
        _ => caller.clone(),
    };
    let decision = may(&about, action, device.as_deref());
    let why = explain(&about, decision);
    Ok(json(StatusCode::OK, forms::text(&Access { allowed: decision.is_allowed(), why })))
}

fn explain(about: &Caller, decision: Decision) -> String {
    let role = about.role.word();
    match decision {
        Decision::Allowed => format!("the role {role} may, and the filters hold the device"),
        Decision::NeedsRole(needed) => format!("the role is {role}, and only {} may", needed.word()),
        Decision::NeedsSession => "only a person who has logged in may".into(),
        Decision::NoPassword => "the user logs in at the identity provider and has no password here".into(),
        Decision::OutsideFilters => "the filters do not hold it".into(),
        Decision::OtherDevice | Decision::Protected => decision.why(),
    }
}
