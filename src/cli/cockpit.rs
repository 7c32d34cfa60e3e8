//! `andon` and `andon --pane`: the way into the cockpit.

use std::{future::ready, io::IsTerminal, sync::Arc};

use futures_util::{
    FutureExt, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use uuid::Uuid;

use super::{break_glass::Queue, drills, outbox, print::Failed, reach::Reach, working};
use crate::{
    api::{Accepted, Ask, DrillStarted, RecordingView, RunbookView, StartDrill, State, Used, Writing, path},
    client::{Client, Heard, LOCAL, Outbox, Sent},
    cockpit::{
        self, CockpitConfig, CockpitError, CockpitOptions, Pane,
        link::{Backend, LinkError, StepPlace},
    },
    drill::Outline,
    incident::{Command, Engage},
    telemetry::trace::Trace,
    terms::{AgentId, DrillId, IncidentId},
};

pub async fn cockpit(reach: Arc<Reach>, pane: Option<String>, incident: Option<IncidentId>) -> Result<(), Failed> {
    on_a_terminal()?;
    let pane = pane.map(|name| name.parse::<Pane>()).transpose()?;
    let (world, config) = (reach.world, config(&reach));
    reach.be_quiet();
    let client = Arc::new(Lazy { place: place(&reach)?, reach });
    Ok(cockpit::run(CockpitOptions { client, world, pane, incident, config }).await?)
}

/// That there is a terminal to show it on.
///
/// # Errors
/// There is none, and what to do.
pub fn on_a_terminal() -> Result<(), Failed> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(CockpitError::NoTerminal.to_string().into())
}

/// How people know a backend that was named.
fn place(reach: &Reach) -> Result<Option<String>, Failed> {
    Ok(reach.settings.named()?.map(|target| target.place()))
}

/// The backend, found or started when it is first asked: the first paint waits for nobody.
struct Lazy {
    reach: Arc<Reach>,
    place: Option<String>,
}

impl Lazy {
    fn client(&self) -> impl Future<Output = Result<Client, LinkError>> + Send + use<> {
        let reach = self.reach.clone();
        async move { reach.client().await.cloned().map_err(|why| LinkError::Unreachable(why.to_string())) }
    }
}

impl Backend for Lazy {
    fn state(&self, world: Option<DrillId>) -> BoxFuture<'static, Result<State, LinkError>> {
        let client = self.client();
        async move { Backend::state(&client.await?, world).await }.boxed()
    }

    fn events(&self, epoch: u32, after: u64, world: Option<DrillId>) -> BoxStream<'static, Heard> {
        let listen = move |client: Result<Client, LinkError>| match client {
            Ok(client) => Backend::events(&client, epoch, after, world),
            Err(why) => stream::once(ready(Heard::Lost(why.to_string()))).boxed(),
        };
        stream::once(self.client()).flat_map(listen).boxed()
    }

    fn submit(
        &self,
        world: Option<DrillId>,
        id: Uuid,
        command: Command,
    ) -> BoxFuture<'static, Result<Accepted, LinkError>> {
        let client = self.client();
        let reach = self.reach.clone();
        async move {
            let client = client.await?;
            match Backend::submit(&client, world, id, command.clone()).await {
                Err(LinkError::Unreachable(why)) => match outbox::keep_in(&reach, &client, world, id, command) {
                    Ok(true) => Err(LinkError::Kept(why)),
                    Ok(false) => Err(LinkError::Unreachable(why)),
                    Err(failed) => Err(LinkError::Unreachable(format!("{why}; and it cannot be kept: {failed}"))),
                },
                answer => answer,
            }
        }
        .boxed()
    }

    fn send_kept(&self) -> BoxFuture<'static, Vec<Sent>> {
        let (client, outbox) = (self.client(), Outbox::in_folder(&self.reach.settings.home.data));
        async move {
            match client.await {
                Ok(client) => outbox.send(&client).await.unwrap_or_default(),
                Err(_) => Vec::new(),
            }
        }
        .boxed()
    }

    fn waiting(&self) -> usize {
        let place = self.place.clone().unwrap_or_else(|| LOCAL.to_owned());
        Outbox::in_folder(&self.reach.settings.home.data).waiting(&place).len()
    }

    fn writing(&self, world: Option<DrillId>, writing: Option<Writing>) -> BoxFuture<'static, ()> {
        let client = self.client();
        async move {
            if let Ok(client) = client.await {
                Backend::writing(&client, world, writing).await;
            }
        }
        .boxed()
    }

    fn play(&self, name: String) -> BoxFuture<'static, Result<DrillId, LinkError>> {
        let (client, reach) = (self.client(), self.reach.clone());
        async move {
            let client = client.await?;
            let read = tokio::task::spawn_blocking(move || drills::named(&reach, &name)).await;
            let read = read.map_err(|_| LinkError::Refused("the recording was not read".into()))?;
            let (name, recording) = read.map_err(|why| LinkError::Refused(why.0))?;
            let ask = Ask { id: Uuid::now_v7(), command: StartDrill { name, recording, speed: None, seed: 0 } };
            Ok(client.post::<_, DrillStarted>(path::DRILLS, &ask).await?.id)
        }
        .boxed()
    }

    fn recordings(&self) -> BoxFuture<'static, Result<Vec<RecordingView>, LinkError>> {
        let (client, reach) = (self.client(), self.reach.clone());
        async move {
            let mut all = Backend::recordings(&client.await?).await?;
            let own = tokio::task::spawn_blocking(move || drills::own(&reach)).await;
            all.extend(own.unwrap_or_default());
            Ok(all)
        }
        .boxed()
    }

    fn outline(&self, drill: DrillId) -> BoxFuture<'static, Result<Outline, LinkError>> {
        let client = self.client();
        async move { Backend::outline(&client.await?, drill).await }.boxed()
    }

    fn trace(&self, world: Option<DrillId>, incident: IncidentId) -> BoxFuture<'static, Result<Trace, LinkError>> {
        let client = self.client();
        async move { Backend::trace(&client.await?, world, incident).await }.boxed()
    }

    fn used(&self, world: Option<DrillId>, agent: AgentId) -> BoxFuture<'static, Result<Vec<Used>, LinkError>> {
        let client = self.client();
        async move { Backend::used(&client.await?, world, agent).await }.boxed()
    }

    fn runbook(&self, version: String) -> BoxFuture<'static, Result<RunbookView, LinkError>> {
        let client = self.client();
        async move { Backend::runbook(&client.await?, version).await }.boxed()
    }

    fn run_step(&self, place: StepPlace, command: String) -> BoxFuture<'static, Result<String, LinkError>> {
        let reach = self.reach.clone();
        async move { working::run_shown(&reach, place, command).await.map_err(|why| LinkError::Refused(why.0)) }.boxed()
    }

    fn break_glass(&self, engage: Engage) -> BoxFuture<'static, Result<String, LinkError>> {
        let reach = self.reach.clone();
        async move {
            let refused = |why: String| LinkError::Refused(why);
            let actuators = reach.settings.runbook().map_err(|why| refused(why.to_string()))?.actuators.clone();
            let fired = Queue::of(&reach.settings.home).fire(engage, &actuators).await.map_err(refused)?;
            tokio::spawn(async move { reach.reconcile_soon().await });
            let done = fired.iter().map(|one| format!("{} {}", one.name, one.outcome.state));
            let done: Vec<String> = done.collect();
            let done =
                if done.is_empty() { "no actuator of this host goes with it".to_owned() } else { done.join(", ") };
            Ok(format!("glass broken: {done}; the backend is told once it is back"))
        }
        .boxed()
    }

    fn place(&self) -> Option<String> {
        self.place.clone()
    }
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
        Ok(runbook) => read.runbook = Some(runbook),
        Err(wrong) => banners.push(format!("runbook: {wrong}")),
    }
    let keys = settings.config.keys.iter();
    read.keys = keys.map(|(name, keys)| (name.clone(), keys.split_whitespace().map(str::to_owned).collect())).collect();
    read.mouse = settings.config.mouse;
    read.config_file = Some(settings.file.display().to_string());
    read.banners = banners;
    read
}
