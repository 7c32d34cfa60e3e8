//! The terminal: taken over and given back in one place, whoever asks — start, suspend, editor, panic, signal.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, Once, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor, event, execute, queue, style,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};

/// Set while the terminal is ours: `leave` works once, from wherever it is called first.
static OURS: AtomicBool = AtomicBool::new(false);
static MOUSE: AtomicBool = AtomicBool::new(false);

/// A frame's bytes are gathered here and written at once.
#[derive(Debug, Clone)]
struct Page(Arc<Mutex<Vec<u8>>>);

/// What a frame seldom outgrows.
const PAGE_BYTES: usize = 64 * 1024;

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Kept until the frame is whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn send(&self) -> io::Result<()> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = io::stdout().lock();
        let sent = out.write_all(&bytes).and_then(|()| out.flush());
        bytes.clear();
        sent
    }
}

/// The terminal while it is ours. Dropping it gives it back.
pub struct Screen {
    page: Page,
    terminal: Terminal<CrosstermBackend<Page>>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it is no terminal, or does not let itself be set.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        restore_on_panic();
        MOUSE.store(mouse, Ordering::SeqCst);
        // Hues are dropped by the theme under NO_COLOR; crossterm's own way would lose what is reversed too.
        style::force_color_output(true);
        let page = Page(Arc::new(Mutex::new(Vec::with_capacity(PAGE_BYTES))));
        let guard = Restore;
        take()?;
        let terminal = Terminal::new(CrosstermBackend::new(page.clone()))?;
        std::mem::forget(guard);
        Ok(Self { page, terminal })
    }

    /// Takes it over again after `leave`, and paints everything anew.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn enter_again(&mut self) -> io::Result<()> {
        take()?;
        self.repaint()
    }

    /// Forgets what is on the screen: the next frame paints all of it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn repaint(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Draws one frame inside a synchronised update, in one write.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.page, BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        queue!(self.page, EndSynchronizedUpdate)?;
        self.page.send()
    }

    /// Puts text on the clipboard of the terminal's user, over SSH too.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.page, CopyToClipboard::to_clipboard_from(text))?;
        self.page.send()
    }

    /// Sends bytes as they are: a bell, a notification.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn ring(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.page.write_all(bytes)?;
        self.page.send()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        leave();
    }
}

fn take() -> io::Result<()> {
    OURS.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    let mut out = io::stdout();
    execute!(out, EnterAlternateScreen, event::EnableBracketedPaste, event::EnableFocusChange, cursor::Hide)?;
    // The wheel arrives as arrow keys: native selection goes on working.
    out.write_all(b"\x1b[?1007h")?;
    if MOUSE.load(Ordering::SeqCst) {
        execute!(out, event::EnableMouseCapture)?;
    }
    out.flush()
}

/// Gives the terminal back. Every step runs even when one fails; called twice, it does nothing the second time.
pub fn leave() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // A frame cut short by a panic must not leave the terminal waiting for its end.
    execute!(out, EndSynchronizedUpdate).ok();
    execute!(out, event::DisableMouseCapture).ok();
    out.write_all(b"\x1b[?1007l").ok();
    execute!(out, event::DisableFocusChange).ok();
    execute!(out, event::DisableBracketedPaste).ok();
    execute!(out, style::ResetColor, cursor::Show).ok();
    execute!(out, LeaveAlternateScreen).ok();
    out.flush().ok();
    disable_raw_mode().ok();
}

/// A panic in any task gives the terminal back, says what happened, and ends the program.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let ours = OURS.load(Ordering::SeqCst);
            leave();
            before(panic);
            if ours {
                std::process::exit(101);
            }
        }));
    });
}
