use super::*;

const UNIQUE: FileOptions = FileOptions { temporary_name: TemporaryName::Unique, is_synced: false, is_private: true };

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn publish(file: DurableFile) {
    file.close().expect("room").publish(&mut Publishing::begin()).expect("it is renamed");
}

#[test]
fn a_file_has_its_final_name_only_when_it_is_published() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    fs::write(&path, "old").expect("room");
    for (temporary_name, expected) in
        [(TemporaryName::Suffix, "a.txt.partial"), (TemporaryName::Hidden, "_a.txt.partial")]
    {
        let mut file = FileOptions { temporary_name, ..FileOptions::default() }.create(&path).expect("a file");
        file.write_all(b"new").expect("room");
        let complete = file.close().expect("room");
        assert_eq!((complete.bytes(), fs::read(&path).expect("it is there")), (3, b"old".to_vec()));
        assert!(names(folder.path()).contains(&expected.to_owned()), "{expected}");
        drop(complete);
        assert_eq!(names(folder.path()), ["a.txt"], "what is not published is removed");
    }
    let mut file = UNIQUE.create(&path).expect("a file");
    file.write_all(b"new").expect("room");
    assert!(names(folder.path())[0].starts_with(UNIQUE_PREFIX));
    publish(file);
    assert_eq!((names(folder.path()), fs::read(&path).expect("it is there")), (vec!["a.txt".into()], b"new".to_vec()));
}

#[test]
fn an_error_while_writing_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    write(&path, |out| out.write_all(b"old")).expect("room");
    let error = write(&path, |out| out.write_all(b"new").and_then(|()| Err(io::Error::other("the disk is full"))));
    assert_eq!(error.expect_err("it failed").to_string(), "the disk is full");
    assert_eq!((names(folder.path()), fs::read(&path).expect("it is there")), (vec!["a.txt".into()], b"old".to_vec()));
}

#[test]
fn one_program_at_a_time_writes_a_file_and_several_write_unique_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    let first = FileOptions::default().create(&path).expect("a file");
    let error = FileOptions::default().create(&path).expect_err("it is being written");
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let complete = first.close().expect("room");
    let error = FileOptions::default().create(&path).expect_err("it is not published");
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    complete.publish(&mut Publishing::begin()).expect("it is renamed");

    let (mut one, mut other) = (UNIQUE.create(&path).expect("a file"), UNIQUE.create(&path).expect("another"));
    one.write_all(b"one").expect("room");
    other.write_all(b"other").expect("room");
    publish(one);
    publish(other);
    assert_eq!(
        (names(folder.path()), fs::read(&path).expect("it is there")),
        (vec!["a.txt".into()], b"other".to_vec())
    );
}

#[test]
fn an_unfinished_file_is_locked_until_it_is_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.txt");
    let file = FileOptions::default().create(&path).expect("a file");
    // Whoever removes a file needs this.
    let unfinished = unfinished();
    let is_locked = std::thread::scope(|scope| {
        let dropping = scope.spawn(|| drop(file));
        std::thread::sleep(std::time::Duration::from_millis(100));
        let other = File::options().write(true).open(temporary_path(&path)).expect("it is not removed yet");
        let is_locked = matches!(other.try_lock(), Err(TryLockError::WouldBlock));
        drop(unfinished);
        dropping.join().expect("no panic");
        is_locked
    });
    assert!(is_locked);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_folder_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = write(folder.path(), |_| Ok(())).expect_err("it is a folder");
    assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn a_link_stays_and_the_file_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("real")).expect("a folder");
        let (real, link) = (folder.path().join("real/a.txt"), folder.path().join("link.txt"));
        fs::write(&real, "old").expect("room");
        symlink(&real, &link).expect("a link");
        write(&link, |out| out.write_all(b"new")).expect("room");
        assert_eq!(fs::read(&real).expect("it is there"), b"new");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    }

    #[test]
    fn a_link_with_the_temporary_name_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, mine) = (folder.path().join("a.txt"), folder.path().join("mine.txt"));
        fs::write(&mine, "mine").expect("room");
        symlink(&mine, temporary_path(&path)).expect("a link");
        let error = write(&path, |out| out.write_all(b"new")).expect_err("the name is taken");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((names(folder.path()).len(), fs::read(&mine).expect("it is there")), (2, b"mine".to_vec()));
    }

    #[test]
    fn a_new_file_has_the_permissions_of_the_old_one_and_a_private_one_is_its_owners() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        for permissions in [0o640, 0o400] {
            write(&path, |out| out.write_all(b"text")).expect("room");
            fs::set_permissions(&path, Permissions::from_mode(permissions)).expect("they are set");
            let file = FileOptions::default().create(&path).expect("a file");
            assert_eq!(mode(&temporary_path(&path)), permissions | 0o200);
            publish(file);
            assert_eq!(mode(&path), permissions);
        }
        let private = folder.path().join("private");
        publish(UNIQUE.create(&private).expect("a file"));
        assert_eq!(mode(&private), 0o600);
        // What a killed program left is used again.
        let left = temporary_path(&private);
        fs::write(&left, "half").expect("room");
        fs::set_permissions(&left, Permissions::from_mode(0o644)).expect("they are set");
        publish(FileOptions { is_private: true, ..FileOptions::default() }.create(&private).expect("a file"));
        assert_eq!(mode(&private), 0o600);
    }

    #[test]
    fn a_file_that_was_renamed_does_not_have_its_old_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let (temporary, published) = (folder.path().join("a.txt.partial"), folder.path().join("a.txt"));
        let file = File::create(&temporary).expect("room");
        assert!(has_name(&file, &temporary));
        fs::rename(&temporary, &published).expect("it is renamed");
        assert!(!has_name(&file, &temporary), "nothing has the name");
        fs::write(&temporary, "of another program").expect("room");
        assert!(!has_name(&file, &temporary), "another file has the name");
        assert!(has_name(&file, &published));
    }

    /// Programs that write the same file again and again, as fast as they can.
    #[test]
    fn a_published_file_is_never_written_to() {
        const WRITERS: usize = 4;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.txt");
        write(&path, |out| out.write_all(b"whole")).expect("room");
        let options = FileOptions { is_synced: false, ..FileOptions::default() };
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        // In another process, nothing but the file's own lock is in the way.
                        let Ok((temporary, file)) = options.reuse(temporary_path(&path)) else { continue };
                        file.set_len(0).and_then(|()| (&file).write_all(b"whole")).expect("room");
                        fs::rename(temporary, &path).expect("nobody else renames it while it is locked");
                    }
                });
            }
            for _ in 0..2000 {
                assert_eq!(fs::read(&path).expect("it is always there"), b"whole");
            }
        });
    }

    #[test]
    fn a_device_is_written_to_directly() {
        write(Path::new("/dev/null"), |out| out.write_all(b"text")).expect("it takes anything");
        assert!(matches!(Output::at(Path::new("/dev/null")), Ok(Output::Stream(_))));
    }
}
