//! Tests the checks, the book and the graded benchmarks.

/// The commands of the book, and their output.
pub mod book;
/// Tests the checks, the book's commands and the graded benchmarks.
pub mod selftest;
