//! Reads metrics in Prometheus' text format or OpenMetrics; pure.

/// One line: a name, its labels and a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Sample {
    /// The value of a label; empty where there is no such label.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
    }

    pub(super) fn value(&self) -> f64 {
        self.value
    }
}

/// The samples of one answer that are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(Vec<Sample>);

impl Samples {
    /// Keeps the lines whose name begins with one of these; a line that cannot be read is left out.
    pub(super) fn read(text: &str, wanted: &[&str]) -> Self {
        let lines = text.lines().filter(|line| wanted.iter().any(|name| line.starts_with(name)));
        Self(lines.filter_map(sample).collect())
    }

    pub(super) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| sample.name == name)
    }

    /// The sum of all samples of this name; `None` where there is none.
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        self.of(name).map(Sample::value).reduce(|sum, value| sum + value)
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// `name{label="value",…} number`, and after that perhaps a time.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    value.is_finite().then(|| Sample { name: name.to_owned(), labels, value })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, after) = unquoted(quoted)?;
        labels.push((name.to_owned(), value));
        rest = after;
    }
}

/// A text up to its closing quote, and what follows that.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            character => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What RabbitMQ 4.3 answers.
    const RABBITMQ: &str = r#"# TYPE rabbitmq_global_messages_received_total counter
# HELP rabbitmq_global_messages_received_total Total number of messages received from publishers
rabbitmq_global_messages_received_total{protocol="amqp091"} 0.0
rabbitmq_global_messages_received_total{protocol="mqtt311"} 30.0
rabbitmq_global_messages_received_total{protocol="mqtt50"} 12.0
rabbitmq_connections_opened_total 30
# TYPE rabbitmq_connections gauge
rabbitmq_connections 1
rabbitmq_alarms_memory_used_watermark 0
erlang_vm_dist_node_state{peer="rabbit@rabbitmq2"} 3
rabbitmq_detailed_queue_messages{vhost="/",queue="db-writer"} 40
rabbitmq_detailed_queue_info{vhost="/",queue="db-writer",queue_type="rabbit_quorum_queue",membership="leader"} 1
"#;

    /// What our own services answer.
    const OWN: &str = "# HELP millrace_db_writer_stored Readings stored.\n# TYPE millrace_db_writer_stored counter\n\
                       millrace_db_writer_stored_total 1042\n# TYPE millrace_db_writer_behind_seconds gauge\n\
                       millrace_db_writer_behind_seconds 0.25\n# EOF\n";

    #[test]
    fn metrics_of_rabbitmq_are_read() {
        let samples = Samples::read(RABBITMQ, &["rabbitmq_", "erlang_vm_dist_node_state"]);
        assert_eq!(samples.sum("rabbitmq_global_messages_received_total"), Some(42.0));
        let mqtt = samples.of("rabbitmq_global_messages_received_total");
        let mqtt = mqtt.filter(|sample| sample.label("protocol").starts_with("mqtt"));
        assert_eq!(mqtt.map(Sample::value).collect::<Vec<_>>(), [30.0, 12.0]);
        assert_eq!(samples.sum("rabbitmq_connections"), Some(1.0), "and not those that were opened");
        let info = samples.of("rabbitmq_detailed_queue_info").next().unwrap();
        assert_eq!(
            (info.label("membership"), info.label("queue"), info.label("none")),
            ("leader", "db-writer", "")
        );
        assert_eq!(samples.sum("rabbitmq_nothing"), None);
    }

    #[test]
    fn metrics_of_our_services_are_read() {
        let samples = Samples::read(OWN, &["millrace_"]);
        assert_eq!(samples.sum("millrace_db_writer_stored_total"), Some(1042.0));
        assert_eq!(samples.sum("millrace_db_writer_behind_seconds"), Some(0.25));
        assert_eq!(Samples::read(OWN, &["rabbitmq_"]).0, []);
    }

    #[test]
    fn a_line_is_read_or_left_out() {
        let read = |line: &str| Samples::read(line, &[""]).0.pop();
        let sample = |labels: &[(&str, &str)], value| {
            let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            Some(Sample { name: "a".into(), labels, value })
        };
        for (line, expected) in [
            ("a 1", sample(&[], 1.0)),
            ("a 1.5e3 1768473030", sample(&[], 1500.0)),
            ("a{} -1", sample(&[], -1.0)),
            (r#"a{b="c"} 1 # {id="7"} 2"#, sample(&[("b", "c")], 1.0)),
            (r#"a{b="c, d}",e="f",} 1"#, sample(&[("b", "c, d}"), ("e", "f")], 1.0)),
            (r#"a{b="\"\\\n grün"} 1"#, sample(&[("b", "\"\\\n grün")], 1.0)),
            ("a NaN", None),
            ("a +Inf", None),
            ("a", None),
            ("a x", None),
            (r#"a{b="c 1"#, None),
            (r#"a{b="c\"#, None),
            ("a{b} 1", None),
            ("", None),
            ("# HELP a b", None),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }
}
