//! Mail whose way is followed, and what the next hop does with it.

use super::Session;
use crate::{
    line::Line,
    message::{Message, token},
    next_hop::{Action, NextHop, Rule, Stage},
    target::Recipient,
    verdict::{Halt, Outcome},
};

/// What a message that nobody looks into says.
const BODY: &str = "One line.\r\n";

impl Session<'_> {
    /// A new message whose sender is reached by way of the next hop too: reports about it are seen.
    ///
    /// # Errors
    /// [`Halt::Skip`] where no next hop of ours takes mail for any address.
    pub fn returnable(&self) -> Outcome<Message> {
        self.hop()?;
        let Recipient::AnyAt(domain) = &self.target.envelope.recipient else {
            return Err(Halt::Skip("no domain leads to the next hop".to_owned()));
        };
        let (to, from) = (token()?, token()?);
        let (recipient, sender) = (format!("{to}@{domain}"), format!("from-{from}@{domain}"));
        Ok(Message::new(self.case.id, &sender, &recipient, to))
    }

    /// A new message as [`Session::returnable`], whose recipient the next hop refuses for good.
    ///
    /// # Errors
    /// As [`Session::returnable`].
    pub fn to_be_refused(&self) -> Outcome<Message> {
        let mail = self.returnable()?;
        let refusal = Action::reply("550 5.1.1 Unknown here");
        self.next_hop(
            Rule::at(Stage::Recipient)
                .about(&mail.recipient)
                .always(refusal),
        )?;
        Ok(mail)
    }

    /// Submits a message whose recipient the next hop refuses for good.
    ///
    /// # Errors
    /// As [`Session::post`].
    pub fn refused(&mut self) -> Outcome<Message> {
        let mail = self.to_be_refused()?;
        self.post(&mail)?;
        Ok(mail)
    }

    /// Another recipient of a message, with a name of its own.
    pub fn recipient(&self, mail: &Message, name: &str) -> String {
        let (user, domain) = mail.recipient.split_once('@').unwrap_or_default();
        format!("{user}-{name}@{domain}")
    }

    /// The next hop does otherwise than usual.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is none of ours.
    pub fn next_hop(&self, rule: Rule) -> Outcome {
        self.hop()?.rule(rule);
        Ok(())
    }

    /// The next hop takes back what it does on every connection, and ends those that are idle.
    ///
    /// # Errors
    /// [`Halt::Skip`] where there is none of ours.
    pub fn next_hop_as_usual(&self) -> Outcome {
        self.hop()?.hush();
        Ok(())
    }

    /// Submits a message with a body of one line, in the session as it is, or in a new one.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post(&mut self, mail: &Message) -> Outcome {
        self.post_to(mail, &[&mail.recipient], BODY)
    }

    /// As [`Session::post`], to these recipients and with this body, in which dots are doubled here.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post_to(&mut self, mail: &Message, recipients: &[&str], body: &str) -> Outcome {
        self.post_content(mail, recipients, &mail.with_body(body), "", "")
    }

    /// As [`Session::post_to`] with a content of its own, header section and body.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post_as(&mut self, mail: &Message, content: &str) -> Outcome {
        self.post_content(mail, &[&mail.recipient], content, "", "")
    }

    /// As [`Session::post_as`], declared as 8BITMIME (RFC 6152 section 3).
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post_declared(&mut self, mail: &Message, content: &str) -> Outcome {
        self.post_content(mail, &[&mail.recipient], content, " BODY=8BITMIME", "")
    }

    /// As [`Session::post`], with every parameter of MAIL and RCPT that the target's extensions have.
    /// Those that it refuses are left out.
    ///
    /// # Errors
    /// As [`Session::connected`].
    pub fn post_with_parameters(&mut self, mail: &Message) -> Outcome {
        if self.wire.is_none() {
            self.authenticated()?;
        }
        let content = mail.with_body(BODY);
        let (mut of_mail, mut of_rcpt) = (String::new(), String::new());
        for (keyword, parameter) in [
            ("SIZE", format!(" SIZE={}", content.len())),
            ("8BITMIME", " BODY=8BITMIME".to_owned()),
            ("AUTH", " AUTH=<>".to_owned()),
            ("DSN", " RET=HDRS ENVID=QQ314159".to_owned()),
        ] {
            if self.keywords().offers(keyword) && self.takes_parameter(mail, &parameter)? {
                of_mail.push_str(&parameter);
            }
        }
        if self.keywords().offers("DSN") {
            of_rcpt = format!(" NOTIFY=FAILURE,DELAY ORCPT=rfc822;{}", mail.recipient);
        }
        self.post_content(mail, &[&mail.recipient], &content, &of_mail, &of_rcpt)
    }

    fn takes_parameter(&mut self, mail: &Message, parameter: &str) -> Outcome<bool> {
        self.prepare(|s| {
            let line = Line::new("MAIL FROM:<").token(&mail.sender, "sender");
            let taken = s.command(line.then(">").then(parameter))?.accepted();
            s.command("RSET")?.ready(250)?;
            Ok(taken)
        })
    }

    fn post_content(
        &mut self,
        mail: &Message,
        recipients: &[&str],
        content: &str,
        of_mail: &str,
        of_rcpt: &str,
    ) -> Outcome {
        if self.wire.is_none() {
            self.authenticated()?;
        }
        self.prepare(|s| {
            let line = Line::new("MAIL FROM:<").token(&mail.sender, "sender");
            s.command(line.then(">").then(of_mail))?.ready(250)?;
            for recipient in recipients {
                let line = Line::new("RCPT TO:<")
                    .token(recipient, "recipient")
                    .then(">");
                let line = match of_rcpt {
                    "" => line,
                    parameters => line.token(parameters, "parameters"),
                };
                s.command(line)?.ready(250)?;
            }
            s.command("DATA")?.ready(354)?;
            s.send(Line::default().token(stuffed(content), "content"))?;
            s.end_data("")?.ready(250)
        })
    }

    pub(super) fn hop(&self) -> Outcome<&NextHop> {
        self.needs_next_hop()?;
        let hop = self.target.next_hop.as_ref();
        hop.ok_or_else(|| Halt::Skip("no next hop: --next-hop".to_owned()))
    }
}

/// RFC 5321 section 4.5.2.
pub(super) fn stuffed(content: &str) -> String {
    let lines = content.split_inclusive("\r\n");
    lines
        .map(|line| match line.starts_with('.') {
            true => format!(".{line}"),
            false => line.to_owned(),
        })
        .collect()
}
