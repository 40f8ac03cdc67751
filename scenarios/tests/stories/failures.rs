//! What happens when something behind the server is not there.

use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed};
use msaspec_harness::{
    case::Case,
    mechanism::Mechanism,
    promises::Family,
    report::TlsState,
    run::{Judged, ask},
    session::Shared,
    target::container::Running,
    verdict::Verdict,
};

use crate::{
    logins::{Login, login},
    said,
    stage::Told,
};

/// The longest wait for a state inside a container.
const PATIENCE: Duration = Duration::from_secs(30);

/// While saslauthd is down nobody is told that his password is wrong; when it is back, he gets in.
/// sendmail says 535 all the same (RFC 4954 section 6 has 454 for this), which is known.
pub(crate) fn saslauthd_stopped(name: &str, running: &Running) -> Told {
    let saslauthd = running.helper("saslauthd").unwrap_or(running.server());
    said(saslauthd.exec(&["saslauthd-stop"]))?;
    let down = [Mechanism::Plain, Mechanism::Login].map(|mechanism| enter(running, mechanism));
    said(saslauthd.exec(&["saslauthd-start"]))?;
    let up = [Mechanism::Plain, Mechanism::Login].map(|mechanism| enter(running, mechanism));
    for down in down {
        let down = down?;
        let right = match name {
            "msaspec" => down.starts_with("454"),
            _ => !down.starts_with("235"),
        };
        if !right {
            return Err(format!("without saslauthd: {down}").into());
        }
    }
    for up in up {
        let up = up?;
        if !up.starts_with("235") {
            return Err(format!("saslauthd is back: {up}").into());
        }
    }
    Ok(Completion::Completed)
}

/// A hop that is closed at first: the message waits, and arrives once.
pub(crate) fn next_hop_closed(name: &str, running: &Running) -> Told {
    const SUBMIT: Case = Case {
        id: "next-hop-closed",
        script: |s| {
            let mail = s.submit()?;
            s.remark(&mail.token);
            Ok(())
        },
        ..Case::DEFAULT
    };
    let hop = running.target.next_hop.as_ref().ok_or("no next hop")?;
    hop.close();
    let submitted = first_listener(running, &SUBMIT);
    let waiting = if submitted.is_ok() {
        has_tried(name, running)
    } else {
        Ok(())
    };
    // Whatever went wrong, the stories after this one need the hop.
    hop.reopen().map_err(|e| e.to_string())?;
    waiting?;
    let transcript = submitted?.observation.transcript;
    let token = transcript
        .iter()
        .find_map(|line| line.strip_prefix("== msaspec-"))
        .ok_or("no token")?;
    hop.wait(token, running.target.treatment.delivery_deadline, &|| false)
        .ok_or("the message does not arrive")?;
    // A later message is the fence: what was sent twice would be here by then.
    let fence = first_listener(running, &SUBMIT)?.observation.transcript;
    let fence = fence
        .iter()
        .find_map(|line| line.strip_prefix("== msaspec-"))
        .ok_or("no token")?;
    hop.wait(fence, running.target.treatment.delivery_deadline, &|| false)
        .ok_or("the fence does not arrive")?;
    match hop.messages(token).len() {
        1 => Ok(Completion::Completed),
        copies => Err(format!("the message arrived {copies} times").into()),
    }
}

/// The origin's Sendmail.conf says `pwcheck_method: saslauthd`: an account whose two passwords
/// differ shows that plain passwords are asked there, and the MD5 mechanisms use sasldb.
pub(crate) fn backend_proof(running: &Running) -> Told {
    let proof = said(running.exec(&["backend-proof"]))?;
    match proof.lines().count() {
        4 => Ok(Completion::Completed),
        _ => Err(format!("the proof has not four lines: {proof}").into()),
    }
}

fn enter(running: &Running, mechanism: Mechanism) -> Result<String, Failed> {
    match login(&running.target, mechanism, Family::Inet, TlsState::Starttls)? {
        Login::Answered(answer) => Ok(answer),
        Login::NoListener => Err("no listener".into()),
    }
}

/// The message has been tried and waits in the server's queue.
fn has_tried(name: &str, running: &Running) -> Result<(), Failed> {
    let queue: &[&str] = match name {
        "msaspec" => &["msaspec", "queue", "--spool", "/var/spool/msaspec"],
        _ => &["mailq"],
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let listed = said(running.exec(queue))?;
        if ["Deferred", "refused", "reset", "closed", "error"]
            .iter()
            .any(|word| listed.contains(word))
        {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("nothing waits in the queue: {listed}").into());
        }
    }
}

fn first_listener(running: &Running, case: &'static Case) -> Result<Judged, Failed> {
    let listener = running.target.listeners.first().ok_or("no listener")?;
    let judged = ask(&running.target, listener, case, &Shared::default());
    match judged.observation.verdict {
        Verdict::Pass => Ok(judged),
        _ => Err(judged.observation.transcript.join("\n").into()),
    }
}
