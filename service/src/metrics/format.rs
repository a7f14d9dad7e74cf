//! The two text formats of metrics, and which of them a client asks for.

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// OpenMetrics 1.0.0.
    OpenMetrics,
    /// Prometheus' text format 0.0.4, which every monitoring system reads.
    Prometheus,
}

impl MetricsFormat {
    /// The format that a client asks for by its `Accept`: OpenMetrics where it is named, else Prometheus' format.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let refuses = |parameter: &str| {
            let weight = parameter.trim().strip_prefix("q=").map(str::parse);
            matches!(weight, Some(Ok(0.0_f32)))
        };
        let names_openmetrics = accept.split(',').any(|range| {
            let mut parts = range.split(';');
            let kind = parts.next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/openmetrics-text") && !parts.any(refuses)
        });
        if names_openmetrics { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    pub(super) fn of_openmetrics(self, text: String) -> String {
        match self {
            Self::OpenMetrics => text,
            Self::Prometheus => to_prometheus(&text),
        }
    }
}

/// Names each family as its samples are named, which OpenMetrics does not.
fn to_prometheus(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    let mut help = "";
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            // The suffix is known from the type, which comes next.
            help = rest;
        } else if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap_or((family, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            let help = std::mem::take(&mut help).split_once(' ').map_or("", |(_, help)| help);
            text.push_str(&format!("# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_given_to_those_who_ask_for_it() {
        let (openmetrics, prometheus) = (MetricsFormat::OpenMetrics, MetricsFormat::Prometheus);
        for (accept, expected) in [
            ("", prometheus),
            ("*/*", prometheus),
            ("text/plain;version=0.0.4", prometheus),
            ("application/openmetrics-text", openmetrics),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", openmetrics),
            // As Prometheus 2 and 3 ask.
            (
                "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                openmetrics,
            ),
            ("text/html, Application/OpenMetrics-Text;q=0.1", openmetrics),
            ("application/openmetrics-text;q=0, text/plain", prometheus),
            ("application/openmetrics-text; q=0.000, text/plain", prometheus),
        ] {
            assert_eq!(MetricsFormat::accepted(accept), expected, "{accept}");
        }
    }

    #[test]
    fn each_family_is_named_as_its_samples_are() {
        let openmetrics = "# HELP a_stored Readings stored.\n# TYPE a_stored counter\na_stored_total{x=\"# y\"} 3\n\
                           # HELP a_build Version.\n# TYPE a_build info\na_build_info{version=\"1\"} 1\n\
                           # HELP a_open Open.\n# TYPE a_open gauge\na_open 2\n\
                           # HELP a_seconds Time.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
                           a_seconds_sum 0.0\na_seconds_count 0\na_seconds_bucket{le=\"+Inf\"} 0\n# EOF\n";
        let expected = "# HELP a_stored_total Readings stored.\n# TYPE a_stored_total counter\n\
                        a_stored_total{x=\"# y\"} 3\n\
                        # HELP a_build_info Version.\n# TYPE a_build_info gauge\na_build_info{version=\"1\"} 1\n\
                        # HELP a_open Open.\n# TYPE a_open gauge\na_open 2\n\
                        # HELP a_seconds Time.\n# TYPE a_seconds histogram\n\
                        a_seconds_sum 0.0\na_seconds_count 0\na_seconds_bucket{le=\"+Inf\"} 0\n";
        assert_eq!(MetricsFormat::Prometheus.of_openmetrics(openmetrics.to_owned()), expected);
        assert_eq!(MetricsFormat::OpenMetrics.of_openmetrics(openmetrics.to_owned()), openmetrics);
    }
}
