//! Styles by role, from `assets/themes/`; what a terminal without colours or without UTF-8 is given instead.

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier, Style},
};
use serde::Deserialize;

use crate::terms::words;

words! {
    /// What a style stands for. Nothing is told by its hue alone: each has a sign, a word or a modifier too.
    Role, "a role of the theme" {
        /// Names, titles.
        Strong = "strong",
        /// What is less important, or old.
        Dim = "dim",
        /// Keys, numbers of panes.
        Key = "key",
        /// Proved, met, done.
        Good = "good",
        /// Needs an eye soon.
        Warn = "warn",
        /// Missed, escaped, refused.
        Bad = "bad",
        /// The selected row.
        Selected = "selected",
        /// A border.
        Border = "border",
        /// The border of the pane that takes the keys.
        Focus = "focus",
        /// Something is halted.
        Halted = "halted",
        /// A drill, on every pane.
        Drill = "drill",
        /// The worst severity.
        Severity1 = "severity-1",
        /// The one below.
        Severity2 = "severity-2",
        /// Below that.
        Severity3 = "severity-3",
        /// The mildest.
        Severity4 = "severity-4",
    }
}

words! {
    /// The shipped themes.
    ThemeName, "a theme" {
        /// For dark terminals.
        Dark = "dark",
        /// For light terminals.
        Light = "light",
        /// Bold and reversed, few hues.
        HighContrast = "high-contrast",
        /// Blue and yellow in place of red and green.
        ColourBlind = "colour-blind",
    }
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Look {
    #[serde(deserialize_with = "hue")]
    fg: Option<Color>,
    #[serde(deserialize_with = "hue")]
    bg: Option<Color>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
}

/// A hue by its ANSI name, or as `#rrggbb`.
fn hue<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Color>, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse()
        .map(Some)
        .map_err(|_| serde::de::Error::custom(format!("{name:?} is no colour: red, lightcyan, #rrggbb")))
}

/// Styles by role.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme(Vec<Style>);

impl Theme {
    /// A theme from its TOML text.
    ///
    /// # Errors
    /// Names the role or word that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let looks: std::collections::BTreeMap<Role, Look> =
            toml::from_str(text).map_err(|wrong| format!("the theme does not read: {wrong}"))?;
        Ok(Self(Role::ALL.iter().map(|role| looks.get(role).copied().unwrap_or_default().style()).collect()))
    }

    /// A shipped theme.
    pub fn shipped(name: ThemeName) -> Self {
        let text = match name {
            ThemeName::Dark => include_str!("../../assets/themes/dark.toml"),
            ThemeName::Light => include_str!("../../assets/themes/light.toml"),
            ThemeName::HighContrast => include_str!("../../assets/themes/high-contrast.toml"),
            ThemeName::ColourBlind => include_str!("../../assets/themes/colour-blind.toml"),
        };
        Self::parse(text).unwrap_or_else(|_| Self(vec![Style::new(); Role::ALL.len()]))
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        self.0.get(role as usize).copied().unwrap_or_default()
    }

    /// The style of a severity by its rank, 0 being the worst.
    pub fn severity(&self, rank: usize) -> Style {
        self.style([Role::Severity1, Role::Severity2, Role::Severity3, Role::Severity4][rank.min(3)])
    }
}

impl Look {
    fn style(self) -> Style {
        let mut style = Style { fg: self.fg, bg: self.bg, ..Style::new() };
        let modifiers = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underline, Modifier::UNDERLINED),
            (self.reverse, Modifier::REVERSED),
        ];
        for (on, modifier) in modifiers {
            if on {
                style = style.add_modifier(modifier);
            }
        }
        style
    }
}

/// The sign of a severity by rank: shape tells it where colour does not.
pub fn severity_sign(rank: usize) -> &'static str {
    ["▲", "◆", "●", "○"][rank.min(3)]
}

/// Drops every hue and keeps modifiers (NO_COLOR).
pub fn without_colours(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        cell.fg = Color::Reset;
        cell.bg = Color::Reset;
        cell.underline_color = Color::Reset;
    }
}

/// Replaces every glyph that is not ASCII by its twin, cell by cell.
pub fn in_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let twin = cell.symbol().chars().next().map_or(' ', ascii_twin);
            cell.set_char(twin);
        }
    }
}

fn ascii_twin(glyph: char) -> char {
    match glyph {
        '▲' => '^',
        '◆' => '#',
        '●' => '*',
        '○' | '◇' => 'o',
        '■' => 'X',
        '▣' => '=',
        '□' => '_',
        '✓' => '+',
        '⊘' => '/',
        '▸' | '→' | '›' | '↦' => '>',
        '←' | '‹' => '<',
        '↑' => '^',
        '↓' => 'v',
        '─' | '╌' | '–' | '—' | '╶' | '╴' => '-',
        '━' => '=',
        '│' | '┃' | '▌' | '▮' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╯' | '╰' | '┏' | '┓' | '┗' | '┛' => {
            '+'
        }
        '…' => '.',
        '·' => '-',
        '✉' => '@',
        '⚑' | '⚠' => '!',
        '“' | '”' | '„' => '"',
        '’' | '‘' => '\'',
        '✎' => '&',
        '×' => 'x',
        '★' => '*',
        '≠' => '~',
        '▁' => '_',
        '▂' => '.',
        '▃' => ':',
        '▄' => '-',
        '▅' => '=',
        '▆' => '+',
        '▇' => '*',
        '█' => '#',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_theme_reads_and_names_every_role() {
        for name in ThemeName::ALL {
            let theme = Theme::shipped(*name);
            for role in [Role::Selected, Role::Drill, Role::Halted, Role::Severity1] {
                assert_ne!(theme.style(role), Style::new(), "{name} {role}");
            }
            for role in Role::ALL {
                let style = theme.style(*role);
                let unreadable = [Some(Color::White), Some(Color::Black)];
                assert!(
                    !unreadable.contains(&style.fg),
                    "{name} {role}: no white or black text on a user's background"
                );
            }
        }
    }

    #[test]
    fn severities_differ_without_colour_and_without_utf8() {
        let signs: std::collections::BTreeSet<char> =
            (0..4).filter_map(|rank| severity_sign(rank).chars().next()).map(ascii_twin).collect();
        assert_eq!(signs.len(), 4);
        assert!(signs.iter().all(char::is_ascii));
    }
}
