//! The mail data on its way through the proxy.

use super::{Action, Dialogue, Mode, Place};
use crate::lie::Lie;

impl Dialogue<'_> {
    /// Octets of the content: they go on as they came, unless a lie has something to say.
    pub(super) fn client_content(
        &mut self,
        octets: &[u8],
        forward: &mut Vec<u8>,
        actions: &mut Vec<Action>,
    ) {
        let before = self.content_tail.len();
        self.content_tail.extend_from_slice(octets);
        for lie in self.lies() {
            let Lie::ReplyAfter(trigger, reply) = lie else {
                continue;
            };
            // Only where the trigger ends in what has just come, so that it is heard once.
            let found = self
                .content_tail
                .windows(trigger.len())
                .rposition(|window| window == *trigger);
            if found.is_some_and(|at| at + trigger.len() > before) {
                self.control.tell(lie);
                actions.push(Action::ToServer(octets.to_vec()));
                actions.push(Action::ToClient(self.invent(reply)));
                return self
                    .content_tail
                    .drain(..self.content_tail.len().saturating_sub(5))
                    .for_each(drop);
            }
        }
        let Some(end) = end_of_content(&self.content_tail) else {
            if !self.swallowing {
                forward.extend_from_slice(octets);
            }
            let keep = self.content_tail.len().saturating_sub(64);
            self.content_tail.drain(..keep);
            return;
        };
        let in_octets = end.saturating_sub(before);
        self.from_client = octets[in_octets..].to_vec();
        self.content_tail.clear();
        self.mode = Mode::Commands;
        let place = self.count("", Place::Content);
        match (self.swallowing, self.answer(&place)) {
            (true, Some((lie, answer))) => {
                self.control.tell(lie);
                actions.push(Action::ToClient(self.invent(answer)));
            }
            (true, None) => actions.push(Action::Close),
            (false, _) => {
                forward.extend_from_slice(&octets[..in_octets]);
                self.awaiting.push_back(place);
                if !self.rewrites_lines() {
                    forward.extend_from_slice(&self.from_client);
                }
            }
        }
        self.swallowing = false;
    }
}

/// Where the content ends, behind CR LF . CR LF.
fn end_of_content(tail: &[u8]) -> Option<usize> {
    tail.windows(5)
        .position(|window| window == b"\r\n.\r\n")
        .map(|at| at + 5)
}
