//! A listener in the configuration file: the string of [`ListenerConfig`], or a table.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{ListenerConfig, ListenerSyntax};
use crate::policy::{FixUps, Refusals};

impl<'de> Deserialize<'de> for ListenerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

const KEYS: &[&str] = &[
    "address",
    "modifiers",
    "name",
    "require_tls",
    "refuse",
    "fix",
];

impl<'de> Visitor<'de> for Written {
    type Value = ListenerConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a listener, as \"ADDR:PORT[/tls][,M=MODIFIERS]\" or as a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ListenerConfig, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<ListenerConfig, A::Error> {
        let mut listener = None;
        let mut modifiers = None;
        let mut name = None;
        let mut require_tls = false;
        let mut refuse = Refusals::default();
        let mut fix = FixUps::default();
        while let Some(key) = table.next_key::<String>()? {
            match key.as_str() {
                "address" => listener = Some(place(&table.next_value::<String>()?)?),
                "modifiers" => {
                    let letters: String = table.next_value()?;
                    modifiers = Some(letters.parse().map_err(A::Error::custom)?);
                }
                "name" => name = Some(table.next_value()?),
                "require_tls" => require_tls = table.next_value()?,
                "refuse" => {
                    let words: Vec<String> = table.next_value()?;
                    refuse = Refusals::named(&words)
                        .map_err(|error| A::Error::custom(format!("refuse: {error}")))?;
                }
                "fix" => {
                    let words: Vec<String> = table.next_value()?;
                    fix = FixUps::named(&words)
                        .map_err(|error| A::Error::custom(format!("fix: {error}")))?;
                }
                unknown => return Err(A::Error::unknown_field(unknown, KEYS)),
            }
        }
        let mut listener: ListenerConfig =
            listener.ok_or_else(|| A::Error::missing_field("address"))?;
        if let Some(modifiers) = modifiers {
            let tls = listener.modifiers.implicit_tls;
            listener.modifiers = modifiers;
            listener.modifiers.implicit_tls |= tls;
        }
        listener.name = name.unwrap_or(listener.name);
        Ok(ListenerConfig {
            require_tls,
            refuse,
            fix,
            ..listener
        })
    }
}

/// `ADDR:PORT` or `ADDR:PORT/tls`: modifiers have a key of their own in a table.
fn place<E: Error>(text: &str) -> Result<ListenerConfig, E> {
    match text.contains(',') {
        true => Err(E::custom(ListenerSyntax::Address(text.to_owned()))),
        false => text.parse().map_err(E::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[derive(Debug, Deserialize)]
    struct File {
        listeners: Vec<ListenerConfig>,
    }

    fn read(text: &str) -> Result<Vec<ListenerConfig>, String> {
        let file: Result<File, _> = toml::from_str(text);
        file.map(|file| file.listeners)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn strings_and_tables_may_be_mixed() {
        let listeners = read(
            r#"listeners = [
                "[::1]:587,M=Ea",
                { address = "127.0.0.1:465/tls", modifiers = "E", refuse = ["foreign-sender"] },
                { address = "127.0.0.1:587", name = "users", require_tls = true, fix = [] },
            ]"#,
        )
        .unwrap();
        let parsed: ListenerConfig = "[::1]:587,M=Ea".parse().unwrap();
        assert_eq!(listeners[0], parsed);
        assert_eq!(listeners[1].modifiers.to_string(), "Es");
        assert_eq!(listeners[1].refuse.to_string(), "foreign-sender");
        assert_eq!(listeners[1].fix, FixUps::default());
        assert!(!listeners[1].require_tls && listeners[2].require_tls);
        assert_eq!(listeners[2].name, "users");
        assert_eq!(listeners[2].modifiers.to_string(), "a");
        assert_eq!(listeners[2].fix, FixUps::NONE);
        let tables = read("[[listeners]]\naddress = \"127.0.0.1:587\"\nmodifiers = \"a\"\n");
        assert_eq!(tables.unwrap().len(), 1);
    }

    #[rstest]
    #[case(
        "{ address = \"127.0.0.1:587\", refuses = [] }",
        "unknown field `refuses`"
    )]
    #[case("{ modifiers = \"a\" }", "missing field `address`")]
    #[case("{ address = \"127.0.0.1:587,M=a\" }", "is not ADDR:PORT")]
    #[case(
        "{ address = \"127.0.0.1:587\", modifiers = \"q\" }",
        "unknown modifier 'q'"
    )]
    #[case(
        "{ address = \"127.0.0.1:587\", refuse = [\"all\"] }",
        "refuse: unknown word \"all\""
    )]
    #[case(
        "{ address = \"127.0.0.1:587\", fix = [\"dates\"] }",
        "fix: unknown word \"dates\""
    )]
    #[case("587", "a listener, as")]
    fn a_fault_is_named(#[case] listener: &str, #[case] fault: &str) {
        let error = read(&format!("listeners = [{listener}]")).unwrap_err();
        assert!(error.contains(fault), "{error}");
    }
}
