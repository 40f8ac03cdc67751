//! The verbs that judge what the next hop heard about a message.

use super::{Session, relay::stuffed};
use crate::{
    error::Error,
    message::{Delivered, Message},
    next_hop::Visit,
    verdict::{Halt, Outcome},
};

impl Session<'_> {
    /// The connections on which something was heard about this message.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is no next hop of ours.
    pub fn visits(&self, mail: &Message) -> Outcome<Vec<Visit>> {
        Ok(self.hop()?.visits(&mail.token))
    }

    /// Each command for this message waited for the whole reply to the one before, except in groups
    /// that PIPELINING allows.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where one did not.
    pub fn hop_was_heard_out(&mut self, mail: &Message) -> Outcome {
        let visits = self.visits(mail)?;
        if visits.iter().any(Visit::begins_early) {
            // RFC 5321 section 4.3.1 advises to wait for the greeting, and demands it of replies.
            let expected = "the first command behind the whole greeting";
            self.hop_note(mail, expected, "it came earlier");
        }
        let Some(early) = visits.iter().find_map(Visit::out_of_turn) else {
            return Ok(());
        };
        let what = match early.is_content {
            true => "mail data".to_owned(),
            false => early.verb(),
        };
        let expected = "each command behind the whole reply to the one before";
        Err(self.hop_deviates(mail, expected, format!("{what} came earlier")))
    }

    /// Nothing was used for this message that the next hop had not offered: no verb, no parameter and
    /// no group of commands.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where something was.
    pub fn nothing_unoffered(&mut self, mail: &Message) -> Outcome {
        let visits = self.visits(mail)?;
        if let Some(used) = visits.iter().find_map(Visit::unoffered) {
            let expected = "only what EHLO offers in this state of the session";
            return Err(self.hop_deviates(mail, expected, used));
        }
        self.hop_was_heard_out(mail)
    }

    /// Skips what only a server can show that begins TLS where the next hop offers it.
    ///
    /// # Errors
    /// [`Halt::Skip`] where it did not for this message.
    pub fn needs_tls_to_the_hop(&mut self, mail: &Message) -> Outcome {
        let visits = self.visits(mail)?;
        let began = |visit: &Visit| visit.heard.iter().any(|heard| heard.encrypted);
        match visits.iter().any(began) {
            true => Ok(()),
            false => Err(Halt::Skip(
                "the server begins no TLS with a next hop".to_owned(),
            )),
        }
    }

    /// Wherever the message was sent more than once, it was the same.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where the next hop heard it once only, or not the same.
    pub fn same_content_each_time(&mut self, mail: &Message) -> Outcome {
        let contents = self.contents(mail)?;
        let expected = "the same content in two transactions";
        // What a server adds each time it sends, such as a signature, may differ.
        let same = |one: &[u8], other: &[u8]| identity(one) == identity(other);
        match contents.as_slice() {
            [first, rest @ ..]
                if !rest.is_empty() && rest.iter().all(|other| same(first, other)) =>
            {
                Ok(())
            }
            [_] => Err(self.hop_deviates(mail, expected, "one transaction")),
            _ => Err(self.hop_deviates(mail, expected, "another content")),
        }
    }

    /// Behind 354 came nothing but the final dot, where DATA was sent at all. RFC 2920 section 3.1
    /// advises that: more is worth a warning.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is no next hop of ours.
    pub fn no_content_was_sent(&mut self, mail: &Message) -> Outcome {
        let contents = self.contents(mail)?;
        if let Some(content) = contents.iter().find(|content| content.len() > 3) {
            let observed = format!("mail data of {} octets", content.len());
            self.hop_note(mail, "no content where nobody was accepted", observed);
        }
        Ok(())
    }

    /// The body left with one dot more before each line that begins with a dot, and was not cut short
    /// (RFC 5321 section 4.5.2). What a server adds behind it is its own matter.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where it did not; [`Halt::Skip`] where the server has encoded the body, as RFC
    /// 6409 section 8.4 lets it.
    pub fn dots_were_doubled(&mut self, mail: &Message, body: &str) -> Outcome {
        let wanted = stuffed(body).into_bytes();
        let contents = self.contents(mail)?;
        if contents.iter().any(|content| is_encoded(content)) {
            return Err(Halt::Skip("the server has encoded the body".to_owned()));
        }
        // All that was sent before the final dot is there: an undoubled dot would have been that one.
        let broken = |content: &&Vec<u8>| {
            let mut places = content.windows(wanted.len());
            !places.any(|place| place == wanted)
        };
        match contents.iter().find(broken) {
            None => Ok(()),
            Some(content) => {
                let observed = first_difference(content, &[&wanted[..], b".\r\n"].concat());
                let expected = "one dot more in each line that begins with one";
                Err(self.hop_deviates(mail, expected, observed))
            }
        }
    }

    /// Every mail data that was heard in the transactions of this message.
    fn contents(&self, mail: &Message) -> Outcome<Vec<Vec<u8>>> {
        let mut contents = Vec::new();
        for visit in self.visits(mail)? {
            let mut mine = false;
            for heard in visit.heard {
                match heard.verb().as_str() {
                    "MAIL" => mine = false,
                    "RCPT" => mine |= heard.text().contains(&mail.token),
                    "" if heard.is_content && mine => contents.push(heard.octets),
                    _ => {}
                }
            }
        }
        Ok(contents)
    }

    /// Every connection on which the next hop fell silent since this session began has ended.
    ///
    /// # Errors
    /// [`Halt::Deviation`] where one is still there at the deadline, if it was promised to be otherwise.
    pub fn silence_was_left(&mut self, mail: &Message) -> Outcome {
        let (hop, shared, patience) = (self.hop()?.clone(), self.shared, self.patience);
        let waiting = || hop.waiting_since(self.first_visit);
        let left = || (waiting() == 0).then_some(());
        if hop
            .wait_until(patience, &|| shared.interrupted(), left)
            .is_some()
        {
            return Ok(());
        }
        if shared.interrupted() {
            return Err(Error::Interrupted.into());
        }
        let observed = format!("{} connections are still there", waiting());
        Err(self.late(mail, "an end of every wait", observed))
    }

    /// What the next hop heard breaks the requirement: the transcript shows what that was.
    pub fn hop_deviates(
        &mut self,
        mail: &Message,
        expected: &str,
        observed: impl Into<String>,
    ) -> Halt {
        for visit in self.visits(mail).unwrap_or_default() {
            self.show_visit(mail, &visit);
        }
        self.delivery_deviates(expected, observed)
    }

    /// As [`Session::hop_deviates`], and worth a warning.
    pub fn hop_note(&mut self, mail: &Message, expected: &str, observed: impl Into<String>) {
        if let Halt::Deviation(deviation) = self.hop_deviates(mail, expected, observed) {
            self.notes.borrow_mut().push(*deviation);
        }
    }

    fn show_visit(&mut self, mail: &Message, visit: &Visit) {
        let named = |text: &str| {
            let sender = mail.sender.split('@').next().unwrap_or_default();
            text.replace(sender, "[sender]")
                .replace(&mail.token, "[token]")
        };
        self.transcript.note("the next hop heard:");
        for heard in &visit.heard {
            let text = match heard.is_content {
                true => format!("[mail data, {} octets]", heard.octets.len()),
                false => crate::line::visible(&heard.octets),
            };
            let reply = heard.reply.lines().last().unwrap_or("nothing");
            let reply = reply.chars().take(60).collect::<String>();
            self.transcript
                .note(format!("  {} => {reply}", named(&text)));
        }
    }
}

/// Whether the body is not as it was sent, for the sake of a path of seven bits or short lines.
fn is_encoded(content: &[u8]) -> bool {
    let encodings = sent(content).all("Content-Transfer-Encoding");
    let encoded = |name: &String| {
        ["quoted-printable", "base64"]
            .iter()
            .any(|encoding| name.eq_ignore_ascii_case(encoding))
    };
    encodings.iter().any(encoded)
}

/// By what a content is the same each time it is sent.
fn identity(content: &[u8]) -> (Vec<String>, Vec<u8>) {
    let sent = sent(content);
    (sent.all("Message-ID"), sent.body().to_vec())
}

fn sent(content: &[u8]) -> Delivered {
    Delivered {
        content: content.to_vec(),
        ..Delivered::default()
    }
}

/// Where the end of what was sent is another than the end that is wanted, as a reader sees it.
fn first_difference(sent: &[u8], wanted: &[u8]) -> String {
    let lines = |octets: &[u8]| -> Vec<Vec<u8>> {
        let lines = octets.split_inclusive(|&octet| octet == b'\n');
        lines.map(<[u8]>::to_vec).collect()
    };
    let (sent, wanted) = (lines(sent), lines(wanted));
    let mut pairs = sent.iter().rev().zip(wanted.iter().rev());
    match pairs.find(|(sent, wanted)| sent != wanted) {
        Some((sent, wanted)) => {
            let shown = |line: &[u8]| crate::line::visible(&line[..line.len().min(40)]);
            format!("{} for {}", shown(sent), shown(wanted))
        }
        None => "fewer lines".to_owned(),
    }
}
