//! DIGEST-MD5.

use msaspec_harness::{
    case::{Case, Chapter, Level, Mutant, On, Proves, Severity},
    lie::{At::Response, Lie},
    mechanism::{Mechanism, digest_md5::Challenge},
};

/// A challenge with two nonces, in base64.
const TWO_NONCES: &str = "334 cmVhbG09ImEuZXhhbXBsZSIsbm9uY2U9IjEiLG5vbmNlPSIyIixxb3A9ImF1dGgiLGFsZ29yaXRobT1tZDUtc2Vzcw==";

/// RFC 2831.
pub const CHAPTER: Chapter = Chapter {
    name: "digest-md5",
    cases: &[
        Case {
            id: "rfc2831-2.1.1-challenge-well-formed",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "The challenge has one nonce and algorithm=md5-sess, nothing twice that may stand once, \
                          and fewer than 2048 octets.",
            script: |s| {
                s.mechanism_offered(Mechanism::DigestMd5)?;
                let (answer, challenge) = s.challenge(Mechanism::DigestMd5)?;
                match Challenge::parse(&challenge) {
                    Ok(_) => Ok(()),
                    Err(faults) => {
                        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
                        Err(answer
                            .deviates_because("a well-formed digest-challenge", faults.join("; ")))
                    }
                }
            },
            mutant: Mutant::reply("AUTH", 1, TWO_NONCES),
            ..Case::DEFAULT
        },
        Case {
            id: "rfc2831-2.1.3-success-and-rspauth",
            level: Level::Must,
            severity: Severity::Interop,
            requirement: "A right response is answered with the rspauth that proves the server, and then with 235.",
            on: On::Submission,
            proves: Proves::Mechanism("DIGEST-MD5"),
            script: |s| {
                s.mechanism_offered(Mechanism::DigestMd5)?;
                let alice = s.credentials()?;
                s.authenticate(Mechanism::DigestMd5, &alice)?.expect(235)
            },
            mutant: Mutant::Lie(Lie::Reply(Response(1), "235 2.7.0 Authenticated")),
            ..Case::DEFAULT
        },
    ],
    untested: &[],
};
