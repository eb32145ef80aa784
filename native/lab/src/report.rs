//! The table of cells and policies, and the figures drawn from it.

use crate::cells::{Cell, Reference};
use crate::policies::NINE;
use serde_json::{json, Value};
use std::collections::BTreeMap;
use std::fmt::Write;

pub struct Row {
    pub cell: Cell,
    pub requests: u64,
    /// Policy, object hit %, byte hit %, seconds.
    pub results: Vec<(String, f64, f64, f64)>,
}

impl Row {
    fn hit(&self, policy: &str) -> Option<f64> {
        self.results.iter().find(|r| r.0 == policy).map(|r| r.1)
    }

    /// The measured figure, else the reference's.
    fn known(&self, policy: &str, reference: &Reference) -> Option<f64> {
        self.hit(policy)
            .or_else(|| reference.get(&(self.cell.trace.clone(), self.cell.capacity, policy.to_string())).copied())
    }
}

/// Share of LRU's misses that `hit` removes.
fn removed(hit: f64, lru: f64) -> f64 {
    if lru >= 100.0 {
        0.0
    } else {
        (hit - lru) / (100.0 - lru)
    }
}

/// Figures of one policy over the cells that have LRU and a best of nine.
#[derive(Default, Clone)]
pub struct Score {
    pub cells: usize,
    pub removed: f64,
    pub best_removed: f64,
    pub worst_regret: (f64, String),
    pub worst_below_lru_long: (f64, String),
    pub worst_below_lru_short: (f64, String),
}

/// Requests from which a trace counts as long: half a point below LRU allowed, else one and a half.
pub const LONG: u64 = 100_000;

pub fn score(rows: &[Row], policy: &str, reference: &Reference, chosen: impl Fn(&Row) -> bool) -> Score {
    let mut score = Score {
        worst_regret: (f64::MIN, String::new()),
        worst_below_lru_long: (f64::MIN, String::new()),
        worst_below_lru_short: (f64::MIN, String::new()),
        ..Score::default()
    };
    for row in rows.iter().filter(|row| chosen(row)) {
        let best = NINE.iter().filter_map(|name| row.known(name, reference)).fold(f64::MIN, f64::max);
        let (Some(hit), Some(lru)) = (row.hit(policy), row.known("lru", reference)) else { continue };
        let place = format!("{}@{}", row.cell.trace, row.cell.capacity);
        score.cells += 1;
        score.removed += removed(hit, lru);
        score.best_removed += removed(best, lru);
        let worse = |worst: &mut (f64, String), by: f64| {
            if by > worst.0 {
                *worst = (by, place.clone());
            }
        };
        worse(&mut score.worst_regret, best - hit);
        let side =
            if row.requests >= LONG { &mut score.worst_below_lru_long } else { &mut score.worst_below_lru_short };
        worse(side, lru - hit);
    }
    let count = score.cells.max(1) as f64;
    score.removed /= count;
    score.best_removed /= count;
    score
}

/// The whole table as text: one line a cell, the best of the nine marked, then the figures of each policy.
pub fn text(rows: &[Row], policies: &[String], reference: &Reference) -> String {
    let mut out = String::new();
    let _ = write!(out, "{:32}", "cell");
    for policy in policies {
        let _ = write!(out, "{policy:>10}");
    }
    let _ = writeln!(out, "{:>10}{:>10}", "best of 9", "lru");
    for row in rows {
        let unit = if row.cell.by_bytes { "B" } else { "" };
        let _ = write!(out, "{:32}", format!("{}@{}{unit}", row.cell.trace, row.cell.capacity));
        for policy in policies {
            let _ = write!(out, "{:>10.2}", row.hit(policy).unwrap_or(f64::NAN));
        }
        let best = NINE.iter().filter_map(|name| row.known(name, reference)).fold(f64::NAN, f64::max);
        let _ = writeln!(out, "{best:>10.2}{:>10.2}", row.known("lru", reference).unwrap_or(f64::NAN));
    }
    let _ = writeln!(out);
    for (title, chosen) in groups() {
        if !rows.iter().any(&chosen) {
            continue;
        }
        let _ = writeln!(out, "{title}");
        for policy in policies {
            let s = score(rows, policy, reference, &chosen);
            if s.cells == 0 {
                continue;
            }
            let hits: Vec<f64> = rows.iter().filter(|r| chosen(r)).filter_map(|r| r.hit(policy)).collect();
            let mean = hits.iter().sum::<f64>() / hits.len() as f64;
            let _ = write!(
                out,
                "  {policy:10} {:3} cells  hit {mean:6.2}  removed {:6.2} % (best of nine {:5.2} %)  worst regret {:5.2} {}",
                s.cells,
                100.0 * s.removed,
                100.0 * s.best_removed,
                s.worst_regret.0,
                s.worst_regret.1
            );
            if !s.worst_below_lru_long.1.is_empty() {
                let _ = write!(out, "  below LRU long {:5.2} {}", s.worst_below_lru_long.0, s.worst_below_lru_long.1);
            }
            if !s.worst_below_lru_short.1.is_empty() {
                let _ = write!(out, "  short {:5.2} {}", s.worst_below_lru_short.0, s.worst_below_lru_short.1);
            }
            let _ = writeln!(out);
        }
    }
    out
}

type Chooser = Box<dyn Fn(&Row) -> bool>;

/// The two halves are by trace, dealt by a hash of the name: what holds on one only is over-fitted.
pub fn half_a(trace: &str) -> bool {
    let hash = trace.bytes().fold(7u64, |h, b| crate::mix(h ^ u64::from(b)));
    hash & 1 == 0
}

fn groups() -> Vec<(&'static str, Chooser)> {
    vec![
        ("cells with all nine", Box::new(|row: &Row| row.cell.group == "nine")),
        ("  half A of the traces", Box::new(|row: &Row| row.cell.group == "nine" && half_a(&row.cell.trace))),
        ("  half B of the traces", Box::new(|row: &Row| row.cell.group == "nine" && !half_a(&row.cell.trace))),
        ("  long traces", Box::new(|row: &Row| row.cell.group == "nine" && row.requests >= LONG)),
        ("cells by bytes", Box::new(|row: &Row| row.cell.group == "sized")),
    ]
}

/// Differences to the reference figures: (cell, policy, ours, theirs), largest first.
pub fn differences(rows: &[Row], reference: &Reference) -> Vec<(String, String, f64, f64)> {
    let mut found = Vec::new();
    for row in rows {
        for (policy, hit, _, _) in &row.results {
            let key = (row.cell.trace.clone(), row.cell.capacity, policy.clone());
            if let Some(theirs) = reference.get(&key) {
                found.push((format!("{}@{}", row.cell.trace, row.cell.capacity), policy.clone(), *hit, *theirs));
            }
        }
    }
    found.sort_by(|a, b| (b.2 - b.3).abs().total_cmp(&(a.2 - a.3).abs()));
    found
}

/// A picture of the cells with all nine: per policy the mean share of LRU's misses removed as a bar, each cell a dot.
pub fn plot(rows: &[Row], policies: &[String], reference: &Reference) -> String {
    const LEFT: f64 = 110.0;
    const LINE: f64 = 26.0;
    // From -40 % to +80 %: what lies outside stands at the edge.
    let x = |share: f64| LEFT + 600.0 * (share.clamp(-0.4, 0.8) + 0.4) / 1.2;
    let mut out = String::new();
    let height = 60.0 + LINE * policies.len() as f64;
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="740" height="{height}" font-family="sans-serif" font-size="12">"#
    );
    let _ = writeln!(
        out,
        r#"<rect width="740" height="{height}" fill="white"/><text x="{LEFT}" y="18">share of LRU's misses removed</text>"#
    );
    for tenth in [-4, -2, 0, 2, 4, 6, 8] {
        let at = x(f64::from(tenth) / 10.0);
        let _ = writeln!(
            out,
            r##"<path d="M{at} 28V{}" stroke="#ccc"/><text x="{at}" y="{}" text-anchor="middle">{} %</text>"##,
            height - 26.0,
            height - 10.0,
            tenth * 10
        );
    }
    for (line, policy) in policies.iter().enumerate() {
        let y = 42.0 + LINE * line as f64;
        let chosen = |row: &Row| row.cell.group == "nine";
        let mean = score(rows, policy, reference, chosen).removed;
        let (from, to) = (x(0.0).min(x(mean)), x(0.0).max(x(mean)));
        let _ = writeln!(
            out,
            r##"<text x="4" y="{}">{policy}</text><rect x="{from}" y="{}" width="{}" height="14" fill="#8ab"/>"##,
            y + 4.0,
            y - 7.0,
            to - from
        );
        for row in rows.iter().filter(|row| chosen(row)) {
            if let (Some(hit), Some(lru)) = (row.hit(policy), row.known("lru", reference)) {
                let _ = writeln!(
                    out,
                    r##"<circle cx="{:.1}" cy="{y}" r="2.5" fill="#235" fill-opacity="0.45"/>"##,
                    x(removed(hit, lru))
                );
            }
        }
    }
    out.push_str("</svg>\n");
    out
}

pub fn json(rows: &[Row], policies: &[String], reference: &Reference) -> Value {
    let cells: Vec<Value> = rows
        .iter()
        .map(|row| {
            let results: BTreeMap<&str, Value> = row
                .results
                .iter()
                .map(|(name, hit, bytes, seconds)| {
                    (name.as_str(), json!({ "hitPercent": hit, "byteHitPercent": bytes, "seconds": seconds }))
                })
                .collect();
            json!({
                "trace": row.cell.trace, "capacity": row.cell.capacity, "unit": if row.cell.by_bytes { "bytes" } else { "objects" },
                "group": row.cell.group, "requests": row.requests, "results": results,
            })
        })
        .collect();
    let mut scores = Vec::new();
    for (title, chosen) in groups() {
        for policy in policies {
            let s = score(rows, policy, reference, &chosen);
            if s.cells > 0 {
                scores.push(json!({
                    "cells": title.trim(), "policy": policy, "count": s.cells, "missesRemoved": s.removed, "bestOfNineRemoved": s.best_removed,
                    "worstRegret": { "points": s.worst_regret.0, "cell": s.worst_regret.1 },
                    "worstBelowLru": { "long": s.worst_below_lru_long.0, "short": s.worst_below_lru_short.0 },
                }));
            }
        }
    }
    json!({ "cells": cells, "scores": scores })
}
