//! Scripts of the chapter that are longer than a case.

use msaspec_harness::{
    message::Message,
    next_hop::{Action, Rule, Stage},
    notification::{Notification, line_fault},
    session::{Afterwards, Session},
    verdict::{Halt, Outcome},
};

/// Fields and body of mail that looks like what is never answered.
const UNANSWERED: [(&str, &str); 6] = [
    (
        "MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n",
        "--b\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; x@y.example\r\n\
         Action: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n",
    ),
    (
        "",
        "A multipart/report is about Final-Recipient: rfc822; x@y.example and comes from <>.\r\n",
    ),
    (
        "Sender: MAILER-DAEMON@client.example\r\n",
        "Undelivered Mail Returned to Sender\r\n",
    ),
    (
        "Auto-Submitted: auto-replied\r\nPrecedence: bulk\r\n",
        "I am away.\r\n",
    ),
    (
        "List-Id: <list.client.example>\r\nReturn-Path: <>\r\n",
        "To the list.\r\n",
    ),
    (
        "MIME-Version: 1.0\r\nContent-Type: message/disposition-notification\r\n",
        "Final-Recipient: rfc822; x@y.example\r\n\
         Disposition: manual-action/MDN-sent-manually; displayed\r\n",
    ),
];

/// Which of them is an automatic reply.
const AUTOMATIC: usize = 3;

/// One message of each kind, and a report about each.
pub(super) fn content_of_every_kind(s: &mut Session<'_>) -> Outcome {
    let mut mails = Vec::new();
    for (fields, body) in UNANSWERED {
        let mail = s.to_be_refused()?;
        let content = format!("{fields}{}\r\n{body}", mail.header());
        s.post_as(&mail, &content)?;
        mails.push(mail);
    }
    let automatic = mails.remove(AUTOMATIC);
    for mail in mails {
        reported_once(s, &mail)?;
    }
    match reported_once(s, &automatic) {
        // RFC 3834 section 2 keeps responders from answering it, and section 1.1 leaves reports to
        // other documents: opinions differ.
        Err(Halt::Deviation(_)) => {
            s.delivery_note(
                "a report also about an automatic reply",
                "none that can be read",
            );
            Ok(())
        }
        other => other.map(drop),
    }
}

/// The longest lines that are allowed, in the reply and in what may be given back.
pub(super) fn lines_are_well_formed(s: &mut Session<'_>) -> Outcome {
    let long = "x".repeat(480);
    let refusal = format!("550-5.1.1 {long}\n550 5.1.1 {long}");
    let body = format!("{}\r\n.\r\n\r\n{}\r\n", "y".repeat(998), "z".repeat(998));
    let mut mails = Vec::new();
    for body in [body.as_str(), "", "One line.\r\n"] {
        let mail = s.returnable()?;
        let rule = Rule::at(Stage::Recipient).about(&mail.recipient);
        s.next_hop(rule.always(Action::reply(&refusal)))?;
        s.post_to(&mail, &[&mail.recipient], body)?;
        mails.push(mail);
    }
    for mail in mails {
        let report = reported_once(s, &mail)?;
        if let Some(fault) = line_fault(&report.message.content) {
            let expected = "lines of at most 998 octets that end in CR LF";
            return Err(s.hop_deviates(&mail, expected, fault));
        }
    }
    Ok(())
}

/// Replies with the text of a report: as lines of the reply, and behind a bare LF. Once: who takes the
/// session for broken and tries again is refused in plain words.
pub(super) fn nothing_is_forged(s: &mut Session<'_>) -> Outcome {
    let mut mails = Vec::new();
    for forgery in [
        "550-5.1.1 x\r\n550-\r\n550-Final-Recipient: rfc822;other@example.org\r\n\
         550-Action: delivered\r\n550 --boundary\r\n",
        "550 5.1.1 x\nAction: delivered\n\nFinal-Recipient: rfc822;other@example.org\r\n",
    ] {
        let mail = s.returnable()?;
        let rule = Rule::at(Stage::Recipient).about(&mail.recipient);
        let refusal = Action::reply("550 5.1.1 Unknown here");
        s.next_hop(rule.once(Action::Octets(forgery.into())).always(refusal))?;
        s.post(&mail)?;
        mails.push(mail);
    }
    for mail in mails {
        let report = reported_once(s, &mail)?;
        let expected = "one group of fields, about the recipient that was refused";
        if let Some(forged) = forged(&report) {
            return Err(s.hop_deviates(&mail, expected, forged));
        }
    }
    Ok(())
}

/// The header section names everybody but the reverse-path.
pub(super) fn to_the_reverse_path(s: &mut Session<'_>) -> Outcome {
    let mail = s.to_be_refused()?;
    let [from, sender, reply_to, errors_to] =
        ["from", "sender", "reply-to", "errors-to"].map(|name| s.recipient(&mail, name));
    let sent = mail.header().replacen(&mail.sender, &from, 1);
    s.post_as(
        &mail,
        &format!(
            "{sent}Sender: <{sender}>\r\nReply-To: <{reply_to}>\r\nErrors-To: <{errors_to}>\r\n\
             \r\nOne line.\r\n"
        ),
    )?;
    let report = reported_once(s, &mail)?;
    let recipients = &report.message.recipients;
    if report.message.is_for(&mail.sender) && recipients.len() == 1 {
        return Ok(());
    }
    let observed = recipients.join(", ").replace(&mail.token, "[token]");
    Err(s.hop_deviates(&mail, "a report to the reverse-path alone", observed))
}

fn reported_once(s: &mut Session<'_>, mail: &Message) -> Outcome<Notification> {
    let report = s.reported(mail, &mail.recipient)?;
    s.afterwards(Afterwards::ReportedOnce(
        mail.token.clone(),
        mail.recipient.clone(),
    ));
    Ok(report)
}

/// What the reply has added to a report, as a strict reader sees it and as one that takes every CR
/// and every LF for the end of a line.
fn forged(report: &Notification) -> Option<String> {
    let groups = report.about_recipients.len();
    let parts = report.parts.len();
    let status = String::from_utf8_lossy(&report.parts.get(1)?.body).into_owned();
    let lines = |name: &str| {
        let lines = status.split(['\r', '\n']);
        let named = |line: &&str| line.to_ascii_lowercase().starts_with(name);
        lines.filter(named).count()
    };
    let (actions, recipients) = (lines("action:"), lines("final-recipient:"));
    let forged = (groups, actions, recipients) != (1, 1, 1) || !(2..=3).contains(&parts);
    forged.then(|| {
        format!("{groups} groups, {actions} Action, {recipients} Final-Recipient, {parts} parts")
    })
}
