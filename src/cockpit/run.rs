//! The loop: one queue, `update`, effects, a frame when it is due.

use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use crossterm::event::{Event as Input, MouseEventKind};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    draw::draw,
    effect::{Effect, Runner},
    external_editor,
    frame::Pace,
    keymap::Keymap,
    message::Message,
    model::{Look, Model, Pane},
    options::{CockpitConfig, CockpitError, CockpitOptions, Notify},
    sync,
    terminal::{self, Screen},
    text::Zone,
    theme::{Theme, ThemeName},
    typing::Typing,
    update::update,
};
use crate::terms::Time;

/// Messages waiting for `update`; senders wait when there are more.
const QUEUE: usize = 512;
/// Messages taken before a frame is considered.
const BURST: usize = 256;
/// How long asked commands are waited for when leaving.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs the cockpit until it is left.
///
/// # Errors
/// When there is no terminal, or it goes away.
pub async fn run(options: CockpitOptions) -> Result<(), CockpitError> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(CockpitError::NoTerminal);
    }
    let look = look(&options.config);
    let mut screen = Screen::enter(options.config.mouse)?;
    let (sender, messages) = mpsc::channel(QUEUE);
    let mut model = Model::new(now(), crossterm::terminal::size()?, look);
    model.writer = uuid::Uuid::new_v4().as_u64_pair().0;
    begin(&mut model, &options);
    let runner = Runner::new(options.client.clone(), sender);
    // First paint before the network answers.
    screen.draw(|frame| draw(&model, frame))?;
    let mut program = Program {
        model,
        screen,
        runner,
        messages,
        input: Some(Typing::begin()),
        pace: Pace::default(),
        notify: options.config.notify,
        rung_at: None,
    };
    let world = options.world;
    let first = sync::follow(&mut program.model, world);
    program.effect(first).await?;
    let ended = program.turn().await;
    program.runner.stop();
    drop(program);
    ended.map_err(CockpitError::from)
}

fn begin(model: &mut Model, options: &CockpitOptions) {
    let config = &options.config;
    let (keymap, clashes) = Keymap::with(&config.keys);
    model.keymap = keymap;
    model.banners = config.banners.iter().cloned().chain(clashes).collect();
    model.utc = config.utc;
    model.runbook = config.runbook.clone();
    model.places.config = config.config_file.clone();
    model.places.backend = options.client.place();
    model.world = options.world;
    model.incident = options.incident;
    model.pinned = options.incident.is_some();
    model.only = options.pane;
    model.focus = options.pane.unwrap_or(Pane::Tripwires);
}

fn now() -> Time {
    chrono::Utc::now().into()
}

/// What this terminal can show.
fn look(config: &CockpitConfig) -> Look {
    let profile = termprofile::TermProfile::detect(&io::stdout(), termprofile::DetectorSettings::default());
    let theme = config.theme.unwrap_or_else(|| {
        let mut options = terminal_colorsaurus::QueryOptions::default();
        options.timeout = Duration::from_millis(100);
        match terminal_colorsaurus::theme_mode(options) {
            Ok(terminal_colorsaurus::ThemeMode::Light) => ThemeName::Light,
            _ => ThemeName::Dark,
        }
    });
    Look {
        theme: Theme::shipped(theme),
        colours: profile > termprofile::TermProfile::NoColor,
        ascii: !is_utf8(|name| std::env::var(name).ok()),
        zone: Zone::Local,
    }
}

/// Whether the locale is UTF-8: the first of LC_ALL, LC_CTYPE, LANG that says anything.
fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    said.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

struct Program {
    model: Model,
    screen: Screen,
    runner: Runner,
    messages: mpsc::Receiver<Message>,
    input: Option<Typing>,
    pace: Pace,
    notify: Notify,
    rung_at: Option<Instant>,
}

/// What one wait brought.
enum Woken {
    Input(Option<io::Result<Input>>),
    Message(Message),
    Frame,
}

impl Program {
    async fn turn(&mut self) -> io::Result<()> {
        let mut clock = interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut term, mut hang_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
        loop {
            let woken = self.wait(&mut clock, &mut term, &mut hang_up).await;
            let more = match woken {
                Woken::Frame => {
                    let model = &self.model;
                    self.screen.draw(|frame| draw(model, frame))?;
                    self.pace.drawn(Instant::now());
                    continue;
                }
                Woken::Message(message) => self.take(message).await?,
                Woken::Input(Some(Ok(input))) => self.input(input).await?,
                Woken::Input(Some(Err(gone))) => return Err(gone),
                // The terminal hung up: nobody is there to see anything.
                Woken::Input(None) => self.take(Message::Terminate).await?,
            };
            if !more || !self.drain().await? {
                return self.last_words().await;
            }
            self.pace.touch();
        }
    }

    async fn wait(&mut self, clock: &mut Interval, term: &mut Signal, hang_up: &mut Signal) -> Woken {
        let due = self.pace.due_at(Instant::now());
        let frame = async {
            match due {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        let input = async {
            match &mut self.input {
                Some(input) => input.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = term.recv() => Woken::Message(Message::Terminate),
            _ = hang_up.recv() => Woken::Message(Message::Terminate),
            input = input => Woken::Input(input),
            () = frame => Woken::Frame,
            Some(message) = self.messages.recv() => Woken::Message(message),
            _ = clock.tick() => Woken::Message(Message::Tick),
        }
    }

    /// Takes what is waiting already, so that a burst costs one frame.
    async fn drain(&mut self) -> io::Result<bool> {
        for _ in 0..BURST {
            let input = self.input.as_mut().and_then(Typing::waiting);
            let more = match (input, self.messages.try_recv()) {
                (None, Err(_)) => return Ok(true),
                (Some(input), message) => {
                    let more = self.input(input?).await?;
                    match message {
                        Ok(message) => more && self.take(message).await?,
                        Err(_) => more,
                    }
                }
                (None, Ok(message)) => self.take(message).await?,
            };
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn input(&mut self, input: Input) -> io::Result<bool> {
        let message = match input {
            Input::Key(key) => Message::Key(key),
            Input::Paste(text) => Message::Paste(text),
            Input::Resize(columns, rows) => Message::Resized(columns, rows),
            Input::FocusGained => Message::Focused(true),
            Input::FocusLost => Message::Focused(false),
            Input::Mouse(mouse) => match mouse.kind {
                MouseEventKind::ScrollDown => Message::Wheel(3),
                MouseEventKind::ScrollUp => Message::Wheel(-3),
                _ => return Ok(true),
            },
        };
        self.take(message).await
    }

    /// One message; false when the program ends.
    async fn take(&mut self, message: Message) -> io::Result<bool> {
        for effect in update(&mut self.model, now(), message) {
            if !self.effect(effect).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn effect(&mut self, effect: Effect) -> io::Result<bool> {
        match effect {
            Effect::Quit => return Ok(false),
            Effect::Follow { world, load } => self.runner.follow(world, load),
            Effect::Submit { world, what, command } => self.runner.submit(world, what, *command),
            Effect::BreakGlass(engage) => self.runner.break_glass(*engage),
            Effect::RunStep { place, command } => self.runner.run_step(place, command),
            Effect::Trace { world, incident } => self.runner.trace(world, incident),
            Effect::SendKept => self.runner.send_kept(),
            Effect::Writing { world, writing } => self.runner.writing(world, writing),
            Effect::ReadUsed { world, agent } => self.runner.read_used(world, agent),
            Effect::ReadRunbook(version) => self.runner.read_runbook(version),
            Effect::Play { name } => self.runner.play(name),
            Effect::ReadOutline(drill) => self.runner.read_outline(drill),
            Effect::ReadRecordings => self.runner.read_recordings(),
            Effect::Edit { text, .. } => self.edit(text).await?,
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::Repaint => self.screen.repaint()?,
            Effect::Suspend => self.suspend().await?,
            Effect::Alert(text) => self.alert(&text)?,
        }
        Ok(true)
    }

    /// Back to the shell until it continues us.
    async fn suspend(&mut self) -> io::Result<()> {
        if let Some(typing) = self.input.take() {
            typing.stop().await;
        }
        terminal::leave();
        rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
        self.screen.enter_again()?;
        self.input = Some(Typing::begin());
        Ok(())
    }

    /// The terminal is the editor's while it runs; what arrives meanwhile waits in the queue.
    async fn edit(&mut self, text: String) -> io::Result<()> {
        if let Some(typing) = self.input.take() {
            typing.stop().await;
        }
        terminal::leave();
        let text = external_editor::run(&text).await;
        self.screen.enter_again()?;
        self.input = Some(Typing::begin());
        let back = Message::Edited(text);
        for effect in update(&mut self.model, now(), back) {
            if let Effect::Submit { world, what, command } = effect {
                self.runner.submit(world, what, *command);
            }
        }
        Ok(())
    }

    fn alert(&mut self, text: &str) -> io::Result<()> {
        let rested = self.rung_at.is_none_or(|at| at.elapsed() > Duration::from_secs(10));
        if !rested || self.notify == Notify::Off {
            return Ok(());
        }
        self.rung_at = Some(Instant::now());
        match self.notify {
            Notify::Osc9 => {
                let text = crate::terms::Printable::line(text).cut(120);
                self.screen.ring(format!("\x1b]9;{text}\x07").as_bytes())
            }
            _ => self.screen.ring(b"\x07"),
        }
    }

    /// What was asked is still sent.
    async fn last_words(&mut self) -> io::Result<()> {
        let until = tokio::time::Instant::now() + LAST_WORDS;
        while self.runner.asking() > 0 {
            let heard = tokio::time::timeout_at(until, self.messages.recv()).await;
            if !matches!(heard, Ok(Some(_))) {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides_whether_glyphs_are_ascii() {
        let with = |pairs: &'static [(&str, &str)]| {
            is_utf8(move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(with(&[("LANG", "en_GB.UTF-8")]));
        assert!(with(&[("LC_ALL", ""), ("LANG", "C.utf8")]));
        assert!(!with(&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]), "LC_ALL decides");
        assert!(!with(&[]));
    }
}
