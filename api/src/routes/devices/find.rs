//! Devices that are registered or were heard.

use std::collections::BTreeMap;
use std::time::Duration;

use store::Device;
use telemetry::time::age;
use telemetry::{Filter, Scope};

use crate::context::{Api, Heard};
use crate::device_rows::write_table;
use crate::device_types::Types;
use crate::error::ApiError;
use crate::forms::{self, DeviceState, Page};
use crate::query::{self, Parameters};

/// The parameters that there are.
pub(in crate::routes) const PARAMETERS: &[&str] =
    &["after", "filter", "format", "limit", "registered", "tag", "text", "type"];

/// Registered devices that are read at once.
const AT_ONCE: usize = 1_000;

/// Devices on one page, at most.
const MAX_LIMIT: usize = 1_000;

/// Which devices are asked for.
#[derive(Default)]
pub(super) struct Wanted {
    after: Option<String>,
    limit: usize,
    filter: Option<Filter>,
    registered: Option<bool>,
    tag: Option<String>,
    kind: Option<String>,
    text: Option<String>,
}

impl Wanted {
    /// # Errors
    /// Says which parameter is wrong and what it may be.
    pub(super) fn read(mut parameters: Parameters) -> Result<Self, String> {
        let wanted = Self {
            after: query::text(&mut parameters, "after")?,
            limit: query::number(&mut parameters, "limit", MAX_LIMIT)?.unwrap_or(100),
            filter: query::filter(&mut parameters, "filter")?,
            registered: query::truth(&mut parameters, "registered")?,
            tag: query::text(&mut parameters, "tag")?,
            kind: query::text(&mut parameters, "type")?,
            text: query::text(&mut parameters, "text")?.map(|text| text.to_lowercase()),
        };
        query::nothing_left(&parameters, PARAMETERS)?;
        Ok(wanted)
    }

    fn is_met(&self, name: &str, device: Option<&Device>) -> bool {
        let kind = device.and_then(|device| device.kind.as_deref());
        self.registered.is_none_or(|registered| registered == device.is_some())
            && self.filter.as_ref().is_none_or(|filter| filter.matches(name))
            && self.tag.as_ref().is_none_or(|tag| device.is_some_and(|device| device.tags.contains(tag)))
            && self.kind.as_deref().is_none_or(|wanted| kind == Some(wanted))
            && self.text.as_deref().is_none_or(|text| says(text, name, device))
    }
}

/// Whether a text is in anything that is said of a device.
fn says(text: &str, name: &str, device: Option<&Device>) -> bool {
    let has = |field: &str| field.to_lowercase().contains(text);
    let said = |device: &Device| {
        [&device.title, &device.kind, &device.location, &device.note]
            .into_iter()
            .flatten()
            .any(|field| has(field))
            || device.tags.iter().any(|tag| has(tag))
    };
    has(name) || device.is_some_and(said)
}

/// A page of devices by their names, and where the next one begins.
pub(super) async fn page(api: &Api, scope: &Scope, wanted: &Wanted) -> Result<String, ApiError> {
    let heard = api.series.devices(scope).ok_or(ApiError::NotLoaded)?;
    let types = Types::load(api).await?;
    let mut registered = BTreeMap::new();
    let mut page = Page::new("devices", wanted.limit);
    let (mut last, mut read_to) =
        (wanted.after.clone().unwrap_or_default(), Some(wanted.after.clone().unwrap_or_default()));
    loop {
        // The next name of either kind; registered ones are read ahead of it.
        if registered.is_empty()
            && let Some(after) = read_to.take()
        {
            let read = api.store.devices(&after, AT_ONCE).await?;
            read_to = (read.len() == AT_ONCE).then(|| read[AT_ONCE - 1].name.clone());
            registered.extend(read.into_iter().map(|device| (device.name.clone(), device)));
        }
        let next_heard = heard
            .range::<str, _>((std::ops::Bound::Excluded(last.as_str()), std::ops::Bound::Unbounded))
            .next();
        let next_known = registered.keys().next().cloned();
        let Some(name) = next_heard.map(|(name, _)| name.clone()).into_iter().chain(next_known).min() else {
            return Ok(page.end(None));
        };
        let device = registered.remove(&name);
        if scope.holds(&name) && wanted.is_met(&name, device.as_ref()) {
            let form = form_of(api, &name, (device.as_ref(), &types), heard.get(&name));
            if !page.push(&form) {
                return Ok(page.end(Some(&last)));
            }
        }
        last = name;
    }
}

/// All registered devices that are asked for, as a table.
pub(super) async fn table(api: &Api, scope: &Scope, wanted: &Wanted) -> Result<String, ApiError> {
    let is_meant = |device: &Device| scope.holds(&device.name) && wanted.is_met(&device.name, Some(device));
    let (mut found, mut after) = (Vec::new(), wanted.after.clone().unwrap_or_default());
    loop {
        let read = api.history.devices(&after, AT_ONCE).await?;
        let last = read.last().filter(|_| read.len() == AT_ONCE).map(|device| device.name.clone());
        found.extend(read.into_iter().filter(is_meant));
        match last {
            Some(last) => after = last,
            None => return Ok(write_table(found.iter())),
        }
    }
}

/// A device by its name, if it is registered or was heard.
pub(super) async fn one(api: &Api, name: &str) -> Result<Option<forms::Device>, ApiError> {
    let device = api.store.device(name).await?;
    let form = form(api, name, device.as_ref()).await?;
    Ok((form.registered || !form.series.is_empty()).then_some(form))
}

/// A device as it is now.
pub(super) async fn form(api: &Api, name: &str, device: Option<&Device>) -> Result<forms::Device, ApiError> {
    let heard = api.series.device(name);
    let types = Types::load(api).await?;
    Ok(form_of(api, name, (device, &types), heard.as_ref()))
}

fn form_of(
    api: &Api,
    name: &str,
    (device, types): (Option<&Device>, &Types),
    heard: Option<&Heard>,
) -> forms::Device {
    let interval = types.interval(device);
    let unnamed = Device::new(name, api.clock.wall());
    let said = device.unwrap_or(&unnamed);
    forms::Device {
        name: name.to_owned(),
        title: said.title.clone(),
        kind: said.kind.clone(),
        location: said.location.clone(),
        latitude: said.degrees().0,
        longitude: said.degrees().1,
        sampling_rate: said.interval.map(|interval| interval.as_secs_f64()),
        tags: said.tags.clone(),
        note: said.note.clone(),
        retired: said.retired,
        registered: device.is_some(),
        created_at: device.map(|device| device.created_at.into()),
        changed_at: device.map(|device| device.changed_at.into()),
        state: heard.map_or(DeviceState::Unknown, |heard| state(api, heard, interval)),
        last_seen: heard.map(|heard| heard.last_seen.into()),
        series: heard.map(|heard| heard.series.clone()).unwrap_or_default(),
    }
}

/// By the sampling rate of the device or of its type, where there is one: late after two intervals, offline after five.
fn state(api: &Api, heard: &Heard, interval: Option<Duration>) -> DeviceState {
    let by_page = heard.series.iter().map(|series| series.state).min();
    let Some(interval) = interval else { return by_page.map_or(DeviceState::Unknown, Into::into) };
    let age = age(api.clock.wall(), heard.last_seen);
    // A second for the way, and for clocks that differ.
    let after = |intervals: u32| interval.saturating_mul(intervals).saturating_add(Duration::from_secs(1));
    match () {
        () if age <= after(2) => DeviceState::Online,
        () if age <= after(5) => DeviceState::Late,
        () => DeviceState::Offline,
    }
}
