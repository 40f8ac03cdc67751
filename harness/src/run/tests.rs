use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::*;
use crate::target::remote::{Place, Remote};

/// Puts everybody off at NOOP, and otherwise knows EHLO and QUIT.
fn busy(client: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?).lines();
    let say = |line: &str| (&client).write_all(format!("{line}\r\n").as_bytes());
    say("220 mx.example ESMTP")?;
    while let Some(Ok(line)) = lines.next() {
        match line.get(..4) {
            Some("EHLO") => say("250 mx.example")?,
            Some("NOOP") => return say("421 4.3.2 Busy"),
            _ => say("221 2.0.0 Bye")?,
        }
    }
    Ok(())
}

const ASKED: Case = Case {
    id: "noop",
    script: |s| {
        s.greeted()?;
        s.command("NOOP")?.expect(250)
    },
    ..Case::DEFAULT
};

#[test]
fn who_is_put_off_is_asked_again_by_any_number_of_threads() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let place: Place = format!("smtp://{}", socket.local_addr().unwrap())
        .parse()
        .unwrap();
    thread::spawn(move || {
        for client in socket.incoming().flatten() {
            thread::spawn(move || busy(client));
        }
    });
    let (done, outcome) = mpsc::channel();
    thread::spawn(move || {
        let target = place.target(Remote::default()).unwrap();
        let planned = Planned {
            chapter: "chapter",
            case: &ASKED,
            on: On::Any,
            requirements: Vec::new(),
            contested: false,
        };
        let plan = Plan {
            cases: vec![planned; 5],
            untested: Vec::new(),
        };
        let _ = done.send(run(&target, &plan, 3, &Shared::default(), &()));
    });
    let run = outcome
        .recv_timeout(Duration::from_secs(60))
        .unwrap()
        .unwrap();
    for case in run.cases {
        assert_eq!(case.verdict, Verdict::Skip);
        assert!(case.reason.unwrap_or_default().contains("Busy"));
    }
}
