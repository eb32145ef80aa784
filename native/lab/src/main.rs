//! The laboratory's command line. `ostraka-lab help` says what it takes.

use ostraka_lab::cells::{self, Cell, Reference};
use ostraka_lab::policies::{self, NINE};
use ostraka_lab::report::{self, Row};
use ostraka_lab::trace::Trace;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const HELP: &str =
    "ostraka-lab table --traces FOLDER [--cells FILE] [--policies a,b,…] [--only TEXT] [--group nine|extra|sized]
                  [--json FILE] [--plot FILE.svg] [--check] [--seed N]
    Replays every cell with every policy and prints the table. Reference figures are taken from the folder
    (reference.csv, reference-sized.csv); --check lists where ours differ from them by more than 0.1 points.
    --rename N replays under other key numbers, --behead 0.1 without the first tenth (then LRU is measured too).
ostraka-lab run FILE --capacity N [--bytes] [--policies a,b,…]
    One trace, one capacity.
ostraka-lab curve FILE [--sample 0.1] [--points 10] [--policies a,b,…]
    Hit percentages over capacities from 0.1 % of the objects to all of them, by sampled keys.
ostraka-lab together FILE… --capacity N [--policies a,b,…]
    Several traces interleaved under names of their own, through one cache.
ostraka-lab scenes [--capacity N] [--policies a,b,…] [--then FILE,FILE,…]
    Changes of phase and floods: hit percentages over time, in 30 parts. --then plays files one after the other.

FOLDER may also be given in OSTRAKA_TRACES. Policies: fifo lru clock 2q arc lirs sieve s3-fifo wtinylfu gdsf belady.";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let outcome = Options::parse(words).and_then(|options| match command.as_str() {
        "table" => table(&options),
        "run" => run(&options),
        "curve" => curve(&options),
        "together" => together(&options),
        "scenes" => scenes(&options),
        _ => Err(HELP.to_string()),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// `--name value` pairs, `--flag`s (stored as empty) and bare words.
struct Options {
    named: HashMap<String, String>,
    bare: Vec<String>,
}

impl Options {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        const FLAGS: [&str; 2] = ["check", "bytes"];
        let mut options = Options { named: HashMap::new(), bare: Vec::new() };
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some(flag) if FLAGS.contains(&flag) => drop(options.named.insert(flag.to_string(), String::new())),
                Some(name) => {
                    let value = words.next().ok_or_else(|| format!("--{name} wants a value"))?;
                    options.named.insert(name.to_string(), value);
                }
                None => options.bare.push(word),
            }
        }
        Ok(options)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> Result<Option<u64>, String> {
        self.get(name).map(|text| text.parse().map_err(|_| format!("--{name} {text}: no number"))).transpose()
    }

    fn policies(&self) -> Vec<String> {
        match self.get("policies") {
            None => NINE.iter().map(ToString::to_string).collect(),
            Some(list) => list
                .split(',')
                .flat_map(|name| if name == "nine" { NINE.to_vec() } else { vec![name] })
                .map(str::to_string)
                .collect(),
        }
    }

    fn folder(&self) -> Result<PathBuf, String> {
        let given =
            self.get("traces").map(PathBuf::from).or_else(|| std::env::var_os("OSTRAKA_TRACES").map(PathBuf::from));
        given.ok_or_else(|| "where are the traces? --traces FOLDER or OSTRAKA_TRACES".to_string())
    }
}

fn table(options: &Options) -> Result<(), String> {
    let folder = options.folder()?;
    let default_cells = Path::new(env!("CARGO_MANIFEST_DIR")).join("cells.csv");
    let cells = cells::read_cells(options.get("cells").map_or(default_cells.as_path(), Path::new)).map_err(text)?;
    let cells: Vec<Cell> = cells
        .into_iter()
        .filter(|cell| options.get("only").is_none_or(|wanted| wanted.split(',').any(|part| cell.trace.contains(part))))
        .filter(|cell| options.get("group").is_none_or(|wanted| wanted.split(',').any(|group| cell.group == group)))
        .collect();
    let mut reference = Reference::new();
    for name in ["reference.csv", "reference-sized.csv"] {
        let path = folder.join(name);
        if path.exists() {
            cells::read_reference(&path, &mut reference).map_err(text)?;
        }
    }
    let seed = options.number("seed")?.unwrap_or(1);
    let policies = options.policies();
    let mut rows = Vec::new();
    let mut loaded: Option<Trace> = None;
    for cell in cells {
        if loaded.as_ref().is_none_or(|trace| trace.name != cell.trace) {
            let Some(path) = Trace::find(&folder, &cell.trace) else {
                eprintln!("{}: no such trace in {}, skipped", cell.trace, folder.display());
                continue;
            };
            let mut trace = Trace::read(&path).map_err(text)?;
            if let Some(seed) = options.number("rename")? {
                trace = trace.renamed(seed);
            }
            if let Some(share) = options.get("behead") {
                trace = trace.beheaded(share.parse().map_err(|_| "--behead SHARE")?);
            }
            loaded = Some(trace);
        }
        let Some(trace) = &loaded else { continue };
        let results = measure(trace, cell.capacity, cell.by_bytes, &policies, seed)?;
        rows.push(Row { cell, requests: trace.len() as u64, results });
    }
    print!("{}", report::text(&rows, &policies, &reference));
    if options.get("check").is_some() {
        println!("\nagainst the reference");
        let differences = report::differences(&rows, &reference);
        for (cell, policy, ours, theirs) in differences.iter().filter(|d| (d.2 - d.3).abs() > 0.1) {
            println!("  {cell:32}{policy:10}{ours:8.2} here {theirs:8.2} there {:+8.2}", ours - theirs);
        }
        let close = differences.iter().filter(|d| (d.2 - d.3).abs() <= 0.1).count();
        println!("  {close} of {} within 0.1 points", differences.len());
    }
    if let Some(path) = options.get("plot") {
        std::fs::write(path, report::plot(&rows, &policies, &reference)).map_err(text)?;
    }
    if let Some(path) = options.get("json") {
        let value = report::json(&rows, &policies, &reference);
        std::fs::write(path, serde_json::to_vec_pretty(&value).map_err(text)?).map_err(text)?;
    }
    Ok(())
}

fn measure(
    trace: &Trace,
    capacity: u64,
    by_bytes: bool,
    names: &[String],
    seed: u64,
) -> Result<Vec<(String, f64, f64, f64)>, String> {
    let mut results = Vec::new();
    for name in names {
        let mut policy = policies::make(name, capacity, by_bytes, trace, seed)
            .ok_or_else(|| format!("no policy `{name}`\n{HELP}"))?;
        let start = Instant::now();
        let outcome = policies::replay(policy.as_mut(), trace, by_bytes);
        results.push((name.clone(), outcome.hit_percent(), outcome.byte_hit_percent(), start.elapsed().as_secs_f64()));
    }
    Ok(results)
}

fn run(options: &Options) -> Result<(), String> {
    let [file] = options.bare.as_slice() else { return Err(HELP.to_string()) };
    let capacity = options.number("capacity")?.ok_or("--capacity N")?;
    let trace = Trace::read(Path::new(file)).map_err(text)?;
    println!("{}: {} requests, {} objects, footprint {}", trace.name, trace.len(), trace.unique, trace.footprint());
    let seed = options.number("seed")?.unwrap_or(1);
    let by_bytes = options.get("bytes").is_some();
    for (name, hit, byte_hit, seconds) in measure(&trace, capacity, by_bytes, &options.policies(), seed)? {
        println!("{name:10} hit {hit:6.2} %  bytes {byte_hit:6.2} %  {seconds:6.2} s");
    }
    Ok(())
}

fn curve(options: &Options) -> Result<(), String> {
    let [file] = options.bare.as_slice() else { return Err(HELP.to_string()) };
    let rate: f64 = options.get("sample").unwrap_or("0.1").parse().map_err(|_| "--sample SHARE")?;
    let points = options.number("points")?.unwrap_or(10).max(2);
    let seed = options.number("seed")?.unwrap_or(1);
    let whole = Trace::read(Path::new(file)).map_err(text)?;
    let trace = whole.sampled(rate, seed);
    println!("{}: {} of {} requests sampled", whole.name, trace.len(), whole.len());
    println!("{:>10}  {}", "capacity", options.policies().iter().map(|name| format!("{name:>10}")).collect::<String>());
    for point in 0..points {
        let share = 1000f64.powf(point as f64 / (points - 1) as f64 - 1.0);
        let capacity = ((trace.unique as f64 * share) as u64).max(1);
        let results = measure(&trace, capacity, false, &options.policies(), seed)?;
        let line: String = results.iter().map(|(_, hit, _, _)| format!("{hit:>10.2}")).collect();
        println!("{:>10}  {line}", (whole.unique as f64 * share) as u64);
    }
    Ok(())
}

fn together(options: &Options) -> Result<(), String> {
    let capacity = options.number("capacity")?.ok_or("--capacity N")?;
    let traces: Result<Vec<Trace>, _> =
        options.bare.iter().map(|file| Trace::read(Path::new(file)).map_err(text)).collect();
    let trace = Trace::interleaved(&traces?);
    println!("{}: {} requests, {} objects", trace.name, trace.len(), trace.unique);
    let seed = options.number("seed")?.unwrap_or(1);
    for (name, hit, _, seconds) in measure(&trace, capacity, false, &options.policies(), seed)? {
        println!("{name:10} hit {hit:6.2} %  {seconds:6.2} s");
    }
    Ok(())
}

fn scenes(options: &Options) -> Result<(), String> {
    const PARTS: usize = 30;
    let capacity = options.number("capacity")?.unwrap_or(1000);
    let seed = options.number("seed")?.unwrap_or(1);
    let mut all = Vec::new();
    if let Some(files) = options.get("then") {
        let traces: Result<Vec<Trace>, _> =
            files.split(',').map(|file| Trace::read(Path::new(file)).map_err(text)).collect();
        all.push(("in turn", Trace::in_turn(&traces?.iter().collect::<Vec<_>>())));
    } else {
        all = ostraka_lab::trace::scenes(capacity, seed);
    }
    for (title, trace) in all {
        println!("{title}: {} requests, capacity {capacity}", trace.len());
        for name in options.policies() {
            let mut policy =
                policies::make(&name, capacity, false, &trace, seed).ok_or_else(|| format!("no policy `{name}`"))?;
            let hits: Vec<bool> = trace.keys.iter().map(|&key| policy.request(key, 1)).collect();
            let percent =
                |part: &[bool]| 100.0 * part.iter().filter(|&&hit| hit).count() as f64 / part.len().max(1) as f64;
            let curve: Vec<String> =
                hits.chunks(hits.len().div_ceil(PARTS).max(1)).map(|part| format!("{:.0}", percent(part))).collect();
            println!("  {name:10} {:6.2} %  {}", percent(&hits), curve.join(" "));
        }
    }
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
