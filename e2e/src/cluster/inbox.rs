//! The mails that a cluster's mail catcher holds: Mailpit, or MailDev in its place.

use serde_json::Value;

use crate::Mail;
use crate::http::ask;

/// Mails on one page of a list.
const PAGE: usize = 200;

/// The API of a mail catcher.
#[derive(Debug, Clone)]
pub(super) struct Inbox {
    /// With credentials: `http://user:password@127.0.0.1:41234`.
    url: String,
    words: Words,
}

/// The names that Mailpit and MailDev use for the same things.
#[derive(Debug, Clone, Copy)]
struct Words {
    list: &'static str,
    skip: &'static str,
    rows: &'static str,
    id: &'static str,
    subject: &'static str,
    mail: &'static str,
    raw: &'static str,
}

const MAILPIT: Words = Words {
    list: "/api/v1/messages",
    skip: "start",
    rows: "messages",
    id: "ID",
    subject: "Subject",
    mail: "/api/v1/message",
    raw: "raw",
};

const MAILDEV: Words = Words {
    list: "/api/email/summary",
    skip: "skip",
    rows: "items",
    id: "id",
    subject: "subject",
    mail: "/api/email",
    raw: "source",
};

impl Inbox {
    pub(super) fn at(url: String) -> Self {
        let is_mailpit = ask(&format!("{url}{}", MAILPIT.list)).0 == 200;
        Self { url, words: if is_mailpit { MAILPIT } else { MAILDEV } }
    }

    /// The mails whose subject names this, oldest first.
    pub(super) fn mails(&self, about: &str) -> Vec<Mail> {
        let Words { id, subject, mail, raw, .. } = self.words;
        let mut ids = Vec::new();
        for row in self.rows() {
            if row[subject].as_str().is_some_and(|subject| subject.contains(about)) {
                ids.push(row[id].as_str().expect("a mail has an id").to_owned());
            }
        }
        // Both list the newest first.
        ids.iter().rev().map(|id| Mail::read(&self.get(&format!("{mail}/{id}/{raw}")))).collect()
    }

    fn rows(&self) -> Vec<Value> {
        let Words { list, skip, rows, .. } = self.words;
        let mut all = Vec::new();
        loop {
            let page = self.get(&format!("{list}?{skip}={}&limit={PAGE}", all.len()));
            let page: Value = serde_json::from_str(&page).expect("a list of mails is JSON");
            let page = page[rows].as_array().expect("rows").clone();
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                return all;
            }
        }
    }

    fn get(&self, path: &str) -> String {
        let (status, body) = ask(&format!("{}{path}", self.url));
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}
