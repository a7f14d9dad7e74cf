//! Users, their sessions and keys, and the audit.

use access::{Action, Caller, may};
use oidc::Oidc;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{TextCodec as _, Via};
use telemetry::Scope;

use super::Time;

/// The caller: the answer of `GET /api/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The name of the user; `null` while there is no user at all.
    pub username: Option<String>,
    /// Where mails reach the user.
    pub email: Option<String>,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// The devices that the caller sees, as MQTT filters; all where there is none.
    pub filters: Vec<String>,
    /// How the caller was recognised: `open`, `session`, `key`, `token` or `oidc`.
    pub via: String,
    /// Whether everyone may do everything, because there is no user yet.
    pub open: bool,
    /// What the caller may do.
    pub actions: Vec<String>,
}

impl From<&Caller> for Me {
    fn from(caller: &Caller) -> Self {
        let allowed = Action::ALL.into_iter().filter(|action| may(caller, *action, None).is_allowed());
        Self {
            username: caller.user.clone(),
            email: caller.email.clone(),
            role: caller.role.word().into(),
            filters: filters(&caller.scope),
            via: caller.via.word().into(),
            open: caller.via == Via::Open,
            actions: allowed.map(|action| action.word().to_owned()).collect(),
        }
    }
}

/// How people may log in: the answer of `GET /api/session/methods`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginMethods {
    /// With a name and a password: always.
    pub password: bool,
    /// At an identity provider; `null` where none is set.
    pub oidc: Option<OidcMethod>,
}

/// The login at an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcMethod {
    /// What people know the provider as.
    pub name: String,
    /// Where the browser goes for that.
    pub url: String,
}

impl LoginMethods {
    /// With this identity provider, if one is set.
    #[must_use]
    pub fn new(oidc: Option<&Oidc>) -> Self {
        let method = |oidc: &Oidc| OidcMethod { name: oidc.name().to_owned(), url: oidc.start() };
        Self { password: true, oidc: oidc.map(method) }
    }
}

/// A session: a row of `GET /api/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names it.
    pub id: String,
    /// When it began.
    pub created_at: Time,
    /// When it was used last, to the minute.
    pub last_used_at: Time,
    /// When it ends, however much it is used.
    pub expires_at: Time,
    /// From where it began.
    pub address: Option<String>,
    /// Whether the request came with it.
    pub current: bool,
}

impl Session {
    /// A session, as the caller with this one sees it.
    #[must_use]
    pub fn new(session: &store::Session, current: Option<&str>) -> Self {
        Self {
            current: Some(session.id.as_str()) == current,
            id: session.id.clone(),
            created_at: session.created_at.into(),
            last_used_at: session.last_used_at.into(),
            expires_at: session.expires_at.into(),
            address: session.address.clone(),
        }
    }
}

/// A user: a row of `GET /api/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name to log in with.
    pub username: String,
    /// Where mails reach the user.
    pub email: Option<String>,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// The devices that the user sees, as MQTT filters; all where there is none.
    pub filters: Vec<String>,
    /// Whether the user logs in at the identity provider, which says role, filters and address, and has no password here.
    pub external: bool,
    /// When the user was added.
    pub created_at: Time,
    /// When the user logged in last.
    pub last_login_at: Option<Time>,
}

impl From<&store::User> for User {
    fn from(user: &store::User) -> Self {
        Self {
            username: user.name.clone(),
            email: user.email.clone(),
            role: user.role.word().into(),
            filters: filters(&user.scope),
            external: user.subject.is_some(),
            created_at: user.created_at.into(),
            last_login_at: user.last_login_at.map(Into::into),
        }
    }
}

/// A key of a program: a row of `GET /api/keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Names it.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The user who answers for it.
    pub owner: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// The devices that it sees, as MQTT filters; all where there is none.
    pub filters: Vec<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Time>,
    /// What a program sends; only in the answer that makes the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl From<&store::ApiKey> for Key {
    fn from(key: &store::ApiKey) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            owner: key.owner.clone(),
            role: key.role.word().into(),
            filters: filters(&key.scope),
            created_at: key.created_at.into(),
            expires_at: key.expires_at.into(),
            last_used_at: key.last_used_at.map(Into::into),
            key: None,
        }
    }
}

/// A signed token: the answer of `POST /api/token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The token, which a program sends as `Authorization: Bearer`.
    pub token: String,
    /// When it ends.
    pub expires_at: Time,
}

/// A record of the audit: a row of `GET /api/audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Its place in the chain.
    pub number: i64,
    /// When.
    pub at: Time,
    /// The user; `null` where nobody was recognised, or there was no user.
    pub actor: Option<String>,
    /// How the user was recognised: `open`, `session`, `key`, `token`, `oidc`, `command` or `none`.
    pub via: String,
    /// From which address.
    pub address: Option<String>,
    /// What was done or tried.
    pub action: String,
    /// To what.
    pub target: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// What the change found.
    pub before: Option<Value>,
    /// What the change left.
    pub after: Option<Value>,
    /// The hash of the record and of all before it.
    pub hash: String,
}

impl From<&store::AuditRecord> for AuditRecord {
    fn from(record: &store::AuditRecord) -> Self {
        let content =
            |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        Self {
            number: record.number,
            at: record.at.into(),
            actor: record.actor.clone(),
            via: record.via.word().into(),
            address: record.address.clone(),
            action: record.action.clone(),
            target: record.target.clone(),
            outcome: record.outcome.word().into(),
            before: content(&record.before),
            after: content(&record.after),
            hash: record.hash.clone(),
        }
    }
}

/// What `GET /api/access` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Whether the user may.
    pub allowed: bool,
    /// Why.
    pub why: String,
}

fn filters(scope: &Scope) -> Vec<String> {
    scope.filters().iter().map(ToString::to_string).collect()
}
