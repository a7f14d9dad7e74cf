//! Calls webhooks in the format of Prometheus' Alertmanager, version 4.

mod payload;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::percent_decode_str;
use store::OutgoingMessage;
use telemetry::Inputs;
use tokio::sync::watch;
use url::Url;

use super::{Notifier, PerhapsAccepted, SendError};
use crate::rules::{Recipient, Rules, Secret};

/// How long a call may take, from the connection to the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Posts to the recipients that have a URL in the rules; 2xx is an answer, and redirects are not followed.
pub struct Webhook {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    page: String,
    inputs: watch::Receiver<Arc<Inputs>>,
}

impl Webhook {
    /// The page is where people see the alerts, without a trailing slash; the inputs have the words for values.
    ///
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn new(page: String, inputs: watch::Receiver<Arc<Inputs>>) -> anyhow::Result<Self> {
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("read the machine's certificates")?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(https), page, inputs })
    }
}

#[async_trait]
impl Notifier for Webhook {
    async fn send(&self, message: &OutgoingMessage, rules: &Rules) -> Result<Option<String>, SendError> {
        let Some(Recipient::Webhook { url }) = rules.recipients.get(&message.address.to) else {
            return Err(SendError::Permanent(anyhow!("the rules name no webhook of this name any more")));
        };
        let words = self.inputs.borrow().mappings().words();
        let body = payload::of(message, &self.page, &words).to_string();
        let request = request(url, body).map_err(SendError::Permanent)?;
        let host = request.uri().host().unwrap_or_default().to_owned();
        match tokio::time::timeout(TIMEOUT, self.client.request(request)).await {
            Ok(Ok(answer)) => judged(answer.status()),
            Ok(Err(e)) => {
                let reason = anyhow!(causes(&e).replace(&host, "<host>"));
                let connected = !e.is_connect();
                Err(SendError::Transient(if connected { reason.context(PerhapsAccepted) } else { reason }))
            }
            Err(_) => {
                let late = anyhow!("the webhook did not answer within {TIMEOUT:?}");
                Err(SendError::Transient(late.context(PerhapsAccepted)))
            }
        }
    }
}

fn judged(status: StatusCode) -> Result<Option<String>, SendError> {
    let said = || anyhow!("the webhook answered {status}");
    match status {
        status if status.is_success() => Ok(None),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(SendError::Transient(said())),
        status if status.is_client_error() => Err(SendError::Permanent(said())),
        _ => Err(SendError::Transient(said())),
    }
}

/// A user and password in the URL go into a header. An error names neither them nor the URL.
fn request(Secret(url): &Secret, body: String) -> anyhow::Result<Request<Full<Bytes>>> {
    let unusable = || anyhow!("the webhook's URL cannot be used: write http:// or https://");
    let mut url = Url::parse(url).map_err(|_| unusable())?;
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let login = url.password().map(|password| format!("{}:{}", decoded(url.username()), decoded(password)));
    url.set_password(None).and_then(|()| url.set_username("")).map_err(|()| unusable())?;
    url.set_fragment(None);
    let uri: Uri = url.as_str().parse().map_err(|_| unusable())?;
    let mut request = Request::new(Full::new(Bytes::from(body)));
    (*request.method_mut(), *request.uri_mut()) = (Method::POST, uri);
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("millrace"));
    if let Some(login) = login {
        let mut value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(login)))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(request)
}

/// What went wrong, down to its cause: hyper's errors say little by themselves, and never the URL.
fn causes(e: &dyn std::error::Error) -> String {
    let causes: Vec<_> = std::iter::successors(Some(e), |e| e.source()).map(ToString::to_string).collect();
    causes.join(": ")
}
