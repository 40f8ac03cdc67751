//! The table of the origin's evening: mechanism × family × TLS state, asked of any target.

use msaspec_harness::{
    case::Case,
    mechanism::Mechanism,
    promises::Family,
    report::TlsState,
    session::{Session, Shared},
    target::Target,
};

/// The families.
pub(crate) const FAMILIES: [Family; 2] = [Family::Inet, Family::Inet6];

/// How a login ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// The code and the enhanced status that ended the exchange.
    Answered(String),
    /// There is no such listener.
    NoListener,
}

/// Logs in with a right password, whether or not the mechanism is offered; a refusal is an answer too.
pub(crate) fn login(
    target: &Target,
    mechanism: Mechanism,
    family: Family,
    tls: TlsState,
) -> Result<Login, String> {
    const CASE: Case = Case {
        id: "login",
        ..Case::DEFAULT
    };
    let implicit = tls == TlsState::Implicit;
    let fits = |listener: &&msaspec_harness::target::Listener| {
        listener.is_submission() && listener.family() == family && listener.implicit_tls == implicit
    };
    let Some(listener) = target.listeners.iter().find(fits) else {
        return Ok(Login::NoListener);
    };
    let shared = Shared::default();
    let mut session = Session::new(target, listener, &CASE, &shared);
    let reached = match tls {
        TlsState::Clear => session.greeted(),
        _ => session.inside_tls(),
    };
    reached.map_err(|halt| format!("{halt:?}"))?;
    let credentials = session.credentials().map_err(|halt| format!("{halt:?}"))?;
    let offered = session.keywords().offers_mechanism(mechanism);
    let answer = session
        .authenticate(mechanism, &credentials)
        .map_err(|halt| format!("{halt:?}"))?;
    if answer.accepted() && !offered {
        return Err(format!("{mechanism} logs in and is not offered"));
    }
    let status = answer
        .reply
        .status()
        .map(|status| format!(" {status}"))
        .unwrap_or_default();
    Ok(Login::Answered(format!("{}{status}", answer.code())))
}
