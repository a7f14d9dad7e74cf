//! How messages are laid out, and that users may lay them out otherwise.

use alerter::{Chart, Templates, Written};
use store::{Incident, NotificationKind, Severity, TimeRange};

use crate::harness::{at, incident};
use crate::pictures::hour;
use crate::wording::{absent, over, said_at};

#[test]
fn a_users_templates_replace_ours_and_a_wrong_one_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("subject.txt", "[{{ severity }}]\n{{ title }}");
    write("mail.html", "<p title=\"{{ title }}\">{{ value }}</p>");
    let said = said_at(
        at(5),
        vec![(NotificationKind::Opened, Incident { device: "a&b".into(), ..incident("i", "high", "lab") })],
    );
    let templates = Templates::load(Some(folder.path())).unwrap();
    let Written { subject, text, html } = templates.write(&said, None).unwrap();
    assert_eq!(
        (subject.as_str(), html.as_str()),
        ("[warning] a&b: temperature", "<p title=\"a&amp;b: temperature\">26.1 °C</p>")
    );
    assert!(text.contains("Began"), "what is not there is ours: {text}");
    for (name, text, line, problem) in [
        ("mail.txt", "one\ntwo {{ figur }}", 2, "figur"),
        ("mail.txt", "{% if %}", 1, "syntax"),
        ("mail.html", "\n\n{{ title|no_such_filter }}", 3, "no_such_filter"),
        ("subject.txt", "\n{{ facts.x.y }}", 2, ""),
        (
            "subject.txt",
            "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
            1,
            "fuel",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        let error = Templates::load(Some(folder.path())).unwrap_err();
        assert!(error.file.ends_with(name) && error.line == Some(line), "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }
}

/// Writes mails for the eye into the folder named by MILLRACE_SHOW_MAILS.
#[tokio::test]
async fn mails_for_the_eye() {
    let Ok(folder) = std::env::var("MILLRACE_SHOW_MAILS") else { return };
    let folder = std::path::Path::new(&folder);
    let hot = Incident {
        severity: Severity::Critical,
        device: "site-a/hall-3/rack-12".into(),
        began_at: at(-300),
        peak: Some(26.9),
        peak_at: Some(at(-60)),
        ..incident("i", "temperature-high", "lab")
    };
    let warm = Incident { severity: Severity::Warning, ..hot.clone() };
    let dark = (1..=500).map(|n| (NotificationKind::Opened, absent(&format!("site-a/rack-{n}")))).collect();
    let mut digest: Vec<_> =
        (1..=4).map(|n| (NotificationKind::Opened, absent(&format!("site-a/rack-{n}")))).collect();
    digest.push((NotificationKind::Opened, Incident { id: "h".into(), ..hot.clone() }));
    digest.extend(
        (5..=7).map(|n| (NotificationKind::Resolved, over(absent(&format!("site-b/rack-{n}")), 21.0))),
    );
    for (name, changes) in [
        ("critical", vec![(NotificationKind::Opened, hot.clone())]),
        ("alert", vec![(NotificationKind::Opened, warm.clone())]),
        ("still", vec![(NotificationKind::Reminder, warm)]),
        ("resolved", vec![(NotificationKind::Resolved, over(hot, 24.2))]),
        ("group", dark),
        ("digest", digest),
    ] {
        let said = said_at(at(if name == "alert" || name == "critical" { 0 } else { 730 }), changes.clone());
        let chart = Chart::drawn(
            &changes[if name == "digest" { 4 } else { 0 }].1,
            TimeRange { from: at(-3_600), to: at(0) },
            &hour(),
        )
        .unwrap();
        let png = format!("{name}.png");
        let words = chart.words(said.zone(), &png);
        let Written { subject, text, html } =
            Templates::load(None).unwrap().write(&said, Some(&words)).unwrap();
        std::fs::write(folder.join(&png), &chart.png).unwrap();
        std::fs::write(folder.join(format!("{name}.html")), html.replace("cid:", "")).unwrap();
        std::fs::write(folder.join(format!("{name}.txt")), format!("Subject: {subject}\n\n{text}")).unwrap();
    }
}
