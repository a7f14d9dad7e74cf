//! One question over HTTP.

/// The status and the body, whatever they are.
///
/// # Panics
/// There is no answer.
pub(crate) fn ask(url: &str) -> (u16, String) {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut answer = agent.get(url).call().unwrap_or_else(|e| panic!("{url}: {e}"));
    let body = answer.body_mut().with_config().limit(u64::MAX).read_to_string().expect("read the answer");
    (answer.status().as_u16(), body)
}
