//! The client side of SCRAM by the crate rsasl: what both agree on is not our own reading.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::scram::{SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::prelude::{Mechname, Registry, SASLClient, SASLConfig, Session, SessionError};
use rsasl::property::{AuthId, ChannelBindings, OverrideCBType, Password};

/// The registry's default lacks -PLUS.
static MECHANISMS: [rsasl::prelude::Mechanism; 4] =
    [SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS];

/// What alice knows.
pub(crate) struct Credentials {
    pub(crate) password: &'static str,
    /// The name and the octets of a channel binding.
    pub(crate) binding: Option<(&'static str, Vec<u8>)>,
}

/// One exchange.
pub(crate) struct ScramClient {
    session: Session,
    /// The first challenge is empty, which is not a challenge to rsasl.
    begun: bool,
}

impl ScramClient {
    pub(crate) fn new(mechanism: &str, credentials: Credentials) -> Self {
        let config = SASLConfig::builder()
            .with_registry(Registry::with_mechanisms(&MECHANISMS))
            .with_callback(credentials)
            .unwrap();
        let name = Mechname::parse(mechanism.as_bytes()).unwrap();
        let session = SASLClient::new(config).start_suggested(&[name]).unwrap();
        ScramClient {
            session,
            begun: false,
        }
    }

    /// The answer to a reply, before it is encoded; none where the reply is no challenge.
    pub(crate) fn response(&mut self, reply: &str) -> Option<String> {
        let challenge = STANDARD.decode(reply.strip_prefix("334 ")?).unwrap();
        let challenge = std::mem::replace(&mut self.begun, true).then_some(challenge);
        let mut said = Cursor::new(Vec::new());
        self.session.step(challenge.as_deref(), &mut said).unwrap();
        Some(String::from_utf8(said.into_inner()).unwrap())
    }
}

impl SessionCallback for Credentials {
    fn callback(
        &self,
        _session: &SessionData,
        _context: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        request
            .satisfy::<AuthId>("alice")?
            .satisfy::<Password>(self.password.as_bytes())?;
        if let Some((name, data)) = &self.binding {
            request
                .satisfy::<OverrideCBType>(name)?
                .satisfy::<ChannelBindings>(data)?;
        }
        Ok(())
    }

    fn enable_channel_binding(&self) -> bool {
        self.binding.is_some()
    }
}
