//! What the alerter must not forget.

pub(crate) mod alert_states;
pub(crate) mod conditions;
pub(crate) mod incidents;
pub(crate) mod notifications;
pub(crate) mod outbox;
pub(crate) mod silences;

use self::incidents::Incidents;
use self::outbox::Notifications;
use self::silences::Silences;
use crate::leases::Leases;

/// All that alerting needs of a store.
pub trait Alerting: Incidents + Notifications + Silences + Leases {}

impl<T: Incidents + Notifications + Silences + Leases> Alerting for T {}
