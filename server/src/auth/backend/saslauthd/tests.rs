use super::*;
use rstest::rstest;
use tokio::net::UnixListener;

/// What the fake daemon does once it has read the request.
#[derive(Clone, Copy)]
enum Answer {
    Octets(&'static [u8]),
    Hang,
}

struct Fake {
    folder: tempfile::TempDir,
    requests: tokio::task::JoinHandle<Vec<u8>>,
}

impl Fake {
    fn start(answer: Answer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("mux")).unwrap();
        let requests = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4 * 2 + "alicesecretsmtp".len()];
            stream.read_exact(&mut request).await.unwrap();
            match answer {
                Answer::Octets(octets) => stream.write_all(octets).await.unwrap(),
                Answer::Hang => std::future::pending().await,
            }
            request
        });
        Fake { folder, requests }
    }

    fn client(&self) -> Saslauthd {
        Saslauthd {
            deadline: Duration::from_millis(200),
            ..Saslauthd::new(self.folder.path().join("mux"))
        }
    }
}

#[tokio::test]
async fn four_counted_strings_are_sent() {
    let fake = Fake::start(Answer::Octets(b"\x00\x02OK"));
    let outcome = fake
        .client()
        .check("alice", "secret", Rank::default())
        .await;
    assert_eq!(outcome, Outcome::Accepted("alice".to_owned()));
    assert_eq!(
        fake.requests.await.unwrap(),
        b"\x00\x05alice\x00\x06secret\x00\x04smtp\x00\x00"
    );
}

#[tokio::test]
async fn a_refusal_takes_whole_steps() {
    let fake = Fake::start(Answer::Octets(b"\x00\x13NO Invalid username"));
    let start = Instant::now();
    assert!(matches!(
        fake.client()
            .check("alice", "secret", Rank::default())
            .await,
        Outcome::Refused(_)
    ));
    assert!(start.elapsed() >= STEP);
}

#[rstest]
#[case(0, 250)]
#[case(30, 250)]
#[case(249, 250)]
#[case(250, 500)]
#[case(2010, 2250)]
fn steps_hide_small_differences(#[case] elapsed: u64, #[case] told: u64) {
    assert_eq!(
        levelled(Duration::from_millis(elapsed)),
        Duration::from_millis(told)
    );
}

// Other systems refuse such a connection instead.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_crowded_daemon_is_waited_for() {
    use socket2::{Domain, SockAddr, Socket, Type};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mux");
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    socket.set_nonblocking(true).unwrap();
    let listener = UnixListener::from_std(std::os::fd::OwnedFd::from(socket).into()).unwrap();
    let mut ahead = Vec::new();
    let full = loop {
        match UnixStream::connect(&path).await {
            Ok(stream) => ahead.push(stream),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::WouldBlock);

    let client = Saslauthd::new(path);
    // The client is polled first, and finds the daemon crowded.
    let (outcome, ()) = tokio::join!(biased; client.check("alice", "secret", Rank::default()), async {
        for _ in &ahead {
            listener.accept().await.unwrap();
        }
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4 * 2 + "alicesecretsmtp".len()];
        stream.read_exact(&mut request).await.unwrap();
        stream.write_all(b"\x00\x02OK").await.unwrap();
    });
    assert_eq!(outcome, Outcome::Accepted("alice".to_owned()));
}

#[rstest]
#[case::hangs(Answer::Hang)]
#[case::closes(Answer::Octets(b""))]
#[case::stops_in_the_middle(Answer::Octets(b"\x00\x05OK"))]
#[case::says_something_else(Answer::Octets(b"\x00\x02KO"))]
#[case::says_nothing(Answer::Octets(b"\x00\x00"))]
#[tokio::test]
async fn no_answer_is_no_refusal(#[case] answer: Answer) {
    let fake = Fake::start(answer);
    assert!(matches!(
        fake.client()
            .check("alice", "secret", Rank::default())
            .await,
        Outcome::Unavailable(_)
    ));
}

#[tokio::test]
async fn a_dead_daemon_is_no_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let dead = Saslauthd::new(folder.path().join("mux"));
    assert!(matches!(
        dead.check("alice", "secret", Rank::default()).await,
        Outcome::Unavailable(_)
    ));
}

#[rstest]
#[case("secret\0x".to_owned())]
#[case("x".repeat(257))]
#[tokio::test]
async fn what_the_daemon_would_misread_is_not_sent(#[case] password: String) {
    let fake = Fake::start(Answer::Octets(b"\x00\x02OK"));
    assert!(matches!(
        fake.client()
            .check("alice", &password, Rank::default())
            .await,
        Outcome::Refused(_)
    ));
    assert!(!fake.requests.is_finished());
}
