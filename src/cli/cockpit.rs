//! `andon` and `andon --pane`: the way into the cockpit.

use std::{io::IsTerminal, sync::Arc};

use super::{print::Failed, reach::Reach};
use crate::{
    cockpit::{self, CockpitConfig, CockpitError, CockpitOptions, Pane},
    drill,
    terms::IncidentId,
};

pub async fn cockpit(reach: &Reach, pane: Option<String>, incident: Option<IncidentId>) -> Result<(), Failed> {
    if !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return Err(CockpitError::NoTerminal.to_string().into());
    }
    let pane = pane.map(|name| name.parse::<Pane>()).transpose()?;
    let client = reach.client().await?.clone();
    let options =
        CockpitOptions { client: Arc::new(client), world: reach.world, pane, incident, config: config(reach) };
    Ok(cockpit::run(options).await?)
}

/// What the settings say of the cockpit; a word that does not read is told in a banner, and its default holds.
fn config(reach: &Reach) -> CockpitConfig {
    let settings = &reach.settings;
    let mut banners: Vec<String> = settings.wrong.iter().cloned().collect();
    let mut read = CockpitConfig::default();
    match settings.config.theme.as_str() {
        "auto" => {}
        name => match name.parse() {
            Ok(theme) => read.theme = Some(theme),
            Err(wrong) => banners.push(format!("config: theme: {wrong}, or auto")),
        },
    }
    match settings.config.notify.parse() {
        Ok(notify) => read.notify = notify,
        Err(wrong) => banners.push(format!("config: notify: {wrong}")),
    }
    match settings.runbook() {
        Ok(runbook) => read.runbook = Some(Arc::new(runbook)),
        Err(wrong) => banners.push(format!("runbook: {wrong}")),
    }
    let keys = settings.config.keys.iter();
    read.keys = keys.map(|(name, keys)| (name.clone(), keys.split_whitespace().map(str::to_owned).collect())).collect();
    read.recordings = drill::SHIPPED
        .iter()
        .map(|(name, _)| ((*name).to_owned(), drill::shipped(name).map(|one| one.title).unwrap_or_default()))
        .collect();
    read.mouse = settings.config.mouse;
    read.config_file = Some(settings.file.display().to_string());
    read.banners = banners;
    read
}
