#!/usr/bin/python3
# SPDX-License-Identifier: MPL-2.0
"""Runs systemd units where systemd itself cannot be process 1: their ExecStart with as much of what the unit says as the
kernel enforces for anybody who asks. In the place of systemctl, so that maintainer scripts start and stop what they mean to.

  unit.py start|stop|restart|is-active UNIT     unit.py enforced UNIT (what is enforced, and what is not)
"""
import ctypes, grp, os, pwd, shlex, signal, socket, subprocess, sys, time

RUN = "/run/units"
libc = ctypes.CDLL(None, use_errno=True)
MS_RDONLY, MS_NOSUID, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE, CLONE_NEWNS = 1, 2, 32, 4096, 16384, 1 << 18, 0x20000
# What is done about a setting is in `confine`, `directories` and `filters`; what is none of a test's is left to systemd.
ENFORCED = set("""User Group SupplementaryGroups UMask Environment ExecStart ExecStartPre Type WatchdogSec NotifyAccess
 ConfigurationDirectory RuntimeDirectory RuntimeDirectoryMode LogsDirectory LogsDirectoryMode StateDirectory StateDirectoryMode
 AmbientCapabilities CapabilityBoundingSet NoNewPrivileges ProtectSystem ReadWritePaths ProtectHome PrivateTmp PrivateDevices
 ProtectKernelTunables ProtectControlGroups RestrictAddressFamilies RestrictNamespaces RestrictSUIDSGID SystemCallFilter
 SystemCallErrorNumber SystemCallArchitectures LimitNOFILE""".split())
NOT_TESTED = set("Restart RestartSec RestartPreventExitStatus TimeoutStopSec SyslogIdentifier RuntimeDirectoryPreserve "
                 "StartLimitInterval TasksMax".split())
DIRECTORIES = {"ConfigurationDirectory": "/etc", "RuntimeDirectory": "/run", "LogsDirectory": "/var/log", "StateDirectory": "/var/lib"}
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17, "AF_XDP": 44}
# clone's flags; clone3 keeps them in memory, where no filter looks: systemd refuses it, and libc falls back to clone.
NAMESPACES = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]


class Unit:
    def __init__(self, name):
        self.name = name if "." in name else name + ".service"
        self.settings = {}
        places = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"]
        found = [f"{place}/{self.name}" for place in places if os.path.isfile(f"{place}/{self.name}")]
        if not found:
            sys.exit(f"Unit {self.name} not found.")
        self.read(found[0])
        for place in reversed(places):
            if os.path.isdir(f"{place}/{self.name}.d"):
                for each in sorted(os.listdir(f"{place}/{self.name}.d")):
                    self.read(f"{place}/{self.name}.d/{each}")

    def read(self, path):
        section = ""
        for line in open(path).read().replace("\\\n", " ").splitlines():
            line = line.strip()
            if line.startswith("["):
                section = line
            elif section == "[Service]" and "=" in line and line[0] not in "#;":
                key, value = (part.strip() for part in line.split("=", 1))
                self.settings[key] = self.settings.get(key, []) + [value] if value else [""] if key.endswith("Set") else []

    def all(self, key):
        return " ".join(self.settings.get(key, [])).split()

    def one(self, key, fallback=""):
        return (self.settings.get(key) or [fallback])[-1]

    def yes(self, key):
        return self.one(key) in ("true", "yes", "1", "on")

    def file(self, kind):
        return f"{RUN}/{self.name}.{kind}"

    def pid(self):
        try:
            pid = int(open(self.file("pid")).read())
            os.kill(pid, 0)
            return pid if open(f"/proc/{pid}/stat").read().split(") ")[1][0] != "Z" else 0
        except (OSError, ValueError):
            return 0


def mount(source, target, kind, flags, data=None):
    encode = lambda text: None if text is None else text.encode()
    if libc.mount(encode(source), encode(target), encode(kind), flags, encode(data)) != 0:
        raise OSError(ctypes.get_errno(), f"mount {target}")


def bind(path, read_only):
    mount(path, path, None, MS_BIND | MS_REC)
    if read_only:
        mount(None, path, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def confine(unit):
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    system = unit.one("ProtectSystem")
    if system == "strict":
        mount("/", "/", None, MS_BIND | MS_REC)
        enter_root()
        mount(None, "/", None, MS_BIND | MS_REMOUNT | MS_RDONLY)
        for path in unit.all("ReadWritePaths"):
            if os.path.exists(path.lstrip("-+")):
                mount(path, path, None, MS_BIND | MS_REC)
                mount(None, path, None, MS_BIND | MS_REMOUNT)
    elif system in ("full", "true", "yes"):
        for path in ["/usr", "/boot"] + (["/etc"] if system == "full" else []):
            bind(path, True)
    if unit.yes("ProtectHome"):
        for path in ("/home", "/root"):
            mount("home", path, "tmpfs", MS_NOSUID | MS_RDONLY, "mode=000")
    if unit.yes("PrivateTmp"):
        for path in ("/tmp", "/var/tmp"):
            mount("private", path, "tmpfs", MS_NOSUID, "mode=1777")
    if unit.yes("ProtectKernelTunables"):
        bind("/proc/sys", True)
    if unit.yes("PrivateDevices"):
        devices()


def enter_root():
    """The bind over / is seen by what is looked up from now on."""
    root = os.open("/..", os.O_RDONLY | os.O_DIRECTORY)
    os.fchdir(root)
    os.chroot(".")
    os.close(root)


def devices():
    names = ("null", "zero", "full", "random", "urandom", "tty")
    os.makedirs("/run/units/dev", exist_ok=True)
    mount("dev", "/run/units/dev", "tmpfs", MS_NOSUID, "mode=755")
    for name in names:
        open(f"/run/units/dev/{name}", "w").close()
        mount(f"/dev/{name}", f"/run/units/dev/{name}", None, MS_BIND)
    os.mkdir("/run/units/dev/shm", 0o1777)
    mount("/run/units/dev", "/dev", None, MS_BIND | MS_REC)


def directories(unit, uid, gid):
    for key, above in DIRECTORIES.items():
        mode = int(unit.one(key + "Mode", "0755"), 8)
        for name in unit.all(key):
            path = f"{above}/{name}"
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)
            if key != "ConfigurationDirectory":
                os.chown(path, uid, gid)


def calls(names):
    """System calls of these names and groups, as systemd has them."""
    found = set()
    for name in names:
        if not name.startswith("@"):
            found.add(name.split(":")[0])
            continue
        listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
        found |= calls(word for line in listed.splitlines()[1:] for word in line.split("#")[0].split())
    return found


def syscall_filter(unit):
    """(whether it is a list of what is allowed, the calls); None without one."""
    result = None
    for line in unit.settings.get("SystemCallFilter", []):
        denied = line.startswith("~")
        named = calls(line.lstrip("~").split())
        if result is None:
            result = (not denied, named)
        else:
            result = (result[0], result[1] - named if result[0] == denied else result[1] | named)
    return result


def filters(unit, spec):
    import seccomp
    error = seccomp.ERRNO(1)

    def add(to, action, call, *args):
        try:
            to.add_rule(action, call, *args)
        except (RuntimeError, ValueError, OSError):
            pass  # a call that this architecture does not have

    other = seccomp.SyscallFilter(seccomp.ALLOW)
    families = unit.all("RestrictAddressFamilies")
    if families:
        for family in set(range(46)) - {FAMILIES[name] for name in families}:
            add(other, seccomp.ERRNO(97), "socket", seccomp.Arg(0, seccomp.EQ, family))
    if unit.yes("RestrictNamespaces"):
        add(other, error, "unshare")
        add(other, error, "setns")
        add(other, seccomp.ERRNO(38), "clone3")
        for flag in NAMESPACES:
            add(other, error, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    if unit.yes("RestrictSUIDSGID"):
        for bit in (0o2000, 0o4000):
            for call, place in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2), ("mkdir", 1), ("mkdirat", 2), ("mknod", 1), ("mknodat", 2)):
                add(other, error, call, seccomp.Arg(place, seccomp.MASKED_EQ, bit, bit))
    allows, named = spec or (False, set())
    main = seccomp.SyscallFilter(error if allows else seccomp.ALLOW)
    for call in sorted(named | ({"seccomp", "prctl", "execve"} if allows else set())):
        add(main, seccomp.ALLOW if allows else error, call)
    other.load()
    main.load()


def capabilities(unit):
    words = lambda key: ",".join(["-all"] + ["+" + name[4:].lower() for name in unit.all(key)])
    ambient = words("AmbientCapabilities")
    bounding = ["--bounding-set", words("CapabilityBoundingSet")] if "CapabilityBoundingSet" in unit.settings else []
    return bounding + ["--inh-caps", ambient, "--ambient-caps", ambient]


def child(unit, environment):
    who = pwd.getpwnam(unit.one("User", "root"))
    gid = grp.getgrnam(unit.one("Group")).gr_gid if unit.one("Group") else who.pw_gid
    directories(unit, who.pw_uid, gid)
    spec = syscall_filter(unit)
    confine(unit)
    os.umask(int(unit.one("UMask", "0022"), 8))
    os.chdir("/")
    words = ["setpriv", "--reuid", str(who.pw_uid), "--regid", str(gid)]
    extra = [str(grp.getgrnam(name).gr_gid) for name in unit.all("SupplementaryGroups")]
    words += ["--init-groups"] if not extra else ["--groups", ",".join(extra)]
    words += capabilities(unit) + (["--no-new-privs"] if unit.yes("NoNewPrivileges") else [])
    environment.update({"USER": who.pw_name, "HOME": who.pw_dir, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})
    environment.update(pair.split("=", 1) for line in unit.settings.get("Environment", []) for pair in shlex.split(line))
    for line in unit.settings.get("ExecStartPre", []):
        status = subprocess.run(words + shlex.split(line), env=environment).returncode
        if status != 0:
            os._exit(status)
    if spec is None and not any(unit.settings.get(key) for key in ("RestrictAddressFamilies", "RestrictSUIDSGID")):
        os.execvpe(words[0], words + shlex.split(unit.one("ExecStart")), environment)
    # The filter is put on by the user himself, when all that needs privileges is done.
    named = ("allow" if spec[0] else "deny") + "," + ",".join(sorted(spec[1]))
    again = ["/usr/bin/python3", os.path.realpath(__file__), "filtered", unit.name, named] + shlex.split(unit.one("ExecStart"))
    os.execvpe(words[0], words + again, environment)


def supervise(unit):
    """Between a start and the end of its main process: what it says is noted, and its watchdog heard."""
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = unit.file("notify")
    if os.path.exists(path):
        os.unlink(path)
    notify.bind(path)
    os.chmod(path, 0o777)
    environment = {"LANG": "C.UTF-8"}
    watchdog = float(unit.one("WatchdogSec", "0"))
    if unit.one("Type") == "notify":
        environment["NOTIFY_SOCKET"] = path
    pid = os.fork()
    if pid == 0:
        if watchdog:
            environment.update({"WATCHDOG_USEC": str(int(watchdog * 1e6)), "WATCHDOG_PID": str(os.getpid())})
        child(unit, environment)
    open(unit.file("pid"), "w").write(str(pid))
    notify.settimeout(0.2)
    heard, said = time.monotonic(), open(unit.file("said"), "w")
    while True:
        try:
            message = notify.recv(65536).decode()
            said.write(f"{message}\n")
            said.flush()
            heard = time.monotonic()
        except socket.timeout:
            pass
        if watchdog and time.monotonic() - heard > watchdog:
            said.write("the watchdog heard nothing\n")
            os.kill(pid, signal.SIGABRT)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            said.write(f"ended with {os.waitstatus_to_exitcode(status)}\n")
            said.flush()
            os._exit(0)


def start(unit):
    if unit.pid():
        return 0
    os.makedirs(RUN, exist_ok=True)
    # New files: who watched over the run before may still tell its end.
    for kind in ("pid", "said"):
        if os.path.exists(unit.file(kind)):
            os.unlink(unit.file(kind))
        open(unit.file(kind), "w").close()
    if os.fork() == 0:
        os.setsid()
        log = os.open(unit.file("log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        try:
            supervise(unit)
        except BaseException as error:  # noqa: B902 - its end is told by the file alone
            open(unit.file("said"), "a").write(f"ended with {error!r}\n")
            os._exit(1)
    ready = "READY=1" if unit.one("Type") == "notify" else None
    for _ in range(600):
        time.sleep(0.05)
        said = open(unit.file("said")).read()
        if "ended with" in said:
            sys.stderr.write(f"{unit.name}: {said}{open(unit.file('log')).read()[-2000:]}")
            return 1
        if unit.pid() and (ready is None or ready in said):
            return 0
    sys.stderr.write(f"{unit.name} is not ready after 30 s\n")
    return 1


def stop(unit):
    pid = unit.pid()
    if pid:
        os.kill(pid, signal.SIGTERM)
        for _ in range(600):
            if not unit.pid():
                return 0
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        return 1
    return 0


def main(argv):
    if argv[:1] == ["filtered"]:
        unit = Unit(argv[1])
        kind, *named = argv[2].split(",")
        filters(unit, (kind == "allow", set(named)))
        os.execvp(argv[3], argv[3:])
    words = [word for word in argv if not word.startswith("-")]
    verb, units = (words or [""])[0], [Unit(name) for name in words[1:]]
    if verb == "enforced":
        for unit in units:
            open_ = sorted(set(unit.settings) - ENFORCED - NOT_TESTED)
            print(f"{unit.name}: {len(set(unit.settings) & ENFORCED)} settings enforced; not enforced here: {', '.join(open_) or 'none'}")
        return 0
    if verb in ("start", "stop", "restart", "try-restart"):
        status = 0
        for unit in units:
            if verb != "start":
                status |= stop(unit)
            if verb != "stop":
                status |= start(unit)
        return status
    if verb == "is-active":
        return 0 if all(unit.pid() for unit in units) else 3
    if verb == "is-enabled":
        print("enabled")
    return 0


sys.exit(main(sys.argv[1:]))
