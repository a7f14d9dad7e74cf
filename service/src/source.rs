//! Where a service that runs on its own takes readings from, and where it keeps what it must not lose.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use broker::{BrokerUrl, Delivery, Link, Quality, Subscription};
use serde::Deserialize;
use telemetry::{Message, Metrics as Collected};
use tokio::sync::{mpsc, watch};

use crate::{Check, Context, SettingError, Settings};

/// The broker in the setting `mqtt.url`.
#[derive(Debug)]
pub struct Source {
    subscription: Subscription,
    link: watch::Sender<Link>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Silence(#[serde(with = "humantime_serde")] Duration);

impl Source {
    /// # Errors
    /// `mqtt.url`, `mqtt.silence` or `metrics` is wrong.
    pub fn from_settings(settings: &Settings, service: &str, quality: Quality) -> Result<Self, SettingError> {
        let url: String = settings.get("mqtt.url")?;
        let url: BrokerUrl = url.parse().map_err(|e| SettingError::new("mqtt.url", e))?;
        let Silence(silence) = settings.get("mqtt.silence")?;
        if silence < Duration::from_secs(1) {
            return Err(SettingError::new("mqtt.silence", "must be at least 1s"));
        }
        let collected: Collected = settings.get("metrics")?;
        let subscription = Subscription {
            url,
            client_id: format!("millrace-{service}"),
            filters: collected.filters().collect(),
            quality,
            silence,
        };
        Ok(Self { subscription, link: watch::Sender::default() })
    }

    /// How the connection is doing, from now on.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    /// Takes messages until the context's stop; readiness follows the connection.
    pub async fn consume(self, out: mpsc::Sender<Delivery<Message>>, context: &Context) {
        let link = self.link.subscribe();
        let (check, away) =
            (context.health.check("broker"), format!("not connected to {}", self.subscription.url));
        tokio::select! {
            () = broker::consume(self.subscription, out, self.link, context.stop.clone()) => {}
            () = follow(link, check, away) => {}
        }
    }
}

/// Ends only with the connection's task.
async fn follow(mut link: watch::Receiver<Link>, check: Check, away: String) {
    loop {
        match link.borrow_and_update().connected {
            true => check.pass(),
            false => check.fail(&*away),
        }
        if link.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The folder in the setting `data_dir`, created and known to be writable.
///
/// # Errors
/// It cannot be created or written.
pub fn data_dir(settings: &Settings) -> Result<PathBuf, SettingError> {
    let folder: PathBuf = settings.get("data_dir")?;
    let problem = |e: std::io::Error| {
        SettingError::new(
            "data_dir",
            format!("cannot write in {}: {e}. Choose another folder", folder.display()),
        )
    };
    std::fs::create_dir_all(&folder).map_err(problem)?;
    let probe = folder.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&probe, []).and_then(|()| std::fs::remove_file(&probe)).map_err(problem)?;
    Ok(folder)
}

/// How people reach the page: the setting `http.public_url`, or the address that is listened on.
///
/// # Errors
/// The setting is no URL.
pub fn page_url(settings: &Settings, listen: SocketAddr) -> Result<String, SettingError> {
    let public: String = settings.get("http.public_url")?;
    match public.trim_end_matches('/') {
        "" => Ok(format!("http://{listen}")),
        url if url.starts_with("http://") || url.starts_with("https://") => Ok(url.to_owned()),
        _ => Err(SettingError::new("http.public_url", "write http://HOST or https://HOST")),
    }
}
