//! The terminal: messages, progress, the summary, and the signals that end a job.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sensor_sim::command::{Command, Failure, ShareDone};
use sensor_sim::{Counters, Summary};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, filter};

use crate::admin;

/// The exit code for bad usage: EX_USAGE.
const USAGE: u8 = 64;

/// The length of the progress bar, in steps.
const WHOLE: u64 = 1000;

/// Time between two messages of one kind: many connections that fail together log one.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(2);

/// Runs the job. The exit code is 0 when it is finished and every reading is acked.
pub(crate) async fn perform(command: Command) -> ExitCode {
    if let Some(address) = command.healthcheck() {
        return service::exit_code("sensor-sim", service::ask_ready(address)).await;
    }
    let progress = Progress::new(command.shows_progress());
    log_to(progress.clone());
    let json = command.json();
    let ended = counted(command, &progress).await;
    progress.0.finish_and_clear();
    match ended {
        Ok((summary, done)) => conclude(&summary, json, done),
        Err(failure) => refuse(&failure),
    }
}

/// The counts, and how the job ended: with a text to print, or an error.
async fn counted(command: Command, progress: &Progress) -> Result<(Summary, Result<String>), Failure> {
    let counters = Arc::new(command.counters()?);
    let stop = CancellationToken::new();
    let share_done = command.share_done();
    let health = match command.admin() {
        Some(address) => Some(admin::listen(address).map_err(Failure::Usage)?),
        None => None,
    };
    let done = tokio::select! {
        done = command.perform(Arc::clone(&counters), stop.clone()) => match done {
            Err(Failure::Job(e)) => Err(e),
            done => Ok(done?),
        },
        signals = two_signals(&stop) => signals.map(|()| String::new()),
        () = progress.draw(&counters, share_done) => Ok(String::new()),
        () = admin::follow(health, &counters) => Ok(String::new()),
    };
    let done = if counters.log_failed() { Err(anyhow!("the log of acked readings has gaps")) } else { done };
    Ok((counters.summary(), done))
}

fn refuse(failure: &Failure) -> ExitCode {
    let (Failure::Usage(e) | Failure::Job(e)) = failure;
    say(&format!("error: {e:#}"));
    ExitCode::from(USAGE)
}

fn conclude(summary: &Summary, json: bool, done: Result<String>) -> ExitCode {
    let printed = print(summary, json);
    let all_acked = match summary.unacked() {
        0 => Ok(()),
        unacked => Err(anyhow!("{unacked} readings are un-acked")),
    };
    let all_taken = match summary.not_taken {
        0 => Ok(()),
        count => Err(anyhow!(
            "{count} readings were acknowledged, but nobody takes them: {}. Look at the setting metrics, and at what \
             the user may publish",
            summary.not_taken_of
        )),
    };
    let ended = [done.map(|note| say(&note)), all_acked, all_taken, printed];
    let failures: Vec<anyhow::Error> = ended.into_iter().filter_map(Result::err).collect();
    failures.iter().for_each(|e| say(&format!("error: {e:#}")));
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(summary: &Summary, json: bool) -> Result<()> {
    let text = if json { serde_json::to_string(summary)? } else { summary.to_string() };
    writeln!(io::stdout().lock(), "{text}").context("print the summary")
}

fn say(text: &str) {
    if text.is_empty() {
        return;
    }
    // The terminal may be closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// The first signal stops the sensors, the second gives up un-acked readings.
async fn two_signals(stop: &CancellationToken) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    for _ in 0..2 {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        stop.cancel();
    }
    Ok(())
}

fn log_to(progress: Progress) {
    let filter = EnvFilter::builder().with_default_directive(filter::LevelFilter::WARN.into());
    let messages = tracing_subscriber::fmt::layer()
        .with_writer(progress)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    let rate_limit = RateLimit::default();
    let rate_limit = filter::dynamic_filter_fn(move |metadata, _| rate_limit.allows(metadata));
    tracing_subscriber::registry()
        .with(messages.with_filter(rate_limit))
        .with(filter.from_env_lossy())
        .init();
}

/// When each place in the code last logged something.
#[derive(Default)]
struct RateLimit(Mutex<Vec<(tracing::callsite::Identifier, Instant)>>);

impl RateLimit {
    fn allows(&self, metadata: &tracing::Metadata<'_>) -> bool {
        let (place, now) = (metadata.callsite(), Instant::now());
        let Ok(mut logged) = self.0.lock() else { return true };
        logged.retain(|(_, at)| now.duration_since(*at) < BETWEEN_WARNINGS);
        let first = logged.iter().all(|(other, _)| *other != place);
        if first {
            logged.push((place, now));
        }
        first
    }
}

/// A line at the bottom of the terminal; messages are written above it.
#[derive(Clone)]
struct Progress(ProgressBar);

impl Progress {
    fn new(shown: bool) -> Self {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self(ProgressBar::with_draw_target(None, target).with_style(style("{elapsed} {msg}")))
    }

    /// Draws until it is dropped.
    async fn draw(&self, counters: &Counters, share_done: Option<ShareDone>) {
        if self.0.is_hidden() {
            return std::future::pending().await;
        }
        if share_done.is_some() {
            self.0.set_style(style("{elapsed} [{bar:24}] {msg}").progress_chars("=> "));
            self.0.set_length(WHOLE);
        }
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            let Summary { sent, acked, rate, puback_ms, .. } = counters.summary();
            let (p50, p99) = (puback_ms.p50, puback_ms.p99);
            if let Some(share_done) = share_done {
                self.0.set_position((share_done.of(self.0.elapsed(), acked) * WHOLE as f64) as u64);
            }
            self.0.set_message(format!(
                "sent {sent}, acked {acked}, {rate}/s, PUBACK {p50} / {p99} ms (p50 / p99)"
            ));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl<'a> MakeWriter<'a> for Progress {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Progress {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
