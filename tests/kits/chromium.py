"""A headless Chromium, driven over its debugging pipe: no driver and no package needed.

Commands and answers are JSON, each ended by a zero byte, on file descriptors 3 (to the browser) and
4 (from it): Chrome DevTools Protocol, `--remote-debugging-pipe`.
"""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

HOUR = 3600.0  # no test depends on how fast the machine is


def find():
    """The browser's program, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("KERASCNN_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


class Chromium:
    """One browser with one page."""

    def __init__(self, *flags):
        self.profile = tempfile.mkdtemp()
        self.ids = itertools.count(1)
        self.buffer = b""
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        command = [find(), "--headless=new", "--no-sandbox", "--remote-debugging-pipe"]
        command += ["--disable-gpu", "--no-first-run", f"--user-data-dir={self.profile}", *flags]

        def place():  # 3 and 4 must be these ends of the pipes, whatever numbers they have
            spare = os.dup(to_browser), os.dup(from_browser)
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        self.process = subprocess.Popen(
            [*command, "about:blank"],
            close_fds=False,
            preexec_fn=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self.session = attached["sessionId"]

    session = None

    def send(self, method, *, within=HOUR, **parameters):
        """The result of a command of the protocol."""
        number = next(self.ids)
        message = {"id": number, "method": method, "params": parameters}
        if self.session is not None:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + within
        while True:
            answer = self._receive(until)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self, until):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_end], [], [], max(0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            received = os.read(self.read_end, 1 << 20)
            assert received, "the browser has ended"
            self.buffer += received
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def size(self, width, height, *, mobile=False, dark=False):
        self.send(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "mobile": mobile, "deviceScaleFactor": 1},
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=features)

    def open(self, url):
        self.send("Page.navigate", url=url)

    def evaluate(self, script):
        """The value of a JavaScript expression, awaited."""
        result = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, condition, seconds=HOUR):
        """Waits until a JavaScript expression is true."""
        until = time.monotonic() + seconds
        while not self.evaluate(condition):
            assert time.monotonic() < until, f"never true: {condition}"
            time.sleep(0.05)

    def screenshot(self, path, *, whole=False):
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.write_end)
        os.close(self.read_end)
        shutil.rmtree(self.profile, ignore_errors=True)
