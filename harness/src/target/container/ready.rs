//! Readiness: a server is ready when it greets, not when its port is open.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustls::RootCertStore;
use rustls_pki_types::ServerName;

use crate::{
    certificate::{RecordingVerifier, client_config},
    error::Error,
    target::Listener,
    wire::{NoMore, Wire},
};

/// Waits until every listener greets, or a while after the first one for submission does: whether the
/// others do is judged by cases. False where none greets in time.
pub(super) fn greetings(
    listeners: &[Listener],
    patience: Duration,
    mut check: impl FnMut() -> Result<(), Error>,
) -> Result<bool, Error> {
    let greeted = Mutex::new(Vec::new());
    let over = AtomicBool::new(false);
    let (greeted, over) = (&greeted, &over);
    thread::scope(|scope| {
        for listener in listeners {
            scope.spawn(move || {
                if greets(listener, over) {
                    let mut greeted = greeted.lock().unwrap_or_else(PoisonError::into_inner);
                    greeted.push(listener);
                }
            });
        }
        let outcome = supervise(listeners, greeted, patience, &mut check);
        over.store(true, Ordering::Relaxed);
        outcome
    })
}

fn supervise(
    listeners: &[Listener],
    greeted: &Mutex<Vec<&Listener>>,
    patience: Duration,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<bool, Error> {
    let begin = Instant::now();
    let mut first = None;
    let mut checked = begin;
    let submits = listeners.iter().any(Listener::is_submission);
    loop {
        let greeted = greeted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if greeted.len() == listeners.len() {
            return Ok(true);
        }
        if greeted
            .iter()
            .any(|listener| listener.is_submission() || !submits)
        {
            let first = *first.get_or_insert_with(Instant::now);
            if first.elapsed() > GRACE {
                return Ok(true);
            }
        } else if begin.elapsed() > patience {
            return Ok(false);
        }
        if checked.elapsed() > Duration::from_millis(500) {
            checked = Instant::now();
            check()?;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Asks again and again, ever more slowly, until there is a greeting or all `is over`.
fn greets(listener: &Listener, over: &AtomicBool) -> bool {
    let mut pause = Duration::from_millis(20);
    while !over.load(Ordering::Relaxed) {
        if greets_once(listener, over) {
            return true;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(500));
    }
    false
}

fn greets_once(listener: &Listener, over: &AtomicBool) -> bool {
    let Ok(mut wire) = Wire::connect(listener.address, CONNECT) else {
        return false;
    };
    if listener.implicit_tls && !starts_tls(&mut wire) {
        return false;
    }
    let begin = Instant::now();
    while !over.load(Ordering::Relaxed) && begin.elapsed() < BANNER {
        match wire.line(Instant::now() + CONNECT) {
            Err(NoMore::Silent(_)) => {}
            Ok(line) if line.starts_with(b"220") => {
                // Whoever leaves without a word gets an entry in the log.
                let _ = wire.send(b"QUIT\r\n", Instant::now() + CONNECT);
                return true;
            }
            _ => return false,
        }
    }
    false
}

fn starts_tls(wire: &mut Wire) -> bool {
    let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
    let nobody = Arc::new(RootCertStore::empty());
    let verifier = Arc::new(RecordingVerifier::new(nobody, name.clone()));
    client_config(verifier).is_ok_and(|config| {
        wire.start_tls(config, name, Instant::now() + HANDSHAKE)
            .is_ok()
    })
}

/// The longest wait for a first greeting.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// The longest wait for the others after the first: a server may open its listeners one after the other.
const GRACE: Duration = Duration::from_secs(5);
/// The longest wait on one connection: some servers let a client wait on purpose.
const BANNER: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_millis(300);
const HANDSHAKE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::{SocketAddr, TcpListener},
    };

    use super::*;

    fn listener(port: u16, address: SocketAddr) -> Listener {
        Listener {
            port,
            address,
            implicit_tls: false,
        }
    }

    /// An address where every client is greeted so.
    fn greeting(words: &'static str) -> SocketAddr {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        thread::spawn(move || {
            for client in socket.incoming() {
                let _ = client.unwrap().write_all(words.as_bytes());
            }
        });
        address
    }

    #[test]
    fn a_greeting_is_readiness() {
        let ready = greeting("220-mx.example\r\n220 ready\r\n");
        let listeners = [listener(587, ready), listener(25, ready)];
        assert!(greetings(&listeners, PATIENCE, || Ok(())).unwrap());
    }

    #[test]
    fn a_listener_that_never_greets_holds_nobody_up() {
        let begin = Instant::now();
        let listeners = [
            listener(587, greeting("220 ready\r\n")),
            listener(25, greeting("554 no\r\n")),
        ];
        assert!(greetings(&listeners, PATIENCE, || Ok(())).unwrap());
        assert!(begin.elapsed() >= GRACE && begin.elapsed() < GRACE * 2);
    }

    #[test]
    fn waiting_ends_with_the_container() {
        let listeners = [listener(587, greeting(""))];
        let error = greetings(&listeners, PATIENCE, || Err(Error::Interrupted)).unwrap_err();
        assert!(matches!(error, Error::Interrupted));
    }
}
