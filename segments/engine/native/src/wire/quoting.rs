//! Foreign texts and bytes in messages, as Python's `repr` shows them: quoted, and nothing in them reaches a terminal.

use std::fmt::Write;

/// A text in quotes; what can't be printed is escaped.
pub fn text(text: &str) -> String {
    let quote = quote_for(text.contains('\''), text.contains('"'));
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for each in text.chars() {
        push_char(&mut out, each, quote);
    }
    out.push(quote);
    out
}

/// Bytes in quotes, after a b.
pub fn bytes(bytes: &[u8]) -> String {
    let quote = quote_for(bytes.contains(&b'\''), bytes.contains(&b'"'));
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push('b');
    out.push(quote);
    for &each in bytes {
        match each {
            0x20..0x7F => push_char(&mut out, each as char, quote),
            b'\t' | b'\n' | b'\r' => push_char(&mut out, each as char, quote),
            _ => push(&mut out, format_args!("\\x{each:02x}")),
        }
    }
    out.push(quote);
    out
}

fn quote_for(single: bool, double: bool) -> char {
    if single && !double { '"' } else { '\'' }
}

fn push(out: &mut String, what: std::fmt::Arguments) {
    // Writing to a String can't fail.
    let _ = out.write_fmt(what);
}

fn push_char(out: &mut String, each: char, quote: char) {
    match each {
        '\\' => out.push_str("\\\\"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        _ if each == quote => {
            out.push('\\');
            out.push(each);
        }
        _ if is_printable(each) => out.push(each),
        _ => match each as u32 {
            code @ ..0x100 => push(out, format_args!("\\x{code:02x}")),
            code @ ..0x1_0000 => push(out, format_args!("\\u{code:04x}")),
            code => push(out, format_args!("\\U{code:08x}")),
        },
    }
}

/// Rust's own table has the same categories as Python's (library/core/src/unicode/printable.py), but is private:
/// `Debug` of a text escapes what is not in it, and, at the front only, what extends the letter before.
fn is_printable(each: char) -> bool {
    if each.is_ascii() {
        return (' '..='~').contains(&each);
    }
    let mut both = [0; 8];
    both[0] = b'a';
    let length = 1 + each.encode_utf8(&mut both[1..]).len();
    let shown = std::str::from_utf8(&both[..length]).map(str::escape_debug);
    shown.is_ok_and(|mut shown| shown.nth(1) == Some(each))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quotes are chosen, and escaped, as Python does.
    #[test]
    fn quotes() {
        assert_eq!(text("anna"), "'anna'");
        assert_eq!(text("o'neill"), "\"o'neill\"");
        assert_eq!(text("'\""), "'\\'\"'");
        assert_eq!(bytes(b"o'neill\xff\n"), "b\"o'neill\\xff\\n\"");
    }

    /// What can't be printed is escaped by its length; letters, marks and emoji are shown.
    #[test]
    fn escapes() {
        assert_eq!(
            text("\x1b\u{7f}\u{a0}\u{200b}\u{e000}\u{f0000}"),
            "'\\x1b\\x7f\\xa0\\u200b\\ue000\\U000f0000'"
        );
        assert_eq!(text("é\u{301}😀"), "'é\u{301}😀'");
    }
}
