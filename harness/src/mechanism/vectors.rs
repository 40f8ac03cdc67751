//! Every vector of the shared file, with an account of what was looked at: a value that no
//! check has read fails the test, so that no vector is passed over in silence.

use std::cell::RefCell;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::digest_md5::{Challenge, DigestMd5, Proofs, Response};
use super::login::Login;
use super::plain::Plain;
use super::scram::{ChannelBinding, Hash, Keys, Scram, ServerFinal, ServerFirst, prepare};
use super::{Credentials, Exchange, Mechanism, cram_md5, hex, plain};

const VECTORS: &str = include_str!("../../../fixtures/vectors/sasl-vectors.json");

#[test]
fn plain() {
    for_each("PLAIN", 4, |vector| {
        let credentials = vector.credentials("authcid");
        let authzid = vector.text("authzid");
        let message = plain::message(authzid, &credentials.user, &credentials.password);
        assert_eq!(vector.text("message_hex"), hex(&message));
        assert_eq!(vector.text("base64"), STANDARD.encode(&message));
        assert_eq!(vector.number("message_octets"), message.len() as u64);
        assert_eq!(
            unescaped(vector.text("message_escaped")).as_bytes(),
            message
        );
        vector.plays("smtp_with_initial_response", Plain::new(&credentials));
        vector.plays("smtp_without_initial_response", Plain::new(&credentials));
        vector.prose("expected_outcome");
    });
}

#[test]
fn login() {
    for_each("LOGIN", 1, |vector| {
        let credentials = vector.credentials("user");
        vector.plays("smtp", Login::new(&credentials));
        vector.plays(
            "smtp_username_as_initial_response",
            Login::new(&credentials).user_first(),
        );
        let usual = ["/prompts/username", "/prompts/password"].map(|at| vector.prompt(at));
        let others = [
            "/alternative_prompts/draft-murchison-sasl-login-00 ~1 gsasl",
            "/alternative_prompts/some older servers (NUL-terminated)",
        ]
        .map(|at| [0, 1].map(|index| vector.prompt(&format!("{at}/{index}"))));
        for prompts in [usual].into_iter().chain(others) {
            let mut login = Mechanism::Login.exchange(&credentials, "");
            assert_eq!(
                login.respond(&prompts[0]),
                Ok(credentials.user.clone().into_bytes())
            );
            assert_eq!(
                login.respond(&prompts[1]),
                Ok(credentials.password.clone().into_bytes())
            );
            assert_eq!(login.verify_end(), Ok(()));
        }
    });
}

#[test]
fn cram_md5() {
    for_each("CRAM-MD5", 3, |vector| {
        let challenge = vector.text("challenge");
        if let Some(encoded) = vector.maybe("challenge_base64") {
            assert_eq!(STANDARD.encode(challenge), encoded);
        }
        let encoded = vector.text("response_base64");
        let response = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        if let Some(plain) = vector.maybe("response") {
            assert_eq!(plain, response);
        }
        if vector.flag("verifiable") == Some(false) {
            let (_, digest) = response.split_once(' ').unwrap();
            assert_eq!(digest.len(), 32);
            return;
        }
        let credentials = vector.credentials("user");
        let secret = &credentials.password;
        let digest = cram_md5::digest(secret, challenge.as_bytes());
        assert_eq!(vector.text("digest_hex"), digest);
        let mut exchange = Mechanism::CramMd5.exchange(&credentials, "");
        assert_eq!(
            exchange.respond(challenge.as_bytes()),
            Ok(response.into_bytes())
        );
        if let Some(wrong) = vector.maybe("wrong_if_truncated_to_64") {
            assert_eq!(vector.number("password_octets"), secret.len() as u64);
            assert_eq!(cram_md5::digest(&secret[..64], challenge.as_bytes()), wrong);
            assert_ne!(digest, wrong);
        }
        if vector.has("smtp") {
            vector.plays("smtp", cram_md5::CramMd5::new(&credentials));
        }
    });
}

#[test]
fn digest_md5() {
    for_each("DIGEST-MD5", 5, |vector| {
        let credentials = vector.credentials("user");
        let response = Response {
            username: credentials.user.clone(),
            realm: Some(vector.text("realm").to_owned()),
            password: credentials.password.clone(),
            nonce: vector.text("nonce").to_owned(),
            cnonce: vector.text("cnonce").to_owned(),
            nc: u32::from_str_radix(vector.text("nc"), 16).unwrap(),
            qop: vector.text("qop").to_owned(),
            digest_uri: vector.text("digest-uri").to_owned(),
            authzid: credentials.authzid.clone(),
            utf8: true,
        };
        let expected = Proofs {
            response: vector.text("/intermediate/response").to_owned(),
            rspauth: vector.text("/intermediate/rspauth").to_owned(),
            a1: vector.text("/intermediate/HEX(H(A1))").to_owned(),
            a2_client: vector.text("/intermediate/HEX(H(A2))_client").to_owned(),
            a2_server: vector.text("/intermediate/HEX(H(A2))_server").to_owned(),
        };
        assert_eq!(response.compute(), Ok(expected));
        if !vector.has("digest_challenge") {
            return;
        }
        let offer = vector.text("digest_challenge").as_bytes();
        let challenge = Challenge::parse(offer).unwrap();
        assert_eq!(challenge.tolerated, []);
        let exchange = || {
            DigestMd5::new(&credentials, "")
                .cnonce(&response.cnonce)
                .digest_uri(&response.digest_uri)
        };
        assert_eq!(exchange().answer(&challenge), Ok(response.clone()));
        let message = vector.text("digest_response").as_bytes();
        assert_eq!(response.message().unwrap(), message);
        vector.encodes("challenge", offer);
        vector.encodes("response", message);
        vector.encodes("rspauth", vector.text("response_auth").as_bytes());
        vector.plays("smtp", exchange());
    });
}

#[test]
fn scram() {
    for_each("SCRAM", 10, |vector| {
        let mechanism = vector.text("mechanism");
        let hash = match mechanism.contains("SHA-256") {
            true => Hash::Sha256,
            false => Hash::Sha1,
        };
        let header = vector.text("gs2_header");
        let bare = vector.text("client_first_bare");
        let without_proof = vector.text("client_final_without_proof");
        let credentials = Credentials {
            authzid: header
                .strip_prefix("n,a=")
                .map(|authzid| authzid.trim_end_matches(',').to_owned()),
            ..vector.credentials("user")
        };
        let exchange = || {
            let scram = Scram::new(hash, &credentials)
                .binding(binding(header, without_proof))
                .nonce(vector.text("client_nonce"))
                .extensions(bare.splitn(3, ',').nth(2).unwrap_or_default());
            assert_eq!(scram.name(), mechanism);
            scram
        };
        let messages = [
            "client_first",
            "server_first",
            "client_final",
            "server_final",
        ];
        for name in messages {
            vector.encodes(name, vector.text(name).as_bytes());
        }
        let [client_first, server_first, client_final, server_final] =
            messages.map(|name| vector.text(name).as_bytes().to_vec());
        assert_eq!([header, bare].concat().as_bytes(), client_first);

        let mut played = exchange();
        assert_eq!(played.initial(), Some(client_first));
        assert_eq!(played.respond(&server_first), Ok(client_final));
        assert_eq!(played.respond(&server_final), Ok(Vec::new()));
        assert_eq!(played.verify_end(), Ok(()));
        vector.plays("smtp", exchange());

        let first = ServerFirst::parse(&server_first).unwrap();
        assert_eq!(
            first.nonce,
            vector.text("client_nonce").to_owned() + vector.text("server_nonce_suffix")
        );
        assert_eq!(STANDARD.encode(&first.salt), vector.text("salt_base64"));
        assert_eq!(hex(&first.salt), vector.text("salt_hex"));
        assert_eq!(u64::from(first.iterations), vector.number("iterations"));

        let auth_message = vector.text("auth_message");
        assert_eq!(
            format!("{bare},{},{without_proof}", first.text),
            auth_message
        );
        let auth_message = auth_message.as_bytes();
        let password = prepare("password", &credentials.password).unwrap();
        let keys = Keys::derive(hash, password, &first.salt, first.iterations);
        let signature = keys.server_signature(auth_message);
        for (name, value) in [
            ("SaltedPassword", &keys.salted_password),
            ("ClientKey", &keys.client_key),
            ("StoredKey", &keys.stored_key),
            ("ClientSignature", &keys.client_signature(auth_message)),
            ("ClientProof", &keys.proof(auth_message)),
            ("ServerKey", &keys.server_key),
            ("ServerSignature", &signature),
        ] {
            assert_eq!(
                hex(value),
                vector.text(&format!("/intermediate_hex/{name}")),
                "{name}"
            );
        }
        assert_eq!(
            ServerFinal::parse(&server_final),
            Ok(ServerFinal::Verifier(signature))
        );
    });
}

#[test]
fn scram_binding_attributes() {
    let sections: Value = serde_json::from_str(VECTORS).unwrap();
    let attributes = &sections["SCRAM_negative_material"]["c_attribute"];
    let attributes = attributes.as_object().unwrap();
    assert_eq!(attributes.len(), 4);
    for (header, expected) in attributes {
        let header = header.trim_end_matches(" (no data)");
        let mut credentials = Credentials::new("user", "pencil");
        if header.contains("a=user") {
            credentials = credentials.acting_as("user");
        }
        let mut scram = Scram::new(Hash::Sha1, &credentials)
            .binding(binding(header, &format!("c={}", STANDARD.encode(header))))
            .nonce("abc");
        scram.initial().unwrap();
        let message = scram.respond(b"r=abcd,s=QUJD,i=1").unwrap();
        let expected = format!("c={},r=abcd,p=", expected.as_str().unwrap());
        assert!(message.starts_with(expected.as_bytes()), "{header}");
    }
}

#[test]
fn saslprep() {
    let sections: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = sections["SASLprep"]["rows"].as_array().unwrap();
    assert!(rows.len() >= 9);
    for row in rows {
        let input = unescaped(row["input_escaped"].as_str().unwrap());
        match (prepare("text", &input), row["output"].as_str()) {
            (Ok(output), Some(expected)) => assert_eq!(output, expected, "{input:?}"),
            (Err(error), None) => {
                let reason = row["error"].as_str().unwrap();
                let word = reason.split(' ').next().unwrap();
                assert!(error.to_string().contains(word), "{error}, not {reason}");
            }
            (result, _) => panic!("{input:?} became {result:?}"),
        }
        if let Some(escaped) = row["output_escaped"].as_str() {
            assert_eq!(unescaped(escaped), row["output"].as_str().unwrap());
        }
    }
}

/// The word on channel binding that gives `header`; the data stand behind the header in c=.
fn binding(header: &str, client_final: &str) -> ChannelBinding {
    let c = client_final.split(',').next().unwrap();
    let c = STANDARD.decode(c.strip_prefix("c=").unwrap()).unwrap();
    match header.split(',').next().unwrap() {
        "n" => ChannelBinding::Unsupported,
        "y" => ChannelBinding::Unused,
        flag => ChannelBinding::Bound {
            name: flag.strip_prefix("p=").unwrap().to_owned(),
            data: c[header.len()..].to_vec(),
        },
    }
}

/// Calls `check` for the vectors of a section, of which there are at least `least`, and fails
/// for every value that it left unread.
fn for_each(section: &str, least: usize, check: impl Fn(&Vector)) {
    let sections: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = sections[section].as_array().unwrap();
    assert!(vectors.len() >= least, "{section} has lost vectors");
    for value in vectors {
        let vector = Vector {
            value,
            read: RefCell::default(),
        };
        for prose in ["source", "official", "note"] {
            vector.prose(prose);
        }
        check(&vector);
        let mut leaves = Vec::new();
        collect_leaves(value, String::new(), &mut leaves);
        let read = vector.read.into_inner();
        leaves.retain(|leaf| {
            !read.iter().any(|read| {
                let below = leaf.strip_prefix(read.as_str());
                below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
            })
        });
        assert!(
            leaves.is_empty(),
            "{} of {section} unread: {leaves:?}",
            value["source"]
        );
    }
}

struct Vector<'a> {
    value: &'a Value,
    read: RefCell<BTreeSet<String>>,
}

impl<'a> Vector<'a> {
    fn find(&self, at: &str) -> Option<&'a Value> {
        let pointer = match at.starts_with('/') {
            true => at.to_owned(),
            false => format!("/{at}"),
        };
        let found = self.value.pointer(&pointer);
        self.read.borrow_mut().insert(pointer);
        found
    }

    fn has(&self, name: &str) -> bool {
        self.value.get(name).is_some()
    }

    fn maybe(&self, at: &str) -> Option<&'a str> {
        self.find(at).and_then(Value::as_str)
    }

    fn text(&self, at: &str) -> &'a str {
        self.maybe(at).unwrap_or_else(|| panic!("{at} is missing"))
    }

    fn number(&self, at: &str) -> u64 {
        self.find(at).and_then(Value::as_u64).unwrap()
    }

    fn flag(&self, at: &str) -> Option<bool> {
        self.find(at).and_then(Value::as_bool)
    }

    /// A value that has nothing to compute.
    fn prose(&self, at: &str) {
        self.find(at);
    }

    fn credentials(&self, user: &str) -> Credentials {
        Credentials {
            authzid: self
                .maybe("authzid")
                .filter(|authzid| !authzid.is_empty())
                .map(str::to_owned),
            ..Credentials::new(self.text(user), self.text("password"))
        }
    }

    /// The base64 of a LOGIN prompt, which is that of its text.
    fn prompt(&self, at: &str) -> Vec<u8> {
        let text = self.text(&format!("{at}/text")).replace("\\0", "\0");
        assert_eq!(STANDARD.encode(&text), self.text(&format!("{at}/base64")));
        text.into_bytes()
    }

    fn encodes(&self, name: &str, message: &[u8]) {
        let expected = self.text(&format!("/messages_base64/{name}"));
        assert_eq!(STANDARD.encode(message), expected, "{name}");
    }

    /// Plays a dialogue of SMTP, in which the client's lines are those of `exchange`.
    fn plays(&self, at: &str, mut exchange: impl Exchange) {
        let lines = self.find(at).and_then(Value::as_array).unwrap();
        let mut lines = lines.iter().map(|line| line.as_str().unwrap());
        let auth = lines.next().and_then(|line| line.strip_prefix("C: AUTH "));
        match auth.unwrap().split_once(' ') {
            None => assert_eq!(auth, Some(exchange.name())),
            Some((name, initial)) => {
                assert_eq!(name, exchange.name());
                assert_eq!(STANDARD.encode(exchange.initial().unwrap()), initial);
            }
        }
        while let Some(line) = lines.next() {
            let Some(challenge) = line.strip_prefix("S: 334 ") else {
                assert!(line.starts_with("S: 235 "), "{line}");
                break;
            };
            let challenge = STANDARD.decode(challenge).unwrap();
            let response = STANDARD.encode(exchange.respond(&challenge).unwrap());
            assert_eq!(lines.next(), Some(format!("C: {response}").as_str()));
        }
        assert_eq!(lines.next(), None);
        assert_eq!(exchange.verify_end(), Ok(()));
    }
}

fn collect_leaves(value: &Value, pointer: String, leaves: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect_leaves(member, format!("{pointer}/{name}"), leaves);
            }
        }
        Value::Array(members) => {
            for (index, member) in members.iter().enumerate() {
                collect_leaves(member, format!("{pointer}/{index}"), leaves);
            }
        }
        _ => leaves.push(pointer),
    }
}

/// `\xHH` and `\uHHHH`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut unescaped = parts.next().unwrap().to_owned();
    for part in parts {
        let digits = match &part[..1] {
            "x" => 1..3,
            "u" => 1..5,
            other => panic!("unknown escape {other}"),
        };
        let code = u32::from_str_radix(&part[digits.clone()], 16).unwrap();
        unescaped.push(char::from_u32(code).unwrap());
        unescaped.push_str(&part[digits.end..]);
    }
    unescaped
}
