//! What a next hop offers, as its reply to EHLO says (RFC 5321, section 4.1.1.1).

use super::reply::HopReply;

/// The extensions that a client uses; none after HELO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Offers {
    /// SIZE (RFC 1870), whatever limit it names: the hop says itself what is too large.
    pub(super) size: bool,
    /// PIPELINING (RFC 2920)
    pub(super) pipelining: bool,
    /// 8BITMIME (RFC 6152)
    pub(super) eight_bit: bool,
    /// SMTPUTF8 (RFC 6531)
    pub(super) smtputf8: bool,
    /// DSN (RFC 3461)
    pub(super) dsn: bool,
    /// STARTTLS (RFC 3207)
    pub(super) starttls: bool,
    /// REQUIRETLS (RFC 8689)
    pub(super) requiretls: bool,
}

impl Offers {
    /// A keyword is the whole first word of a line after the first, in any case.
    pub(super) fn of(reply: &HopReply) -> Self {
        let mut offers = Offers::default();
        for line in reply.lines.iter().skip(1) {
            let keyword = line.split(' ').next().unwrap_or_default();
            match keyword.to_ascii_uppercase().as_str() {
                "SIZE" => offers.size = true,
                "PIPELINING" => offers.pipelining = true,
                "8BITMIME" => offers.eight_bit = true,
                "SMTPUTF8" => offers.smtputf8 = true,
                "DSN" => offers.dsn = true,
                "STARTTLS" => offers.starttls = true,
                "REQUIRETLS" => offers.requiretls = true,
                _ => {}
            }
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["hop", "size 0", "Pipelining"], Offers { size: true, pipelining: true, ..Offers::default() })]
    #[case(&["hop", "SIZE", "DSN"], Offers { size: true, dsn: true, ..Offers::default() })]
    #[case(&["hop", "SIZE 99999999999999999999"], Offers { size: true, ..Offers::default() })]
    #[case(&["STARTTLS", "XSTARTTLS", "X STARTTLS", "STARTTLS-2", " DSN", "8BITMIMES", "AUTH=DSN"], Offers::default())]
    fn keywords_are_whole_words(#[case] lines: &[&str], #[case] offers: Offers) {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(Offers::of(&HopReply { code: 250, lines }), offers);
    }
}
