//! The book's `console` blocks: commands and their output.
//!
//! A line that begins with `$ ` is a command, and the lines below it are its output, see `expected.rs`. A
//! block that cannot be replayed gives the reason after its fence: `console,ignore needs a network`.

mod expected;

pub use expected::difference;

/// The commands of one block of a page.
#[derive(Debug, PartialEq)]
pub struct Block {
    /// The line of its fence, from 1.
    pub line: usize,
    /// Why it is not replayed; `None` if it is replayed.
    pub ignored: Option<String>,
    /// The commands, in order.
    pub commands: Vec<Command>,
}

/// A command, and the output that is shown below it.
#[derive(Debug, PartialEq)]
pub struct Command {
    /// The command as typed, without the prompt.
    pub text: String,
    /// Its expected output. If no output is shown, any output is accepted.
    pub expected: Vec<String>,
}

/// The `console` blocks of a page.
///
/// # Errors
/// A block is ignored without a reason, does not begin with a command, or has no end.
pub fn console_blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = (1..).zip(page.lines());
    while let Some((line, text)) = lines.next() {
        let Some(language) = text.strip_prefix("```") else {
            continue;
        };
        let (language, why) = language.split_once(' ').unwrap_or((language, ""));
        let ignored = match language {
            "console,ignore" if why.is_empty() => {
                return Err(format!("line {line}: an ignored block needs a reason"));
            }
            "console,ignore" => Some(why.to_owned()),
            _ => None,
        };
        let mut commands: Vec<Command> = Vec::new();
        loop {
            match lines.next() {
                None => return Err(format!("the block of line {line} does not end")),
                Some((_, "```")) => break,
                Some(_) if !language.starts_with("console") => {}
                Some((line, text)) => match (text.strip_prefix("$ "), commands.last_mut()) {
                    (Some(text), _) => {
                        commands.push(Command { text: text.to_owned(), expected: Vec::new() });
                    }
                    (None, Some(command)) => command.expected.push(text.to_owned()),
                    (None, None) => return Err(format!("line {line}: output without a command above it")),
                },
            }
        }
        if language.starts_with("console") {
            blocks.push(Block { line, ignored, commands });
        }
    }
    Ok(blocks)
}
