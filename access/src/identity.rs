//! Who logs in at an identity provider, and how its claims become a role and filters; pure.

use std::fmt;

use serde_json::{Map, Value};
use store::{Role, TextCodec as _};
use telemetry::{Filter, Scope};

use crate::names::{check_email, check_username};

/// Characters of a claim that are shown to the person, at most.
const MAX_SHOWN_CHARS: usize = 300;

/// Characters of the name in a token, at most.
const MAX_NAME_CHARS: usize = 128;

/// The claims of an identity provider about a person or a program.
pub type Claims = Map<String, Value>;

/// How the claims of an identity provider become a name, a role and filters.
#[derive(Debug, Clone)]
pub struct ClaimRules {
    claim: String,
    name_claim: String,
    roles: Vec<(String, Role)>,
    filters: Vec<(String, Filter)>,
}

/// Whom an identity provider vouches for, and what that person or program may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer and its name for the person, apart by a blank: this stays the same when the person is renamed.
    pub subject: String,
    /// What the user is called.
    pub name: String,
    /// Where mails reach the person.
    pub email: Option<String>,
    /// What the user may do ...
    pub role: Role,
    /// ... and with which devices.
    pub scope: Scope,
}

/// Why an entry of the rules is wrong: in the list of roles or in that of filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongRule {
    /// An entry of the roles.
    Role(String),
    /// An entry of the filters.
    Filter(String),
}

impl fmt::Display for WrongRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(why) | Self::Filter(why) => f.write_str(why),
        }
    }
}

impl ClaimRules {
    /// Reads rules: each role as `VALUE=ROLE`, each filter as `VALUE=FILTER`, by what the claim holds.
    ///
    /// # Errors
    /// An entry has another form, or there is no role at all.
    pub fn read(
        claim: &str,
        name_claim: &str,
        roles: &[String],
        filters: &[String],
    ) -> Result<Self, WrongRule> {
        if roles.is_empty() {
            return Err(WrongRule::Role(
                "nobody could log in: name at least one role, such as [\"iot-admins=admin\"]".into(),
            ));
        }
        Ok(Self {
            claim: claim.to_owned(),
            name_claim: name_claim.to_owned(),
            roles: roles.iter().map(|entry| read_role(entry)).collect::<Result<_, _>>()?,
            filters: filters.iter().map(|entry| read_filter(entry)).collect::<Result<_, _>>()?,
        })
    }

    /// Whether the claims have all that a login needs. The provider may have more to say where it is asked again.
    #[must_use]
    pub fn are_complete(&self, claims: &Claims) -> bool {
        find(claims, &self.claim).is_some() && find(claims, &self.name_claim).is_some()
    }

    /// The person of these claims, by an issuer.
    ///
    /// # Errors
    /// Says for the person what the claims lack, and what they hold.
    pub fn person(&self, issuer: &str, claims: &Claims) -> Result<Identity, String> {
        let name = find(claims, &self.name_claim).and_then(Value::as_str);
        let name = name
            .ok_or_else(|| format!("the identity provider gave no name in the claim {}", self.name_claim))?;
        check_username(name).map_err(|form| {
            format!("the name in the claim {} is {}: {form}", self.name_claim, shown(&name.into()))
        })?;
        self.identity(issuer, claims, name)
    }

    /// The person or program of a token of this issuer. A program may have no name but its subject.
    ///
    /// # Errors
    /// Says what the claims lack, and what they hold.
    pub fn bearer(&self, issuer: &str, claims: &Claims) -> Result<Identity, String> {
        let name = find(claims, &self.name_claim).and_then(Value::as_str);
        let name = name.or_else(|| claims.get("sub")?.as_str()).unwrap_or_default();
        if name.is_empty() || name.len() > MAX_NAME_CHARS || !name.chars().all(|c| c.is_ascii_graphic()) {
            return Err("the token has no name that can be shown".into());
        }
        self.identity(issuer, claims, name)
    }

    fn identity(&self, issuer: &str, claims: &Claims, name: &str) -> Result<Identity, String> {
        let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
        let subject = subject.ok_or("the identity provider gave no subject")?;
        let held = find(claims, &self.claim);
        let values = held.map(values).unwrap_or_default();
        let what = || match held {
            Some(held) => format!("the claim {} holds {}", self.claim, shown(held)),
            None => format!("the identity provider gave no claim {}", self.claim),
        };
        let role = self.roles.iter().filter(|(value, _)| values.contains(&&**value)).map(|(_, role)| *role);
        let role = role.max().ok_or_else(|| {
            format!("{}, and access.oidc.roles has no role for that: ask who runs Millrace", what())
        })?;
        let scope = self.scope(&values).ok_or_else(|| {
            format!("{}, and access.oidc.filters says for none of that which devices to show", what())
        })?;
        if scope.filters().len() > Scope::MAX_FILTERS {
            return Err(format!("{}, which are more than {} filters", what(), Scope::MAX_FILTERS));
        }
        Ok(Identity {
            subject: format!("{issuer} {subject}"),
            name: name.to_owned(),
            email: email(claims),
            role,
            scope,
        })
    }

    /// Where filters are set, who has none of them sees nothing, and not everything.
    fn scope(&self, values: &[&str]) -> Option<Scope> {
        if self.filters.is_empty() {
            return Some(Scope::all());
        }
        let held = self.filters.iter().filter(|(value, _)| values.contains(&&**value));
        let mut filters: Vec<_> = held.map(|(_, filter)| filter.clone()).collect();
        filters.dedup();
        (!filters.is_empty()).then(|| Scope::new(filters))
    }
}

/// What a claim's value may be: a text or a list of them.
fn values(held: &Value) -> Vec<&str> {
    match held {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A claim by its name, else by its path: `realm_access.roles` is `roles` in `realm_access`.
fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    let by_path = || {
        let (first, rest) = name.split_once('.')?;
        find(claims.get(first)?.as_object()?, rest)
    };
    claims.get(name).or_else(by_path)
}

/// The address for mails, if the provider does not doubt it.
fn email(claims: &Claims) -> Option<String> {
    let is_doubted = claims.get("email_verified").is_some_and(|verified| *verified != Value::Bool(true));
    let email = claims.get("email")?.as_str().filter(|email| check_email(email).is_ok())?;
    (!is_doubted).then(|| email.to_owned())
}

/// A value for people: as JSON, cut where it is long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn read_role(entry: &str) -> Result<(String, Role), WrongRule> {
    let wrong =
        || WrongRule::Role(format!("{entry:?} must be VALUE=ROLE, where ROLE is viewer, operator or admin"));
    let (value, role) = parts(entry).ok_or_else(wrong)?;
    Ok((value, Role::read(role).ok_or_else(wrong)?))
}

fn read_filter(entry: &str) -> Result<(String, Filter), WrongRule> {
    let wrong = |why: &str| {
        WrongRule::Filter(format!("{entry:?} must be VALUE=FILTER, such as \"staff=site-a/#\"{why}"))
    };
    let (value, filter) = parts(entry).ok_or_else(|| wrong(""))?;
    Ok((value, filter.parse().map_err(|e| wrong(&format!(": {e}")))?))
}

/// Names of groups may have a `=`, roles and filters have none.
fn parts(entry: &str) -> Option<(String, &str)> {
    let (value, meaning) = entry.rsplit_once('=')?;
    let value = value.trim();
    (!value.is_empty()).then(|| (value.to_owned(), meaning.trim()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://id.example.org";

    fn rules(roles: &[&str], filters: &[&str]) -> Result<ClaimRules, WrongRule> {
        let list = |entries: &[&str]| entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>();
        ClaimRules::read("groups", "preferred_username", &list(roles), &list(filters))
    }

    fn claims(groups: impl Into<Value>) -> Claims {
        let groups: Value = groups.into();
        let claims = json!({ "sub": "17", "preferred_username": "ann", "groups": groups });
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn the_greatest_role_that_the_claim_gives_counts() {
        let rules = rules(&["staff=viewer", "iot-admins=admin", "CN=ops,OU=x = operator"], &[]).unwrap();
        for (groups, role) in [
            (json!("staff"), Role::Viewer),
            (json!(["staff", "iot-admins"]), Role::Admin),
            (json!(["CN=ops,OU=x", 7, null]), Role::Operator),
        ] {
            let identity = rules.person(ISSUER, &claims(groups)).unwrap();
            assert_eq!((identity.role, identity.scope.is_all()), (role, true));
            assert_eq!((identity.name.as_str(), &*identity.subject), ("ann", "https://id.example.org 17"));
        }
    }

    #[test]
    fn who_gets_no_role_is_told_what_the_claim_holds() {
        let rules = rules(&["staff=viewer"], &[]).unwrap();
        for (groups, expected) in [
            (
                json!(["Staff", "guests"]),
                r#"the claim groups holds ["Staff","guests"], and access.oidc.roles"#,
            ),
            (json!("staff guests"), r#"the claim groups holds "staff guests", and"#),
            (json!([]), "the claim groups holds [], and"),
            (json!({ "staff": true }), r#"holds {"staff":true}, and"#),
        ] {
            let refused = rules.person(ISSUER, &claims(groups)).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        let mut none = claims(json!([]));
        none.remove("groups");
        assert!(rules.person(ISSUER, &none).unwrap_err().contains("gave no claim groups"));
        let long = rules.person(ISSUER, &claims(json!("x".repeat(100_000)))).unwrap_err();
        assert!(long.len() < 500, "{}", long.len());
    }

    #[test]
    fn where_filters_are_set_who_has_none_sees_nothing() {
        let rules = rules(
            &["staff=operator", "boss=admin"],
            &["site-a=site-a/#", "site-b=site-b/#", "site-b=lab", "boss=#"],
        )
        .unwrap();
        let scope = |groups| rules.person(ISSUER, &claims(groups)).map(|identity| identity.scope);
        assert_eq!(scope(json!(["staff", "site-a"])).unwrap(), Scope::read(["site-a/#"]).unwrap());
        assert_eq!(scope(json!(["staff", "site-b"])).unwrap(), Scope::read(["site-b/#", "lab"]).unwrap());
        assert_eq!(scope(json!(["boss", "site-b"])).unwrap(), Scope::all());
        let refused = scope(json!(["staff"])).unwrap_err();
        assert!(refused.contains("access.oidc.filters says for none of that"), "{refused}");
    }

    #[test]
    fn a_claim_may_lie_within_another_and_have_a_point_in_its_name() {
        let rules = |claim: &str| ClaimRules::read(claim, "email", &["a=viewer".into()], &[]).unwrap();
        let claims = json!({
            "sub": "17", "email": "ann@example.org", "realm_access": { "roles": ["a"] }, "https://x.org/roles": "a",
        });
        let claims = claims.as_object().unwrap();
        for claim in ["realm_access.roles", "https://x.org/roles"] {
            assert!(rules(claim).are_complete(claims));
            let ann = rules(claim).person(ISSUER, claims).unwrap();
            assert_eq!((&*ann.name, ann.email.as_deref()), ("ann@example.org", Some("ann@example.org")));
        }
        assert!(!rules("realm_access.groups").are_complete(claims));
    }

    #[test]
    fn names_and_addresses_that_cannot_be_used_are_not() {
        let rules = rules(&["a=viewer"], &[]).unwrap();
        let with = |field: &str, value: Value| {
            let mut claims = claims(json!("a"));
            claims.insert(field.into(), value);
            claims
        };
        for name in [json!("a b"), json!(""), json!(7), json!("ann\u{202e}"), json!("oidc:ann")] {
            assert!(rules.person(ISSUER, &with("preferred_username", name.clone())).is_err(), "{name}");
        }
        assert!(rules.person(ISSUER, &with("sub", json!(""))).is_err());
        let unverified = Claims::from_iter([
            ("email".into(), json!("ann@example.org")),
            ("email_verified".into(), json!(false)),
        ]);
        assert_eq!(email(&unverified), None);
        assert_eq!(email(&with("email", json!("a@b\r\nBcc: c@d"))), None);
        let program = json!({ "sub": "auth0|17", "groups": "a" });
        let program = rules.bearer(ISSUER, program.as_object().unwrap()).unwrap();
        assert_eq!(program.name, "auth0|17");
        assert!(rules.bearer(ISSUER, &with("preferred_username", json!("a b"))).is_err());
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_named() {
        for (roles, filters, expected) in [
            (&[][..], &[][..], "nobody could log in"),
            (&["admins"], &[], "\"admins\" must be VALUE=ROLE"),
            (&["admins=root"], &[], "\"admins=root\" must be VALUE=ROLE"),
            (&["=admin"], &[], "VALUE=ROLE"),
            (&["a=admin"], &["a"], "\"a\" must be VALUE=FILTER"),
            (&["a=admin"], &["a=x/#/y"], "must be VALUE=FILTER"),
        ] {
            let wrong = rules(roles, filters).unwrap_err().to_string();
            assert!(wrong.contains(expected), "{wrong}");
        }
    }
}
