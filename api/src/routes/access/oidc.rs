//! `GET /api/session/methods`, and logins at the identity provider: `GET /api/session/oidc` sends a browser there, and
//! `GET /api/session/oidc/callback` takes it back.

use oidc::{Answer, LoginError, Oidc};
use warp::http::{HeaderValue, Method, StatusCode};
use warp::reply::{Reply, Response};
use warp::{Filter, Rejection};

use crate::context::Api;
use crate::error::ApiError;
use crate::forms::{self, LoginMethods};
use crate::guards::{Asker, MAX_BODY_BYTES, Request, public, requests};
use crate::query;
use crate::response::answer;

/// The parameters of the beginning of a login.
pub(in crate::routes) const START_PARAMETERS: &[&str] = &["return_to"];

/// The parameters that are read of those that the provider sends the browser back with; others are its own.
#[cfg(test)]
pub(in crate::routes) const CALLBACK_PARAMETERS: &[&str] =
    &["code", "state", "iss", "error", "error_description"];

/// Nothing is loaded or run by the page that says why nobody is logged in.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

pub(super) fn routes(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    methods(api).or(start(api)).unify().or(callback(api)).unify()
}

fn methods(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let context = api.clone();
    warp::path!("api" / "session" / "methods").and(public(&api.site)).map(move |parameters| {
        let form = forms::text(&LoginMethods::new(context.oidc.as_ref()));
        answer(query::nothing(&parameters).map(|()| form).map_err(ApiError::BadRequest))
    })
}

fn start(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "session" / "oidc").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move {
            let is_page = request.wants_page();
            begin(&api, request).await.unwrap_or_else(|problem| refused(&api, is_page, problem))
        }
    })
}

fn callback(api: &Api) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let requests = requests(api, MAX_BODY_BYTES);
    let api = api.clone();
    warp::path!("api" / "session" / "oidc" / "callback").and(requests).then(move |request: Request| {
        let api = api.clone();
        async move {
            let (is_page, is_secure) = (request.wants_page(), request.is_secure());
            let answer =
                complete(&api, request).await.unwrap_or_else(|problem| refused(&api, is_page, problem));
            // Whatever came of it, the attempt is over.
            with_cookie(answer, &Asker::login_cookie(is_secure, None))
        }
    })
}

async fn begin(api: &Api, request: Request) -> Result<Response, ApiError> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(ApiError::Method("GET, HEAD"));
    }
    let oidc = configured(api)?;
    let (mut parameters, asker) = request.reads_of_everyone()?;
    let return_to = query::text(&mut parameters, "return_to").map_err(ApiError::BadRequest)?;
    query::nothing_left(&parameters, START_PARAMETERS).map_err(ApiError::BadRequest)?;
    let begun = oidc.begin(return_to.as_deref()).await?;
    let answer = redirect(&begun.url)?;
    Ok(with_cookie(answer, &Asker::login_cookie(asker.is_secure(), Some(&begun.cookie))))
}

async fn complete(api: &Api, request: Request) -> Result<Response, ApiError> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(ApiError::Method("GET, HEAD"));
    }
    let oidc = configured(api)?;
    let (mut parameters, asker) = request.reads_of_everyone()?;
    let answer = Answer {
        code: parameters.remove("code"),
        state: parameters.remove("state"),
        error: parameters.remove("error"),
        description: parameters.remove("error_description"),
        issuer: parameters.remove("iss"),
    };
    let logged_in = oidc.complete(asker.login.as_deref(), answer).await;
    if logged_in.is_err() {
        api.access.identity_refused(asker.address).await;
    }
    let logged_in = logged_in?;
    let session =
        api.access.log_in_identity(logged_in.identity, asker.address, asker.session.as_deref()).await?;
    let answer = redirect(&logged_in.url)?;
    Ok(with_cookie(answer, &Asker::cookie(asker.is_secure(), Some(&session.token))))
}

fn configured(api: &Api) -> Result<&Oidc, ApiError> {
    let none = || ApiError::NotFound("no identity provider is set: see access.oidc.issuer".into());
    api.oidc.as_ref().ok_or_else(none)
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        let text = error.to_string();
        match error {
            LoginError::NotBegun => Self::BadRequest(text),
            LoginError::Denied(_) | LoginError::Untrusted(_) | LoginError::NoRole(_) => {
                Self::NotAllowed(text)
            }
            LoginError::Away(_) => Self::Failed(text),
        }
    }
}

/// Sends a browser on. The next site does not learn from where, as the address may have a code.
fn redirect(url: &str) -> Result<Response, ApiError> {
    let location = HeaderValue::from_str(url)
        .map_err(|_| ApiError::Failed("http.public_url has characters that no address has".into()))?;
    let mut answer = StatusCode::SEE_OTHER.into_response();
    for (name, value) in [
        ("location", location),
        ("cache-control", HeaderValue::from_static("no-store")),
        ("referrer-policy", HeaderValue::from_static("no-referrer")),
    ] {
        answer.headers_mut().insert(name, value);
    }
    Ok(answer)
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    let cookie = HeaderValue::from_str(cookie).expect("a cookie of ours is plain ASCII");
    answer.headers_mut().append("set-cookie", cookie);
    answer
}

/// A person whose browser was sent here reads a page, a program JSON.
fn refused(api: &Api, is_page: bool, problem: ApiError) -> Response {
    if !is_page {
        return problem.into_response();
    }
    let home = api.oidc.as_ref().map_or_else(|| "/".to_owned(), Oidc::home);
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Not logged in – Millrace</title>\
         <body style=\"font:16px/1.5 system-ui;max-width:40em;margin:10vh auto;padding:0 1em\">\
         <h1>Not logged in</h1><p role=\"alert\">{}.</p><p><a href=\"{}\">Back to the login page</a></p></html>",
        escaped(&problem.to_string()),
        escaped(&home),
    );
    let mut answer = warp::reply::with_status(warp::reply::html(page), problem.status()).into_response();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
