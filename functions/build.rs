//! Compiles the pages' files in: each under a name with the hash of its
//! content, and compressed already.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// Constant, file, media type.
const ASSETS: [(&str, &str, &str); 3] = [
    (
        "SCRIPT",
        "pages/dist/app.js",
        "text/javascript; charset=utf-8",
    ),
    ("STYLE", "pages/pages.css", "text/css; charset=utf-8"),
    ("ICON", "pages/icon.svg", "image/svg+xml"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    let mut source = String::new();
    for (constant, file, media_type) in ASSETS {
        println!("cargo::rerun-if-changed={file}");
        let plain = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        let name = hashed_name(Path::new(file), &plain)?;
        fs::write(out.join(&name), &plain)?;
        fs::write(out.join(format!("{name}.br")), brotli(&plain)?)?;
        fs::write(out.join(format!("{name}.gz")), gzip(&plain)?)?;
        let bytes = |ending: &str| {
            format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}{ending}\"))")
        };
        writeln!(
            source,
            "pub(super) const {constant}_NAME: &str = {name:?};\n\
             static {constant}: Asset = Asset {{ name: {constant}_NAME, media_type: {media_type:?}, \
             plain: {}, brotli: {}, gzip: {} }};",
            bytes(""),
            bytes(".br"),
            bytes(".gz"),
        )?;
    }
    fs::write(out.join("assets.rs"), source)?;
    Ok(())
}

/// `app.js` with some content is `app-0123456789abcdef.js`.
fn hashed_name(file: &Path, content: &[u8]) -> Result<String, Box<dyn Error>> {
    let part =
        |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
    let stem = part(file.file_stem()).ok_or("a file without a name")?;
    let ending = part(file.extension()).ok_or("a file without an ending")?;
    let mut hash = String::new();
    for byte in Sha256::digest(content).iter().take(8) {
        write!(hash, "{byte:02x}")?;
    }
    Ok(format!("{stem}-{hash}.{ending}"))
}

fn brotli(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &plain[..], &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    // Without a time: the same file gives the same bytes.
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}
