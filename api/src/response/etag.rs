//! Entity tags (RFC 9110, 8.8.3), so that a body that a client has is not sent again.

use telemetry::fnv1a_64_of_parts;
use warp::http::HeaderMap;

use super::encoding::Coding;

/// The tag of a body as it is sent: another content or another coding has another tag. All instances of this and later
/// releases tag alike. The tag of what has revisions begins with its revision, by which it is changed.
pub(super) fn tag(body: &[u8], coding: Coding, revision: Option<&str>) -> String {
    let end = match coding {
        Coding::Identity => "",
        Coding::Gzip => "-gzip",
    };
    let begin = revision.map(|revision| format!("{}-", revision.trim_matches('"'))).unwrap_or_default();
    format!("\"{begin}{:016x}{end}\"", fnv1a_64_of_parts([body]))
}

/// Whether the client has the body with this tag, by its `If-None-Match`.
pub(super) fn matches(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all("if-none-match").iter().filter_map(|line| line.to_str().ok());
    let mut known = lines.flat_map(|line| line.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_matches_alone_in_a_list_or_by_a_star() {
        let ours = tag(b"body", Coding::Identity, None);
        let weak = format!("W/{ours}");
        let listed = format!("\"x\" , {ours},W/\"y\"");
        let quoteless = ours.trim_matches('"').to_owned();
        let gzip = tag(b"body", Coding::Gzip, None);
        for (lines, expected) in [
            (vec![], false),
            (vec![ours.as_str()], true),
            (vec![&weak], true),
            (vec![&listed], true),
            (vec!["\"x\"", &ours], true),
            (vec!["*"], true),
            (vec!["\"*\""], false),
            (vec!["\"x\""], false),
            (vec![&quoteless], false),
            (vec![&gzip], false),
        ] {
            let mut headers = HeaderMap::new();
            lines.iter().for_each(|line| {
                headers.append("if-none-match", line.parse().unwrap());
            });
            assert_eq!(matches(&headers, &ours), expected, "{lines:?}");
        }
        assert_ne!(ours, tag(b"bodY", Coding::Identity, None));
        assert_eq!(ours, tag(b"body", Coding::Identity, None));
    }
}
