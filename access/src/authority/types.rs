//! Types of devices.

use store::{Change, DeviceType, MAX_TYPES};

use super::{Authority, Deed, Problem};
use crate::caller::Caller;

impl Authority {
    /// Adds a type of devices.
    ///
    /// # Errors
    /// There is one of this name, or there are too many.
    pub async fn add_type(&self, caller: &Caller, new: DeviceType) -> Result<DeviceType, Problem> {
        let deed = Deed { after: Some(new.body.clone()), ..Deed::new("add type", new.name.clone()) };
        if self.make(caller, Change::AddType(new.clone()), deed).await?.is_some() {
            return Ok(DeviceType { revision: 0, ..new });
        }
        Err(Problem::Conflict(match self.inner.store.device_type(&new.name).await? {
            Some(_) => format!("somebody else has just added the type {}: read it again", new.name),
            None => format!("there are {MAX_TYPES} types already: remove one first"),
        }))
    }

    /// Replaces what a type says, if it still has the revision in `new`.
    ///
    /// # Errors
    /// It was changed or removed meanwhile.
    pub async fn set_type(
        &self,
        caller: &Caller,
        old: &DeviceType,
        new: DeviceType,
    ) -> Result<DeviceType, Problem> {
        let deed = Deed {
            before: Some(old.body.clone()),
            after: Some(new.body.clone()),
            ..Deed::new("change type", new.name.clone())
        };
        match self.make(caller, Change::SetType(new.clone()), deed).await? {
            Some(_) => Ok(DeviceType { revision: new.revision + 1, ..new }),
            None => Err(Problem::Conflict("the type was changed or removed meanwhile: read it again".into())),
        }
    }

    /// Removes a type. Its devices keep its name.
    ///
    /// # Errors
    /// There is no such type.
    pub async fn remove_type(&self, caller: &Caller, old: &DeviceType) -> Result<(), Problem> {
        let deed = Deed { before: Some(old.body.clone()), ..Deed::new("remove type", old.name.clone()) };
        let removed = self.make(caller, Change::RemoveType(old.name.clone()), deed).await?;
        removed.map(drop).ok_or_else(|| Problem::NotFound(format!("there is no type {}", old.name)))
    }
}
