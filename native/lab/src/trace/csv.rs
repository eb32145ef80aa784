//! CSV traces: a header `key`, `time,key` or `time,key,size`, then one request a line.

use super::Trace;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;

pub fn parse(name: &str, bytes: &[u8]) -> io::Result<Trace> {
    let mut lines = bytes.split(|&b| b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let header = lines.next().unwrap_or_default();
    let column = |wanted: &[u8]| header.split(|&b| b == b',').position(|title| title == wanted);
    let Some(key_column) = column(b"key") else { return Err(bad(name, "the header has no `key`")) };
    let size_column = column(b"size");
    let mut numbers: HashMap<(&[u8], u32), u32, BuildHasherDefault<ByteHasher>> = HashMap::default();
    let mut keys = Vec::new();
    let mut sizes = Vec::new();
    for line in lines {
        if line.is_empty() {
            continue;
        }
        let field = |wanted: usize| line.split(|&b| b == b',').nth(wanted);
        let Some(key) = field(key_column) else { return Err(bad(name, "a line has no key")) };
        let size = match size_column {
            None => 0,
            Some(at) => field(at)
                .and_then(|text| std::str::from_utf8(text).ok()?.trim().parse::<u32>().ok())
                .ok_or_else(|| bad(name, "a size is no number"))?,
        };
        let fresh = numbers.len() as u32;
        keys.push(*numbers.entry((key, size)).or_insert(fresh));
        if size_column.is_some() {
            sizes.push(size.max(1));
        }
    }
    let unique = numbers.len();
    Ok(Trace { name: name.to_string(), keys, sizes: size_column.map(|_| sizes), unique })
}

fn bad(name: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name}: {why}"))
}

/// FNV-1a with a final mix: short keys, no adversary, no reason to pay for SipHash.
#[derive(Default)]
struct ByteHasher(u64);

impl Hasher for ByteHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        crate::mix(self.0)
    }
}
