//! Tags of bodies, so that what a browser has is not sent again.

use std::hash::Hasher;

use warp::http::HeaderMap;

use super::encoding::Coding;

/// Names a body as it is sent: another content or another coding has another tag.
pub(super) fn tag(body: &[u8], coding: Coding) -> String {
    // Of fixed keys, so that several dashboards tag alike; a version of ours that hashes otherwise costs one answer.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(body);
    let end = match coding {
        Coding::Identity => "",
        Coding::Gzip => "-gzip",
    };
    format!("\"{:016x}{end}\"", hasher.finish())
}

/// Whether the asker has what the tag names.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all("if-none-match").iter().filter_map(|line| line.to_str().ok());
    let mut known = lines.flat_map(|line| line.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_by_itself_in_a_list_or_by_all() {
        let ours = tag(b"body", Coding::Identity);
        let weak = format!("W/{ours}");
        let listed = format!("\"x\" , {ours},W/\"y\"");
        let quoteless = ours.trim_matches('"').to_owned();
        let gzip = tag(b"body", Coding::Gzip);
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
            assert_eq!(has(&headers, &ours), expected, "{lines:?}");
        }
        assert_ne!(ours, tag(b"bodY", Coding::Identity));
        assert_eq!(ours, tag(b"body", Coding::Identity));
    }
}
