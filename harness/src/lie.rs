//! The lies that the proxy and the next hop can tell: how a server misbehaves, as data.

/// One lie. It is told wherever it applies, on every connection anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lie {
    /// The server's reply at this place is replaced, but the server has done what it was asked;
    /// lines are separated by LF, without the last.
    Reply(At, &'static str),
    /// The proxy answers at this place; the server never sees the line. Of contents only those whose
    /// DATA a lie has answered with 3yz.
    Answer(At, &'static str),
    /// In the server's reply at this place, the first text becomes the second.
    Edit(At, &'static str, &'static str),
    /// The line at this place reaches the server as this one.
    Command(At, &'static str),
    /// When these octets pass in the content, the client hears this reply.
    ReplyAfter(&'static [u8], &'static str),
    /// What was sent in clear text behind STARTTLS is given to the server inside TLS.
    ClearTextRunsInsideTls,
    /// A greeting in clear text precedes the handshake of implicit TLS.
    GreetingBeforeTls,
    /// A ClientHello of TLS 1.0 gets a ServerHello of TLS 1.0.
    NegotiatesTls10,
    /// The proxy shows this certificate.
    Certificate(Certificate),
    /// The connection closes where this reply is due.
    Close(At),
    /// The next hop never gets the message.
    Swallow,
    /// The next hop never gets what is for a recipient whose address has this text.
    SwallowFor(&'static str),
    /// In every command that the next hop hears, the first text becomes the second; of lines
    /// separated by LF the last is the command, and those before it are heard too.
    Heard(&'static str, &'static str),
    /// In the mail data that the next hop hears, with its dots and its end, the first text becomes
    /// the second.
    OnTheWire(&'static str, &'static str),
    /// The next hop hears the next command while its reply of several lines is still coming.
    Hasty,
    /// The next hop gets the message twice.
    Repeat,
    /// Of every recipient that it refuses the next hop gets a report, whoever the sender is.
    ReportsAnyway,
    /// In the message that the next hop gets, the first text becomes the second.
    Relayed(&'static str, &'static str),
    /// The topmost field of the message sinks to the end of the header section.
    TopFieldSinks,
}

/// A place in the dialogue. Commands, responses and contents are counted from 1, from the end of the
/// preparation; without a preparation, from the greeting. Every connection is counted by itself: a
/// lie about the third RCPT is told on each connection that has three, not once in all. Neither RSET
/// nor a further transaction nor STARTTLS begins to count anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// The greeting.
    Greeting,
    /// The nth command with this verb, in whatever case it is written here or by the client
    /// (RFC 5321 section 2.4).
    Command(&'static str, u32),
    /// The nth line of a SASL exchange that answers a challenge (RFC 4954 section 4).
    Response(u32),
    /// The reply after the end of the nth mail data.
    Content(u32),
}

/// A certificate to lie with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Certificate {
    /// Signed by nobody but itself.
    SelfSigned,
    /// For another host, by the right authority.
    OtherName,
    /// Over since long.
    Expired,
}
