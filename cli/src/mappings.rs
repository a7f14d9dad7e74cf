//! `mappings`: the rules by which foreign payloads are read.

mod definitions;

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use service::{MappingsFile, Settings};
use telemetry::{Decoded, Inputs, Mapped, Mappings, Message, PRESETS, Publisher, RuleName, suggest};

use crate::table::{plain, table};

/// The commands of `mappings`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the presets
    List,
    /// Print the rules of a preset, to be copied and changed
    Show {
        /// The name of the preset
        preset: String,
    },
    /// Check a file of mappings; exits 1 if anything in it is wrong
    Test {
        /// The file [default: the one in inputs.mappings, or mappings.toml in data_dir]
        file: Option<PathBuf>,
    },
    /// Say how a message is read: by which rule, and which readings are in it
    Try(TryArgs),
    /// Suggest a rule for a message
    Suggest(TryArgs),
    /// Print RabbitMQ's definitions for a cluster with these settings: rabbitmq/definitions.json with bindings for what
    /// metrics and inputs.mappings say
    Definitions,
    /// Add rules to the file of mappings; a running Millrace follows it
    Add {
        /// A file of rules, with `[[rule]]` above each; - is standard input
        rules: PathBuf,
    },
}

/// A message.
#[derive(Debug, clap::Args)]
pub struct TryArgs {
    /// The topic that the device publishes to
    topic: String,
    /// The payload [default: standard input]
    #[arg(allow_hyphen_values = true)]
    payload: Option<String>,
    /// The client id of the device, where a rule asks for it
    #[arg(long)]
    client: Option<String>,
}

/// Performs a command, and prints what it finds.
///
/// # Errors
/// A file or a preset is not there, or the rules are wrong.
pub fn run(command: &Command, settings: &Settings) -> anyhow::Result<()> {
    let text = match command {
        Command::List => list(),
        Command::Show { preset } => show(preset)?,
        Command::Test { file } => test(settings, file.as_ref())?,
        Command::Try(args) => try_message(&inputs(settings)?, args)?,
        Command::Suggest(args) => suggest_rule(args)?,
        Command::Definitions => {
            let mappings = MappingsFile::from_settings(settings)?.read()?;
            definitions::definitions(&Inputs::new(settings.get("metrics")?, mappings))?
        }
        Command::Add { rules } => add(&MappingsFile::at_the_edge(settings)?, rules)?,
    };
    // A closed stdout is no error.
    let _ = writeln!(io::stdout().lock(), "{text}");
    Ok(())
}

fn list() -> String {
    let rows: Vec<_> = PRESETS
        .iter()
        .map(|preset| {
            let about = preset.text.lines().next().unwrap_or_default().trim_start_matches("# ");
            [preset.name.to_owned(), about.to_owned()]
        })
        .collect();
    table(["preset", "reads"], &rows)
}

fn show(name: &str) -> anyhow::Result<String> {
    let preset = PRESETS.iter().find(|preset| preset.name == name);
    let preset =
        preset.with_context(|| format!("there is no preset {name:?}: try millrace mappings list"))?;
    Ok(preset.text.trim_end().to_owned())
}

fn inputs(settings: &Settings) -> anyhow::Result<Inputs> {
    let mappings = MappingsFile::at_the_edge(settings)?.read()?;
    Ok(Inputs::new(settings.get("metrics")?, mappings))
}

fn add(file: &MappingsFile, rules: &Path) -> anyhow::Result<String> {
    let text = match rules.to_str() {
        Some("-") => io::read_to_string(io::stdin().lock()).context("read the rules")?,
        _ => std::fs::read_to_string(rules).with_context(|| format!("read {}", rules.display()))?,
    };
    let (_, added) = file.add(&text)?;
    let name = file.path().unwrap_or(rules).display();
    Ok(format!("{added} {} in {name} now", if added == 1 { "more rule is" } else { "more rules are" }))
}

fn test(settings: &Settings, file: Option<&PathBuf>) -> anyhow::Result<String> {
    let in_force = MappingsFile::at_the_edge(settings)?;
    let Some(file) = file.map(PathBuf::as_path).or(in_force.path().filter(|path| path.exists())) else {
        return Ok("there is no file of mappings: the presets are in force".into());
    };
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("read {name}"))?;
    match Mappings::read(&text) {
        Ok(_) => Ok(format!("{name} is valid")),
        Err(e) => bail!("{name} is invalid:\n{e}"),
    }
}

fn try_message(inputs: &Inputs, args: &TryArgs) -> anyhow::Result<String> {
    let message = args.message()?;
    let said = outcome(inputs, &message, args);
    let elsewhere = Message { topic: message.topic.replace('.', "/"), ..message };
    if elsewhere.topic == args.topic {
        return Ok(said);
    }
    let there = outcome(inputs, &elsewhere, args);
    Ok(if there == said { said } else { format!("{said}\n\n{}", in_the_cluster(&elsewhere.topic, &there)) })
}

/// RabbitMQ cannot tell a dot of a topic from a slash.
fn in_the_cluster(topic: &str, outcome: &str) -> String {
    format!(
        "In the cluster RabbitMQ writes the dots of a topic as slashes: it arrives as {topic}.\n{outcome}"
    )
}

/// By which rule a message is read, and what is in it.
fn outcome(inputs: &Inputs, message: &Message, args: &TryArgs) -> String {
    let publisher = Publisher { client: args.client.as_deref(), user: None };
    let rule = match inputs.mappings().rule(&message.topic) {
        Some(RuleName { preset: Some(preset), topic }) => format!("preset {preset}, rule {topic}"),
        Some(RuleName { preset: None, topic }) => format!("your rule {topic}"),
        None => "no rule".to_owned(),
    };
    match inputs.decode(message, publisher) {
        Mapped::Ignored(_) => format!("{rule}: such messages are ignored"),
        Mapped::Unmapped => {
            "no rule is for this message: it is unmapped. millrace mappings suggest may find one".to_owned()
        }
        Mapped::Read(decoded) => format!("{rule}\n{}", describe(&decoded)),
    }
}

fn suggest_rule(args: &TryArgs) -> anyhow::Result<String> {
    let suggestion = suggest(&args.message()?).context("no number was found in this message")?;
    Ok(format!("{}\n# It reads:\n{}", suggestion.rule, commented(&describe(&suggestion.decoded))))
}

fn commented(text: &str) -> String {
    text.lines().map(|line| format!("# {line}")).collect::<Vec<_>>().join("\n")
}

fn describe(decoded: &Decoded) -> String {
    let rows: Vec<_> = decoded
        .readings
        .iter()
        .map(|reading| {
            let unit = reading.unit.clone().unwrap_or_default();
            let series = &reading.series;
            [
                series.device().to_owned(),
                series.metric().to_owned(),
                reading.value.to_string(),
                unit,
                reading.measured_at.to_string(),
            ]
        })
        .collect();
    let mut text = match rows.is_empty() {
        true => "no reading is in it".to_owned(),
        false => table(["device", "metric", "value", "unit", "measured_at"], &rows),
    };
    for attribute in decoded.metadata.iter().flat_map(|metadata| &metadata.attributes) {
        let telemetry::Attribute { device, name, value, .. } = attribute;
        text += &format!("\nattribute: {name} of {device} is {}", plain(value));
    }
    for rejected in &decoded.rejected {
        text += &format!("\nrejected: {}", plain(&rejected.reason));
    }
    text
}

impl TryArgs {
    fn message(&self) -> anyhow::Result<Message> {
        let payload = match &self.payload {
            Some(payload) => payload.clone().into_bytes(),
            None => {
                let mut payload = Vec::new();
                io::stdin().lock().read_to_end(&mut payload).context("read the payload")?;
                payload
            }
        };
        Ok(Message {
            topic: self.topic.clone(),
            payload: Bytes::from(payload),
            received_at: crate::clock().wall(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(topic: &str, payload: &str) -> TryArgs {
        TryArgs { topic: topic.into(), payload: Some(payload.into()), client: None }
    }

    #[test]
    fn a_message_is_tried() {
        let inputs = Inputs::default();
        let said = |topic, payload| try_message(&inputs, &args(topic, payload)).unwrap();
        let tasmota = said("tele/porch/LWT", "Online");
        assert!(tasmota.starts_with("preset tasmota, rule tele/{device}/LWT\ndevice"), "{tasmota}");
        assert!(tasmota.contains("porch") && tasmota.contains("online"), "{tasmota}");
        assert!(said("tele/porch/RESULT", "{}").ends_with("ignored"));
        let attribute = said("tele/porch/INFO1", r#"{"Info1":{"Version":"13.1.0"}}"#);
        assert!(attribute.ends_with("attribute: firmware of porch is 13.1.0"), "{attribute}");
        assert!(said("my/own/topic", "hello").contains("unmapped"));
        assert!(said("temperature/lab", "warm").contains("\nrejected: "));
    }

    #[test]
    fn what_becomes_of_a_topic_with_a_dot_in_the_cluster_is_said() {
        let rules = "[[rule]]\ntopic = \"shed/{d}\"\ndevice = \"{d}\"\nmetric = \"open\"\n
            [[rule]]\ntopic = \"meter/1.8.0\"\ndevice = \"meter\"\nmetric = \"energy\"";
        let inputs = Inputs::default().with_mappings(Mappings::read(rules).unwrap());
        let said = |topic| try_message(&inputs, &args(topic, "1")).unwrap();
        let named = said("shed/a.b");
        assert!(named.starts_with("your rule shed/{d}\n"), "{named}");
        assert!(
            named.contains("\n\nIn the cluster") && named.contains("it arrives as shed/a/b.\nno rule"),
            "{named}"
        );
        let own = said("temperature/lab.1");
        assert!(own.contains("rejected: ") && own.contains("it arrives as temperature/lab/1.\n"), "{own}");
        for alike in ["shed/a", "meter/1.8.0"] {
            assert!(!said(alike).contains("cluster"), "{alike}");
        }
    }

    #[test]
    fn a_rule_is_suggested_and_a_preset_shown() {
        let text = suggest_rule(&args("shed/door/data", r#"{"open":true}"#)).unwrap();
        assert!(text.contains("topic = \"shed/{device}/data\"") && text.contains("# door"), "{text}");
        assert!(suggest_rule(&args("shed/door", "hello")).is_err());
        assert!(list().contains("zigbee2mqtt"));
        assert!(show("tasmota").unwrap().starts_with("# Tasmota"));
        assert!(show("tasmotta").unwrap_err().to_string().contains("mappings list"));
    }

    #[test]
    fn a_bad_file_is_named_with_the_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let settings = Settings::load(None).unwrap();
        std::fs::write(file.path(), "[[rule]]\ntopic = 1").unwrap();
        let error = test(&settings, Some(&file.path().to_owned())).unwrap_err().to_string();
        assert!(error.contains("is invalid:\nline 2, column 9: "), "{error}");
        std::fs::write(file.path(), "presets = [\"tasmota\"]").unwrap();
        assert!(test(&settings, Some(&file.path().to_owned())).unwrap().ends_with("is valid"));
        assert!(test(&settings, None).unwrap().contains("presets are in force"));
    }

    #[test]
    fn rules_are_added_to_the_file_in_the_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (file, rules) = (folder.path().join("millrace.toml"), folder.path().join("rules"));
        std::fs::write(&file, format!("data_dir = {:?}", folder.path())).unwrap();
        let settings = Settings::load(Some(&file)).unwrap();
        let mappings = MappingsFile::at_the_edge(&settings).unwrap();
        std::fs::write(&rules, "[[rule]]\ntopic = \"shed/{d}\"\ndevice = \"{d}\"\nmetric = \"open\"")
            .unwrap();
        let said = add(&mappings, &rules).unwrap();
        assert!(said.starts_with("1 more rule is in ") && said.ends_with("mappings.toml now"), "{said}");
        assert!(test(&settings, None).unwrap().ends_with("mappings.toml is valid"));
        let tried = try_message(&inputs(&settings).unwrap(), &args("shed/door", "1")).unwrap();
        assert!(tried.starts_with("your rule shed/{d}\n"), "{tried}");
        assert!(add(&mappings, &rules).unwrap_err().to_string().contains("a rule for shed/{d} is there"));
    }
}
