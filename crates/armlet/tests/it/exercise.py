"""Does to a shared directory what programs do to file systems, and says what does not come out as it should.

usage: exercise.py DIR host|mapped: makes DIR, leaves what it made there, and writes how it sees that to DIR.txt.
"""
import errno, fcntl, hashlib, mmap, os, socket, stat, sys, zlib

root, owners = sys.argv[1:]
os.umask(0o22)
os.mkdir(root)
os.chdir(root)


def refused(number, action, *args):
    try:
        action(*args)
    except OSError as error:
        assert error.errno == number, (action, args, error)
    else:
        raise AssertionError((action, args, "is not refused"))


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)


def read(name):
    with open(name, "rb") as file:
        return file.read()


def many():
    os.mkdir("many")
    for index in range(2000):
        os.close(os.open(f"many/{index}", os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
    assert sorted(map(int, os.listdir("many"))) == list(range(2000))
    for index in range(0, 2000, 2):
        os.unlink(f"many/{index}")
    assert sorted(map(int, os.listdir("many"))) == list(range(1, 2000, 2))
    refused(errno.ENOTEMPTY, os.rmdir, "many")
    refused(errno.EEXIST, os.mkdir, "many")


def data():
    block = hashlib.sha256(b"x").digest() * 40000
    write("data", block)
    assert read("data") == block
    with open("data", "r+b") as file:
        file.seek(5_000_000)
        file.write(b"end")
        file.flush()
        os.fsync(file.fileno())
        file.truncate(5_000_002)
    assert os.stat("data").st_size == 5_000_002
    assert read("data") == block + bytes(5_000_000 - len(block)) + b"en"
    write("log", b"one\n")
    with open("log", "ab") as file:
        file.write(b"two\n")
    assert read("log") == b"one\ntwo\n"
    os.truncate("log", 4)
    assert read("log") == b"one\n"


def names():
    write("a", b"a")
    write("b", b"b")
    os.link("a", "hard")
    assert os.stat("hard").st_nlink == 2 and os.path.samefile("a", "hard")
    os.rename("a", "b")
    assert read("b") == b"a" and not os.path.exists("a")
    os.makedirs("one/two/three")
    os.rename("one/two", "moved")
    assert os.listdir("moved") == ["three"] and os.listdir("one") == []
    refused(errno.EINVAL, os.rename, "moved", "moved/three/x")
    os.symlink("../outside/" + "x" * 200, "link")
    assert os.readlink("link").endswith("xxx") and os.path.islink("link")
    os.symlink("/etc/../b", "absolute")
    refused(errno.ENOENT, open, "link")
    refused(errno.ENOENT, os.stat, "nothing")
    refused(errno.ENAMETOOLONG, os.stat, "n" * 256)
    os.mkdir("n" * 255)
    os.mkdir("späße 🐧")
    with open("gone", "w+") as file:
        os.unlink("gone")
        file.write("still")
        file.flush()
        file.seek(0)
        assert file.read() == "still"


def attributes():
    write("modes", b"")
    for mode in [0o644, 0o400, 0o751, 0o000]:
        os.chmod("modes", mode)
        assert stat.S_IMODE(os.stat("modes").st_mode) == mode, oct(mode)
    os.chmod("modes", 0o640)
    os.utime("modes", ns=(1_500_000_000_123_456_789, 1_600_000_000_987_654_321))
    # Linux keeps times on 9P in seconds.
    assert os.stat("modes").st_mtime_ns // 1_000_000_000 == 1_600_000_000
    os.setxattr("modes", "user.color", b"green")
    os.setxattr("modes", "user.other", bytes(1000))
    assert os.getxattr("modes", "user.color") == b"green"
    assert sorted(os.listxattr("modes")) == ["user.color", "user.other"]
    os.removexattr("modes", "user.other")
    refused(errno.ENODATA, os.getxattr, "modes", "user.other")
    refused(errno.EEXIST, os.setxattr, "modes", "user.color", b"", os.XATTR_CREATE)
    os.mkdir("sticky", 0o700)
    os.chmod("sticky", 0o1777)
    assert stat.S_IMODE(os.stat("sticky").st_mode) == 0o1777
    os.statvfs(".")
    if owners == "mapped":
        write("owned", b"")
        os.chown("owned", 33, 44)
        os.chmod("owned", 0o6755)
        seen = os.stat("owned")
        assert (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode)) == (33, 44, 0o6755), seen
        os.lchown("link", 33, 44)
        os.mknod("null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        with open("null", "r+b", buffering=0) as null:
            null.write(b"x")
            assert null.read() == b""
        os.setxattr("owned", "trusted.x", b"y")
        assert os.getxattr("owned", "trusted.x") == b"y"
    else:
        refused(errno.EPERM, os.chmod, "modes", 0o4755)
        refused(errno.EPERM, os.mknod, "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))


def special():
    os.mkfifo("fifo")
    if os.fork() == 0:
        write("fifo", b"through the pipe")
        os._exit(0)
    assert read("fifo") == b"through the pipe"
    os.wait()
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket")
    server.listen()
    client = socket.socket(socket.AF_UNIX)
    client.connect("socket")
    client.close()
    kinds = {entry.name: stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) for entry in os.scandir(".")}
    assert kinds["fifo"] == stat.S_IFIFO and kinds["socket"] == stat.S_IFSOCK, kinds


def mapping():
    write("mapped", bytes(10000))
    with open("mapped", "r+b") as file:
        with mmap.mmap(file.fileno(), 10000) as map:
            map[4094:4098] = b"span"
            map.flush()
        assert file.read()[4094:4098] == b"span"


def locks():
    write("locked", b"0123456789")
    with open("locked", "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 5, 0)
        if os.fork() == 0:
            status = 0
            with open("locked", "r+b") as other:
                try:
                    fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 2)
                    status = 1
                except BlockingIOError:
                    pass
                fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 5)
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0, "a lock does not exclude"


def view():
    """A line for each name: mode, links, length, checksum or target, name."""
    for folder, folders, files in os.walk("."):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            what = "-"
            if stat.S_ISLNK(info.st_mode):
                what = os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                what = zlib.adler32(read(path))
            size = 0 if stat.S_ISDIR(info.st_mode) else info.st_size
            yield f"{info.st_mode:o} {info.st_nlink} {size} {what} {path[2:]}\n"


for step in [many, data, names, attributes, special, mapping, locks]:
    if step is mapping and owners == "mapped":
        continue
    step()
    print("passed", step.__name__)
with open(f"../{os.path.basename(root)}.txt", "w") as file:
    file.writelines(sorted(view()))
print("exercised", owners)
