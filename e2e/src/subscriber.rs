//! `mosquitto_sub` as a subscriber.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::Shape;

/// A `mosquitto_sub` at QoS 1 that is known to be subscribed; it is killed when dropped.
#[derive(Debug)]
pub struct Subscriber {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Subscriber {
    /// # Panics
    /// It ends before it is subscribed.
    #[must_use]
    pub fn new(shape: &impl Shape, arguments: &[&str]) -> Self {
        Self::of(&shape.mosquitto("mosquitto_sub"), arguments)
    }

    /// With a `mosquitto_sub` that knows the broker's address.
    pub(crate) fn of(mosquitto_sub: &Command, arguments: &[&str]) -> Self {
        let mut command = unbuffered(mosquitto_sub);
        // Debug output shows when the subscription stands.
        command.args(["-q", "1", "-v", "-d"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("run mosquitto_sub");
        let lines = BufReader::new(child.stdout.take().expect("its stdout is a pipe"));
        let mut subscriber = Self { child, lines };
        while !subscriber.line().contains("Subscribed") {}
        subscriber
    }

    /// The next message, after its topic and a space.
    ///
    /// # Panics
    /// It ends before there is one.
    pub fn hear(&mut self) -> String {
        loop {
            let line = self.line();
            if !line.starts_with("Client ") {
                return line.trim_end().to_owned();
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line).expect("read what it says");
        assert!(length > 0, "the subscriber ended");
        line
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Through a pipe, mosquitto_sub would keep its lines to itself.
fn unbuffered(command: &Command) -> Command {
    let mut unbuffered = Command::new("stdbuf");
    unbuffered.arg("-oL").arg(command.get_program()).args(command.get_args());
    unbuffered
}
