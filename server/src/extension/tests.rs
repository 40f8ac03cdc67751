use super::*;
use crate::spool::Body;
use rstest::rstest;

fn state(config: &Config) -> State<'_> {
    State {
        config,
        modifiers: Modifiers::default(),
        esmtp: true,
        tls: false,
        authenticated: false,
        mechanisms: vec![Mechanism::Plain, Mechanism::Login],
    }
}

fn config() -> Config {
    Config {
        size_limit: 1000,
        ..Config::modern("msa.example.org", "spool")
    }
}

fn parameters(text: &str) -> Vec<Parameter> {
    let line = format!("MAIL FROM:<>{text}");
    match crate::command::parse(line.as_bytes()) {
        Ok(crate::command::Command::Mail { parameters, .. }) => parameters,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_offer_has_one_order() {
    let config = config();
    let offered: Vec<_> = lines(&state(&config)).collect();
    assert_eq!(
        offered,
        [
            "PIPELINING",
            "SIZE 1000",
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
            "LIMITS RCPTMAX=1000",
            "STARTTLS",
            "AUTH PLAIN LOGIN"
        ]
    );
    let later = State {
        tls: true,
        authenticated: true,
        ..state(&config)
    };
    assert_eq!(lines(&later).count(), 5);
}

#[rstest]
#[case("", "")]
#[case(" SIZE=1000", "")]
#[case(" SIZE=1001", "552 5.3.4")]
#[case(" SIZE=99999999999999999999", "552 5.3.4")]
#[case(" SIZE", "501 5.5.4")]
#[case(" SIZE=-1", "501 5.5.4")]
#[case(" SIZE=100000000000000000000", "501 5.5.4")]
#[case(" BODY=7bit", "")]
#[case(" body=8BITmime", "eight bit")]
#[case(" BODY", "501 5.5.4")]
#[case(" BODY=9BIT", "501 5.5.4")]
#[case(" BODY=BINARYMIME", "555 5.5.4")]
#[case(" Auth=<>", "")]
#[case(" AUTH=e+3Dmc2@example.com", "")]
#[case(" AUTH=a+ZZb@example.com", "501 5.5.4")]
#[case(" AUTH=a+0D+0AX@example.com", "501 5.5.4")]
#[case(" AUTH=not-a-mailbox", "501 5.5.4")]
#[case(" AUTH", "501 5.5.4")]
#[case(" RET=HDRS", "555 5.5.4")]
#[case(" ENVID=x", "555 5.5.4")]
#[case(" SMTPUTF8", "555 5.5.4")]
#[case(" REQUIRETLS", "555 5.5.4")]
#[case(" MT-PRIORITY=3", "555 5.5.4")]
#[case(" HOLDFOR=60", "555 5.5.4")]
#[case(" BY=120;R", "555 5.5.4")]
#[case(" NOTIFY=NEVER", "555 5.5.4")]
fn parameters_of_mail(#[case] text: &str, #[case] outcome: &str) {
    let config = config();
    let read = match mail(&parameters(text), &state(&config)) {
        Ok(options) if options.body == Some(Body::EightBitMime) => "eight bit".to_owned(),
        Ok(_) => String::new(),
        Err(refusal) => refusal.to_string(),
    };
    assert!(
        read.starts_with(outcome) && read.is_empty() == outcome.is_empty(),
        "{read}"
    );
}

#[rstest]
#[case(" NOTIFY=NEVER")]
#[case(" ORCPT=rfc822;a@b.example")]
#[case(" SIZE=1")]
#[case(" X")]
fn rcpt_takes_no_parameters(#[case] text: &str) {
    let config = config();
    let refusal = rcpt("a@b.example".into(), &parameters(text), &state(&config)).unwrap_err();
    assert!(refusal.to_string().starts_with("555 5.5.4"), "{refusal}");
}

#[test]
fn what_is_not_offered_here_is_no_parameter() {
    let config = config();
    let helo = State {
        esmtp: false,
        ..state(&config)
    };
    assert!(mail(&parameters(" SIZE=1"), &helo).is_err());
    let without_auth = State {
        mechanisms: Vec::new(),
        ..state(&config)
    };
    assert!(mail(&parameters(" AUTH=<>"), &without_auth).is_err());
    let authenticated = State {
        authenticated: true,
        ..without_auth
    };
    assert!(mail(&parameters(" AUTH=<>"), &authenticated).is_ok());
}
