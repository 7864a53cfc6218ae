//! Files of the data folder: what has to outlive the process.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Reads a file; makes it first where there is none. Without a file, what is
/// made is for this process alone.
pub(crate) fn read_or_make(
    file: Option<&Path>,
    make: impl FnOnce() -> io::Result<Vec<u8>>,
) -> io::Result<Vec<u8>> {
    let Some(file) = file else { return make() };
    match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let content = make()?;
            replace(file, &content)?;
            Ok(content)
        }
        read => read,
    }
}

/// Writes a file as a whole or, if the machine fails meanwhile, not at all.
pub(crate) fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    owner_only(&mut options).open(&new)?.write_all(content)?;
    fs::rename(new, file)
}

/// Adds a line to a file.
pub(crate) fn append(file: &Path, line: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // In one piece, so that no other line comes between.
    owner_only(&mut options)
        .open(file)?
        .write_all(&[line, b"\n"].concat())
}

/// Keys and links in emails are nobody else's business.
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
