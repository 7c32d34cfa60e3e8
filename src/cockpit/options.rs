//! What a cockpit is started with, and why one cannot be shown.

use std::{collections::BTreeMap, io, sync::Arc};

use super::{link::Backend, model::Pane, theme::ThemeName};
use crate::{
    runbook::Runbook,
    terms::{DrillId, IncidentId, words},
};

words! {
    /// How a person who looks elsewhere is told of a page.
    Notify, "a way to notify" {
        /// Not at all.
        Off = "off",
        /// The terminal's bell.
        Bell = "bell",
        /// A desktop notification, where the terminal knows OSC 9.
        Osc9 = "osc9",
    }
}

/// What the config says of the cockpit.
#[derive(Debug, Clone)]
pub struct CockpitConfig {
    /// A theme; `None` asks the terminal whether it is dark or light.
    pub theme: Option<ThemeName>,
    /// Catch the mouse; native selection then needs shift.
    pub mouse: bool,
    /// How to notify.
    pub notify: Notify,
    /// Times in UTC from the start.
    pub utc: bool,
    /// Own keys by command name.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The runbook whose schemes, classes and audiences are offered.
    pub runbook: Option<Arc<Runbook>>,
    /// The config file's place, for help.
    pub config_file: Option<String>,
    /// What was wrong with it.
    pub banners: Vec<String>,
}

impl Default for CockpitConfig {
    fn default() -> Self {
        Self {
            theme: None,
            mouse: false,
            notify: Notify::Off,
            utc: false,
            keys: BTreeMap::new(),
            runbook: None,
            config_file: None,
            banners: Vec::new(),
        }
    }
}

/// What a cockpit is started with.
pub struct CockpitOptions {
    /// The backend.
    pub client: Arc<dyn Backend>,
    /// The world to show; `None` is the real one.
    pub world: Option<DrillId>,
    /// Only this pane, for a split.
    pub pane: Option<Pane>,
    /// Stays with this incident.
    pub incident: Option<IncidentId>,
    /// What the config says.
    pub config: CockpitConfig,
}

/// Why the cockpit could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum CockpitError {
    /// Standard input or output is a pipe or a file.
    #[error("the cockpit needs a terminal; `andon status` says how things stand without one")]
    NoTerminal,
    /// The terminal did not take it.
    #[error("the terminal did not take it: {0}; `andon status` says how things stand without one")]
    Terminal(#[from] io::Error),
}
