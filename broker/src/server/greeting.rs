//! From the first byte of a connection to its CONNACK.

mod attach;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rand::RngExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, copy, sink};
use tokio::time::timeout;

pub(crate) use self::attach::Attached;
use self::attach::{HeldWill, attach};
use super::access::{Caller, Login, Peer, Refusal};
use super::counters::Rule;
use super::input::Input;
use super::limits::Limits;
use super::packet::{Connack, Connect, Encoder, Fault, Frame, Reason, Version, Written, read_connect};
use super::publication::Publication;
use super::shared::{SECOND_LOOK, Shared};
use super::topic;

/// How long a client may take to read why it is refused.
const FAREWELL: Duration = Duration::from_secs(1);

/// Bytes of a CONNACK of MQTT 5 that says no more than the reason.
const SMALLEST_REFUSAL: usize = 5;

/// Bytes that one read brings, at most.
const READ_BYTES: usize = 32 * 1024;

/// A client that is connected to its session.
pub(crate) struct Greeted {
    pub(crate) connect: Connect,
    pub(crate) caller: Caller,
    pub(crate) attached: Attached,
    pub(crate) input: Input,
    pub(crate) address: SocketAddr,
}

/// Reads what is there into the input, by way of the stack: a connection that waits owns no buffer.
pub(crate) fn poll_read(
    stream: &mut (impl AsyncRead + Unpin),
    input: &mut Input,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut memory = [const { MaybeUninit::uninit() }; READ_BYTES];
    let mut read = ReadBuf::uninit(&mut memory);
    ready!(Pin::new(stream).poll_read(context, &mut read))?;
    input.feed(read.filled());
    Poll::Ready(Ok(read.filled().len()))
}

/// Reads CONNECT, decides, and answers. None if the client may not connect or is gone. The time limit is for what the
/// client does: how long the decision takes, where many passwords are to be checked, is not its fault.
pub(crate) async fn greet(
    shared: &Arc<Shared>,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin + Send),
    peer: Peer,
) -> Option<Greeted> {
    let (mut input, address) = (Input::default(), peer.address);
    let traffic = &shared.counters.traffic;
    let frame = match in_time(shared, first_frame(shared, stream, &mut input)).await?? {
        Ok(frame) => frame,
        Err(fault) => {
            let is_too_large = fault.reason == Reason::PACKET_TOO_LARGE;
            shared.counters.refuse(if is_too_large { Rule::ConnectBytes } else { fault.rule() });
            return None;
        }
    };
    traffic.packets_received.inc();
    let refused = match read_connect(&frame) {
        Err(fault) => (spoken(&frame, &fault), fault),
        Ok(connect) => match Box::pin(accept(shared, connect, peer)).await {
            Ok((connect, caller, attached, connack)) => {
                in_time(shared, answer(stream, &connack)).await?.ok()?;
                traffic.connects.inc();
                traffic.packets_sent.inc();
                traffic.bytes_sent.inc_by(connack.len() as u64);
                return Some(Greeted { connect, caller, attached, input, address });
            }
            Err((version, fault)) => (Some(version), fault),
        },
    };
    let (version, fault) = refused;
    shared.counters.refuse(fault.rule());
    if let Some(version) = version {
        refuse(stream, version, fault).await;
    }
    None
}

/// What a step of the client's gave, or None if it took too long. It is looked at once more, as what came while the process
/// did not run shows only then.
async fn in_time<T>(shared: &Shared, step: impl Future<Output = T>) -> Option<T> {
    let mut step = pin!(step);
    for time in [shared.limits.handshake_timeout, SECOND_LOOK] {
        if let Ok(done) = timeout(time, &mut step).await {
            return Some(done);
        }
    }
    shared.counters.refuse(Rule::HandshakeTimeout);
    None
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), connack: &[u8]) -> io::Result<()> {
    stream.write_all(connack).await?;
    // What TLS or a WebSocket holds back is to go, too.
    stream.flush().await
}

async fn first_frame(
    shared: &Shared,
    stream: &mut (impl AsyncRead + Unpin),
    input: &mut Input,
) -> Option<Result<Frame, Fault>> {
    loop {
        match input.next(shared.limits.connect_bytes) {
            Ok(Some(frame)) => return Some(Ok(frame)),
            Ok(None) => {}
            Err(fault) => return Some(Err(fault)),
        }
        let read = poll_fn(|context| poll_read(stream, input, context)).await.ok()?;
        if read == 0 {
            return None;
        }
        shared.counters.traffic.bytes_received.inc_by(read as u64);
    }
}

/// The version in which a client whose CONNECT cannot be read understands an answer; none if it gets none.
fn spoken(frame: &Frame, fault: &Fault) -> Option<Version> {
    let after_name = match frame.body.get(..6)? {
        b"\x00\x04MQTT" => 6,
        b"\x00\x06MQIs" => 8,
        _ => return None,
    };
    let level = *frame.body.get(after_name)?;
    if (5..0x80).contains(&level) {
        return Some(Version::V5);
    }
    // Before MQTT 5 a malformed CONNECT has no answer, but a wrong level has.
    (fault.reason == Reason::UNSUPPORTED_VERSION).then_some(Version::V311)
}

async fn refuse(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), version: Version, fault: Fault) {
    let mut out = Vec::new();
    let mut encoder = Encoder {
        out: &mut out,
        written: &mut Written::default(),
        version,
        // A client that takes no CONNACK has no room for words either.
        most: if fault.reason == Reason::PACKET_TOO_LARGE { SMALLEST_REFUSAL } else { usize::MAX },
        wants_problems: true,
    };
    encoder.refusal(fault.reason, fault.why);
    let farewell = async {
        stream.write_all(&out).await?;
        stream.shutdown().await?;
        // What it has sent meanwhile is read, as otherwise the system might take the answer back.
        copy(stream, &mut sink()).await
    };
    // A client that does not listen is left.
    let _ = timeout(FAREWELL, farewell).await;
}

type Accepted = (Connect, Caller, Attached, Vec<u8>);

async fn accept(
    shared: &Arc<Shared>,
    mut connect: Connect,
    peer: Peer,
) -> Result<Accepted, (Version, Fault)> {
    let version = connect.version;
    let refused = |fault| (version, fault);
    let is_assigned = connect.client_id.is_empty();
    check(&connect, &shared.limits).map_err(refused)?;
    if is_assigned {
        connect.client_id = format!("auto-{:016x}", rand::rng().random::<u64>());
    }
    let login = Login {
        peer,
        client_id: connect.client_id.clone(),
        user_name: connect.user_name.take(),
        password: connect.password.take(),
    };
    // A bridge publishes its own state, which is not needed here.
    connect.will.take_if(|will| topic::is_state_of_a_bridge(&will.topic));
    let caller = shared.access.connect(login).await.map_err(|refusal| refused(refusal_fault(refusal)))?;
    if let Some(will) = &connect.will
        && (topic::is_of_the_server(&will.topic) || !shared.access.may_publish(&caller, &will.topic))
    {
        return Err(refused(Fault::new(Reason::NOT_AUTHORIZED, "the will's topic is not allowed")));
    }
    let (mut attached, is_present) = attach(shared, &connect, &caller).await.map_err(refused)?;
    attached.will = will(shared, &mut connect, attached.session.number).map_err(refused)?;
    let granted = Granted {
        session_expiry: attached.session.state().expiry.as_secs() as u32,
        keep_alive: shorten_keep_alive(shared, &mut connect),
    };
    let Some(connack) = connack(shared, &connect, is_present, &granted, is_assigned) else {
        attached.will = None;
        let why = "CONNACK is larger than the Maximum Packet Size";
        return Err(refused(Fault::limit(Rule::TooLargeForReceiver, Reason::PACKET_TOO_LARGE, why)));
    };
    Ok((connect, caller, attached, connack))
}

fn refusal_fault(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::BadCredentials => {
            Fault::new(Reason::BAD_CREDENTIALS, "the user name or the password is wrong")
        }
        Refusal::NotAuthorized => Fault::new(Reason::NOT_AUTHORIZED, "the client may not connect"),
        Refusal::Unavailable => Fault::new(Reason::UNAVAILABLE, "try again later"),
    }
}

/// What can be said of a CONNECT without asking anybody.
fn check(connect: &Connect, limits: &Limits) -> Result<(), Fault> {
    if connect.has_authentication_method {
        return Err(Fault::new(Reason::BAD_AUTHENTICATION_METHOD, "there are no authentication methods"));
    }
    let needs_id = match connect.version {
        Version::V31 => true,
        Version::V311 => !connect.clean_start,
        Version::V5 => false,
    };
    if needs_id && connect.client_id.is_empty() {
        return Err(Fault::new(Reason::CLIENT_ID_NOT_VALID, "the client id is empty"));
    }
    if connect.client_id.len() > limits.name_bytes {
        let why = "the client id is too long";
        return Err(Fault::limit(Rule::NameBytes, Reason::CLIENT_ID_NOT_VALID, why));
    }
    let Some(will) = &connect.will else { return Ok(()) };
    let why = "the will's topic is not valid";
    match limits.passed_by(&will.topic) {
        Some(limit) => Err(Fault::limit(limit, Reason::TOPIC_INVALID, why)),
        None if !topic::is_topic(&will.topic) => Err(Fault::new(Reason::TOPIC_INVALID, why)),
        None => Ok(()),
    }
}

/// What a client gets of what it asked for, in seconds.
struct Granted {
    session_expiry: u32,
    /// None if it is what the client asked for.
    keep_alive: Option<u16>,
}

/// The keep-alive that counts in place of the one that a client asked for, if that is longer than allowed or off. Only in
/// MQTT 5 a client can be told.
fn shorten_keep_alive(shared: &Shared, connect: &mut Connect) -> Option<u16> {
    let most = u16::try_from(shared.limits.keep_alive.as_secs()).unwrap_or(u16::MAX);
    if connect.version < Version::V5 || (1..=most).contains(&connect.keep_alive) {
        return None;
    }
    shared.counters.refuse(Rule::KeepAlive);
    connect.keep_alive = most;
    Some(most)
}

/// None if it is larger than the client takes.
fn connack(
    shared: &Shared,
    connect: &Connect,
    session_present: bool,
    granted: &Granted,
    is_assigned: bool,
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let limits = &shared.limits;
    let connack = Connack {
        session_present,
        session_expiry: (granted.session_expiry != connect.session_expiry).then_some(granted.session_expiry),
        receive_maximum: limits.in_flight,
        maximum_packet_size: u32::try_from(limits.packet_bytes).unwrap_or(u32::MAX),
        topic_alias_maximum: limits.topic_aliases,
        keep_alive: granted.keep_alive,
        assigned_client_id: is_assigned.then_some(connect.client_id.as_str()),
    };
    let most = connect.maximum_packet_size.map_or(usize::MAX, |most| most as usize);
    let mut encoder = Encoder {
        out: &mut out,
        written: &mut Written::default(),
        version: connect.version,
        most,
        wants_problems: true,
    };
    encoder.connack(&connack).then_some(out)
}

/// The will of a client as a message, if there is room for it.
fn will(shared: &Shared, connect: &mut Connect, session: u64) -> Result<Option<Box<HeldWill>>, Fault> {
    let Some(will) = connect.will.take() else { return Ok(None) };
    let delay = Duration::from_secs(will.delay.into());
    if delay > shared.limits.will_delay {
        shared.counters.refuse(Rule::WillDelay);
    }
    let delay = delay.min(shared.limits.will_delay);
    let mut publication = Publication::new(will.topic, will.payload, will.qos, will.retain, &will.forwarded);
    publication.publisher = session;
    let bytes = publication.bytes();
    if shared.wills.is_too_small_for(bytes) {
        let why = "there is no room for the will";
        return Err(Fault::limit(Rule::QueuedBytesTotal, Reason::QUOTA_EXCEEDED, why));
    }
    Ok(Some(Box::new(HeldWill { publication, delay, charge: shared.wills.charge(bytes) })))
}
