//! Links the addon for Node and pins it in memory.

fn main() {
    napi_build::setup();
    // Where only worker threads loaded the addon, the last one's exit would unmap its image and reset its statics,
    // with thread-local destructors still to run. Stated here and not in .cargo/config.toml, because there it would
    // be dropped whenever RUSTFLAGS is set.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
