//! Announcements in memory.

use async_trait::async_trait;
use store::{AnnouncementStore, Result};
use telemetry::{Announcement, MAX_VERSIONS};

use super::{Data, MemoryStore, whole_micros};

#[async_trait]
impl AnnouncementStore for MemoryStore {
    async fn announcements(&self) -> Result<Vec<Announcement>> {
        Ok(self.call("announcements")?.announcements.clone())
    }

    async fn announce(&self, announcements: &[Announcement]) -> Result<()> {
        self.call("announce")?.announce(announcements);
        Ok(())
    }
}

impl Data {
    /// Newest first, so many of each subject.
    pub(super) fn announce(&mut self, announcements: &[Announcement]) {
        for announcement in announcements {
            let received_at = whole_micros(announcement.received_at);
            let is_it = |stored: &Announcement| {
                (&stored.subject, stored.received_at) == (&announcement.subject, received_at)
            };
            if !self.announcements.iter().any(is_it) {
                self.announcements.push(Announcement { received_at, ..announcement.clone() });
            }
        }
        self.announcements
            .sort_by(|a, b| b.received_at.cmp(&a.received_at).then_with(|| a.subject.cmp(&b.subject)));
        let mut seen = std::collections::HashMap::<String, usize>::new();
        self.announcements.retain(|stored| {
            let count = seen.entry(stored.subject.clone()).or_default();
            *count += 1;
            *count <= MAX_VERSIONS
        });
    }
}
