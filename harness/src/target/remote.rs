//! A running server somewhere, which is treated gently.
