//! How much of each segment still tells something.

use std::sync::PoisonError;

use super::Log;
use crate::spool::id::Id;
use crate::spool::record::Kind;
use crate::spool::segment::{self, Place, Slot};

impl Log {
    /// Takes note of a record that is durable.
    pub(super) fn note(&mut self, kind: Kind, id: Id, slot: Slot) {
        let index = self.index.clone();
        let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = index.get(&id) {
            self.weigh(place, -1);
        }
        segment::note(&mut index, kind, id, slot);
        if let Some(place) = index.get(&id) {
            self.weigh(place, 1);
        }
    }

    /// Adds a message to the counts of its segments, or takes it out.
    fn weigh(&mut self, place: &Place, sign: i64) {
        let slots = [Some(&place.message), place.progress.as_ref()];
        for slot in slots.into_iter().flatten() {
            if let Some(segment) = self.segments.get_mut(&slot.segment) {
                let octets = slot.length.cast_signed() * sign;
                segment.live = segment.live.saturating_add_signed(octets);
            }
        }
        if let Some(segment) = self.segments.get_mut(&place.message.segment) {
            segment.messages = segment.messages.saturating_add_signed(sign);
        }
    }

    pub(super) fn count(&mut self) {
        let places: Vec<Place> = self.lock().values().cloned().collect();
        for place in places {
            self.weigh(&place, 1);
        }
    }
}
