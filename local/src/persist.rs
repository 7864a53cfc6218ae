//! Files of the data folder, which outlive the process.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Reads a file, and creates it first if it does not exist. Without a file, the
/// content lives as long as the process.
pub(crate) fn read_or_create(
    file: Option<&Path>,
    create: impl FnOnce() -> io::Result<Vec<u8>>,
) -> io::Result<Vec<u8>> {
    let Some(file) = file else { return create() };
    match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let content = create()?;
            replace(file, &content)?;
            Ok(content)
        }
        read => read,
    }
}

/// Replaces a file atomically: a crash leaves the old content or the new.
pub(crate) fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    owner_only(&mut options).open(&new)?.write_all(content)?;
    fs::rename(new, file)
}

/// Appends a line to a file.
pub(crate) fn append(file: &Path, line: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // One write, so that lines of several writers do not mix.
    owner_only(&mut options)
        .open(file)?
        .write_all(&[line, b"\n"].concat())
}

/// Creates a folder that only the owner can look into, unless it exists.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Creates a file that only its owner can read, or takes the others' right away.
pub(crate) fn make_private(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    let opened = owner_only(&mut options).open(file)?;
    #[cfg(unix)]
    opened.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Lets only the owner read the file: it may hold keys, or links of emails.
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
