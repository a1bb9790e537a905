//! The book's `console` blocks: what is typed, and what comes of it.
//!
//! A line that begins with `$ ` is typed; the lines below it are what it prints, see `expected.rs`. A block that
//! cannot be replayed says so, and why, after its fence: `console,ignore needs a network`.

mod expected;

pub use expected::difference;

/// What is typed in one block of a page.
#[derive(Debug, PartialEq)]
pub struct Block {
    /// The line of its fence, from 1.
    pub line: usize,
    /// Why it is not replayed; `None` if it is.
    pub ignored: Option<String>,
    /// What is typed, in order.
    pub commands: Vec<Command>,
}

/// A command, and what is shown below it.
#[derive(Debug, PartialEq)]
pub struct Command {
    /// As it is typed, without the prompt.
    pub text: String,
    /// What it prints; nothing is expected where nothing is shown.
    pub expected: Vec<String>,
}

/// The `console` blocks of a page.
///
/// # Errors
/// A block is marked without a reason, does not begin with a command, or does not end.
pub fn console_blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = (1..).zip(page.lines());
    while let Some((line, text)) = lines.next() {
        let Some(language) = text.strip_prefix("```") else {
            continue;
        };
        let (language, why) = language.split_once(' ').unwrap_or((language, ""));
        let ignored = match language {
            "console,ignore" if why.is_empty() => return Err(format!("line {line} does not say why")),
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
                    (None, None) => return Err(format!("line {line} stands below no command")),
                },
            }
        }
        if language.starts_with("console") {
            blocks.push(Block { line, ignored, commands });
        }
    }
    Ok(blocks)
}
