//! A GET or a POST.

/// The status and the body, whatever they are.
///
/// # Panics
/// There is no answer.
pub(crate) fn ask(url: &str) -> (u16, String) {
    try_ask(url).unwrap_or_else(|e| panic!("{e}"))
}

/// The status and the body, whatever they are; credentials in the URL are sent along.
///
/// # Errors
/// There is no answer.
pub(crate) fn try_ask(url: &str) -> Result<(u16, String), String> {
    let answer = agent().get(url).call().map_err(|e| format!("{url}: {e}"))?;
    read(answer).map_err(|e| format!("{url}: {e}"))
}

/// The status and the body of a POST.
///
/// # Panics
/// There is no answer.
pub(crate) fn post(url: &str, json: &serde_json::Value) -> (u16, String) {
    let answer = agent()
        .post(url)
        .send_json(json)
        .map_err(|e| e.to_string())
        .and_then(|a| read(a).map_err(|e| e.to_string()));
    answer.unwrap_or_else(|e| panic!("{url}: {e}"))
}

/// The status and the body of a DELETE.
///
/// # Panics
/// There is no answer.
pub(crate) fn delete(url: &str) -> (u16, String) {
    let answer = agent().delete(url).call().and_then(read);
    answer.unwrap_or_else(|e| panic!("{url}: {e}"))
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(crate::SOON))
        .timeout_global(Some(crate::LONG))
        .build()
        .new_agent()
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<(u16, String), ureq::Error> {
    let body = answer.body_mut().with_config().limit(u64::MAX).read_to_string()?;
    Ok((answer.status().as_u16(), body))
}

/// The full name of a service's metric.
pub(crate) fn full_name(service: &str, name: &str) -> String {
    format!("millrace_{}_{name}", service.replace('-', "_"))
}

/// The value of a metric without labels in the text of `/metrics`.
///
/// # Panics
/// There is none.
pub(crate) fn metric(text: &str, name: &str) -> f64 {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    lines.next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}
