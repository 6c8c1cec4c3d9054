//! Where files may lie that somebody names: everywhere, or below folders that the operator lists (a config provider's
//! `allowed.paths`, the worker's `worker.allow.paths`).
//!
//! Names are compared after `.` and `..` are taken out, as Java does; links are followed, for mounted secrets are links.

use std::path::{Component, Path, PathBuf};

/// The folders and files of a list; none means no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AllowedPaths(Option<Vec<PathBuf>>);

impl AllowedPaths {
    /// Reads the list: absolute paths that exist, with commas between.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(Self(None)) };
        let paths = text.split(',').map(|path| {
            let path = Path::new(path.trim());
            if !path.is_absolute() {
                return Err(format!("Path {} is not absolute", path.display()));
            }
            if !path.exists() {
                return Err(format!("Path {} does not exist", path.display()));
            }
            Ok(normalised(path))
        });
        Ok(Self(Some(paths.collect::<Result<_, _>>()?)))
    }

    /// True when there is a list.
    pub(super) fn is_limited(&self) -> bool {
        self.0.is_some()
    }

    /// The path to open; none when it may not be read.
    pub(super) fn admit(&self, path: &str) -> Option<PathBuf> {
        let Some(allowed) = &self.0 else { return Some(PathBuf::from(path)) };
        let path = normalised(Path::new(path));
        allowed.iter().any(|allowed| path.starts_with(allowed)).then_some(path)
    }
}

fn normalised(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => drop(out.pop()),
            Component::ParentDir if out.has_root() => {}
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::AllowedPaths;
    use std::path::PathBuf;

    #[test]
    fn only_what_is_below_an_allowed_path() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().to_str().unwrap();
        let allowed = AllowedPaths::parse(Some(&format!("{base}, /usr"))).unwrap();
        let admitted = |path: &str| allowed.admit(path);
        assert_eq!(admitted(&format!("{base}/./a/../b")), Some(folder.path().join("b")));
        assert_eq!(admitted("/usr/x"), Some(PathBuf::from("/usr/x")));
        for path in ["/etc/passwd", "/usrx", "/usr/../etc/passwd", "/usr/../../../etc", "usr/x", "../usr", ""]
        {
            assert_eq!(admitted(path), None, "{path}");
        }
        assert_eq!(AllowedPaths::parse(None).unwrap().admit("/etc/x"), Some(PathBuf::from("/etc/x")));
    }

    #[test]
    fn a_limit_that_cannot_hold_is_refused() {
        assert_eq!(AllowedPaths::parse(Some("etc")), Err("Path etc is not absolute".to_owned()));
        assert_eq!(AllowedPaths::parse(Some("/no/such")), Err("Path /no/such does not exist".to_owned()));
    }
}
