use super::*;
use rstest::rstest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A hop that reads no content before it is told to, and refuses at once. What came then.
async fn refuse_early(listener: TcpListener, go_on: oneshot::Receiver<()>) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut input = [0; 100];
    for reply in ["220 hop", "250 hop", "354 go on", "452 4.3.1 full"] {
        stream
            .write_all(format!("{reply}\r\n").as_bytes())
            .await
            .unwrap();
        if !reply.starts_with('4') {
            assert!(stream.read(&mut input).await.unwrap() > 0);
        }
    }
    go_on.await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    rest
}

#[rstest]
#[case(b"")]
#[case(b"a\r\n")]
#[case(b"a\r\nb")]
fn the_size_is_that_of_what_is_sent(#[case] content: &[u8]) {
    let sent: usize = stuffed(content).map(|block| block.len()).sum();
    assert_eq!(octets(content), sent - b".\r\n".len());
}

#[tokio::test]
async fn no_command_follows_a_content_that_was_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let deadlines = HopDeadlines {
        // A write that would have to wait fails.
        block: Duration::ZERO,
        ..HopDeadlines::default()
    };
    let (told, go_on) = oneshot::channel();
    let rest = tokio::spawn(refuse_early(listener, go_on));
    let stream = TcpStream::connect(address).await.unwrap();
    let mut client = Client::new(stream, deadlines);
    let wait = Duration::from_secs(10);
    assert_eq!(client.reply(wait).await.unwrap().code, 220);
    assert_eq!(client.command("EHLO c", wait).await.unwrap().code, 250);
    assert_eq!(client.command("DATA", wait).await.unwrap().code, 354);
    let content = b"octets\r\n".repeat(4_000_000);
    assert_eq!(client.content(&content).await.unwrap().code, 452);
    client.deadlines.block = Duration::from_secs(60);
    assert!(!client.is_in_step());
    assert_eq!(client.send(&["MAIL"]).await, Err(HopFault::OutOfStep));
    told.send(()).unwrap();
    client.quit().await;
    let rest = rest.await.unwrap();
    assert!(rest.len() < content.len());
    assert!(!rest.windows(4).any(|word| word == b"QUIT"));
}

#[tokio::test(start_paused = true)]
async fn a_content_as_a_whole_has_to_go_in_time() {
    let deadlines = HopDeadlines {
        content: Duration::from_secs(50),
        ..HopDeadlines::default()
    };
    let (near, mut far) = tokio::io::duplex(BLOCK);
    let mut client = Client::new(near, deadlines);
    let reading = tokio::spawn(async move {
        let mut block = vec![0; BLOCK];
        // Each block in time for itself.
        while far.read(&mut block).await.is_ok_and(|length| length > 0) {
            tokio::time::sleep(Duration::from_secs(20)).await;
        }
    });
    let content = b"octets\r\n".repeat(BLOCK);
    assert_eq!(client.content(&content).await, Err(HopFault::Late));
    drop(client);
    reading.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_reply_to_quit_is_awaited_whole_and_not_for_ever() {
    for (pause, heard) in [(8, true), (60, false)] {
        let (near, mut far) = tokio::io::duplex(100);
        let leaving = tokio::spawn(Client::new(near, HopDeadlines::default()).quit());
        let mut input = [0; 6];
        far.read_exact(&mut input).await.unwrap();
        assert_eq!(&input, b"QUIT\r\n");
        far.write_all(b"221-bye\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(pause)).await;
        assert_eq!(far.write_all(b"221 now\r\n").await.is_ok(), heard);
        leaving.await.unwrap();
    }
}

#[tokio::test]
async fn what_comes_between_two_transactions_ends_a_session() {
    let (near, mut far) = tokio::io::duplex(100);
    let mut client = Client::new(near, HopDeadlines::default());
    assert!(client.is_quiet().await);
    far.write_all(b"2").await.unwrap();
    assert!(!client.is_quiet().await);

    let (near, far) = tokio::io::duplex(100);
    let mut client = Client::new(near, HopDeadlines::default());
    drop(far);
    assert!(!client.is_quiet().await);
}
