//! One mail, one conversation with a mail server, every step of it bounded.

use std::time::Duration;

use anyhow::anyhow;
use lettre::Message;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::notifier::{PerhapsAccepted, SendError};

/// How long the server may take for each answer but the last.
const STEP: Duration = Duration::from_secs(60);

/// For the last answer it has the whole mail, and asking anew would be a second one: RFC 5321 asks for this long.
const LAST_REPLY: Duration = Duration::from_secs(10 * 60);

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// With this reply a server ends the conversation.
const HANGS_UP: &str = "421";

type Answer<T> = Result<T, Error>;

/// Where a mail server is, and how it is spoken to.
pub(crate) struct Server {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    hello: ClientId,
}

impl Server {
    /// Reads `smtp://[user:password@]host[:port][?tls=required]` or `smtps://…`; `None` for anything else.
    pub(crate) fn from_url(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        // A literal IPv6 address stands in brackets.
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        let encryption = || TlsParameters::new(host.clone()).ok();
        let wanted = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, wanted)| wanted.into_owned());
        let (tls, port) = match (url.scheme(), wanted.as_deref()) {
            ("smtp", None) => (Tls::None, SMTP_PORT),
            ("smtp", Some("required")) => (Tls::Required(encryption()?), SUBMISSION_PORT),
            ("smtp", Some("opportunistic")) => (Tls::Opportunistic(encryption()?), SUBMISSION_PORT),
            ("smtps", _) => (Tls::Wrapper(encryption()?), SUBMISSIONS_PORT),
            _ => return None,
        };
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().ok().map(String::from);
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
            None => None,
        };
        let port = url.port().unwrap_or(port);
        Some(Self { host, port, tls, credentials, hello: ClientId::default() })
    }

    /// Hands a mail over; returns what the server said to recipients that it refused while it took others.
    ///
    /// Whom it refused misses this mail: everybody else would have to wait for one mailbox that is full.
    pub(crate) async fn send(&self, message: &Message) -> Result<Vec<String>, SendError> {
        let mut connection = self.connect().await?;
        let (envelope, mail) = (message.envelope(), message.formatted());
        let from = Mail::new(envelope.from().cloned(), parameters(&connection, envelope, &mail)?);
        step(STEP, connection.command(from)).await?;
        let refused = address(&mut connection, envelope).await?;
        step(STEP, connection.command(Data)).await?;
        last_reply(connection.message(&mail)).await?;
        // The mail is taken, whatever becomes of the goodbye.
        tokio::spawn(async move { tokio::time::timeout(GOODBYE, connection.quit()).await });
        Ok(refused)
    }

    /// A server that does not let us in takes no other mail either.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let wrapper = match &self.tls {
            Tls::Wrapper(tls) => Some(tls.clone()),
            _ => None,
        };
        let place = (self.host.as_str(), self.port);
        let connect = AsyncSmtpConnection::connect_tokio1(place, Some(STEP), &self.hello, wrapper, None);
        let mut connection = opening("connect to the mail server", connect).await?;
        match &self.tls {
            Tls::Opportunistic(_) if !connection.can_starttls() => {}
            Tls::Required(tls) | Tls::Opportunistic(tls) => {
                opening("start TLS", connection.starttls(tls.clone(), &self.hello)).await?;
            }
            Tls::None | Tls::Wrapper(_) => {}
        }
        if let Some(credentials) = &self.credentials {
            opening("log in to the mail server", connection.auth(DEFAULT_MECHANISMS, credentials)).await?;
        }
        Ok(connection)
    }
}

/// Names the recipients, of whom at least one must be taken; returns what was said to the others.
async fn address(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
) -> Result<Vec<String>, SendError> {
    let mut refused = Vec::new();
    let mut passing = false;
    for recipient in envelope.to() {
        let answer = connection.command(Rcpt::new(recipient.clone(), vec![]));
        match step(STEP, async { Ok(answer.await) }).await? {
            Ok(_) => {}
            Err(e) if e.status().is_none_or(|code| code.to_string() == HANGS_UP) => return Err(failure(&e)),
            Err(e) => {
                passing |= e.is_transient();
                refused.push(reply(&e));
            }
        }
    }
    if refused.len() < envelope.to().len() {
        return Ok(refused);
    }
    let all = anyhow!("{}", refused.join("; "));
    Err(if passing { SendError::Transient(all) } else { SendError::Permanent(all) })
}

/// What this mail asks of the server beyond plain ASCII.
fn parameters(
    connection: &AsyncSmtpConnection,
    envelope: &Envelope,
    mail: &[u8],
) -> Result<Vec<MailParameter>, SendError> {
    let mut parameters = Vec::new();
    let mut need = |needed: bool, extension: Extension, parameter| {
        if needed && !connection.server_info().supports_feature(extension) {
            return Err(SendError::Permanent(anyhow!("the mail server does not know {extension}")));
        }
        parameters.extend(needed.then_some(parameter));
        Ok(())
    };
    let mut addresses = envelope.to().iter().chain(envelope.from());
    let beyond_ascii = addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii());
    need(beyond_ascii, Extension::SmtpUtfEight, MailParameter::SmtpUtfEight)?;
    let eight_bit = MailParameter::Body(MailBodyParameter::EightBitMime);
    need(!mail.is_ascii(), Extension::EightBitMime, eight_bit)?;
    Ok(parameters)
}

async fn opening<T>(what: &'static str, answer: impl Future<Output = Answer<T>>) -> Result<T, SendError> {
    step(STEP, answer).await.map_err(|e| SendError::Transient(e.reason().context(what)))
}

/// Without a reply it is unknown whether the server accepted the mail.
async fn last_reply<T>(answer: impl Future<Output = Answer<T>>) -> Result<T, SendError> {
    let unsure = |reason: anyhow::Error| SendError::Transient(reason.context(PerhapsAccepted));
    match tokio::time::timeout(LAST_REPLY, answer).await {
        Ok(answer) => {
            answer.map_err(|e| if e.status().is_some() { failure(&e) } else { unsure(failure(&e).reason()) })
        }
        Err(_) => Err(unsure(anyhow!("the mail server did not answer within {LAST_REPLY:?}"))),
    }
}

async fn step<T>(within: Duration, answer: impl Future<Output = Answer<T>>) -> Result<T, SendError> {
    match tokio::time::timeout(within, answer).await {
        Ok(answer) => answer.map_err(|e| failure(&e)),
        Err(_) => Err(SendError::Transient(anyhow!("the mail server did not answer within {within:?}"))),
    }
}

/// 5xx speaks of this mail; anything else of the server or the way there.
fn failure(e: &Error) -> SendError {
    let reason = anyhow!("{}", reply(e));
    if e.is_permanent() { SendError::Permanent(reason) } else { SendError::Transient(reason) }
}

/// What the server said, without the addresses in it: it is logged.
fn reply(e: &Error) -> String {
    let said = e.to_string();
    let words = said.split_whitespace().map(|word| if word.contains('@') { "<address>" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
