//! Files of cells and of reference figures: what is judged is data, not code.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

/// One judged case. `group` is `nine` (all nine policies have reference figures), `extra` or `sized`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub trace: String,
    pub capacity: u64,
    pub by_bytes: bool,
    pub group: String,
}

/// Hit percentages by (trace, capacity, policy).
pub type Reference = HashMap<(String, u64, String), f64>;

pub fn read_cells(path: &Path) -> io::Result<Vec<Cell>> {
    rows(path)?
        .into_iter()
        .map(|row| match row.as_slice() {
            [trace, capacity, unit, group] => Ok(Cell {
                trace: trace.clone(),
                capacity: number(capacity, path)?,
                by_bytes: unit == "bytes",
                group: group.clone(),
            }),
            _ => Err(bad(path, "a line is not `trace,capacity,unit,group`")),
        })
        .collect()
}

/// Reads `trace,capacity,policy,hit` files. Adds to `into`.
pub fn read_reference(path: &Path, into: &mut Reference) -> io::Result<()> {
    for row in rows(path)? {
        let [trace, capacity, policy, hit] = row.as_slice() else {
            return Err(bad(path, "a line is not `trace,capacity,policy,hit`"));
        };
        into.insert((trace.clone(), number(capacity, path)?, policy.clone()), number(hit, path)?);
    }
    Ok(())
}

/// Reads `trace,capacity,hit` figures of one policy, under the name given.
pub fn read_single(path: &Path, policy: &str, into: &mut Reference) -> io::Result<()> {
    for row in rows(path)? {
        let [trace, capacity, hit] = row.as_slice() else {
            return Err(bad(path, "a line is not `trace,capacity,hit`"));
        };
        into.insert((trace.clone(), number(capacity, path)?, policy.to_string()), number(hit, path)?);
    }
    Ok(())
}

fn rows(path: &Path) -> io::Result<Vec<Vec<String>>> {
    let text = fs::read_to_string(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
    let lines = text.lines().skip(1).filter(|line| !line.trim().is_empty());
    Ok(lines.map(|line| line.split(',').map(|field| field.trim().to_string()).collect()).collect())
}

fn number<T: std::str::FromStr>(text: &str, path: &Path) -> io::Result<T> {
    text.parse().map_err(|_| bad(path, &format!("`{text}` is no number")))
}

fn bad(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()))
}
