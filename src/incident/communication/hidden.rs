//! Characters that show a reader something else than was written: found, named, folded away (COM.3).

/// What a character does, if it is hidden or turns others round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// A control character or an escape.
    Control,
    /// It turns the order of what follows.
    Bidi,
    /// It takes no room.
    ZeroWidth,
}

impl Hidden {
    /// What `c` does.
    pub fn of(c: char) -> Option<Self> {
        Some(match c {
            '\n' | '\t' => return None,
            _ if c.is_control() => Self::Control,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Self::Bidi,
            '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' => Self::ZeroWidth,
            '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => Self::ZeroWidth,
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}' => Self::ZeroWidth,
            _ => return None,
        })
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Control => "a control character",
            Self::Bidi => "a character that turns the order of the text",
            Self::ZeroWidth => "a character that nobody sees",
        }
    }
}

/// Whether a joiner does its work: between letters of a script that needs it, or within an emoji.
pub(super) fn joins(before: Option<char>, c: char, after: Option<char>) -> bool {
    let wide = |c: Option<char>| c.is_some_and(|c| c > '\u{24f}');
    matches!(c, '\u{200c}' | '\u{200d}') && wide(before) && wide(after)
}

/// The first character that keeps a text from being sent: its place in characters, from 1, and its name.
pub fn forbidden(text: &str) -> Option<(usize, String)> {
    text.chars().enumerate().find_map(|(at, c)| match Hidden::of(c)? {
        Hidden::ZeroWidth => None,
        hidden => Some((at + 1, format!("{} (U+{:04X})", hidden.words(), c as u32))),
    })
}

/// A letter as a reader would take it: look-alikes of other scripts, wide and mathematical forms and accents as the plain
/// small letter. `None` is passed over: it takes no room, or only marks the letter before.
pub(super) fn folded(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c.to_ascii_lowercase());
    }
    if Hidden::of(c).is_some() || matches!(c, '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{1ab0}'..='\u{1aff}')
    {
        return None;
    }
    let n = c as u32;
    let letter = |offset: u32| char::from_u32(u32::from('a') + offset % 26);
    match c {
        '\u{ff21}'..='\u{ff3a}' => return letter(n - 0xff21),
        '\u{ff41}'..='\u{ff5a}' => return letter(n - 0xff41),
        '\u{24b6}'..='\u{24e9}' => return letter(n - 0x24b6),
        '\u{1f130}'..='\u{1f149}' => return letter(n - 0x1f130),
        '\u{1f150}'..='\u{1f169}' => return letter(n - 0x1f150),
        '\u{1d400}'..='\u{1d6a3}' => return letter(n - 0x1d400),
        _ => {}
    }
    let small = c.to_lowercase().next().unwrap_or(c);
    Some(match small {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'а' | 'α' | 'ɑ' => 'a',
        'ƅ' | 'ь' | 'в' | 'β' => 'b',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' | 'с' | 'ϲ' | 'ⅽ' => 'c',
        'ď' | 'đ' | 'ԁ' | 'ⅾ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'е' | 'є' | 'ε' | 'ё' => 'e',
        'ɡ' | 'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'һ' | 'н' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'і' | 'ї' | 'ι' | 'ⅰ' | 'ӏ' => 'i',
        'ј' | 'ĵ' => 'j',
        'κ' | 'к' | 'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' | 'ⅼ' | 'ǀ' => 'l',
        'м' | 'ⅿ' => 'm',
        'ñ' | 'ń' | 'ņ' | 'ň' | 'η' | 'п' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'о' | 'ο' | 'σ' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ŕ' | 'ŗ' | 'ř' | 'г' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ѕ' => 's',
        'ţ' | 'ť' | 'ŧ' | 'т' | 'τ' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'υ' | 'ս' => 'u',
        'ν' | 'ѵ' | 'ⅴ' => 'v',
        'ŵ' | 'ԝ' | 'ω' => 'w',
        'х' | 'χ' | 'ⅹ' => 'x',
        'ý' | 'ÿ' | 'ŷ' | 'у' | 'γ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        '’' => '\'',
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_sees_is_named_and_folded_away() {
        for (c, hidden) in [
            ('\u{1b}', Hidden::Control),
            ('\r', Hidden::Control),
            ('\u{9b}', Hidden::Control),
            ('\u{202e}', Hidden::Bidi),
            ('\u{2066}', Hidden::Bidi),
            ('\u{200b}', Hidden::ZeroWidth),
            ('\u{ad}', Hidden::ZeroWidth),
            ('\u{e0041}', Hidden::ZeroWidth),
        ] {
            assert_eq!((Hidden::of(c), folded(c)), (Some(hidden), if c.is_ascii() { Some(c) } else { None }), "{c:?}");
        }
        assert!(['a', 'é', '日', '\n', '\t', '—'].iter().all(|c| Hidden::of(*c).is_none()));
        let plain = |text: &str| text.chars().filter_map(folded).collect::<String>();
        assert_eq!(plain("Ｈаｌⅼսϲі𝐧𝒂𝚝е𝖽"), "hallucinated");
        assert_eq!(plain("te\u{ad}ch\u{200b}ni\u{301}cal"), "technical");
        assert_eq!(forbidden("ab\u{202e}c").unwrap().0, 3);
        assert_eq!(forbidden("soft\u{ad}hyphen, 日本\n\tok"), None);
    }

    proptest! {
        #[test]
        fn folding_never_makes_a_hidden_character(c in any::<char>()) {
            if let Some(plain) = folded(c).filter(|_| !c.is_ascii()) {
                prop_assert_eq!(Hidden::of(plain), None);
            }
        }
    }
}
