//! A mail server that speaks just enough SMTP and fails as a test wants it to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::journal::Journal;

/// What the server does instead of what it should.
#[derive(Clone, Copy)]
pub(crate) enum Reply {
    Say(&'static str),
    Slowly(Duration),
    HangUp,
    Silence,
}

/// Asked for every line of a connection, counted from 0; the line before all others is `connect`, and what comes
/// instead of the first line of a mail is `begin`.
type Script = dyn Fn(usize, &str) -> Option<Reply> + Send + Sync;

/// Notes in a journal what happens: `begin <id>`, `take <id>` once the client got that reply, and its own `silence`.
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    pub(crate) mails: Arc<Mutex<Vec<Taken>>>,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) recipients: Vec<String>,
    pub(crate) text: String,
}

impl MailServer {
    pub(crate) async fn start(
        journal: &Journal,
        script: impl Fn(usize, &str) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::listen("127.0.0.1:0".parse().unwrap(), journal, script).await
    }

    pub(crate) async fn listen(
        address: SocketAddr,
        journal: &Journal,
        script: impl Fn(usize, &str) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (script, mails): (Arc<Script>, Arc<Mutex<Vec<_>>>) = (Arc::new(script), Arc::default());
        let (journal, kept) = (journal.clone(), mails.clone());
        tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let conversation = Conversation::new(stream, number, &script, &journal, &kept);
                tokio::spawn(conversation.hold());
            }
        });
        Self { address, mails }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub(crate) fn mails(&self) -> Vec<Taken> {
        self.mails.lock().unwrap().clone()
    }
}

struct Conversation {
    lines: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    out: OwnedWriteHalf,
    number: usize,
    script: Arc<Script>,
    journal: Journal,
    mails: Arc<Mutex<Vec<Taken>>>,
}

impl Conversation {
    fn new(
        stream: TcpStream,
        number: usize,
        script: &Arc<Script>,
        journal: &Journal,
        mails: &Arc<Mutex<Vec<Taken>>>,
    ) -> Self {
        let (read, out) = stream.into_split();
        let lines = BufReader::new(read).lines();
        Self { lines, out, number, script: script.clone(), journal: journal.clone(), mails: mails.clone() }
    }

    async fn hold(mut self) -> Option<()> {
        self.answer("connect", "220 test").await?;
        let mut recipients = Vec::new();
        loop {
            let line = self.lines.next_line().await.ok()??;
            match line.get(..4)? {
                "EHLO" => drop(self.answer(&line, "250-test\r\n250 AUTH PLAIN").await?),
                "RCPT" => {
                    if self.answer(&line, "250 ok").await? {
                        recipients.push(line);
                    }
                }
                "DATA" => {
                    self.answer(&line, "354 go on").await?;
                    self.take(std::mem::take(&mut recipients)).await?;
                }
                "QUIT" => return self.answer(&line, "221 bye").await.map(drop),
                _ => drop(self.answer(&line, "250 ok").await?),
            }
        }
    }

    async fn take(&mut self, recipients: Vec<String>) -> Option<()> {
        let mut text = String::new();
        loop {
            let line = self.lines.next_line().await.ok()??;
            if line == "." {
                break;
            }
            if let Some(id) = line.strip_prefix("Message-ID: ") {
                self.journal.note(format!("begin {id}"));
                self.interrupt("begin").await?;
            }
            text.push_str(&line);
            text.push('\n');
        }
        if self.answer(".", "250 taken").await? {
            let id = text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).unwrap();
            self.journal.note(format!("take {id}"));
            self.mails.lock().unwrap().push(Taken { recipients, text });
        }
        Some(())
    }

    /// Returns whether the answer was the one that was meant; nothing once the conversation is over.
    async fn answer(&mut self, line: &str, meant: &str) -> Option<bool> {
        let said = self.interrupt(line).await?;
        let answer = format!("{}\r\n", said.unwrap_or(meant));
        self.out.write_all(answer.as_bytes()).await.ok()?;
        Some(said.is_none())
    }

    async fn interrupt(&mut self, line: &str) -> Option<Option<&'static str>> {
        match (self.script)(self.number, line) {
            None => Some(None),
            Some(Reply::Say(said)) => Some(Some(said)),
            Some(Reply::Slowly(delay)) => {
                tokio::time::sleep(delay).await;
                Some(None)
            }
            Some(Reply::HangUp) => None,
            Some(Reply::Silence) => {
                self.journal.note("silence");
                std::future::pending().await
            }
        }
    }
}
