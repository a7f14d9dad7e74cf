//! Settings: the compiled-in example, then the user's file, then the environment.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use config::{Config, ConfigError, Environment, File, FileFormat, ValueKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The defaults, which also list all settings.
const EXAMPLE: &str = include_str!("../../millrace.example.toml");

const ENVIRONMENT_PREFIX: &str = "MILLRACE";

/// A setting that is missing, unknown or wrong. Says which one and never a value that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(String);

impl SettingError {
    /// Names the setting both as it stands in a file and as it stands in the environment.
    pub fn new(key: &str, problem: impl std::fmt::Display) -> Self {
        Self(format!("setting {key} ({}): {problem}", environment_name(key)))
    }

    /// The address in a setting is taken or not this machine's.
    pub(crate) fn cannot_listen(key: &str, address: SocketAddr, e: &std::io::Error) -> Self {
        Self::new(key, format!("cannot listen on {address}: {e}. Choose another address or port"))
    }
}

/// All settings. Their names are checked here, their values by the code that uses them.
#[derive(Debug, Clone)]
pub struct Settings {
    config: Config,
}

impl Settings {
    /// Reads the file, if one is named, and the environment.
    ///
    /// # Errors
    /// The file cannot be read or is no TOML, or a setting is unknown.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingError> {
        Self::layered(file, environment())
    }

    fn layered(file: Option<&Path>, environment: Environment) -> Result<Self, SettingError> {
        let example = File::from_str(EXAMPLE, FileFormat::Toml);
        let known = layer(Config::builder().add_source(example.clone()))?;
        let mut builder = Config::builder().add_source(example);
        if let Some(path) = file {
            let source = File::from(path).format(FileFormat::Toml);
            let said = layer(Config::builder().add_source(source.clone()))?;
            refuse_unknown(&known, &said, "", &|key| format!("{key} in {}", path.display()))?;
            builder = builder.add_source(source);
        }
        let said = layer(Config::builder().add_source(environment.clone()))?;
        refuse_unknown(&known, &said, "", &environment_name)?;
        let config = builder.add_source(environment).build().map_err(|e| SettingError(e.to_string()))?;
        Ok(Self { config })
    }

    /// One setting or one section.
    ///
    /// # Errors
    /// The value has the wrong type or is out of bounds.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T, SettingError> {
        let value = self.config.get::<config::Value>(key).map_err(|e| SettingError::new(key, e))?;
        let value = without_blanks(value);
        serde_path_to_error::deserialize(value.clone()).map_err(|e| {
            let below = e.path().to_string();
            let value = below.split('.').try_fold(value, |value, key| value.into_table().ok()?.remove(key));
            let key = if below == "." { key.to_owned() } else { format!("{key}.{below}") };
            SettingError::new(&key, format!("{}{}", plain(e.inner()), self.hint(&key, value)))
        })
    }

    /// An address to listen on: `localhost` is this machine's IPv4 address.
    ///
    /// # Errors
    /// It is neither an IP address nor `localhost`, or it has no port.
    pub fn address(&self, key: &str) -> Result<SocketAddr, SettingError> {
        read_address(&self.get::<String>(key)?).ok_or_else(|| SettingError::new(key, ADDRESS_FORM))
    }

    /// An address with its port, or none where the setting is empty.
    ///
    /// # Errors
    /// It is none.
    pub fn optional_address(&self, key: &str) -> Result<Option<SocketAddr>, SettingError> {
        match self.get::<String>(key)?.as_str() {
            "" => Ok(None),
            _ => self.address(key).map(Some),
        }
    }

    /// An example of what to write, where the default shows the form.
    fn hint(&self, key: &str, wrong: Option<config::Value>) -> String {
        let Some(default) = default_of(key) else { return String::new() };
        if humantime::parse_duration(&default).is_err() {
            return String::new();
        }
        let number =
            wrong.and_then(|value| value.into_string().ok()).filter(|text| text.parse::<u64>().is_ok());
        match number {
            Some(number) => format!(": a duration has a unit, write {number}s"),
            None => format!(": write a duration such as {default}"),
        }
    }
}

/// What an address is written like.
const ADDRESS_FORM: &str = "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080";

fn read_address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))),
        None => text.parse().ok(),
    }
}

/// The default of a setting, as the example has it.
fn default_of(key: &str) -> Option<String> {
    let example = Config::builder().add_source(File::from_str(EXAMPLE, FileFormat::Toml)).build().ok()?;
    example.get_string(key).ok()
}

/// Lists without the blanks around their texts: `a, b` in the environment is what people write.
fn without_blanks(mut value: config::Value) -> config::Value {
    match &mut value.kind {
        ValueKind::Table(section) => {
            section.values_mut().for_each(|value| *value = without_blanks(value.clone()));
        }
        ValueKind::Array(items) => {
            for item in items {
                if let ValueKind::String(text) = &mut item.kind {
                    *text = text.trim().to_owned();
                }
            }
        }
        _ => {}
    }
    value
}

/// The problem without its place, which the caller names.
fn plain(error: &ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => plain(error),
        ConfigError::Type { unexpected, expected, .. } => format!("{unexpected} is not {expected}"),
        other => other.to_string(),
    }
}

/// Settings with several values, which the environment separates by commas.
const LISTS: [&str; 12] = [
    "metrics",
    "mqtt.websocket_origins",
    "mqtt.operators",
    "access.oidc.scopes",
    "access.oidc.roles",
    "access.oidc.filters",
    "smtp.to",
    "notices.certificates",
    "pipeline.brokers",
    "pipeline.writers",
    "pipeline.alerters",
    "pipeline.dashboards",
];

fn environment() -> Environment {
    let environment = Environment::with_prefix(ENVIRONMENT_PREFIX)
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",");
    LISTS.into_iter().fold(environment, Environment::with_list_parse_key)
}

fn environment_name(key: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}__{}", key.to_uppercase().replace('.', "__"))
}

fn layer(builder: config::ConfigBuilder<config::builder::DefaultState>) -> Result<Value, SettingError> {
    let layer = builder.build().and_then(Config::try_deserialize);
    layer.map_err(|e| SettingError(in_one_line(&e.to_string())))
}

/// Leaves out the parser's picture of the place: line and column say the same.
fn in_one_line(error: &str) -> String {
    let words = error.lines().filter(|line| !line.contains(" |")).map(str::trim);
    words.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}

fn refuse_unknown(
    known: &Value,
    said: &Value,
    above: &str,
    name: &dyn Fn(&str) -> String,
) -> Result<(), SettingError> {
    let (Value::Object(known), Value::Object(said)) = (known, said) else { return Ok(()) };
    for (key, value) in said {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let Some(known_value) = known.get(key) else {
            return Err(SettingError(format!(
                "unknown setting {}: {}",
                name(&path),
                known_names(known, key)
            )));
        };
        refuse_unknown(known_value, value, &path, name)?;
    }
    Ok(())
}

/// The known name that an unknown one was probably meant to be, else all of them.
fn known_names(known: &Map<String, Value>, unknown: &str) -> String {
    let nearest = known.keys().max_by(|a, b| strsim::jaro(a, unknown).total_cmp(&strsim::jaro(b, unknown)));
    match nearest {
        Some(name) if strsim::jaro(name, unknown) >= ALIKE => format!("did you mean {name}?"),
        _ => format!("here there are {}", known.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
    }
}

/// From this likeness on, of at most 1, a name is suggested: as clap does for options.
const ALIKE: f64 = 0.7;

#[cfg(test)]
mod tests;
