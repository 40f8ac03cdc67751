//! Whether a Date says when a message was written (RFC 5322, section 3.3; its obsolete forms,
//! section 4.3).

use jiff::civil::Date;

use super::tokens::{Kind, Tokens};

/// Whether the body of a field is a date-time, of a day that exists and has the name it is given.
pub(super) fn is_date_time(text: &[u8]) -> bool {
    let mut words = Words {
        text,
        tokens: Tokens::new(text),
    };
    words.date_time().is_some()
}

struct Words<'a> {
    text: &'a [u8],
    tokens: Tokens<'a>,
}

impl<'a> Words<'a> {
    fn date_time(&mut self) -> Option<()> {
        let mut day = self.word()?;
        let mut weekday = None;
        if day.starts_with(|first: char| first.is_ascii_alphabetic()) {
            weekday = Some(place_of(day, &WEEKDAYS)?);
            self.special(b',')?;
            day = self.word()?;
        }
        let day = number(day, 1..=2)?;
        let month = place_of(self.word()?, &MONTHS)? + 1;
        let year = year(self.word()?)?;
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        let date = Date::new(year, month, day).ok()?;
        let offset = usize::try_from(date.weekday().to_monday_zero_offset()).ok();
        if weekday.is_some() && weekday != offset {
            return None;
        }
        let hour = number(self.word()?, 2..=2)?;
        self.special(b':')?;
        let minute = number(self.word()?, 2..=2)?;
        let mut second = 0;
        let zone = match self.tokens.next().ok()?? {
            token if token.kind == Kind::Special(b':') => {
                second = number(self.word()?, 2..=2)?;
                self.word()?
            }
            token if token.kind == Kind::Atom => str::from_utf8(&self.text[token.place]).ok()?,
            _ => return None,
        };
        let nothing_follows = self.tokens.next().ok()?.is_none();
        // A leap second is the sixtieth.
        let there_is_such_a_time = hour < 24 && minute < 60 && second <= 60;
        (there_is_such_a_time && is_zone(zone) && nothing_follows).then_some(())
    }

    fn word(&mut self) -> Option<&'a str> {
        let token = self.tokens.next().ok()??;
        let text = str::from_utf8(&self.text[token.place]).ok()?;
        (token.kind == Kind::Atom).then_some(text)
    }

    fn special(&mut self, octet: u8) -> Option<()> {
        let token = self.tokens.next().ok()??;
        (token.kind == Kind::Special(octet)).then_some(())
    }
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn place_of(name: &str, names: &[&str]) -> Option<usize> {
    names
        .iter()
        .position(|known| known.eq_ignore_ascii_case(name))
}

/// A number of so many digits.
fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i16> {
    let right = digits.contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    right.then(|| text.parse().ok())?
}

/// Years of two and three digits are obsolete (RFC 5322, section 4.3); there is none before 1900.
fn year(text: &str) -> Option<i16> {
    let year = number(text, 2..=4)?;
    match (text.len(), year) {
        (2, ..50) => Some(year + 2000),
        (2 | 3, _) => Some(year + 1900),
        _ => Some(year).filter(|year| *year >= 1900),
    }
}

/// Hours and minutes, or a name; what an unknown one means is unknown, and no fault (section 4.3).
fn is_zone(text: &str) -> bool {
    match text.strip_prefix(['+', '-']) {
        Some(offset) => number(offset, 4..=4).is_some_and(|offset| offset % 100 < 60),
        None => text.len() <= 5 && text.bytes().all(|octet| octet.is_ascii_alphabetic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(" Fri, 21 Nov 1997 09:55:06 -0600\r\n")]
    #[case("1 Jan 2024 00:00 +0000")]
    #[case("Thu,\r\n\t29 feb 2024 23:59:60 -1159 (CET (or so))")]
    #[case("Mon, 01 Jan 24 00:00:00 GMT")]
    #[case("21 Nov 97 09:55:06 EDT")]
    #[case("Sat, 1 Jan 100 00:00:00 z")]
    #[case("Fri (day) , 21 (x) Nov (y) 1997 (z) 09 (:) : 55 : 06 -0600")]
    #[case("Fri, 21 Nov 1997 09:55:06 CEST")]
    fn is_one(#[case] text: &str) {
        assert!(is_date_time(text.as_bytes()));
    }

    #[rstest]
    #[case("")]
    #[case("x")]
    #[case("Thu, 21 Nov 1997 09:55:06 -0600")]
    #[case("31 Feb 2024 00:00:00 +0000")]
    #[case("Sat, 31 Feb 2024 00:00:00 +0000")]
    #[case("29 Feb 2023 00:00:00 +0000")]
    #[case("0 Jan 2024 00:00:00 +0000")]
    #[case("1 Jan 1899 00:00:00 +0000")]
    #[case("1 Jan 10000 00:00:00 +0000")]
    #[case("1 Jan 2024 24:00:00 +0000")]
    #[case("1 Jan 2024 00:60:00 +0000")]
    #[case("1 Jan 2024 00:00:61 +0000")]
    #[case("1 Jan 2024 0:00:00 +0000")]
    #[case("1 Jan 2024 00:00:00")]
    #[case("1 Jan 2024 00:00:00 +000")]
    #[case("1 Jan 2024 00:00:00 +0060")]
    #[case("1 Jan 2024 00:00:00 +0000 x")]
    #[case("1 Jan 2024 00:00:00 +0000 (")]
    #[case("Monday, 1 Jan 2024 00:00:00 +0000")]
    #[case("Sun Nov 29 20:46:49 UTC 2026")]
    #[case("2026-11-29T20:46:49Z")]
    fn is_none(#[case] text: &str) {
        assert!(!is_date_time(text.as_bytes()));
    }

    proptest! {
        #[test]
        fn any_octets_are_read(text in prop::collection::vec(any::<u8>(), 0..80)) {
            is_date_time(&text);
        }

        #[test]
        fn what_is_written_is_read(seconds in 0_i64..200_000_000_000) {
            let time = jiff::Timestamp::from_second(seconds).unwrap();
            prop_assert!(is_date_time(crate::trace::date(time).as_bytes()));
        }
    }
}
