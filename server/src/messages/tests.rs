use super::*;

fn message(id: &str, recipient: &str) -> Received {
    Received {
        id: id.to_owned(),
        arrival: Timestamp::UNIX_EPOCH,
        listener: "127.0.0.1:587".to_owned(),
        tls: true,
        user: Some("alice".to_owned()),
        sender: "alice@example.org".to_owned(),
        recipients: vec![recipient.to_owned()],
        content: b"Subject: x\r\n".to_vec(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_waited_for() {
    let messages = Messages::new(10);
    let (first, second) = tokio::join!(messages.nth(1), async {
        messages.receive(message("1", "bob@example.net"));
        messages.to("bob@EXAMPLE.net").await
    });
    assert_eq!(first.unwrap().id, "1");
    assert_eq!(second.unwrap().id, "1");
    assert_eq!(messages.to("\"bob\"@example.net").await.unwrap().id, "1");
    assert_eq!(messages.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_is_named_with_what_came() {
    let messages = Messages::new(10).patient(Duration::from_secs(2));
    messages.receive(message("1", "bob@example.net"));
    assert_eq!(
        messages.nth(2).await.unwrap_err().to_string(),
        "message 2 has not come in 2s; 1 message has, for bob@example.net"
    );
    assert_eq!(
        messages
            .to("Bob@example.net")
            .await
            .unwrap_err()
            .to_string(),
        "a message to Bob@example.net has not come in 2s; 1 message has, for bob@example.net"
    );
}

#[tokio::test(start_paused = true)]
async fn the_latest_are_kept() {
    let messages = Messages::new(2);
    for id in ["1", "2", "3"] {
        messages.receive(message(id, "bob@example.net"));
    }
    let kept: Vec<_> = messages.all().iter().map(|m| m.id.clone()).collect();
    assert_eq!(kept, ["2", "3"]);
    assert_eq!(messages.nth(3).await.unwrap().id, "3");
    let dropped = messages.nth(1).await.unwrap_err().to_string();
    assert!(
        dropped.starts_with("message 1 is not among the last 2, which are kept; 3 messages have"),
        "{dropped}"
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_cannot_come() {
    let messages = Messages::new(10).patient(Duration::MAX);
    messages.receive(message("1", "bob@example.net"));
    let (second, ()) = tokio::join!(messages.nth(2), async { messages.end() });
    let expected =
        "message 2 had not come when the server ended; 1 message has, for bob@example.net";
    assert_eq!(second.unwrap_err().to_string(), expected);
    assert_eq!(messages.nth(1).await.unwrap().id, "1");
    let none_kept = Messages::new(0).patient(Duration::MAX);
    assert_eq!(
        none_kept
            .to("bob@example.net")
            .await
            .unwrap_err()
            .to_string(),
        "a message to bob@example.net is not kept: keep_messages of the configuration is 0"
    );
}

#[tokio::test(start_paused = true)]
async fn of_many_recipients_an_error_names_some() {
    let messages = Messages::new(100).patient(Duration::ZERO);
    for number in 0..20 {
        messages.receive(message("1", &format!("{number}@example.net")));
    }
    let error = messages.nth(21).await.unwrap_err().to_string();
    assert!(
        error.contains("20 messages have, for 19@example.net, 18@")
            && error.ends_with(" and others"),
        "{error}"
    );
}

#[test]
fn a_large_message_is_shown_by_its_beginning() {
    let large = Received {
        content: [b"Subject: x\r\n\r\n", &vec![b'x'; 1 << 20][..]].concat(),
        ..message("1", "bob@example.net")
    };
    let shown = format!("{large:?}");
    assert!(
        shown.contains(r#"content: "Subject: x\r\n\r\nxx"#),
        "{shown}"
    );
    assert!(
        shown.contains("octets: 1048590") && shown.len() < 3000,
        "{shown}"
    );
}

#[test]
fn large_messages_take_the_place_of_others() {
    let messages = Messages::new(10);
    for octets in [OCTET_LIMIT / 2, OCTET_LIMIT / 2, 1, OCTET_LIMIT + 1] {
        messages.receive(Received {
            content: vec![b'x'; octets],
            ..message("1", "bob@example.net")
        });
        let kept = messages.all().len();
        match octets {
            1 => assert_eq!(kept, 2),
            octets if octets > OCTET_LIMIT => assert_eq!(kept, 1),
            _ => assert_eq!(kept, messages.count()),
        }
    }
}
