//! Mails over SMTP to a server that fails, and `kill -9` while it accepts one: at most one repeat, with the same
//! Message-ID.
#![allow(clippy::unwrap_used, reason = "a test that fails says so by a panic")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::{LONG, Millrace, SOON, Shape, Start, eventually};
use tempfile::TempDir;

const RULES: &str =
    "group_wait = \"0s\"\n[[rules]]\nname = \"hot\"\nmetric = \"temperature\"\nabove = 25.0\n";

/// What the server does with one conversation.
#[derive(Clone, Copy, PartialEq)]
enum Server {
    Takes,
    /// Refuses the conversation.
    Closed,
    /// Refuses this recipient for now.
    RefusesRecipient,
    HangsUpInTheMiddle,
    /// Accepts the mail, and answers after this time.
    Slow(Duration),
    /// Sends nothing until it is released.
    WaitsBeforeItsGreeting,
    /// Reads the whole mail, and does not answer until it is released.
    WaitsBeforeItsAnswer,
}

/// A mail server that handles one conversation after the other.
struct MailServer {
    address: SocketAddr,
    /// The mails that it accepted: what was sent after DATA.
    taken: Arc<Mutex<Vec<String>>>,
    /// Reports that the server waits, and releases it.
    waits: Receiver<()>,
    goes_on: Sender<()>,
}

impl MailServer {
    /// The last behaviour also applies to all further conversations.
    fn start(behaviours: &[Server]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (taken, behaviours) = (Arc::<Mutex<Vec<String>>>::default(), behaviours.to_vec());
        let (say, waits) = channel();
        let (goes_on, go_on) = channel();
        let kept = Arc::clone(&taken);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let server = behaviours[number.min(behaviours.len() - 1)];
                let wait = || {
                    let _ = say.send(());
                    let _ = go_on.recv();
                };
                // Whoever was killed or hung up upon ends a conversation anywhere.
                let _ = converse(&stream.unwrap(), server, wait, &kept);
            }
        });
        Self { address, taken, waits, goes_on }
    }

    fn taken(&self, count: usize) -> Vec<String> {
        eventually(LONG, || match self.taken.lock().unwrap().clone() {
            mails if mails.len() == count => Ok(mails),
            mails => Err(mails.len()),
        })
    }

    fn wait(&self) {
        self.waits.recv_timeout(LONG).unwrap();
    }
}

fn converse(
    stream: &TcpStream,
    server: Server,
    wait: impl Fn(),
    kept: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let say = |words: &str| (&mut &*stream).write_all(format!("{words}\r\n").as_bytes());
    if server == Server::WaitsBeforeItsGreeting {
        wait();
    }
    say(if server == Server::Closed { "421 closed" } else { "220 test" })?;
    while let Some(line) = lines.next().transpose()? {
        match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => say("250-test\r\n250-AUTH PLAIN\r\n250-8BITMIME\r\n250 SMTPUTF8")?,
            "AUTH" => say("235 welcome")?,
            "RCPT" if server == Server::RefusesRecipient => say("451 later")?,
            "DATA" => {
                say("354 go on")?;
                let mut mail = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if server == Server::HangsUpInTheMiddle {
                        return Ok(());
                    }
                    if line == "." {
                        break;
                    }
                    mail += &format!("{line}\n");
                }
                kept.lock().unwrap().push(mail);
                match server {
                    Server::Slow(time) => std::thread::sleep(time),
                    Server::WaitsBeforeItsAnswer => wait(),
                    _ => {}
                }
                say("250 taken")?;
            }
            "QUIT" => return say("221 goodbye"),
            _ => say("250 fine")?,
        }
    }
    Ok(())
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let mut lines = mail.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_else(|| panic!("{mail}"))
}

fn start(server: &MailServer) -> (TempDir, Millrace) {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, RULES).unwrap();
    let url = format!("smtp://ann:s3cret@{}", server.address);
    let start = Start::new(&folder.path().join("data")).set("ALERTER__RULES", rules.to_str().unwrap());
    (folder, start.set("SMTP__URL", &url).start())
}

fn publish(millrace: &Millrace, value: &str) {
    millrace.publish("temperature/lab", &["-m", value]);
}

/// Waits until there are `count` notifications and all are sent.
fn all_sent(millrace: &Millrace, count: usize) {
    eventually(SOON, || {
        let incident = millrace.get("/api/incidents")["incidents"][0].clone();
        let mails = incident["notifications"].as_array().cloned().unwrap_or_default();
        if mails.len() == count && mails.iter().all(|mail| mail["sent_at"].is_string()) {
            Ok(())
        } else {
            Err(incident)
        }
    });
}

#[test]
fn a_server_that_fails_in_every_way_gets_the_mail_once_and_no_password_is_logged() {
    let slow = Server::Slow(Duration::from_secs(2));
    let server =
        MailServer::start(&[Server::Closed, Server::RefusesRecipient, Server::HangsUpInTheMiddle, slow]);
    let (folder, millrace) = start(&server);
    publish(&millrace, "26");
    server.taken(1);
    all_sent(&millrace, 1);
    assert_eq!(millrace.metric("millrace_alerter_message_failures_total"), 3.0);
    // Of the one that hung up nobody can say whether it has the mail.
    assert_eq!(millrace.metric("millrace_alerter_messages_repeated_total"), 1.0);
    assert_eq!(millrace.metric("millrace_alerter_messages_sent_total"), 1.0);
    assert_eq!(server.taken(1).len(), 1);
    let log = std::fs::read_to_string(folder.path().join("data.log")).unwrap();
    assert!(log.contains("451") && !log.contains("s3cret"), "{log}");
    assert!(!log.contains("@localhost"), "no address: {log}");
}

#[test]
fn killed_before_a_mail_and_before_its_answer_it_repeats_the_mail_once_with_its_message_id() {
    let server =
        MailServer::start(&[Server::WaitsBeforeItsGreeting, Server::WaitsBeforeItsAnswer, Server::Takes]);
    let (_folder, mut millrace) = start(&server);
    publish(&millrace, "26");
    for mails in [0, 1] {
        server.wait();
        assert_eq!(server.taken.lock().unwrap().len(), mails);
        let start = millrace.kill();
        server.goes_on.send(()).unwrap();
        millrace = start.start();
    }
    server.taken(2);
    all_sent(&millrace, 1);
    publish(&millrace, "20");
    let mails = server.taken(3);
    all_sent(&millrace, 2);
    let [first, repeat, end] = [0, 1, 2].map(|index: usize| header(&mails[index], "Message-ID"));
    assert!(first == repeat && first != end, "{first} {repeat} {end}");
    assert_eq!(header(&mails[2], "In-Reply-To"), first);
    assert_eq!(server.taken(3).len(), 3);
}
