//! A mail as it was delivered.

/// The parts of a mail that tests check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub subject: String,
    headers: Vec<(String, String)>,
    /// Everything after the headers, with the soft line breaks of quoted-printable removed.
    pub text: String,
}

impl Mail {
    /// Reads a mail as it went over the wire.
    ///
    /// # Panics
    /// It has no subject.
    #[must_use]
    pub(crate) fn read(raw: &str) -> Self {
        let raw = raw.replace("\r\n", "\n");
        let (head, body) = raw.split_once("\n\n").unwrap_or((&raw, ""));
        // A line that begins with a space goes on with the one before.
        let head = head.replace("\n ", " ").replace("\n\t", " ");
        let pair = |line: &str| {
            line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        };
        let headers: Vec<_> = head.lines().filter_map(pair).collect();
        let mut mail = Self { subject: String::new(), headers, text: body.replace("=\n", "") };
        mail.subject = mail.header("subject").expect("a mail has a subject").to_owned();
        mail
    }

    /// The first header of that name, in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_headers_and_soft_line_ends_are_made_whole() {
        let mail =
            Mail::read("Subject: Alert: a long\r\n name\r\nIn-Reply-To: <x@y>\r\n\r\nabove=\r\n 25\r\n");
        assert_eq!((mail.subject.as_str(), mail.text.as_str()), ("Alert: a long name", "above 25\n"));
        assert_eq!((mail.header("in-reply-to"), mail.header("to")), (Some("<x@y>"), None));
    }
}
