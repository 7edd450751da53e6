"""pytest plugin: tells `gasoline test` what tests do. Standard library only; Python 3.8, pytest 7 and later.

`gasoline test -- pytest` loads it by itself (PYTEST_PLUGINS). Without GASOLINE_TEST_EVENTS in the environment it
does nothing. The events are those of test-event.ts, the ids those of test-ids.ts. Nothing here raises.
"""

import hashlib
import json
import os
import time

TEXT_MAX = 4000
VALUE_MAX = 2000
OUTPUT_MAX = 64 * 1024
PHASES = ("setup", "call", "teardown")


def pytest_configure(config):
    path = os.environ.get("GASOLINE_TEST_EVENTS")
    # Workers of pytest-xdist report to their controller, which tells it here.
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(path), "gasoline-reporter")
    if os.environ.get("GASOLINE_TEST_RUN"):
        config.pluginmanager.register(Carrier(os.environ["GASOLINE_TEST_RUN"]), "gasoline-carrier")


def key_of(nodeid):
    file, _, names = nodeid.partition("::")
    return os.path.abspath(file) + "\n" + " > ".join(names.split("::"))


class Carrier:
    """Hands each test its own TRACEPARENT."""

    def __init__(self, run_id):
        self.run_id = run_id
        self.attempts = {}

    def pytest_runtest_logstart(self, nodeid):
        attempt = self.attempts.get(nodeid, -1) + 1
        self.attempts[nodeid] = attempt
        text = "%s\n%d\n%s" % (self.run_id, attempt, key_of(nodeid))
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        os.environ["TRACEPARENT"] = "00-%s-%s-01" % (digest[:32], digest[32:48])


class Reporter:
    def __init__(self, path):
        try:
            self.file = os.open(path, os.O_WRONLY | os.O_APPEND)
        except OSError:
            self.file = None
        # By node id: the reports of the attempt that runs, and how many attempts ended before it.
        self.phases = {}
        self.attempts = {}
        self.values = {}
        import pytest

        self.write({"kind": "runner", "name": "pytest", "version": pytest.__version__})

    def write(self, event):
        if self.file is None:
            return
        try:
            os.write(self.file, (json.dumps(event) + "\n").encode("utf-8", "replace"))
        except (OSError, TypeError, ValueError):
            self.file = None

    def pytest_runtest_logstart(self, nodeid, location):
        self.write({"kind": "started", "timeMs": time.time() * 1000, **self.reference(nodeid, location)})

    def pytest_assertrepr_compare(self, op, left, right):
        # Both values of a failed comparison, which the report holds only inside its text.
        if op == "==":
            self.values = {"actual": shown(left), "expected": shown(right)}

    def pytest_runtest_logreport(self, report):
        # Attempts of pytest-rerunfailures end with the outcome "rerun", in whichever phase.
        self.phases.setdefault(report.nodeid, []).append(report)
        if report.outcome == "rerun" or report.when == "teardown":
            self.finished(report.nodeid, report.location)

    def finished(self, nodeid, location):
        reports = [report for report in self.phases.pop(nodeid, []) if report.when in PHASES]
        if not reports:
            return
        reference = self.reference(nodeid, location)
        failed = [report for report in reports if report.outcome in ("failed", "rerun")]
        skipped = next((report for report in reports if report.outcome == "skipped"), None)
        status = "fail" if failed else "skip" if skipped else "pass"
        started = min(start_of(report) for report in reports)
        event = {
            "kind": "finished",
            "status": status,
            "startMs": started * 1000,
            "durationMs": sum(report.duration for report in reports) * 1000,
            "failures": [self.failure(report) for report in failed],
            "steps": [self.step(report) for report in reports],
            **reference,
        }
        if status == "skip":
            event["reason"] = reason_of(skipped)
        self.output(reports[-1], reference)
        self.write(event)
        self.attempts[nodeid] = reference["attempt"] + 1
        self.values = {}

    def output(self, report, reference):
        for stream in ("stdout", "stderr"):
            # The last report holds what all phases printed.
            text = getattr(report, "cap" + stream, "")[:OUTPUT_MAX]
            if text:
                of = {"key": reference["key"], "attempt": reference["attempt"]}
                self.write({"kind": "output", "stream": stream, "text": text, "timeMs": time.time() * 1000, **of})

    def reference(self, nodeid, location):
        file, _, names = nodeid.partition("::")
        names = names.split("::")
        return {
            "key": key_of(nodeid),
            "suite": " > ".join([file] + names[:-1]),
            "name": names[-1],
            "attempt": self.attempts.get(nodeid, 0),
            "file": os.path.abspath(file),
            "line": (location[1] or 0) + 1,
        }

    def step(self, report):
        step = {
            "name": report.when,
            "startMs": start_of(report) * 1000,
            "durationMs": report.duration * 1000,
            "depth": 0,
        }
        if report.outcome in ("failed", "rerun"):
            step["failure"] = self.failure(report)
        return step

    def failure(self, report):
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash is not None else str(report.longrepr)
        head, _, rest = message.partition(": ")
        named = head.replace(".", "").isidentifier()
        type_name = head if named and rest else "AssertionError" if message.startswith("assert") else "Error"
        values = self.values if type_name == "AssertionError" else {}
        return {
            "type": type_name,
            "message": (rest if named and rest else message)[:TEXT_MAX],
            "stack": str(report.longrepr)[-TEXT_MAX:],
            **values,
        }

    def pytest_collectreport(self, report):
        if report.failed:
            failure = {"type": "CollectError", "message": str(report.longrepr)[-TEXT_MAX:]}
            file = os.path.abspath(report.nodeid.partition("::")[0])
            self.write({"kind": "error", "failure": failure, "timeMs": time.time() * 1000, "file": file})


def start_of(report):
    # `start` came with pytest 8.
    return getattr(report, "start", None) or time.time() - report.duration


def reason_of(report):
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).replace("Skipped: ", "", 1)
    return str(getattr(report, "wasxfail", ""))


def shown(value):
    try:
        return repr(value)[:VALUE_MAX]
    except Exception as error:  # A __repr__ may do anything.
        return "<%s in repr>" % type(error).__name__
