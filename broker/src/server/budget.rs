//! Bytes that all connections together may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A sum over all connections, and its limit.
#[derive(Debug)]
pub(crate) struct Budget {
    used: AtomicUsize,
    most: usize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), most })
    }

    /// Whether so many bytes more would be too many.
    pub(crate) fn is_too_small_for(&self, bytes: usize) -> bool {
        self.used.load(Ordering::Relaxed).saturating_add(bytes) > self.most
    }

    /// Whether nobody holds anything.
    pub(crate) fn is_free(&self) -> bool {
        self.used.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        let mut charge = Charge { budget: Arc::clone(self), bytes: 0 };
        charge.set(bytes);
        charge
    }
}

/// Bytes that are held until this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Charge {
    /// So many are held now.
    pub(crate) fn set(&mut self, bytes: usize) {
        if bytes > self.bytes {
            self.budget.used.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            self.budget.used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_free_again() {
        let budget = Budget::new(100);
        let mut charge = budget.charge(60);
        assert!(budget.is_too_small_for(41) && !budget.is_too_small_for(40));
        charge.set(10);
        let other = budget.charge(90);
        assert!(budget.is_too_small_for(1));
        drop((charge, other));
        assert!(!budget.is_too_small_for(100));
    }
}
