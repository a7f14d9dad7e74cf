//! Pages that connect and leave many times: whether anything is leaked.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use e2e::usage;
use serde::Serialize;
use tokio::task::JoinSet;

use super::watcher::Watcher;
use super::{WARM_UP, load, start};

pub(crate) const CYCLES: usize = 10_000;

/// Cycles before the first figures: memory that is reused for the next page is no leak.
const FIRST: usize = 1000;

const AT_ONCE: usize = 20;

/// How long the server may take to notice that the last ones have left.
const LEAVING: Duration = Duration::from_secs(60);

#[derive(Debug, Serialize)]
pub(crate) struct Cycles {
    pub(crate) seconds: f64,
    pub(crate) before: Held,
    pub(crate) after: Held,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Held {
    pub(crate) resident_bytes: u64,
    pub(crate) sockets: usize,
}

impl Held {
    fn by(process: u32) -> Self {
        Self { resident_bytes: usage::resident_bytes(process), sockets: usage::open_sockets(process) }
    }
}

pub(super) async fn measure(folder: &Path) -> anyhow::Result<Cycles> {
    let millrace = start(folder)?;
    let _load = load(&millrace, folder);
    tokio::time::sleep(WARM_UP).await;
    let quiet = usage::open_sockets(millrace.id());
    come_and_go(&millrace.http, FIRST).await?;
    let before = left(millrace.id(), quiet).await;
    let started = Instant::now();
    come_and_go(&millrace.http, CYCLES).await?;
    let seconds = started.elapsed().as_secs_f64();
    let after = left(millrace.id(), quiet).await;
    Ok(Cycles { seconds, before, after })
}

/// Lets pages connect and leave: half of them with a close frame, half without.
async fn come_and_go(http: &str, cycles: usize) -> anyhow::Result<()> {
    let mut pages = JoinSet::new();
    for page in 0..AT_ONCE {
        let http = http.to_owned();
        pages.spawn(async move {
            for cycle in 0..cycles / AT_ONCE {
                let mut watcher =
                    Watcher::open(&http).await.with_context(|| format!("page {page}, {cycle}"))?;
                let snapshot = watcher.text().await?;
                ensure!(snapshot.contains("\"snapshot\""), "a page begins with a snapshot");
                if cycle % 2 == 0 {
                    watcher.close().await;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(page) = pages.join_next().await {
        page??;
    }
    Ok(())
}

/// What the process holds once it has as few sockets as before, or once the time limit is over.
async fn left(process: u32, quiet: usize) -> Held {
    let started = Instant::now();
    while usage::open_sockets(process) > quiet && started.elapsed() < LEAVING {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Held::by(process)
}
