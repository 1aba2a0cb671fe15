"""Buffers of numbers that are none of NumPy: in and out without a copy, as memoryviews; and those of Arrow."""

import array
import ctypes

import pytest

import reflow


def address(buffer):
    """Where the memory of a buffer is, also of one that is read-only."""

    class Raw(ctypes.Structure):
        _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.py_object), ("len", ctypes.c_ssize_t),
                    ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                    ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p),
                    ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p)]

    raw = Raw()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(buffer), ctypes.byref(raw), 0)
    place = raw.buf
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(raw))
    return place


@pytest.mark.parametrize("code", "bBhHiIqQfd")
def test_arrays_of_the_library(through, code):
    sent = array.array(code, range(1, 100))
    got = through(sent)
    assert isinstance(got, memoryview) and got.readonly and got.format == code
    assert got == sent and got.tolist() == sent.tolist() and address(got) == address(sent)
    assert through(sent, arrays="list") == sent.tolist()


def test_views_of_numbers(through):
    whole = array.array("f", range(12))
    assert through(memoryview(whole)) == whole
    assert through(memoryview(whole)[2:5]).tolist() == [2.0, 3.0, 4.0]
    assert through(memoryview(whole)[::2]).tolist() == whole[::2].tolist()
    square = memoryview(whole).cast("B").cast("f", (3, 4))
    got = through(square)
    assert isinstance(got, memoryview) and got.shape == (3, 4) and got.readonly and got.tolist() == square.tolist()
    assert address(got) == address(whole)
    numbers = (ctypes.c_double * 3)(1, 2, 3)
    assert through(numbers).tolist() == [1.0, 2.0, 3.0]
    rows = through(((ctypes.c_int32 * 2) * 3)((1, 2), (3, 4), (5, 6)))
    assert [list(row) for row in (rows.tolist() if isinstance(rows, memoryview) else rows)] == [[1, 2], [3, 4], [5, 6]]
    assert through(array.array("f")).tolist() == []


def test_a_view_that_goes_round_is_the_same_message(through):
    sent = array.array("d", range(1000))
    got = through(sent)
    for _ in range(3):
        again = through(got)
        assert isinstance(again, memoryview) and again == sent and address(again) == address(sent)
        got = again
    released = memoryview(reflow.Message(sent))
    released.release()
    with pytest.raises((ValueError, reflow.ConversionError)):
        through(released)


def test_numbers_of_arrow(through):
    arrow = pytest.importorskip("pyarrow")
    for kind in ("int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"):
        sent = arrow.array(range(100), type=kind)
        got = through(sent)
        assert isinstance(got, memoryview) and got.tolist() == sent.to_pylist()
        assert address(got) == sent.buffers()[1].address
        assert through(sent[10:20]).tolist() == list(range(10, 20))
    assert through(arrow.array([1, 2], type="uint8")) == [1, 2]
    assert through(arrow.py_buffer(b"abc")) == b"abc"


def test_other_values_of_arrow(through):
    arrow = pytest.importorskip("pyarrow")
    import datetime

    assert through(arrow.array([1, None, 3])) == [1, None, 3]
    assert through(arrow.array(["a", None])) == ["a", None]
    assert through(arrow.array([True, False])) == [True, False]
    assert through(arrow.array([], type="int64")) == []
    assert through(arrow.array([{"a": [1]}])) == [{"a": [1]}]
    assert through(arrow.array([datetime.date(2024, 1, 2)])) == ["2024-01-02"]
    assert through(arrow.scalar(1.5)) == 1.5 and through(arrow.scalar("a")) == "a" and through(arrow.NULL) is None
    chunks = arrow.chunked_array([[1, 2], [3]])
    assert list(through(chunks)) == [1, 2, 3]
    assert list(through(arrow.chunked_array([[4, 5]]))) == [4, 5]
    assert through(arrow.chunked_array([], type="int64")) == []


def test_tables_of_arrow(through):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"n": [1, 2, 3], "text": ["a", "b", None], "half": [0.5, None, 1.5]})
    got = through(table)
    assert list(got) == ["n", "text", "half"] and got["n"].tolist() == [1, 2, 3]
    assert got["text"] == ["a", "b", None] and got["half"] == [0.5, None, 1.5]
    assert through(table.to_batches()[0])["n"].tolist() == [1, 2, 3]
    assert through(table.slice(1, 2))["n"].tolist() == [2, 3]
    twice = arrow.Table.from_arrays([arrow.array([1]), arrow.array([2])], names=["a", "a"])
    with pytest.raises(reflow.ConversionError, match="two columns"):
        through({"t": twice})
