//! Content for a hop without 8BITMIME: encoded whole or not at all.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| msaspec_server::fuzzing::seven_bit(octets));
