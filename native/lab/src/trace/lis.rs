//! ARC's text format: `start count ignored request` per line; a line asks for `count` consecutive blocks.

use super::{Interner, Trace};
use std::io;

pub fn parse(name: &str, bytes: &[u8]) -> io::Result<Trace> {
    let mut interner = Interner::new();
    let mut keys = Vec::new();
    for (row, line) in bytes.split(|&b| b == b'\n').enumerate() {
        let mut fields = line.split(|b| b.is_ascii_whitespace()).filter(|f| !f.is_empty()).map(number);
        let (Some(start), Some(count)) = (fields.next(), fields.next()) else {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return Err(bad(name, row));
        };
        let (Some(start), Some(count)) = (start, count) else { return Err(bad(name, row)) };
        keys.extend((start..start + count).map(|block| interner.number(block)));
    }
    Ok(Trace { name: name.to_string(), keys, sizes: None, unique: interner.len() })
}

fn number(field: &[u8]) -> Option<u64> {
    field.iter().try_fold(0u64, |sum, &b| b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0')))
}

fn bad(name: &str, row: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name}: line {} is not `start count …`", row + 1))
}
