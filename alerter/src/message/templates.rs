//! How a message is laid out: three templates, each of which a user can replace.

use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, context};
use telemetry::text::is_invisible;

use super::{ChartCaption, MessageContext, sample};

const SUBJECT: &str = "subject.txt";
const TEXT: &str = "mail.txt";
const HTML: &str = "mail.html";

/// Each file with what is compiled in.
const FILES: [(&str, &str); 3] = [
    (SUBJECT, include_str!("../../templates/subject.txt")),
    (TEXT, include_str!("../../templates/mail.txt")),
    (HTML, include_str!("../../templates/mail.html")),
];

/// Of a subject; what is longer is cut.
const MAX_SUBJECT_CHARS: usize = 300;

/// Steps of one template, at most: far more than a long mail takes, and an end of one that runs away.
const MAX_STEPS: u64 = 2_000_000;

/// Subject, text and HTML of mails.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

/// What a mail says, laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// One line, whatever is in it.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// Why a template cannot be used: in which file and line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {problem}", line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct TemplateError {
    /// The file.
    pub file: String,
    /// The line, if it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: String,
}

impl Templates {
    /// Takes `subject.txt`, `mail.txt` and `mail.html` from the folder, and what is not there from the program.
    ///
    /// # Errors
    /// A file cannot be read, is no template, or fails with a sample of what there is to say.
    pub fn load(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(syntax());
        environment.set_fuel(Some(MAX_STEPS));
        let place = |name: &str| folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
        for (name, compiled_in) in FILES {
            let text = match folder.map(|folder| std::fs::read_to_string(folder.join(name))) {
                Some(Ok(text)) => text,
                Some(Err(e)) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(TemplateError {
                        file: shown(&place(name)),
                        line: None,
                        problem: e.to_string(),
                    });
                }
                _ => compiled_in.to_owned(),
            };
            environment.add_template_owned(name, text).map_err(|e| explained(&e, &place))?;
        }
        let templates = Self(environment);
        for (content, chart) in sample::all() {
            templates.render(&content, chart.as_ref()).map_err(|e| explained(&e, &place))?;
        }
        Ok(templates)
    }

    /// # Errors
    /// A template fails with the content of this message.
    pub fn write(
        &self,
        content: &MessageContext,
        chart: Option<&ChartCaption>,
    ) -> Result<Written, TemplateError> {
        self.render(content, chart).map_err(|e| explained(&e, &|name| name.into()))
    }

    fn render(
        &self,
        content: &MessageContext,
        chart: Option<&ChartCaption>,
    ) -> Result<Written, minijinja::Error> {
        let given = context! { chart => Serde(chart), ..Value::from(Serde(content)) };
        let subject = one_line(&self.0.get_template(SUBJECT)?.render(given.clone())?);
        let given = context! { subject => subject.as_str(), ..given };
        let render = |name| self.0.get_template(name)?.render(given.clone());
        Ok(Written { text: render(TEXT)?, html: render(HTML)?, subject })
    }
}

/// A block stands on a line of its own and leaves none behind.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .expect("the usual delimiters are different")
}

/// A header ends with its line: no text may bring another.
fn one_line(text: &str) -> String {
    let words: Vec<_> =
        text.split(|c: char| c.is_whitespace() || is_invisible(c)).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MAX_SUBJECT_CHARS).collect()
}

fn explained(e: &minijinja::Error, place: &dyn Fn(&str) -> PathBuf) -> TemplateError {
    let problem = match (e.kind(), e.detail()) {
        (ErrorKind::UndefinedError, None) => "there is no value of this name".to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    TemplateError { file: shown(&place(e.name().unwrap_or_default())), line: e.line(), problem }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line("Alert:\r\nBcc: eve@x\u{85}\u{2028} a\0b \n"), "Alert: Bcc: eve@x a b");
        assert_eq!(one_line(&"x".repeat(1_000)).len(), MAX_SUBJECT_CHARS);
    }
}
