//! Traces in memory: every key is interned once to a dense number, so policies index plain arrays.

mod csv;
mod intern;
mod lis;
mod transform;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use intern::Interner;
pub use transform::{scenes, zipf};

/// A request sequence. `keys[i]` is below `unique`; `sizes` (bytes) is there only when the source has sizes.
pub struct Trace {
    pub name: String,
    pub keys: Vec<u32>,
    pub sizes: Option<Vec<u32>>,
    pub unique: usize,
}

impl Trace {
    /// Reads `*.lis.gz` (ARC's own format) or `*.csv.gz`; the same without `.gz` works too.
    /// Where a CSV has sizes, a key seen with another size is another object, as in the reference figures.
    pub fn read(path: &Path) -> io::Result<Trace> {
        let file_name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let bare = file_name.strip_suffix(".gz").unwrap_or(file_name);
        let mut bytes = Vec::new();
        let mut file = File::open(path)?;
        if bare.len() != file_name.len() {
            flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes)?;
        } else {
            file.read_to_end(&mut bytes)?;
        }
        match bare.rsplit_once('.') {
            Some((name, "lis")) => lis::parse(name, &bytes),
            Some((name, "csv")) => csv::parse(name, &bytes),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{file_name}: neither .lis nor .csv"))),
        }
    }

    /// A trace made of plain key numbers, for tests and generators.
    pub fn from_keys(name: &str, source: impl IntoIterator<Item = u64>) -> Trace {
        let mut interner = Interner::new();
        let keys = source.into_iter().map(|key| interner.number(key)).collect();
        Trace { name: name.to_string(), keys, sizes: None, unique: interner.len() }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes of all distinct objects together; their count when the trace has no sizes.
    pub fn footprint(&self) -> u64 {
        let Some(sizes) = &self.sizes else { return self.unique as u64 };
        let mut seen = vec![false; self.unique];
        let mut total = 0;
        for (&key, &size) in self.keys.iter().zip(sizes) {
            if !std::mem::replace(&mut seen[key as usize], true) {
                total += u64::from(size);
            }
        }
        total
    }

    /// For each request the index of the next request of the same key, or `u32::MAX`. What Belady looks up.
    pub fn next_uses(&self) -> Vec<u32> {
        let mut upcoming = vec![u32::MAX; self.unique];
        let mut next = vec![u32::MAX; self.keys.len()];
        for (at, &key) in self.keys.iter().enumerate().rev() {
            next[at] = std::mem::replace(&mut upcoming[key as usize], at as u32);
        }
        next
    }

    /// The file of trace `name` in `folder`, whichever of the known endings it has.
    pub fn find(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
        ["lis.gz", "csv.gz", "lis", "csv"]
            .iter()
            .map(|ending| folder.join(format!("{name}.{ending}")))
            .find(|p| p.exists())
    }
}
