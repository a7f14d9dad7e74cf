//! SUBSCRIBE and UNSUBSCRIBE.

use super::properties::{self, id};
use super::reader::Reader;
use super::{Fault, Frame, Qos, Version};

/// Filters that a client wants to receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) packet_id: u16,
    pub(crate) filters: Vec<Filter>,
}

/// One filter, and how the client wants what it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// As it came: its syntax is not checked.
    pub(crate) filter: String,
    pub(crate) options: Options,
    pub(crate) retain_handling: RetainHandling,
}

/// How a client wants the messages of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) qos: Qos,
    /// Not what the client itself publishes.
    pub(crate) no_local: bool,
    /// With the retain flag that the publisher gave.
    pub(crate) retain_as_published: bool,
    /// The number that the client wants to see on each message; 0 is none.
    pub(crate) identifier: u32,
}

/// When retained messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetainHandling {
    Always,
    IfNew,
    Never,
}

/// Filters that a client no longer wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsubscribe {
    pub(crate) packet_id: u16,
    pub(crate) filters: Vec<String>,
}

const NO_FILTER: Fault = Fault::protocol("the packet names no filter");

pub(super) fn read(frame: &Frame, version: Version) -> Result<Subscribe, Fault> {
    frame.flags_of_request(version)?;
    let mut reader = Reader::new(&frame.body);
    let packet_id = reader.packet_id()?;
    let mut identifier = 0;
    if version == Version::V5 {
        properties::read(&mut reader, &[id::SUBSCRIPTION_ID], |id, value, _| {
            if id == id::SUBSCRIPTION_ID {
                identifier = value.positive()?;
            }
            Ok(())
        })?;
    }
    let mut filters = Vec::new();
    while !reader.is_empty() {
        filters.push(filter(&mut reader, version, identifier)?);
    }
    if filters.is_empty() { Err(NO_FILTER) } else { Ok(Subscribe { packet_id, filters }) }
}

fn filter(reader: &mut Reader<'_>, version: Version, identifier: u32) -> Result<Filter, Fault> {
    let filter = reader.text()?.to_owned();
    let bits = reader.byte()?;
    let reserved = if version == Version::V5 { 0xc0 } else { 0xfc };
    if bits & reserved != 0 {
        return Err(Fault::malformed("reserved bits of the subscription options are set"));
    }
    let retain_handling = match bits >> 4 & 3 {
        0 => RetainHandling::Always,
        1 => RetainHandling::IfNew,
        2 => RetainHandling::Never,
        _ => return Err(Fault::protocol("the retain handling is 3")),
    };
    let no_local = bits & 4 != 0;
    if no_local && filter.starts_with("$share/") {
        return Err(Fault::protocol("no-local on a shared subscription"));
    }
    let retain_as_published = bits & 8 != 0;
    let qos = Qos::from_bits(bits).map_err(|fault| match version {
        Version::V5 => Fault::protocol(fault.why),
        _ => fault,
    })?;
    let options = Options { qos, no_local, retain_as_published, identifier };
    Ok(Filter { filter, options, retain_handling })
}

pub(super) fn read_unsubscribe(frame: &Frame, version: Version) -> Result<Unsubscribe, Fault> {
    frame.flags_of_request(version)?;
    let mut reader = Reader::new(&frame.body);
    let packet_id = reader.packet_id()?;
    if version == Version::V5 {
        properties::read(&mut reader, &[], |_, _, _| Ok(()))?;
    }
    let mut filters = Vec::new();
    while !reader.is_empty() {
        filters.push(reader.text()?.to_owned());
    }
    if filters.is_empty() { Err(NO_FILTER) } else { Ok(Unsubscribe { packet_id, filters }) }
}
