//! Every mechanism of the origin, over both families and in every TLS state, on the embedded server.

mod logins;

use std::error::Error;

use logins::{FAMILIES, Login, login};
use msaspec_harness::{
    mechanism::Mechanism::{self, CramMd5, DigestMd5, Login as LoginMechanism, Plain},
    report::TlsState::{self, Clear, Implicit, Starttls},
    target::embedded::{self, Profile},
};
use rstest::rstest;

const LOGGED_IN: &str = "235 2.7.0";
/// The mechanism is not offered here (RFC 4954 section 4).
const NOT_HERE: &str = "504 5.5.4";
/// Nothing leads to a message before TLS (RFC 3207 section 6).
const TLS_FIRST: &str = "530 5.7.0";

#[rstest]
fn the_origin_lets_every_mechanism_in_everywhere(
    #[values(Plain, LoginMechanism, CramMd5, DigestMd5)] mechanism: Mechanism,
    #[values(Clear, Starttls, Implicit)] tls: TlsState,
) -> Result<(), Box<dyn Error>> {
    on_both_families(Profile::Origin, mechanism, tls, LOGGED_IN)
}

#[rstest]
#[case::password_in_clear_text(&[Plain, LoginMechanism], Clear, TLS_FIRST)]
#[case::password_after_starttls(&[Plain, LoginMechanism], Starttls, LOGGED_IN)]
#[case::password_inside_tls(&[Plain, LoginMechanism], Implicit, LOGGED_IN)]
#[case::md5_in_clear_text(&[CramMd5, DigestMd5], Clear, TLS_FIRST)]
#[case::md5_after_starttls(&[CramMd5, DigestMd5], Starttls, NOT_HERE)]
#[case::md5_inside_tls(&[CramMd5, DigestMd5], Implicit, NOT_HERE)]
fn the_modern_profile_wants_tls_and_no_md5(
    #[case] mechanisms: &[Mechanism],
    #[case] tls: TlsState,
    #[case] answer: &str,
) -> Result<(), Box<dyn Error>> {
    for mechanism in mechanisms {
        on_both_families(Profile::Modern, *mechanism, tls, answer)?;
    }
    Ok(())
}

fn on_both_families(
    profile: Profile,
    mechanism: Mechanism,
    tls: TlsState,
    answer: &str,
) -> Result<(), Box<dyn Error>> {
    let target = embedded::start(profile)?;
    for family in FAMILIES
        .into_iter()
        .filter(|family| target.listeners.iter().any(|l| l.family() == *family))
    {
        let ended = login(&target, mechanism, family, tls)?;
        assert_eq!(
            ended,
            Login::Answered(answer.to_owned()),
            "{mechanism} over {} {tls:?}",
            family.ip()
        );
    }
    Ok(())
}
