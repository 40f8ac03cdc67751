//! The client of the crate rsasl against our server: what both agree on is not our own reading.

use std::io::Cursor;

use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::scram::{SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::prelude::{Mechanism, Mechname, Registry, SASLClient, SASLConfig, SessionError};
use rsasl::property::{
    AuthId, AuthzId, ChannelBindingName, ChannelBindings, OverrideCBType, Password,
};

use super::*;
use rstest::rstest;

/// The registry's default lacks -PLUS.
static MECHANISMS: [Mechanism; 4] = [SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS];

struct Client {
    user: &'static str,
    authzid: Option<&'static str>,
    password: &'static str,
    binding: &'static str,
}

impl SessionCallback for Client {
    fn enable_channel_binding(&self) -> bool {
        true
    }

    fn callback(
        &self,
        _session: &SessionData,
        context: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        request
            .satisfy::<AuthId>(self.user)?
            .satisfy::<Password>(self.password.as_bytes())?;
        if let Some(authzid) = self.authzid {
            request.satisfy::<AuthzId>(authzid)?;
        }
        request.satisfy::<OverrideCBType>(self.binding)?;
        if context.get_ref::<ChannelBindingName>() == Some(self.binding) {
            request.satisfy::<ChannelBindings>(&octets(32))?;
        }
        Ok(())
    }
}

/// Whether both sides are content.
fn agree(name: &str, client: Client) -> bool {
    let hash = if name.starts_with("SCRAM-SHA-1") {
        Hash::Sha1
    } else {
        Hash::Sha256
    };
    let keys = Keys::derive(hash, PASSWORD, b"saltsaltsalt".to_vec(), FEW);
    let accounts = Accounts::of_keys("a,b=c", hash, keys);
    let mut scram = Scram::new(hash, name.ends_with("-PLUS"), channel());
    scram.bindings.offered = scram.plus;

    let config = SASLConfig::builder()
        .with_registry(Registry::with_mechanisms(&MECHANISMS))
        .with_callback(client)
        .unwrap();
    let name = Mechname::parse(name.as_bytes()).unwrap();
    let mut session = SASLClient::new(config).start_suggested(&[name]).unwrap();
    let mut say = |challenge: Option<&[u8]>| {
        let mut said = Cursor::new(Vec::new());
        session
            .step(challenge, &mut said)
            .map(|_| said.into_inner())
    };
    let mut response = say(None).unwrap();
    loop {
        match scram.answer(&response, &accounts) {
            // The client checks the server's signature here.
            Step::Challenge(challenge) => match say(Some(&challenge)) {
                Ok(said) => response = said,
                Err(error) => panic!("{error}"),
            },
            Step::End(Outcome::Accepted(user)) => {
                assert_eq!(user, "a,b=c");
                return true;
            }
            Step::End(Outcome::Refused(_)) => return false,
            end => panic!("{end:?}"),
        }
    }
}

const RIGHT: Client = Client {
    user: "a,b=c",
    authzid: None,
    password: PASSWORD,
    binding: "tls-exporter",
};

#[rstest]
#[case("SCRAM-SHA-1", RIGHT, true)]
#[case("SCRAM-SHA-256", RIGHT, true)]
#[case("SCRAM-SHA-1-PLUS", RIGHT, true)]
#[case("SCRAM-SHA-256-PLUS", RIGHT, true)]
#[case("SCRAM-SHA-256-PLUS", Client { binding: "tls-server-end-point", ..RIGHT }, true)]
#[case("SCRAM-SHA-256-PLUS", Client { binding: "tls-unique", ..RIGHT }, false)]
#[case("SCRAM-SHA-256", Client { authzid: Some("a,b=c"), ..RIGHT }, true)]
#[case("SCRAM-SHA-256", Client { authzid: Some("tom"), ..RIGHT }, false)]
#[case("SCRAM-SHA-256", Client { password: "pencils", ..RIGHT }, false)]
#[case("SCRAM-SHA-256", Client { user: "tom", ..RIGHT }, false)]
fn both_sides_agree(#[case] name: &str, #[case] client: Client, #[case] right: bool) {
    assert_eq!(agree(name, client), right);
}
