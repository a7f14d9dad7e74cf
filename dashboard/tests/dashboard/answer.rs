//! An answer as it came over the line.

use std::io::Read;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    /// The headers as they were sent, by their names in small letters.
    exact: Vec<(String, String)>,
    pub(crate) bytes: Vec<u8>,
    /// Bytes that are not UTF-8 are replaced.
    pub(crate) body: String,
    /// Whether it came to its end.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn read(said: &[u8]) -> Self {
        let end = said.windows(4).position(|four| four == b"\r\n\r\n").expect("the head of an answer");
        let head = String::from_utf8_lossy(&said[..end]).to_lowercase();
        let exact = String::from_utf8_lossy(&said[..end]);
        let exact = exact.lines().filter_map(|line| line.split_once(": "));
        let exact = exact.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let body = &said[end + 4..];
        let (bytes, is_whole) = match head.contains("transfer-encoding: chunked") {
            true => unchunked(body),
            false => (body.to_vec(), true),
        };
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, exact, body: String::from_utf8_lossy(&bytes).into_owned(), bytes, is_whole }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    /// All values of a header, as they were sent.
    pub(crate) fn exact_headers(&self, name: &str) -> Vec<&str> {
        self.exact.iter().filter(|(named, _)| named == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// What is wrong, as JSON says it.
    pub(crate) fn error(&self) -> String {
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"), "{self:?}");
        self.json()["error"].as_str().unwrap().to_owned()
    }

    /// What it is before it was compressed.
    pub(crate) fn unpacked(&self) -> Vec<u8> {
        assert_eq!(self.header("content-encoding"), Some("gzip"), "{}", self.head);
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&self.bytes[..]).read_to_end(&mut unpacked).unwrap();
        unpacked
    }
}

/// The body of chunks, and whether the last one is there.
fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let bytes = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        rest = &rest[end + 2..];
        if bytes == 0 {
            return (body, true);
        }
        if rest.len() < bytes + 2 {
            break;
        }
        body.extend_from_slice(&rest[..bytes]);
        rest = &rest[bytes + 2..];
    }
    body.extend_from_slice(rest);
    (body, false)
}
