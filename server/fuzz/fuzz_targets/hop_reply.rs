//! Replies of a next hop: any octets are a reply, the start of one, or none.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| msaspec_server::fuzzing::hop_reply(octets));
