//! The doors of the fuzz targets: what strangers send, given to its parser alone. Built by
//! cargo-fuzz only.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use crate::auth::{Backends, Channel, Exchange, Mechanism, Outcome, Step};
use crate::command;
use crate::config::Config;
use crate::data::{Content, Room};
use crate::limits::Rank;
use crate::mime;
use crate::policy::{FixUps, Refusals};
use crate::relay;
use crate::trace::{self, Facts, Unfit};

/// One command line without its CRLF.
pub fn command(line: &[u8]) {
    if let Err(fault) = command::parse(line) {
        let reply = fault.kind.reply().to_string();
        assert!(reply.ends_with("\r\n") && reply.is_ascii());
        assert!(matches!(&reply[..1], "4" | "5"));
    }
}

/// Mail data, in blocks as long as the first octet says, and whole: the same must come of both.
pub fn content(octets: &[u8]) {
    let Some((length, data)) = octets.split_first() else {
        return;
    };
    let read = |block: usize| {
        let room = Room::new(CONTENT_LIMIT, CONTENT_LIMIT).share("");
        let mut content = Content::new(CONTENT_LIMIT, &room);
        let mut used = 0;
        for block in data.chunks(block) {
            let (taken, ended) = content.feed(block);
            used += taken;
            if ended {
                return Some((used, content.finish()));
            }
        }
        None
    };
    let whole = read(data.len().max(1));
    assert_eq!(whole, read(usize::from(*length).max(1)));
    if let Some((used, Ok(content))) = whole {
        assert!(content.len() < used);
        assert!(!content.contains(&0));
        let lines = content.windows(2).filter(|pair| *pair == b"\r\n").count();
        let bare = content
            .iter()
            .filter(|octet| matches!(octet, b'\r' | b'\n'));
        assert_eq!(bare.count(), 2 * lines);
    }
}

/// A content for a hop of seven bits. What comes of it has nothing left to encode, and each line of it
/// that was not there before is one of RFC 5322, section 2.1.1.
pub fn seven_bit(octets: &[u8]) {
    let Ok(encoded) = mime::to_seven_bit(octets) else {
        return;
    };
    assert!(encoded.is_ascii());
    assert_eq!(mime::to_seven_bit(&encoded).as_deref(), Ok(&*encoded));
    if mime::are_lines(octets) {
        assert!(mime::are_lines(&encoded));
    }
}

/// A content whose header section is repaired or refused: what leaves needs no repair.
pub fn header(octets: &[u8]) {
    if !mime::are_lines(octets) {
        return;
    }
    let facts = Facts {
        id: "id",
        hostname: HOST,
        client: HOST,
        peer: ([192, 0, 2, 1], 4711).into(),
        esmtp: true,
        authenticated: true,
        tls: None,
        only_recipient: None,
        arrival: Timestamp::UNIX_EPOCH,
        fix: FixUps::default(),
        refuse: Refusals::default(),
        completion: Some("example.org"),
        sender: "alice@example.org",
        login: None,
        rewriting: None,
    };
    let mut content = octets.to_vec();
    trace::take_out(&mut content, facts.fix);
    let Ok(additions) = trace::additions(&content, &facts) else {
        return;
    };
    let repaired = additions.pieces(&content).concat();
    let facts = Facts {
        fix: FixUps::NONE,
        completion: None,
        ..facts
    };
    match trace::additions(&repaired, &facts) {
        Ok(_) | Err(Unfit::Loop) => {}
        Err(unfit) => panic!("{unfit} in what was repaired"),
    }
}

/// Responses of one exchange; the first octet names the mechanism, 0xFF separates them.
pub fn sasl(octets: &[u8]) {
    let Some((first, rest)) = octets.split_first() else {
        return;
    };
    let mechanism = Mechanism::ALL[usize::from(*first) % Mechanism::ALL.len()];
    let (runtime, backends) = STAGE.get_or_init(stage);
    let mut exchange = Exchange::new(mechanism, Channel::clear(HOST, 587, true));
    exchange.begin(HOST);
    for response in rest.split(|octet| *octet == 0xFF) {
        match runtime.block_on(exchange.answer(response, backends, Rank::default())) {
            Step::Challenge(_) => {}
            Step::End(Outcome::Accepted(user)) => panic!("{mechanism} let {user:?} in"),
            Step::End(_) => return,
        }
    }
}

/// What a next hop says.
pub fn hop_reply(octets: &[u8]) {
    relay::read_reply(octets);
}

/// A configuration file.
pub fn configuration(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    if let Ok(config) = Config::from_toml(text) {
        // Files that it names are not read at random.
        if config.user_file.is_none() && config.client_ca.is_none() {
            let _ = config.validate();
        }
    }
}

const CONTENT_LIMIT: u64 = 10_000;
const HOST: &str = "msa.example.org";
static STAGE: OnceLock<(Runtime, Backends)> = OnceLock::new();

/// One user with a secret that no input can hold.
#[expect(
    clippy::expect_used,
    reason = "a target that cannot start has to say so"
)]
fn stage() -> (Runtime, Backends) {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).expect("random octets");
    let secret = format!("{secret:x?}");
    let mut config = Config::modern(HOST, "unused");
    config.mechanisms = Mechanism::ALL.to_vec();
    config.users = BTreeMap::from([("alice".to_owned(), secret.clone())]);
    config.tokens = BTreeMap::from([("alice".to_owned(), vec![secret])]);
    let runtime = Builder::new_current_thread().enable_all().build();
    let backends = Backends::new(&config).expect("backends");
    (runtime.expect("a runtime"), backends)
}
