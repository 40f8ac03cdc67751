//! The strict parser of commands: total, and nothing is repaired.

mod canonical;
mod fault;
mod grammar;
mod literal;
mod parameters;
mod path;

pub(crate) use canonical::Canonical;
pub(crate) use fault::{Fault, FaultKind};
pub(crate) use grammar::{is_atext, is_domain};
pub(crate) use literal::address_literal;
pub(crate) use parameters::Parameter;
pub(crate) use path::{LOCAL_PART_LIMIT, Mailbox, is_mailbox};

/// One command line that is well formed (RFC 5321, section 4.1.1; RFC 3207; RFC 4954).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Ehlo {
        client: String,
    },
    Helo {
        client: String,
    },
    StartTls,
    Auth {
        mechanism: String,
        initial: Option<Vec<u8>>,
    },
    Mail {
        sender: Mailbox,
        parameters: Vec<Parameter>,
    },
    Rcpt {
        recipient: Mailbox,
        parameters: Vec<Parameter>,
    },
    Data,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Help,
    /// A known verb that this server does not serve: ETRN, TURN, ATRN, BDAT, EXPN.
    NotImplemented,
}

/// The first word of a line, as far as the session's state decides about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Vrfy,
    Help,
    NotImplemented,
    /// What every session may say at any time, or nobody.
    Other,
}

impl Command {
    pub(crate) fn verb(&self) -> Verb {
        match self {
            Command::StartTls => Verb::StartTls,
            Command::Auth { .. } => Verb::Auth,
            Command::Mail { .. } => Verb::Mail,
            Command::Rcpt { .. } => Verb::Rcpt,
            Command::Data => Verb::Data,
            Command::Vrfy => Verb::Vrfy,
            Command::Help => Verb::Help,
            Command::NotImplemented => Verb::NotImplemented,
            Command::Ehlo { .. }
            | Command::Helo { .. }
            | Command::Rset
            | Command::Noop
            | Command::Quit => Verb::Other,
        }
    }
}

/// Whether a line, or the beginning of one, is the first of an HTTP request: a browser or a proxy
/// talks to the wrong port, and what it sends next may have been made to look like SMTP.
pub(crate) fn is_http(line: &[u8]) -> bool {
    let word = line.split(|octet| *octet == b' ').next();
    word.is_some_and(|word| HTTP.iter().any(|method| word.eq_ignore_ascii_case(method)))
}

/// Methods of HTTP (RFC 9110, section 9; RFC 5789; RFC 4918), none of which is a command of SMTP.
const HTTP: [&[u8]; 10] = [
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
];

/// Reads one line without its CRLF. Blanks at its end are ignored (RFC 5321, section 4.1.1).
pub(crate) fn parse(line: &[u8]) -> Result<Command, Fault> {
    let blank = line
        .iter()
        .position(|octet| *octet == b' ')
        .unwrap_or(line.len());
    let (word, rest) = line.split_at(blank);
    let word = word.trim_ascii_end().to_ascii_uppercase();
    let verb = match word.as_slice() {
        b"STARTTLS" => Verb::StartTls,
        b"AUTH" => Verb::Auth,
        b"MAIL" => Verb::Mail,
        b"RCPT" => Verb::Rcpt,
        b"DATA" => Verb::Data,
        b"VRFY" => Verb::Vrfy,
        b"HELP" => Verb::Help,
        _ => Verb::Other,
    };
    if line.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
        return Err(Fault {
            verb: Verb::Other,
            kind: FaultKind::Octets,
        });
    }
    let end = rest
        .iter()
        .rposition(|octet| !matches!(octet, b' ' | b'\t'))
        .map_or(0, |last| last + 1);
    let argument = rest[..end].strip_prefix(b" ").unwrap_or_default();
    arguments(&word, argument).map_err(|kind| Fault { verb, kind })
}

fn arguments(word: &[u8], argument: &[u8]) -> Result<Command, FaultKind> {
    let alone = |command| {
        if argument.is_empty() {
            Ok(command)
        } else {
            Err(FaultKind::Arguments)
        }
    };
    match word {
        b"EHLO" => client(argument).map(|client| Command::Ehlo { client }),
        b"HELO" => client(argument).map(|client| Command::Helo { client }),
        b"STARTTLS" => alone(Command::StartTls),
        b"AUTH" => auth(argument),
        b"MAIL" => {
            let (sender, rest) = path::reverse(argument)?;
            Ok(Command::Mail {
                sender,
                parameters: parameters::read(rest)?,
            })
        }
        b"RCPT" => {
            let (recipient, rest) = path::forward(argument)?;
            Ok(Command::Rcpt {
                recipient,
                parameters: parameters::read(rest)?,
            })
        }
        b"DATA" => alone(Command::Data),
        b"RSET" => alone(Command::Rset),
        b"QUIT" => alone(Command::Quit),
        b"NOOP" => text(argument).map(|()| Command::Noop),
        b"HELP" => text(argument).map(|()| Command::Help),
        b"VRFY" if argument.is_empty() => Err(FaultKind::Arguments),
        b"VRFY" => text(argument).map(|()| Command::Vrfy),
        b"EXPN" | b"ETRN" | b"ATRN" | b"TURN" | b"BDAT" => Ok(Command::NotImplemented),
        _ => Err(FaultKind::UnknownVerb),
    }
}

/// A domain or an address literal; the underscore is tolerated, since clients' names have it.
fn client(argument: &[u8]) -> Result<String, FaultKind> {
    let name = std::str::from_utf8(argument).map_err(|_| FaultKind::Arguments)?;
    if grammar::is_host_name(argument) || address_literal(argument).is_some() {
        Ok(name.to_owned())
    } else {
        Err(FaultKind::Arguments)
    }
}

/// `AUTH mechanism [initial-response]` (RFC 4954, section 4); the response is decoded later.
fn auth(argument: &[u8]) -> Result<Command, FaultKind> {
    let mut words = argument.split(|octet| *octet == b' ');
    let mechanism = words
        .next()
        .filter(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic))
        .and_then(|name| std::str::from_utf8(name).ok())
        .ok_or(FaultKind::Arguments)?;
    let initial = words.next().map(<[u8]>::to_vec);
    if words.next().is_some() || initial.as_ref().is_some_and(Vec::is_empty) {
        return Err(FaultKind::Arguments);
    }
    Ok(Command::Auth {
        mechanism: mechanism.to_ascii_uppercase(),
        initial,
    })
}

/// An argument that is ignored still has to be text (RFC 5321, section 4.1.2).
fn text(argument: &[u8]) -> Result<(), FaultKind> {
    if argument
        .iter()
        .all(|octet| matches!(octet, b'\t' | 0x20..=0x7e))
    {
        Ok(())
    } else {
        Err(FaultKind::Arguments)
    }
}

#[cfg(test)]
mod tests;
