"""licences.py <wheel>...: adds to a wheel the licences of the libraries that auditwheel has put into it.

They are those of the Debian packages that the libraries come from (/usr/share/doc/<package>/copyright). A
library whose package is not known is named in the file all the same.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile


def package_of(library: str) -> str:
    """The Debian package that a library such as libuv.so.1 comes from; "" if that is not known."""
    try:
        listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
        path = re.search(rf"^\s+{re.escape(library)} .*=> (\S+)$", listed, re.MULTILINE)
        if path is None:
            return ""
        # dpkg knows files by the path that they were unpacked to, which may be behind a link.
        for name in (path.group(1), os.path.realpath(path.group(1))):
            for variant in (name, name.removeprefix("/usr") if name.startswith("/usr/") else "/usr" + name):
                found = subprocess.run(["dpkg", "-S", variant], capture_output=True, text=True)
                if found.returncode == 0:
                    return found.stdout.split(":")[0]
    except OSError:
        pass
    return ""


def notice_of(libraries: "list[str]") -> str:
    """The text for libraries as they are called in the wheel: libuv-c85c14db.so.1.0.0."""
    parts = ["This package contains the following libraries, with these licences.\n"]
    for library in sorted(libraries):
        name, ending = re.match(r"(.+)-[0-9a-f]{8}(\.so.*)", library).groups()
        endings = [ending[: m.end()] for m in re.finditer(r"\.so(\.\d+)?", ending)][:1] + [ending]
        package = next(filter(None, (package_of(name + each) for each in endings)), "")
        parts.append(f"\n==== {library}: {package or 'of the system that this was built on'}\n\n")
        copyright_file = f"/usr/share/doc/{package}/copyright"
        if package and os.path.exists(copyright_file):
            with open(copyright_file, encoding="utf-8", errors="replace") as file:
                parts.append(file.read())
    return "".join(parts)


def add(wheel: str) -> None:
    """Writes the wheel anew, with one file more and its line in RECORD."""
    fresh = wheel + ".new"
    with zipfile.ZipFile(wheel) as old:
        libraries = [os.path.basename(n) for n in old.namelist() if re.match(r"reflow\.libs/.+\.so", n)]
        if not libraries:
            return
        record = next(n for n in old.namelist() if n.endswith(".dist-info/RECORD"))
        name = os.path.dirname(record) + "/licenses/LICENSES-of-libraries.txt"
        data = notice_of(libraries).encode("utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as new:
            for item in old.infolist():
                content = old.read(item)
                if item.filename == name:
                    continue
                if item.filename == record:
                    lines = [x for x in content.decode().splitlines() if not x.startswith(name + ",")]
                    content = ("\n".join([f"{name},sha256={digest},{len(data)}", *lines]) + "\n").encode()
                new.writestr(item, content)
            new.writestr(name, data)
    os.replace(fresh, wheel)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        add(argument)
