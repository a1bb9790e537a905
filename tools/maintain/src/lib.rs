//! What proves the checks, the book and the graded benchmarks.

/// What is typed in the book, and what comes of it.
pub mod book;
/// Proves the checks, the book's commands and the graded benchmarks.
pub mod selftest;
