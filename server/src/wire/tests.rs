use super::*;
use rstest::rstest;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Lines of at most four octets, however the input is cut into blocks.
#[rstest]
#[case(b"abcd\r\n", &[Some("abcd")])]
#[case(b"abcde\r\nf\r\n\r\n", &[None, Some("f"), Some("")])]
#[case(b"abcdefghijk\r\nl\r\n", &[None, Some("l")])]
#[case(b"a\nb\r\n", &[Some("a\nb")])]
#[case(b"a\r\r\n\n\r\n", &[Some("a\r"), Some("\n")])]
#[case(b"abcdefgh\ni\n\r\nj\r\n", &[None, Some("j")])]
#[tokio::test]
async fn lines_end_at_crlf_only(#[case] input: &[u8], #[case] lines: &[Option<&str>]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap());
    let mut wire = Wire::new(stream.await.unwrap(), Duration::from_secs(60));
    for size in 1..=input.len() {
        let mut found = Vec::new();
        let (mut line, mut length) = (Vec::new(), 0);
        for block in input.chunks(size) {
            wire.input = block.to_vec();
            wire.used = 0;
            while wire.take_line(&mut line, &mut length, 4) {
                line.truncate(length - 2);
                let whole = (length - 2 <= 4).then(|| String::from_utf8(line.clone()));
                found.push(whole.map(Result::unwrap));
                (line, length) = (Vec::new(), 0);
            }
        }
        let expected: Vec<_> = lines.iter().map(|line| line.map(str::to_owned)).collect();
        assert_eq!(found, expected, "in blocks of {size}");
    }
}

#[tokio::test]
async fn a_flush_that_is_cut_off_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut wire = Wire::new(stream, Duration::from_secs(60));
    let sent: Vec<u8> = (0..4_000_000_u32).flat_map(u32::to_be_bytes).collect();
    wire.output.clone_from(&sent);
    // Nobody reads yet, so that this cannot end.
    assert!(
        timeout(Duration::from_millis(1), wire.flush())
            .await
            .is_err()
    );
    assert!(!wire.output.is_empty());
    let mut received = Vec::new();
    let (flushed, read) = tokio::join!(
        async {
            let flushed = wire.flush().await;
            wire.close().await;
            flushed
        },
        peer.read_to_end(&mut received)
    );
    flushed.unwrap();
    read.unwrap();
    assert!(received == sent);
}
