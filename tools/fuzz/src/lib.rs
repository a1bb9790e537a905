//! Properties for any input, as functions that panic if they do not hold: for libFuzzer here, and for proptest in
//! `codec/tests/properties.rs`, which includes the same files.
//!
//! The first byte of an input chooses (see [`properties::Choices`]), so that a seed can be read and written by hand.

mod fields;
pub mod forwarding;
pub mod hyper;
pub mod message;
pub mod properties;
pub mod reference;
