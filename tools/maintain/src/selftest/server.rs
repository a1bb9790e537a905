//! Which commands of the book run until Ctrl-C, and on which addresses they listen.

/// A command that runs until Ctrl-C.
#[derive(Debug, PartialEq)]
pub struct Server {
    /// The addresses that it listens on. A later server with the same address replaces it.
    pub addresses: Vec<String>,
    /// The text in its ready line.
    pub ready: &'static str,
}

const RPC: &str = "127.0.0.1:8079";
const PROXY: &str = "127.0.0.1:8080";
const BACKEND: &str = "127.0.0.1:8081";
/// The backends of the newest stage, which uses several.
const MORE_BACKENDS: [&str; 2] = ["127.0.0.1:8082", "127.0.0.1:8083"];

impl Server {
    /// `None` if the command ends by itself.
    pub fn of(command: &str) -> Option<Server> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let value = |flag: &str, default: &str| {
            let given = words.windows(2).find(|pair| pair[0] == flag).map(|pair| pair[1]);
            given.unwrap_or(default).to_owned()
        };
        let addresses = match (words.get(..2)?, value("-p", "").as_str()) {
            (["cargo", "lab"], _) if words.get(2) == Some(&"demo") => {
                let addresses = [&[RPC, PROXY, BACKEND][..], &MORE_BACKENDS].concat();
                return Some(Server {
                    addresses: addresses.into_iter().map(str::to_owned).collect(),
                    ready: "Ctrl-C stops",
                });
            }
            (["cargo", "run"], "webserver") => vec![value("--listen", BACKEND)],
            (["cargo", "run"], stage) if stage.starts_with("part") || stage == "work" => {
                // Stages before part5 have no RPC; the extra address is harmless.
                vec![value("--listen", PROXY), value("--rpc", RPC)]
            }
            _ if words.contains(&"--watch") => {
                return Some(Server { addresses: Vec::new(), ready: "watching" });
            }
            _ => return None,
        };
        Some(Server { addresses, ready: "listening on" })
    }
}
