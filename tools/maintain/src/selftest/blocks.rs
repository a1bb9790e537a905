//! Runs the commands of the book page by page, in order.
//!
//! A server keeps running until another server takes its place or its page ends, then Ctrl-C stops it. A
//! command must exit with code 0, unless `echo $?` follows it, and print the output shown below it.

use std::env;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use crate::book::{Block, Command, console_blocks, difference};
use lab::bench;
use stage::{Failure, OrTry};
use testkit::{poll, say};

use super::server::Server;
use super::shell::Shell;
use super::workspace;
use lab::places::{DOCTOR, Places};

/// The timeout of a command, including its build.
const COMMAND_PATIENCE: Duration = Duration::from_secs(600);
/// A server may take 10 s to drain its clients.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// The exit code of a command that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// How many lines of a wrong output are shown.
const SHOWN_LINES: usize = 20;

/// A chapter of the book.
pub struct Page {
    name: String,
    blocks: Vec<Block>,
}

/// A running server.
struct Running {
    server: Server,
    text: String,
    shell: Shell,
}

/// Reads the blocks of all chapters, in the order of the book.
pub fn read(places: &Places) -> Result<Vec<Page>, Failure> {
    let summary = places.read("docs/src/SUMMARY.md")?;
    let names = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let page = |name: &str| {
        let file = format!("docs/src/{name}");
        let blocks = console_blocks(&places.read(&file)?)
            .map_err(|error| Failure::new(format!("{file}: {error}"), "fix the block there"))?;
        Ok(Page { name: name.to_owned(), blocks })
    };
    names.map(page).collect()
}

/// Fails if a program already listens on an address that the servers of these pages use.
pub fn need_ports(pages: &[Page]) -> Result<(), Failure> {
    let commands = pages.iter().flat_map(|page| &page.blocks).filter(|block| block.ignored.is_none());
    let servers = commands.flat_map(|block| &block.commands).filter_map(|command| Server::of(&command.text));
    let mut addresses: Vec<String> = servers.flat_map(|server| server.addresses).collect();
    addresses.sort();
    addresses.dedup();
    match addresses.iter().find(|address| !is_free(address)) {
        None => Ok(()),
        Some(address) => Err(Failure::environment(
            format!("{address} is in use, and the commands of the book need it"),
            "stop what listens there, or leave the book out: cargo maintain selftest checks benchmarks",
        )),
    }
}

/// Runs all commands and returns how many failed.
pub fn run(places: &Places, pages: &[Page]) -> Result<usize, Failure> {
    if cfg!(not(unix)) {
        say!("the commands of the book are not replayed: they need a shell of Unix");
        return Ok(0);
    }
    let mut replay = Replay {
        folder: workspace::of_an_attendee(places)?,
        running: Vec::new(),
        skipped: Vec::new(),
        wrong: 0,
    };
    let mut replayed = 0;
    for page in pages {
        for block in &page.blocks {
            let place = format!("{}:{}", page.name, block.line);
            match block.ignored.clone().or_else(|| lacking(block)) {
                Some(why) => replay.skipped.push(format!("{place} {why}")),
                None => {
                    replay.block(&place, block)?;
                    replayed += 1;
                }
            }
        }
        while let Some(running) = replay.running.pop() {
            replay.stop(running);
        }
    }
    say!("{replayed} blocks of the book replayed, {} wrong", replay.wrong);
    if !replay.skipped.is_empty() {
        say!("blocks not replayed: {}", replay.skipped.len());
        for line in &replay.skipped {
            say!("      {line}");
        }
    }
    Ok(replay.wrong)
}

/// The program that a block needs but that is not installed.
fn lacking(block: &Block) -> Option<String> {
    let is_here = |program: &str| {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|folder| folder.join(program).is_file())
    };
    let needs = |program: &&str| block.commands.iter().any(|command| command.text.contains(program));
    let lacks = ["curl"].into_iter().filter(needs).find(|program| !is_here(program))?;
    Some(format!("{lacks} is not installed"))
}

struct Replay {
    /// The folder of the commands: the workspace of an attendee, which `start` and `check` change.
    folder: PathBuf,
    running: Vec<Running>,
    skipped: Vec<String>,
    wrong: usize,
}

impl Replay {
    fn block(&mut self, place: &str, block: &Block) -> Result<(), Failure> {
        let mut before = 0;
        for (index, command) in block.commands.iter().enumerate() {
            let text = shortened(&command.text);
            if is_graded(&text) {
                say!("{place} $ {text}    (left to: cargo maintain selftest benchmarks)");
                continue;
            }
            say!("{place} $ {text}");
            let next = block.commands.get(index + 1).map(|command| command.text.as_str());
            let wrong = match Server::of(&text) {
                Some(server) => self.serve(server, &text, command)?,
                None => {
                    let mut shell = Shell::start(&text, &self.folder, before).or_try(DOCTOR)?;
                    let status = shell.wait_for_end(COMMAND_PATIENCE);
                    before = status.and_then(|status| status.code()).unwrap_or(-1);
                    let wrong = match status {
                        None => Some("it did not end".to_owned()),
                        Some(_) if before != 0 && next != Some("echo $?") => {
                            Some(format!("its exit code is {before}"))
                        }
                        Some(_) if command.expected.is_empty() => None,
                        Some(_) => difference(&command.expected, &shell.printed(), false),
                    };
                    wrong.map(|wrong| (wrong, shell.printed()))
                }
            };
            if let Some((wrong, printed)) = wrong {
                self.say_wrong(place, &wrong, &printed);
            }
        }
        Ok(())
    }

    /// Starts a server after it has stopped the servers that use the same addresses.
    fn serve(
        &mut self,
        server: Server,
        text: &str,
        command: &Command,
    ) -> Result<Option<(String, String)>, Failure> {
        let shares =
            |other: &Running| other.server.addresses.iter().any(|one| server.addresses.contains(one));
        while let Some(place) = self.running.iter().position(shares) {
            let running = self.running.remove(place);
            self.stop(running);
        }
        let mut shell = Shell::start(text, &self.folder, 0).or_try(DOCTOR)?;
        let is_ready = shell.wait_for(server.ready, COMMAND_PATIENCE);
        let printed = shell.printed();
        if !is_ready {
            return Ok(Some((format!("it did not say: {}", server.ready), printed)));
        }
        self.running.push(Running { server, text: text.to_owned(), shell });
        Ok(difference(&command.expected, &printed, true).map(|wrong| (wrong, printed)))
    }

    /// Stops a server with Ctrl-C. It must end, and its addresses must be free afterwards.
    fn stop(&mut self, mut running: Running) {
        let (text, shell) = (&running.text, &mut running.shell);
        shell.interrupt();
        let code = shell.wait_for_end(STOP_PATIENCE).and_then(|status| status.code());
        let printed = shell.printed();
        if !matches!(code, Some(0 | INTERRUPTED)) {
            let code = code.map_or_else(|| "none, it runs on".to_owned(), |code| code.to_string());
            self.say_wrong(text, &format!("after Ctrl-C its exit code is {code}"), &printed);
        }
        for address in &running.server.addresses {
            if !poll(STOP_PATIENCE, || is_free(address)) {
                self.say_wrong(text, &format!("after Ctrl-C something still listens on {address}"), &printed);
            }
        }
    }

    fn say_wrong(&mut self, place: &str, wrong: &str, printed: &str) {
        self.wrong += 1;
        say!("WRONG {place}: {wrong}");
        let lines: Vec<&str> = printed.lines().collect();
        for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
            say!("      {line}");
        }
    }
}

/// Whether the command is a graded benchmark, which needs all its rounds.
fn is_graded(command: &str) -> bool {
    let name = command.strip_prefix("cargo lab bench ");
    name.is_some_and(|name| bench::exercises().any(|exercise| exercise == name))
}

/// The command as replayed. Measurements are shortened, because only their success is checked.
fn shortened(command: &str) -> String {
    let mut command = command.to_owned();
    if command.starts_with("cargo lab bench ") && !is_graded(&command) {
        for (flag, value) in [(" --rounds", " 1"), (" --requests", " 100")] {
            if !command.contains(flag) {
                command.push_str(flag);
                command.push_str(value);
            }
        }
    }
    command
}

fn is_free(address: &str) -> bool {
    TcpListener::bind(address).is_ok()
}
