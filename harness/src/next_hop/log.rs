//! What the target said to the next hop, connection by connection.

/// One connection, from the greeting on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// What was heard, in order.
    pub heard: Vec<Heard>,
    /// Whether the next hop has fallen silent on it.
    pub silent: bool,
    /// Whether it is over.
    pub over: bool,
}

/// One command or one mail data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The command without its line end; of mail data every octet, with the dots of transparency and
    /// the final dot.
    pub octets: Vec<u8>,
    /// Whether it is mail data.
    pub is_content: bool,
    /// Whether it came inside TLS.
    pub encrypted: bool,
    /// Whether it came before the whole reply to what precedes it (RFC 5321 section 4.3.1).
    pub early: bool,
    /// The reply, lines separated by LF; empty where there was none.
    pub reply: String,
}

impl Heard {
    /// A command as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.octets).into_owned()
    }

    /// The verb of a command in upper case; empty for mail data.
    pub fn verb(&self) -> String {
        match self.is_content {
            true => String::new(),
            false => crate::line::verb(&self.octets),
        }
    }

    /// The parameters of MAIL or RCPT: what stands behind the path.
    pub fn parameters(&self) -> Vec<String> {
        let text = self.text();
        let behind = text.split_once('>').map_or("", |(_, behind)| behind);
        behind.split_whitespace().map(str::to_owned).collect()
    }
}

impl Visit {
    /// Whether an envelope or a content has this text, a token or an address.
    pub fn mentions(&self, text: &str) -> bool {
        let mentions = |heard: &Heard| {
            let there = |octets: &[u8]| octets == text.as_bytes();
            heard.octets.windows(text.len().max(1)).any(there)
        };
        self.heard.iter().any(mentions)
    }

    /// The commands with this verb.
    pub fn commands(&self, verb: &str) -> impl Iterator<Item = &Heard> {
        self.heard.iter().filter(move |heard| heard.verb() == verb)
    }

    /// Whether the reply to the last EHLO before `index` offered this extension. What was offered in
    /// clear text counts no more inside TLS (RFC 3207 section 4.2).
    pub fn offered_before(&self, index: usize, keyword: &str) -> bool {
        let encrypted = self.heard.get(index).is_some_and(|heard| heard.encrypted);
        let mut before = self.heard.iter().take(index);
        let last = before.rfind(|heard| {
            heard.encrypted == encrypted && matches!(heard.verb().as_str(), "EHLO" | "HELO")
        });
        last.is_some_and(|hello| hello.verb() == "EHLO" && offers(&hello.reply, keyword))
    }

    /// The first verb or parameter whose extension was not offered.
    pub fn unoffered(&self) -> Option<String> {
        let mut heard = self.heard.iter().enumerate();
        heard.find_map(|(index, heard)| {
            let mut words = vec![heard.verb()];
            if matches!(words[0].as_str(), "MAIL" | "RCPT") {
                words.extend(heard.parameters());
            }
            let unoffered = |word: &String| {
                let name = word.split('=').next().unwrap_or_default();
                let extension = extension_of(&name.to_ascii_uppercase());
                extension.is_some_and(|extension| !self.offered_before(index, extension))
            };
            words.into_iter().find(unoffered)
        })
    }

    /// Whether the first command came before the whole greeting.
    pub fn begins_early(&self) -> bool {
        self.heard.first().is_some_and(|heard| heard.early)
    }

    /// What came too early, behind the first command: before the reply to what precedes it, and not in a group that PIPELINING
    /// allows (RFC 2920 section 3.1).
    pub fn out_of_turn(&self) -> Option<&Heard> {
        let in_group = |index: usize, heard: &Heard| {
            let before = index.checked_sub(1).and_then(|index| self.heard.get(index));
            let ends_group = |heard: &Heard| ENDS_GROUP.contains(&heard.verb().as_str());
            self.offered_before(index, "PIPELINING")
                && !heard.is_content
                && before.is_some_and(|before| !ends_group(before))
        };
        let mut heard = self.heard.iter().enumerate().skip(1);
        let early = heard.find(|(index, heard)| heard.early && !in_group(*index, heard));
        early.map(|(_, heard)| heard)
    }
}

/// Whoever sends one of these waits for the reply, with or without PIPELINING (RFC 2920 section 3.1).
const ENDS_GROUP: [&str; 8] = [
    "EHLO", "HELO", "STARTTLS", "DATA", "VRFY", "EXPN", "QUIT", "NOOP",
];

/// The extension that brings a verb or a parameter; none for what every server knows.
fn extension_of(word: &str) -> Option<&'static str> {
    Some(match word {
        "STARTTLS" => "STARTTLS",
        "AUTH" => "AUTH",
        "BDAT" => "CHUNKING",
        "SIZE" => "SIZE",
        "BODY" => "8BITMIME",
        "SMTPUTF8" => "SMTPUTF8",
        "REQUIRETLS" => "REQUIRETLS",
        "RET" | "ENVID" | "NOTIFY" | "ORCPT" => "DSN",
        "" | "HELO" | "EHLO" | "MAIL" | "RCPT" | "DATA" | "RSET" | "NOOP" | "QUIT" | "VRFY"
        | "EXPN" | "HELP" => return None,
        // Nobody offers what nobody knows.
        _ => "an extension",
    })
}

/// Whether a reply to EHLO offers an extension (RFC 5321 section 4.1.1.1): the keyword is a whole word,
/// and the first line names the host.
pub(super) fn offers(reply: &str, keyword: &str) -> bool {
    let mut words = reply.lines().skip(1).filter_map(|line| {
        let text = line.get(4..).unwrap_or_default();
        text.split_whitespace().next()
    });
    words.any(|word| word.eq_ignore_ascii_case(keyword))
}

/// Whether the argument of MAIL has the null reverse-path.
pub(crate) fn is_null_path(mail: &str) -> bool {
    let path = mail.split_once(':').map(|(_, path)| path.trim_start());
    path.is_some_and(|path| path.starts_with("<>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str, early: bool, reply: &str) -> Heard {
        Heard {
            octets: text.as_bytes().to_vec(),
            early,
            reply: reply.to_owned(),
            ..Heard::default()
        }
    }

    #[test]
    fn a_group_needs_pipelining() {
        for (reply, out_of_turn) in [
            ("250-hop\n250 PIPELINING", None),
            ("250-pipelining\n250 X-PIPELINING", Some("RCPT TO:<a@b>")),
        ] {
            let visit = Visit {
                heard: vec![
                    heard("EHLO a", false, reply),
                    heard("MAIL FROM:<a@b>", false, ""),
                    heard("RCPT TO:<a@b>", true, ""),
                ],
                ..Visit::default()
            };
            let found = visit.out_of_turn().map(Heard::text);
            assert_eq!(found.as_deref(), out_of_turn);
        }
    }

    #[test]
    fn what_was_offered_in_clear_text_is_forgotten() {
        let mut inside = heard("MAIL FROM:<a@b> SIZE=5", false, "");
        inside.encrypted = true;
        let mut visit = Visit {
            heard: vec![heard("EHLO a", false, "250-hop\n250 SIZE 1"), inside],
            ..Visit::default()
        };
        assert_eq!(visit.unoffered().as_deref(), Some("SIZE=5"));
        visit.heard[1].encrypted = false;
        assert_eq!(visit.unoffered(), None);
    }

    #[test]
    fn parameters_stand_behind_the_path() {
        let mail = heard("MAIL FROM:<a@b> SIZE=5 AUTH=<>", false, "");
        assert_eq!(mail.parameters(), ["SIZE=5", "AUTH=<>"]);
        assert!(heard("RCPT TO:<a@b>", false, "").parameters().is_empty());
    }
}
