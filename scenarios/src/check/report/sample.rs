//! Findings made by hand, for the tests of the reports.

use msaspec_harness::{
    error::Error,
    report::{CaseReport, Run, Summary, TargetReport},
    run::{self, Plan},
    verdict::Verdict,
};

use crate::check::{
    difference::{Comparison, Difference, TextDifference},
    facts::{Area, Facts},
    findings::{
        Advice, Bisection, Change, Dialogue, Findings, Kind, ListenerFinding, NotRun, Place,
        Promise, Side,
    },
};

/// Whatever could do harm to a reader: commands for a terminal, for HTML and for Markdown.
pub(super) const HOSTILE: &str =
    "\u{1b}]0;x\u{7}\u{202e}evil\u{9b}2J ```` </details><script> @team [x](https://x)";

pub(super) fn place(line: usize, text: &str) -> Place {
    Place {
        file: "origin.mc".to_owned(),
        first: line,
        last: line,
        text: text.to_owned(),
    }
}

pub(super) fn change(side: Side, line: usize, text: &str) -> Change {
    Change {
        side,
        place: place(line, text),
    }
}

/// Without a baseline: one fault and one hint.
pub(super) fn findings() -> Findings {
    let daemon = "DAEMON_OPTIONS(`Port=587, Name=MSA, M=Ea')dnl";
    let mut facts = Facts::default();
    facts.note(Area::Listeners, "", "587/inet", "open");
    Findings {
        file: "origin.mc".to_owned(),
        supplied: vec![
            "account alice".to_owned(),
            "next hop for every domain".to_owned(),
        ],
        left_out: Vec::new(),
        promises: vec![
            promise(
                "listener 587/inet",
                "Mail is submitted here.",
                Some(place(41, daemon)),
            ),
            promise("MaxMessageSize", "Messages may have any size.", None),
        ],
        listeners: vec![listener("587/inet", true), listener("587/inet6", false)],
        not_run: vec![NotRun {
            id: "rfc5321-4.5.3.2-timeout".to_owned(),
            reason: "it waits for 300 s".to_owned(),
        }],
        dialogues: vec![Dialogue {
            name: "587/inet: EHLO in clear".to_owned(),
            transcript: vec!["C: EHLO client.example".to_owned()],
        }],
        advice: vec![
            Advice {
                id: "password-in-clear".to_owned(),
                kind: Kind::Fault,
                what: "PLAIN and LOGIN are offered before TLS.".to_owned(),
                reason: "Whoever is on the way reads the password.".to_owned(),
                remedy: "define(`confAUTH_OPTIONS', `A p y')dnl\n".to_owned(),
                source: "RFC 4954 section 4".to_owned(),
                place: Some(place(41, daemon)),
            },
            Advice {
                id: "no-dnl".to_owned(),
                kind: Kind::Hint,
                what: "A line does not end with dnl.".to_owned(),
                reason: "An empty line goes to the .cf.".to_owned(),
                remedy: String::new(),
                source: "cf/README".to_owned(),
                place: None,
            },
        ],
        facts,
        comparison: None,
        bisection: None,
    }
}

/// Two differences that one line made, one that no line explains, and lines of no consequence.
pub(super) fn compared() -> Findings {
    let old = change(Side::TakenOut, 41, "DAEMON_OPTIONS(`Port=587, M=E')dnl");
    let new = change(Side::CameIn, 41, "DAEMON_OPTIONS(`Port=587, M=Ea')dnl");
    let causes = vec![old.clone(), new.clone()];
    let comment = change(Side::CameIn, 3, "dnl # a remark");
    let differences = vec![
        difference(
            Area::Answers,
            "587/inet asks for a login before MAIL.",
            causes.clone(),
        ),
        difference(Area::Keywords, "587/inet offers HELP.", Vec::new()),
        difference(Area::Mechanisms, "587/inet offers LOGIN.", causes),
    ];
    Findings {
        comparison: Some(Comparison {
            with: "origin.expect".to_owned(),
            differences,
            accepted: ["default-msa-beside".to_owned()].into(),
            transcripts: vec![TextDifference {
                name: "587/inet: MAIL before login".to_owned(),
                lines: ["-S: 250 2.1.0 [text]", "+S: 530 5.7.0 [text]"]
                    .map(str::to_owned)
                    .into(),
            }],
            mc: vec![comment, old, new],
            cf: (0..30).map(|line| format!("+O Option{line}")).collect(),
        }),
        ..findings()
    }
}

pub(super) fn same() -> Findings {
    let mut findings = compared();
    if let Some(comparison) = &mut findings.comparison {
        comparison.differences.clear();
        comparison.accepted = ["password-in-clear".to_owned()].into();
        comparison.transcripts.clear();
        comparison.mc.clear();
        comparison.cf.clear();
    }
    findings
}

pub(super) fn bisected() -> Findings {
    Findings {
        bisection: Some(Bisection {
            difference: "587/inet asks for a login before MAIL.".to_owned(),
            lines: vec![change(
                Side::CameIn,
                41,
                "DAEMON_OPTIONS(`Port=587, M=Ea')dnl",
            )],
            minimal: true,
            among: 14,
            built: 9,
            started: 7,
        }),
        ..findings()
    }
}

/// Every text that comes from a file or a server is [`HOSTILE`], and one is long too.
pub(super) fn hostile() -> Findings {
    let long = format!("{HOSTILE} {}", "x".repeat(200_000));
    let mut findings = compared();
    findings.file = format!("{HOSTILE}.mc");
    findings.supplied.push(HOSTILE.to_owned());
    findings.left_out.push(HOSTILE.to_owned());
    findings.promises[0].words = long.clone();
    findings.dialogues[0].transcript.push(HOSTILE.to_owned());
    findings.not_run[0].reason = HOSTILE.to_owned();
    findings.listeners[1].name = Some(HOSTILE.to_owned());
    for advice in &mut findings.advice {
        advice.what = HOSTILE.to_owned();
        advice.remedy = format!("a\n{HOSTILE}\n");
        advice.place = Some(Place {
            file: HOSTILE.to_owned(),
            ..place(usize::MAX, &long)
        });
    }
    if let Some(comparison) = &mut findings.comparison {
        comparison.with = HOSTILE.to_owned();
        comparison.differences[0].sentence = HOSTILE.to_owned();
        comparison.differences[1].causes = vec![change(Side::CameIn, 0, HOSTILE)];
        comparison.transcripts[0].name = HOSTILE.to_owned();
        comparison.transcripts[0]
            .lines
            .push(format!("+{HOSTILE}\n````"));
        comparison.mc.push(change(Side::CameIn, 7, HOSTILE));
        comparison.cf.insert(0, format!("+{long}"));
    }
    findings
}

/// One pass.
pub(super) fn run() -> Run {
    run_of(vec![case("rfc5321-4.1.1.1-ehlo", Verdict::Pass)])
}

pub(super) fn run_of(cases: Vec<CaseReport>) -> Run {
    Run {
        summary: Summary::of(&cases),
        cases,
        unjudged: None,
        ..unjudged("")
    }
}

pub(super) fn case(id: &str, verdict: Verdict) -> CaseReport {
    CaseReport {
        id: id.to_owned(),
        chapter: "relay".to_owned(),
        requirement: "No stranger relays.".to_owned(),
        requirements: Vec::new(),
        level: "must".to_owned(),
        severity: "security".to_owned(),
        contested: false,
        verdict,
        reason: None,
        known: None,
        expected: Some("550".to_owned()),
        observed: Some("250".to_owned()),
        duration_ms: 1,
        transcript: Vec::new(),
        decisive: None,
        observations: Vec::new(),
    }
}

pub(super) fn unjudged(why: &str) -> Run {
    let nothing = Plan {
        cases: Vec::new(),
        untested: Vec::new(),
    };
    let run = run::unjudged("origin.mc", &nothing, &Error::Target(why.to_owned()));
    Run {
        target: TargetReport {
            name: "origin.mc".to_owned(),
            ..TargetReport::default()
        },
        ..run
    }
}

fn promise(subject: &str, words: &str, place: Option<Place>) -> Promise {
    Promise {
        subject: subject.to_owned(),
        words: words.to_owned(),
        cf: String::new(),
        place,
    }
}

fn listener(listener: &str, open: bool) -> ListenerFinding {
    ListenerFinding {
        listener: listener.to_owned(),
        name: Some("MSA".to_owned()),
        address: None,
        promised: true,
        open,
        optional: true,
    }
}

fn difference(area: Area, sentence: &str, causes: Vec<Change>) -> Difference {
    Difference {
        area,
        places: vec!["587/inet".to_owned()],
        question: "MAIL before login".to_owned(),
        before: Some("250".to_owned()),
        after: Some("530".to_owned()),
        sentence: sentence.to_owned(),
        causes,
    }
}
