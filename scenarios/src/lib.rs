//! What has to be true of a submission server: the requirements, and the cases that ask for them.
//!
//! A chapter is a table of cases about one topic, in the order of the protocol. To add a case,
//! write it into its chapter; its id has to be in `scenarios/requirements/`.

pub mod authentication;
pub mod catalogue;
pub mod check;
pub mod cram_md5;
pub mod data;
pub mod digest_md5;
pub mod ehlo;
pub mod eight_bit;
pub mod greeting;
pub mod header;
pub mod implicit_tls;
pub mod load;
pub mod login;
pub mod plain;
pub mod relay;
pub mod reports;
pub mod starttls;
pub mod submission;
pub mod tls;
pub mod trace;
pub mod transaction;

use msaspec_harness::case::Chapter;

/// The catalogue, in the order of the protocol.
pub const CHAPTERS: &[Chapter] = &[
    greeting::CHAPTER,
    ehlo::CHAPTER,
    starttls::CHAPTER,
    implicit_tls::CHAPTER,
    tls::CHAPTER,
    submission::CHAPTER,
    authentication::CHAPTER,
    plain::CHAPTER,
    login::CHAPTER,
    cram_md5::CHAPTER,
    digest_md5::CHAPTER,
    transaction::CHAPTER,
    data::CHAPTER,
    eight_bit::CHAPTER,
    header::CHAPTER,
    trace::CHAPTER,
    relay::CHAPTER,
    reports::CHAPTER,
];
