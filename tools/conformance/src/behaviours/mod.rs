//! Behaviours with state: they need several connections or requests, a signal, or a look at the process.
//!
//! Each starts its own proxy in front of scripted backends and panics if the proxy misbehaves.

#![allow(clippy::unwrap_used)] // A failed unwrap fails the behaviour.

/// Lists the functions of a file. Those after `of_stages` apply only to the stages: to their flags, log and limits, and
/// how they start and stop.
macro_rules! behaviours {
    (of_stages: $($rest:tt)*) => {
        behaviours![; of_stages: $($rest)*]
    };
    (
        $($(#[$any:meta])* $name:ident),* $(,)?
        $(; of_stages: $($(#[$own:meta])* $own_name:ident),* $(,)?)?
    ) => {
        &[
            $($(#[$any])* $crate::Behaviour { name: stringify!($name), run: $name, of_stages: false },)*
            $($(
                $(#[$own])*
                $crate::Behaviour { name: stringify!($own_name), run: $own_name, of_stages: true },
            )*)?
        ]
    };
}

mod backend_connections;
mod balancer;
mod bodies;
mod counting;
mod early_responses;
mod failures;
mod flags;
#[cfg(target_os = "linux")]
mod full_pipe;
mod logging;
mod many;
#[cfg(target_os = "linux")]
mod network;
mod pages;
mod pool;
mod queue;
mod rpc;
mod serial;
mod setup;
mod startup;

use course::Ability;

use crate::{Behaviour, Needs};

/// All behaviours by topic, with the ability that a proxy needs for them to apply.
pub(crate) const GROUPS: &[(&str, Needs, &[Behaviour])] = &[
    ("backend_connections", None, backend_connections::LIST),
    ("bodies", None, bodies::LIST),
    ("early_responses", None, early_responses::LIST),
    ("failures", None, failures::LIST),
    ("flags", None, flags::LIST),
    #[cfg(target_os = "linux")]
    ("full_pipe", None, full_pipe::LIST),
    ("logging", None, logging::LIST),
    #[cfg(target_os = "linux")]
    ("network", None, network::LIST),
    ("startup", None, startup::LIST),
    ("serial", Some(Ability::OneClientAtATime), serial::LIST),
    ("many::clients", Some(Ability::ManyClients), many::clients::LIST),
    ("many::descriptors", Some(Ability::ManyClients), many::descriptors::LIST),
    ("many::after_failures", Some(Ability::ManyClients), many::after_failures::LIST),
    ("many::keep_alive", Some(Ability::Persistence), many::keep_alive::LIST),
    ("many::pipelining", Some(Ability::Persistence), many::pipelining::LIST),
    ("many::stopping", Some(Ability::ManyClients), many::stopping::LIST),
    ("many::threads", Some(Ability::ManyClients), many::threads::LIST),
    ("many::timeouts", Some(Ability::Persistence), many::timeouts::LIST),
    ("many::upgrade", Some(Ability::Upgrade), many::upgrade::LIST),
    ("counting", Some(Ability::Counting), counting::LIST),
    ("pool::borrowed", Some(Ability::Pool), pool::borrowed::LIST),
    ("pool::faults", Some(Ability::Pool), pool::faults::LIST),
    ("pool::idle", Some(Ability::Pool), pool::idle::LIST),
    ("pool::keeping", Some(Ability::Pool), pool::keeping::LIST),
    ("pool::repeating", Some(Ability::Pool), pool::repeating::LIST),
    ("rpc", Some(Ability::Rpc), rpc::LIST),
    ("rpc::clients", Some(Ability::Rpc), rpc::clients::LIST),
    ("rpc::hosts", Some(Ability::Rpc), rpc::hosts::LIST),
    ("rpc::large", Some(Ability::Rpc), rpc::large::LIST),
    ("balancer::attempts", Some(Ability::SeveralBackends), balancer::attempts::LIST),
    ("balancer::choice", Some(Ability::SeveralBackends), balancer::choice::LIST),
    ("balancer::health", Some(Ability::SeveralBackends), balancer::health::LIST),
    ("balancer::recovery", Some(Ability::SeveralBackends), balancer::recovery::LIST),
    ("pages", Some(Ability::Queue), pages::LIST),
    ("pages::live", Some(Ability::Queue), pages::live::LIST),
    ("pages::metrics", Some(Ability::Queue), pages::metrics::LIST),
    ("queue", Some(Ability::Queue), queue::LIST),
    ("queue::places", Some(Ability::Queue), queue::places::LIST),
    #[cfg(target_os = "linux")]
    ("balancer::addresses", Some(Ability::SeveralBackends), balancer::addresses::LIST),
];
