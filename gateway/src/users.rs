//! The users that RabbitMQ has for devices, and what is to be changed about them.

use std::collections::BTreeMap;

use access::Rights;
use store::Credential;

use crate::rights::{self, Permission, TopicPermission};

/// A user of RabbitMQ for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// As RabbitMQ has it; empty where no password lets in.
    pub(crate) password_hash: String,
    /// None until it has one: without, the user might use every topic.
    pub(crate) topics: Option<TopicPermission>,
    /// None until it has one: without, the user cannot log in.
    pub(crate) resources: Option<Permission>,
}

/// Users by their names.
pub(crate) type Users = BTreeMap<String, User>;

/// What is to be done so that there are the users that there should be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Users to be made, or made anew.
    pub(crate) set: Users,
    /// Of these, users that may be connected with what they were.
    pub(crate) changed: Vec<String>,
    /// Users to be removed.
    pub(crate) remove: Vec<String>,
}

impl Changes {
    /// What leads from the users that there are to those that there should be.
    pub(crate) fn between(are: &Users, should: &Users) -> Self {
        let set: Users = should
            .iter()
            .filter(|(name, user)| are.get(*name) != Some(user))
            .map(|(name, user)| (name.clone(), user.clone()))
            .collect();
        let changed = set.keys().filter(|name| are.contains_key(*name)).cloned().collect();
        let remove = are.keys().filter(|name| !should.contains_key(*name)).cloned().collect();
        Self { set, changed, remove }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    pub(crate) fn count(&self) -> usize {
        self.set.len() + self.remove.len()
    }
}

/// The users that these credentials stand for.
///
/// # Errors
/// The rights of one of them cannot be read.
pub(crate) fn users_of(credentials: &[Credential]) -> anyhow::Result<Users> {
    credentials.iter().map(|credential| Ok((credential.user.clone(), user_of(credential)?))).collect()
}

fn user_of(credential: &Credential) -> anyhow::Result<User> {
    let rights = Rights::read(credential.rights.lines())?;
    Ok(User {
        password_hash: credential.hash.clone(),
        topics: Some(rights::topics(credential, &rights)),
        resources: Some(rights::resources(credential)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(names: &[(&str, &str)]) -> Users {
        let user = |hash: &str| User { password_hash: hash.into(), topics: None, resources: None };
        names.iter().map(|(name, hash)| ((*name).to_owned(), user(hash))).collect()
    }

    #[test]
    fn only_what_differs_is_changed() {
        let (are, should) =
            (users(&[("a", "1"), ("b", "1"), ("c", "1")]), users(&[("b", "1"), ("c", "2"), ("d", "1")]));
        let changes = Changes::between(&are, &should);
        assert_eq!(changes.set.keys().collect::<Vec<_>>(), ["c", "d"]);
        assert_eq!(
            (changes.changed.as_slice(), changes.remove.as_slice()),
            (&["c".to_owned()][..], &["a".to_owned()][..])
        );
        assert!(Changes::between(&should, &should).is_empty());
    }

    #[test]
    fn a_user_without_rights_on_topics_is_made_anew() {
        let mut are = users(&[("a", "1")]);
        let mut should = are.clone();
        let topics = TopicPermission { write: "w".into(), read: "r".into() };
        should.get_mut("a").unwrap().topics = Some(topics.clone());
        assert_eq!(Changes::between(&are, &should).changed, ["a"]);
        are.get_mut("a").unwrap().topics = Some(topics);
        assert!(Changes::between(&are, &should).is_empty());
    }
}
