//! Events of a stream, as Streamable HTTP carries messages.

use axum::body::Bytes;

use super::message::{Id, Kind, Message};

/// A message as an event of a stream.
pub fn frame(line: &[u8]) -> Bytes {
    let mut frame = b"event: message\ndata: ".to_vec();
    frame.extend_from_slice(line.trim_ascii_end());
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

/// Bytes of a stream that are no whole event yet.
#[derive(Default)]
pub struct Waiting {
    bytes: Vec<u8>,
    /// So far there is no end in them.
    looked: usize,
}

impl Waiting {
    /// Takes more bytes; false when too many wait.
    pub fn takes(&mut self, chunk: &[u8], longest: usize) -> bool {
        self.bytes.extend_from_slice(chunk);
        self.bytes.len() <= longest
    }

    /// The next whole event, with its end.
    pub fn pop(&mut self) -> Option<Vec<u8>> {
        // An end may have begun in what was looked through.
        let from = self.looked.saturating_sub(3);
        match first_end(&self.bytes[from..]) {
            Some(end) => {
                self.looked = 0;
                Some(self.bytes.drain(..from + end).collect())
            }
            None => {
                self.looked = self.bytes.len();
                None
            }
        }
    }
}

/// Where the first event ends.
fn first_end(bytes: &[u8]) -> Option<usize> {
    let ends = [&b"\n\n"[..], b"\r\n\r\n", b"\r\r"];
    let at = |end: &[u8]| bytes.windows(end.len()).position(|window| window == end).map(|at| at + end.len());
    ends.into_iter().filter_map(at).min()
}

/// The data of an event.
pub fn data_of(raw: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(raw).ok()?;
    let lines = text.split(['\n', '\r']).filter_map(|line| line.strip_prefix("data:"));
    let data: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    (!data.is_empty()).then(|| data.join("\n").into_bytes())
}

/// Whether a message answers that call.
pub fn is_answer(data: &[u8], call: &Id) -> bool {
    matches!(Message::read_whole(data), Ok(Message { kind: Kind::Response { id }, .. }) if id == *call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_at_their_ends_in_every_spelling() {
        for (text, length, data) in [
            ("data: {\"a\":1}\n\nrest", Some(15), Some("{\"a\":1}")),
            ("event: message\r\ndata: x\r\ndata:y\r\n\r\n", Some(35), Some("x\ny")),
            (": comment\n\n", Some(11), None),
            ("data: not yet", None, Some("not yet")),
        ] {
            let mut waiting = Waiting::default();
            // However the chunks are cut.
            let events: Vec<Vec<u8>> = text
                .as_bytes()
                .chunks(3)
                .filter_map(|chunk| {
                    assert!(waiting.takes(chunk, 1_000));
                    waiting.pop()
                })
                .collect();
            assert_eq!(events.first().map(Vec::len), length, "{text}");
            let end = length.unwrap_or(text.len());
            assert_eq!(data_of(&text.as_bytes()[..end]).as_deref(), data.map(str::as_bytes), "{text}");
        }
        let answer = br#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
        assert!(is_answer(answer, &Id::Number(7)) && !is_answer(answer, &Id::Text("7".into())));
    }
}
