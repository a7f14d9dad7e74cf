//! Content codings (RFC 9110, 8.4): which one a client prefers, and bodies in it.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use warp::http::HeaderMap;
use warp::hyper::body::Bytes;

/// Below this the header costs more than is saved.
pub(super) const MIN_BYTES: usize = 1024;

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// The coding that the client's `Accept-Encoding` prefers; without that header nothing is compressed.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let (mut gzip, mut identity, mut any) = (None, None, None);
        let lines = headers.get_all("accept-encoding").iter().filter_map(|line| line.to_str().ok());
        for (name, weight) in lines.flat_map(|line| line.split(',')).map(weighed) {
            match name.to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => gzip = Some(weight),
                "identity" => identity = Some(weight),
                "*" => any = Some(weight),
                _ => {}
            }
        }
        let gzip = gzip.or(any).unwrap_or(0.0);
        // A coding that is not named is acceptable, after those that are.
        if gzip > 0.0 && gzip >= identity.unwrap_or(0.0) { Self::Gzip } else { Self::Identity }
    }
}

/// A coding and its weight; a weight that cannot be read counts as 0.
fn weighed(part: &str) -> (&str, f32) {
    let mut fields = part.split(';').map(str::trim);
    let name = fields.next().unwrap_or_default();
    let weight = fields.find_map(|field| field.strip_prefix("q=").or_else(|| field.strip_prefix("Q=")));
    (name, weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
}

/// Whether bodies of this type become smaller.
pub(super) fn is_text(content_type: &str) -> bool {
    ["text/", "application/json", "image/svg"].iter().any(|start| content_type.starts_with(start))
}

/// Compresses as well as possible: for bodies that are compressed once and sent often.
pub(super) fn gzip_best(body: &[u8]) -> Bytes {
    compress(Gzip::new(Compression::best()), body)
}

/// Compresses quickly: for bodies that are sent once.
pub(super) fn gzip(body: &[u8]) -> Bytes {
    compress(Gzip::default(), body)
}

fn compress(mut gzip: Gzip, body: &[u8]) -> Bytes {
    let mut packed = gzip.push(body).to_vec();
    packed.extend_from_slice(&gzip.end());
    packed.into()
}

/// Compresses a body part by part.
pub(super) struct Gzip(GzEncoder<Vec<u8>>);

impl Default for Gzip {
    fn default() -> Self {
        Self::new(Compression::fast())
    }
}

impl Gzip {
    fn new(level: Compression) -> Self {
        Self(GzEncoder::new(Vec::new(), level))
    }

    /// Adds a part, and returns what can be sent so far, which may be empty.
    pub(super) fn push(&mut self, part: &[u8]) -> Bytes {
        self.0.write_all(part).expect("writing to memory does not fail");
        std::mem::take(self.0.get_mut()).into()
    }

    /// Returns the rest.
    pub(super) fn end(self) -> Bytes {
        self.0.finish().expect("writing to memory does not fail").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_body_is_compressed_only_for_clients_that_accept_it() {
        for (asked, expected) in [
            (vec![], Coding::Identity),
            (vec![""], Coding::Identity),
            (vec!["gzip"], Coding::Gzip),
            (vec!["gzip, deflate, br, zstd"], Coding::Gzip),
            (vec!["br", "GZIP"], Coding::Gzip),
            (vec!["x-gzip"], Coding::Gzip),
            (vec!["deflate, br"], Coding::Identity),
            (vec!["*"], Coding::Gzip),
            (vec!["*;q=0"], Coding::Identity),
            (vec!["gzip;q=0, *"], Coding::Identity),
            (vec!["br;q=1.0, gzip ; q=0.5"], Coding::Gzip),
            (vec!["gzip;q=0"], Coding::Identity),
            (vec!["gzip;q=0.000"], Coding::Identity),
            (vec!["gzip;q=x"], Coding::Identity),
            (vec!["identity, gzip;q=0.5"], Coding::Identity),
            (vec!["identity;q=0.5, gzip"], Coding::Gzip),
            (vec!["identity;q=0, *;q=0.1"], Coding::Gzip),
        ] {
            let mut headers = HeaderMap::new();
            asked.iter().for_each(|line| {
                headers.append("accept-encoding", line.parse().unwrap());
            });
            assert_eq!(Coding::accepted(&headers), expected, "{asked:?}");
        }
    }

    #[test]
    fn a_body_compressed_in_parts_unpacks_to_the_same() {
        let text: String = (0..20_000).map(|number| format!("reading {number}\n")).collect();
        let mut gzip = Gzip::default();
        let mut packed = Vec::new();
        for part in text.as_bytes().chunks(1_000) {
            packed.extend_from_slice(&gzip.push(part));
        }
        packed.extend_from_slice(&gzip.end());
        assert!(packed.len() < text.len() / 2, "{} of {}", packed.len(), text.len());
        for packed in [packed, super::gzip(text.as_bytes()).to_vec(), gzip_best(text.as_bytes()).to_vec()] {
            let mut unpacked = String::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
            assert_eq!(unpacked, text);
        }
    }
}
