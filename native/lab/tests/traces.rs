//! Readers on small files made here; and agreement with the reference figures where the open traces are at hand.

use ostraka_lab::cells::{read_reference, Reference};
use ostraka_lab::policies::{make, replay};
use ostraka_lab::trace::Trace;
use std::io::Write;
use std::path::{Path, PathBuf};

fn file(name: &str, content: &[u8]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ostraka-lab-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for test files");
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a test file");
    path
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(content).expect("packs");
    writer.finish().expect("packs")
}

#[test]
fn lis_lines_are_runs_of_blocks() {
    let trace = Trace::read(&file("runs.lis.gz", &packed(b"10 3 0 0\n11 1 0 1\r\n\n5 2 0 2\n"))).expect("reads");
    assert_eq!(trace.keys, [0, 1, 2, 1, 3, 4]);
    assert_eq!((trace.unique, trace.name.as_str()), (5, "runs"));
}

#[test]
fn csv_columns_come_from_the_header() {
    let plain = Trace::read(&file("plain.csv.gz", &packed(b"key\n-7\nx.org\n-7\n"))).expect("reads");
    assert_eq!((plain.keys, plain.sizes), (vec![0, 1, 0], None));
    let timed = Trace::read(&file("timed.csv", b"time,key\n1,9\n2,8\n2,9\n")).expect("reads");
    assert_eq!(timed.keys, [0, 1, 0]);
    let sized =
        Trace::read(&file("sized.csv.gz", &packed(b"time,key,size\n1,9,100\n2,9,200\n3,9,100\n"))).expect("reads");
    // Another size is another object.
    assert_eq!(
        (sized.keys.as_slice(), sized.sizes.as_deref()),
        ([0, 1, 0].as_slice(), Some([100, 200, 100].as_slice()))
    );
    assert_eq!(sized.footprint(), 300);
}

#[test]
fn bad_files_are_refused_with_their_name() {
    for (name, content) in
        [("a.lis", "12\n"), ("b.lis", "x 1\n"), ("c.csv", "time\n1\n"), ("d.csv", "key,size\n1,big\n")]
    {
        let error = Trace::read(&file(name, content.as_bytes())).err().expect("is refused");
        assert!(error.to_string().contains(&name[..1]), "{error}");
    }
    assert!(Trace::read(Path::new("trace.txt")).is_err());
}

#[test]
fn next_uses_point_ahead() {
    let trace = Trace::from_keys("next", [4, 5, 4, 4, 6]);
    assert_eq!(trace.next_uses(), [2, u32::MAX, 3, u32::MAX, u32::MAX]);
}

#[test]
fn traces_can_be_cut_renamed_and_mixed() {
    let trace = || Trace::from_keys("t", [1, 2, 1, 3, 1, 2, 9, 9, 9, 9]);
    assert_eq!(trace().beheaded(0.2).keys, trace().keys[2..]);
    let renamed = trace().renamed(5);
    assert_eq!(renamed.next_uses(), trace().next_uses());
    let mixed = Trace::interleaved(&[trace(), Trace::from_keys("u", [1, 2, 3, 4, 5])]);
    assert_eq!((mixed.len(), mixed.unique), (15, 9));
    let u = Trace::from_keys("u", [1, 1]);
    let turn = Trace::in_turn(&[&trace(), &u, &trace()]);
    assert_eq!(turn.keys[12..], turn.keys[..10]);
    assert_eq!(turn.unique, 5);
}

#[test]
fn policies_agree_with_the_reference() {
    let Some(folder) = std::env::var_os("OSTRAKA_TRACES").map(PathBuf::from) else {
        println!("skipped: OSTRAKA_TRACES names no folder of open traces");
        return;
    };
    let mut reference = Reference::new();
    read_reference(&folder.join("reference.csv"), &mut reference).expect("reads");
    for (name, capacity) in [("arc-oltp", 1000), ("cache2k-web12", 1000), ("lirs-multi1", 1000), ("tencent-3300", 4000)]
    {
        let trace = Trace::read(&Trace::find(&folder, name).expect("the trace")).expect("reads");
        for policy in ["fifo", "lru", "clock", "2q", "arc", "lirs", "sieve", "s3-fifo", "wtinylfu", "belady"] {
            let there = reference[&(name.to_string(), capacity, policy.to_string())];
            let mut made = make(policy, capacity, false, &trace, 1).expect("a known policy");
            let here = replay(made.as_mut(), &trace, false).hit_percent();
            // W-TinyLFU's filter depends on the hash function; all else is exact to the printed digits.
            let allowed = if policy == "wtinylfu" { 1.0 } else { 0.011 };
            assert!((here - there).abs() <= allowed, "{name}@{capacity} {policy}: {here:.2} here, {there} there");
        }
    }
}
