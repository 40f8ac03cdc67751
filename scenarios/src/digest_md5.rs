//! (written next)
use msaspec_harness::case::Chapter;

/// The chapter.
pub const CHAPTER: Chapter = Chapter {
    name: "digest_md5",
    cases: &[],
    untested: &[],
};
