//! A lie in words.

use msaspec_harness::{
    lie::{At, Certificate, Lie},
    line::visible,
};

pub(super) fn in_words(lie: &Lie) -> String {
    match lie {
        Lie::Reply(at, reply) => format!("{} becomes {}", reply_at(at), quoted(reply)),
        Lie::Answer(at, reply) => format!(
            "{} never reaches the server, and is answered {}",
            place(at),
            quoted(reply)
        ),
        Lie::Edit(at, from, to) => {
            format!(
                "in {}, {} becomes {}",
                reply_at(at),
                quoted(from),
                quoted(to)
            )
        }
        Lie::Command(at, line) => format!("{} reaches the server as {}", place(at), quoted(line)),
        Lie::ReplyAfter(octets, reply) => format!(
            "as soon as {} passes in the content, the client hears {}",
            visible(octets),
            quoted(reply)
        ),
        Lie::Certificate(Certificate::SelfSigned) => {
            "the certificate is signed by nobody but itself".to_owned()
        }
        Lie::Certificate(Certificate::OtherName) => {
            "the certificate is for another host".to_owned()
        }
        Lie::Certificate(Certificate::Expired) => "the certificate is over since long".to_owned(),
        Lie::Close(at) => format!("the connection closes instead of {}", reply_at(at)),
        Lie::Relayed(from, to) => format!(
            "in the message that the next hop gets, {} becomes {}",
            quoted(from),
            quoted(to)
        ),
        Lie::SwallowFor(part) => format!(
            "the next hop never gets what is for a recipient with {}",
            quoted(part)
        ),
        Lie::Heard(from, to) => format!(
            "in what the next hop hears, {} becomes {}",
            quoted(from),
            quoted(to)
        ),
        Lie::OnTheWire(from, to) => format!(
            "in the mail data on the wire, {} becomes {}",
            visible(from.as_bytes()),
            visible(to.as_bytes())
        ),
        Lie::ReportsAnyway => {
            "a report is made of every recipient that the next hop refuses".to_owned()
        }
        Lie::Hasty => {
            "the next command comes before the reply of several lines is whole".to_owned()
        }
        // Their names say what they do.
        other => words(&format!("{other:?}")),
    }
}

fn reply_at(at: &At) -> String {
    match at {
        At::Greeting => "the greeting".to_owned(),
        At::Content(nth) => format!("the reply to the end of {} mail data", ordinal(*nth)),
        other => format!("the reply to {}", place(other)),
    }
}

fn place(at: &At) -> String {
    match at {
        At::Greeting => "the connection".to_owned(),
        At::Command(verb, nth) => format!("{} {verb}", ordinal(*nth)),
        At::Response(nth) => format!("{} response of the login", ordinal(*nth)),
        At::Content(nth) => format!("the end of {} mail data", ordinal(*nth)),
    }
}

fn ordinal(nth: u32) -> String {
    match nth {
        1 => "the first".to_owned(),
        2 => "the second".to_owned(),
        3 => "the third".to_owned(),
        nth => format!("the {nth}th"),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.lines().collect::<Vec<_>>().join(" / "))
}

/// `GreetingBeforeTls` as `greeting before tls`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for (index, character) in name.chars().enumerate() {
        if index > 0 && character.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lie_reads_as_a_sentence() {
        let lie = Lie::Reply(At::Command("AUTH", 2), "235 2.7.0 Authenticated");
        assert_eq!(
            in_words(&lie),
            "the reply to the second AUTH becomes \"235 2.7.0 Authenticated\""
        );
        assert_eq!(in_words(&Lie::GreetingBeforeTls), "greeting before tls");
    }
}
