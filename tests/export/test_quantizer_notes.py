"""What the quantiser notes for itself stays out of the user's log, which stays as it is."""

import logging
import threading

import pytest

from kerascnn.export.quantize import litert
from kerascnn.export.quantize.quantizer import quantize


@pytest.fixture
def root():
    """The root logger as the user set it up, at its most talkative."""
    logger = logging.getLogger()
    level, handlers = logger.level, logger.handlers[:]
    records = []

    class Keep(logging.Handler):
        def emit(self, record):
            records.append(record)

    logger.handlers[:] = [Keep()]
    logger.setLevel(logging.DEBUG)
    yield logger, records
    logger.handlers[:] = handlers
    logger.setLevel(level)


def notes(records):
    return [record for record in records if "litert_quantizer" in record.pathname]


@pytest.mark.parametrize("recipe", ["int8", "dynamic_int8", "float16"])
def test_no_note_of_the_quantiser_reaches_the_users_log(recipe, root, float_file, tiny_images):
    logger, records = root
    before = logger.handlers[:], logger.filters[:], logger.level
    quantize(float_file.read_bytes(), recipe, tiny_images)
    assert notes(records) == []
    assert (logger.handlers, logger.filters, logger.level) == before


def test_a_root_logger_without_handlers_has_none_afterwards(root, float_file):
    logger, _ = root
    logger.handlers[:] = []
    quantize(float_file.read_bytes(), "dynamic_int8")
    assert logger.handlers == []


def test_other_threads_log_on_and_warnings_pass(root):
    logger, records = root
    inside, done = threading.Event(), threading.Event()

    def other():
        inside.wait()
        logging.getLogger("mine").info("hello")
        logging.info("from the root")
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with litert.quiet():
        with litert.quiet():  # one within the other, as with two threads
            pass
        inside.set()
        done.wait()
        record = logging.LogRecord(
            "root", logging.WARNING, "/x/litert_quantizer/a.py", 1, "careful", (), None
        )
        logger.handle(record)
        record = logging.LogRecord(
            "root", logging.INFO, "/x/litert_quantizer/a.py", 1, "a note", (), None
        )
        logger.handle(record)
    thread.join()
    assert [record.getMessage() for record in records] == ["hello", "from the root", "careful"]
    assert logger.filters == []
