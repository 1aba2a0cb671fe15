//! Tells the linker where libreflow is: where the system looks, or in REFLOW_LIB_DIR.
fn main() {
    println!("cargo:rerun-if-env-changed=REFLOW_LIB_DIR");
    println!("cargo:rustc-link-lib=dylib=reflow");
    if let Ok(folder) = std::env::var("REFLOW_LIB_DIR") {
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
