"""Arrays of NumPy and other buffers, in and out without a copy."""

import gc

import pytest

import reflow
from reflow import _reflow

np = pytest.importorskip("numpy")


def settled():
    """Buffers that are still lent, when everything has been collected that can be."""
    gc.collect()
    _reflow.drain_deferred()
    return _reflow.lent_count()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
                                   "uint64", "float32", "float64"])
def test_each_type_without_a_copy(through, dtype):
    sent = np.arange(1, 2000).astype(dtype)
    got = through(sent)
    assert isinstance(got, np.ndarray)
    assert got.dtype == sent.dtype and (got == sent).all()
    assert np.shares_memory(sent, got)
    assert not got.flags.writeable


def test_where_an_array_is_wanted(through):
    got = through([1, 2, 3, 4], arrays="numpy")
    assert isinstance(got, np.ndarray) and got.dtype == np.int64 and got.tolist() == [1, 2, 3, 4]
    assert through(np.arange(4), arrays="list") == [0, 1, 2, 3]
    view = through(np.arange(4.0), arrays="view")
    assert isinstance(view, reflow.Message)
    assert np.asarray(view).tolist() == [0.0, 1.0, 2.0, 3.0]
    assert through(b"abc" * 3000, arrays="view").nbytes == 9000
    assert through(np.arange(0), arrays="numpy").tolist() == []


def test_shapes_and_strides(through):
    matrix = np.arange(12, dtype=np.float64).reshape(3, 4)
    assert np.asarray(through(matrix.T)).tolist() == matrix.T.tolist()
    assert np.asarray(through(matrix[:, 1])).tolist() == matrix[:, 1].tolist()
    assert np.asarray(through(np.zeros((2, 0)))).shape == (2, 0)
    assert np.asarray(through(np.arange(24).reshape(2, 3, 4))).tolist() == \
        np.arange(24).reshape(2, 3, 4).tolist()


def test_masked_elements_are_none(through, net):
    masked = np.ma.array([1.5, 2.5, 3.5], mask=[False, True, False])
    assert through(masked) == [1.5, None, 3.5]
    assert through({"a": np.ma.array([[1, 2], [3, 4]], mask=[[0, 0], [1, 0]])}) == {"a": [[1, 2], [None, 4]]}
    seen = []
    net.add("keep", reflow.actor(lambda ctx, value: seen.append(value), inports=["in"], id="keep"))
    net.start()
    net.send_many("keep.in", masked)
    net.wait_idle(timeout=30)
    assert seen == [1.5, None, 3.5]


def test_scalars_and_odd_types(through):
    assert through(np.int32(-5)) == -5
    assert through(np.float32(0.5)) == 0.5
    assert through(np.float64(0.5)) == 0.5
    assert through(np.bool_(True)) is True
    assert through(np.array(7)) == 7
    assert through(np.array([True, False])) == [True, False]
    assert through(np.array(["a", "b"])) == ["a", "b"]
    assert through(np.array([(1, 0.5)], dtype=[("a", "i4"), ("b", "f8")])) == [[1, 0.5]]
    for bad in (np.array([1j]), np.array([object()])):
        with pytest.raises(reflow.ConversionError):
            through({"x": bad})


def test_numbers_that_python_cannot_hold(through):
    wide = np.dtype("longdouble").itemsize > 8
    for bad in (np.longdouble(1.5), np.array([1.5], dtype="longdouble"), np.array(1.5, dtype="longdouble"),
                np.clongdouble(1.5)) if wide else ():
        with pytest.raises(reflow.ConversionError, match=r"\$\.x.*longdouble") as refused:
            through({"x": bad})
        assert "float64" in refused.value.hint
    itself = np.array(None, dtype=object)
    itself[()] = itself
    with pytest.raises(reflow.ConversionError):
        through(itself)


def test_large_natural_numbers_stay_exact_or_are_refused(through):
    most = 2**64 - 1
    for value in (np.uint64(most), np.array(most, dtype="u8"), np.uint64(2**63)):
        with pytest.raises(reflow.ConversionError, match=r"\$\[1\].*2\*\*63"):
            through([1, value])
    assert through(np.uint64(2**63 - 1)) == 2**63 - 1
    array = np.array([1, 2**63 - 1, most], dtype="u8")
    assert list(map(int, np.asarray(through(array)))) == [1, 2**63 - 1, most]
    with reflow.Network() as net:
        net.add("n", "Merge")
        lists = net.stream("n.out", arrays="list")
        net.start()
        net.send("n.in", array)
        assert lists.recv(30) == [1, 2**63 - 1, most]
        with pytest.raises(reflow.ConversionError, match=r"\$\[1\]"):
            net.send_many("n.in", np.array([1, most], dtype="u8"))


def test_dates_and_times_travel_as_those_of_python(through):
    assert through(np.datetime64("2024-01-02")) == "2024-01-02"
    assert through({"at": np.datetime64("2024-01-02T03:04:05.006")}) == {"at": "2024-01-02T03:04:05.006"}
    assert through([np.timedelta64(1500, "ms"), np.timedelta64(2, "D")]) == [1.5, 172800.0]
    assert through([np.datetime64("NaT"), np.timedelta64("NaT")]) == [None, None]
    with pytest.raises(reflow.ConversionError, match="timedelta64"):
        through(np.timedelta64(1, "M"))  # who knows how long that is


def test_many_dates_of_an_array():
    seen = []
    with reflow.Network() as net:
        net.add("keep", reflow.actor(lambda ctx, value: seen.append(value), inports=["in"], id="keep"))
        net.start()
        net.send_many("keep.in", np.array(["2024-01-02", "NaT"], dtype="datetime64[D]"))
        net.wait_idle(timeout=30)
    assert seen == ["2024-01-02", None]


def test_bytes_and_text_are_the_same_object(through):
    data = b"b" * 100000
    text = "t" * 100000
    assert through(data) is data
    assert through(text) is text


def test_what_was_lent_comes_back():
    before = settled()
    array = np.arange(100000)
    with reflow.Network() as net:
        @reflow.actor(inports=["in"], outports=["out"])
        def same(ctx, value):
            return {"out": value, "error": value}

        net.add("n", same)
        out = net.stream("n.out")
        for _ in range(100):
            net.send("n.in", array)
            net.send("n.in", b"x" * 100000)
            net.send("n.in", memoryview(b"y" * 100000))
        got = [out.recv(5) for _ in range(300)]
        assert settled() > before
        del got
    del out, net
    assert settled() == before


def test_many_from_an_array(net):
    seen = []

    @reflow.actor(inports=["in"])
    def sink(ctx, value):
        seen.append(value)

    net.add("n", sink)
    assert net.send_many("n.in", np.arange(5, dtype=np.int16)) == 5
    assert net.send_many("n.in", np.array([0.5, 1.5], dtype=np.float32)) == 2
    assert net.send_many("n.in", np.array([[1, 2], [3, 4]])) == 2
    net.wait_idle(5)
    assert seen[:7] == [0, 1, 2, 3, 4, 0.5, 1.5]
    assert [type(v) for v in seen[:7]] == [int] * 5 + [float] * 2
    assert [list(v) for v in seen[7:]] == [[1, 2], [3, 4]]


def test_batches_of_arrays(net):
    shapes = []

    @reflow.actor(inports=["in"], outports=["out"], batch="numpy")
    def twice(ctx, values):
        shapes.append((values.dtype, values.shape))
        return {"out": values * 2}

    net.add("n", twice)
    out = net.stream("n.out")
    net.send_many("n.in", list(range(100)))
    net.wait_idle(5)
    assert out.recv_many(1000, 5) == [2 * i for i in range(100)]
    net.send_many("n.in", [1, 0.5])
    net.wait_idle(5)
    got = out.recv_many(1000, 5)
    assert got == [2, 1.0] and [type(value) for value in got] == [int, float]
    assert {str(dtype) for dtype, _ in shapes} == {"int64", "float64"}
    net.send("n.in", "text")
    net.wait_idle(5)
    assert "String" in str(net.errors[-1].exception)


def test_a_batch_of_arrays_ends_where_the_type_changes(net):
    calls = []

    @reflow.actor(inports=["in"], outports=["out"], batch="numpy")
    def same(ctx, values):
        calls.append([str(values.dtype), values.tolist()])
        return {"out": values}

    most = 2**63 - 1
    sent = [2**53 + 1, most, 0.5, 1.5, -(2**63), 2.0, "text", 3, None, "more", 4.0, 5]
    net.add("n", same)
    out = net.stream("n.out")
    net.start()
    net.pause()
    net.send_many("n.in", sent)
    net.resume()
    net.wait_idle(30)
    numbers = [value for value in sent if isinstance(value, (int, float))]
    got = out.recv_many(100, 30)
    assert got == numbers and [type(value) for value in got] == [type(value) for value in numbers]
    assert calls == [["int64", [2**53 + 1, most]], ["float64", [0.5, 1.5]], ["int64", [-(2**63)]], ["float64", [2.0]],
                     ["int64", [3]], ["float64", [4.0]], ["int64", [5]]]
    assert [str(failure.exception).split(" of kind ")[1].split(" ")[0] for failure in net.errors] == \
        ["String", "Null", "String"]


def test_batches_of_two_inputs_end_where_either_changes(net):
    calls = []

    @reflow.actor(inports=["a", "b"], outports=["out"], batch="numpy")
    def add(ctx, a, b):
        calls.append((str(a.dtype), str(b.dtype), len(a), len(b)))
        return {"out": a + b}

    net.add("n", add)
    out = net.stream("n.out")
    net.start()
    net.pause()
    net.send_many("n.a", [1, 2, 3, 4, 5.5])
    net.send_many("n.b", [10, 20, 0.5, 40, 50])
    net.resume()
    net.wait_idle(30)
    got = out.recv_many(100, 30)
    assert got == [11, 22, 3.5, 44, 55.5] and [type(value) for value in got] == [int, int, float, int, float]
    assert calls == [("int64", "int64", 2, 2), ("int64", "float64", 1, 1), ("int64", "int64", 1, 1),
                     ("float64", "int64", 1, 1)]


def test_an_inport_of_floats_gives_floats_or_refuses(net):
    dtypes = set()

    @reflow.actor(inports=[reflow.Port("in", "float")], outports=["out"], batch="numpy")
    def same(ctx, values):
        dtypes.add(str(values.dtype))
        return {"out": values}

    net.add("n", same)
    out = net.stream("n.out")
    net.send_many("n.in", [1, 0.5, 2**53 + 1, 2**53 + 2, 2**63 - 1, -(2**63), 3])
    net.wait_idle(30)
    got = out.recv_many(100, 30)
    assert got == [1.0, 0.5, 2.0**53 + 2, -(2.0**63), 3.0] and {type(value) for value in got} == {float}
    assert dtypes == {"float64"}
    assert len(net.errors) == 2 and all("no float is equal to" in str(f.exception) for f in net.errors)


def test_what_fails_in_a_part_of_a_batch_fails_alone(net):
    @reflow.actor(inports=["in"], outports=["out"], batch="numpy")
    def picky(ctx, values):
        if (values == 7).any():
            raise ValueError("seven")
        return {"out": values}

    @reflow.actor(inports=["in"], outports=["out"], batch="numpy")
    def hasty(ctx, values):
        ctx.emit("out", len(values))
        if (values == 7).any():
            raise ValueError("seven")

    net.add("picky", picky).add("hasty", hasty)
    out, told = net.stream("picky.out"), net.stream("hasty.out")
    net.start()
    net.pause()
    net.send_many("picky.in", [1, 2, 0.5, 7.0, 1.5, 3, 7, 4])
    net.send_many("hasty.in", [1, 2, 0.5, 7.0, 1.5, 3, 4])
    net.resume()
    net.wait_idle(30)
    assert out.recv_many(100, 30) == [1, 2, 0.5, 1.5, 3, 4]
    assert told.recv_many(100, 30) == [2, 3, 2]
    assert [failure.node for failure in net.errors].count("picky") == 2
    assert [failure.node for failure in net.errors].count("hasty") == 3  # those that were in the call


@pytest.mark.parametrize("shape", [(3, 4), (1, 1), (2, 3, 4), (2, 1, 3, 2), (0, 3), (2, 0), (2, 0, 3), (0,)])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
def test_arrays_have_their_shape_where_they_arrive(through, shape, dtype):
    sent = np.arange(int(np.prod(shape))).astype(dtype).reshape(shape)
    got = through(sent)
    assert isinstance(got, np.ndarray) and got.shape == shape and got.dtype == sent.dtype
    assert got.tolist() == sent.tolist()
    if sent.size:
        assert np.shares_memory(sent, got) and not got.flags.writeable
    inside = through({"rows": [sent, sent[:1]]})["rows"]
    assert [part.shape for part in inside] == [shape, sent[:1].shape]
    assert through(got).shape == shape
    assert through(sent, arrays="list") == sent.tolist()
    assert through(sent, arrays="numpy").shape == shape


def test_rows_and_parts_are_not_taken_for_the_whole(through, net):
    matrix = np.arange(12.0).reshape(3, 4)
    rows = through([matrix, list(matrix), [matrix[0], matrix[2]], [matrix[1], matrix[0], matrix[2]]])
    assert [type(part) for part in rows] == [np.ndarray, list, list, list]
    assert [np.asarray(part).tolist() for part in rows] == [
        matrix.tolist(), matrix.tolist(), matrix[[0, 2]].tolist(), matrix[[1, 0, 2]].tolist()]
    assert [part.shape for part in rows[1]] == [(4,)] * 3
    flat, square = matrix.reshape(-1), matrix.reshape(2, 6)  # other arrays at the same address
    got = through([flat, matrix, square, memoryview(flat)])
    assert [part.shape for part in got] == [(12,), (3, 4), (2, 6), (12,)] and isinstance(got[3], memoryview)
    # A component of the engine that gives a part alone.
    net.add("part", "Map", value="it.cube[1]")
    parts = net.stream("part.out")
    cube = np.arange(24).reshape(2, 3, 4)
    net.send("part.in", {"cube": cube})
    part = parts.recv(30)
    assert part.shape == (3, 4) and part.tolist() == cube[1].tolist() and np.shares_memory(part, cube)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of later versions of NumPy
def test_an_array_that_is_given_another_shape_behind_its_message(net):
    net.add("whole", "Merge").add("part", "Map", value="it.cube[1]")
    whole, part = net.stream("whole.out"), net.stream("part.out")
    for shape in ((24,), (4, 6), (4, 3, 2), (2, 3, 2, 2)):
        cube = np.arange(24).reshape(2, 3, 4).copy()
        net.send("whole.in", cube)
        net.send("part.in", {"cube": cube})
        cube.shape = shape
        assert np.asarray(whole.recv(30)).tolist() == np.arange(24).reshape(2, 3, 4).tolist()
        assert np.asarray(part.recv(30)).tolist() == np.arange(12, 24).reshape(3, 4).tolist()


def test_arrays_outlive_their_networks_and_messages():
    before = settled()
    with reflow.Network() as net:
        net.add("m", "Merge")
        out = net.stream("m.out")
        net.send("m.in", np.arange(6.0).reshape(2, 3))
        got = out.recv(30)
    del out, net
    assert settled() == before
    assert got.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_orders_of_bytes_and_half_floats(through):
    for dtype, arrives in ((">i4", "int32"), (">f8", "float64"), (">u2", "uint16"), ("float16", "float32")):
        for sent in (np.array([1, 2, 3], dtype=dtype), np.array([[1, 2], [3, 4]], dtype=dtype)):
            got = through(sent)
            assert isinstance(got, np.ndarray) and got.dtype == arrives and got.tolist() == sent.tolist()
    assert through(np.array(1.5, dtype="float16")) == 1.5 and through(np.float16(0.5)) == 0.5
    shifted = np.frombuffer(b"x" + np.arange(5.0).tobytes(), dtype="f8", offset=1)  # not aligned
    assert through(shifted).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert list(through(memoryview(shifted))) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_arrays_of_dates(through):
    days = np.array(["2024-01-02", "NaT"], dtype="datetime64[D]")
    assert through(days) == ["2024-01-02", None]
    assert through({"a": np.array([[1500, 2000]], dtype="timedelta64[ms]")}) == {"a": [[1.5, 2.0]]}
    assert through(np.array("2024-01-02", dtype="datetime64[D]")) == "2024-01-02"
    assert through(np.array([], dtype="datetime64[D]")) == []


def test_packed_arrays_of_others_are_lists(through, net):
    net.add("m", "Merge")
    out = net.stream("m.out")
    for values in (np.arange(5, dtype="float32"), np.array([1, 2], dtype="uint8"), np.array([2**64 - 1], dtype="u8")):
        message = reflow.Message.from_msgpack(reflow.Message(values).to_msgpack())  # as over a link
        net.send("m.in", message)
        got = out.recv(30)
        assert type(got) is list and got == values.tolist() and type(got[0]) is type(values.tolist()[0])
        assert through(message, arrays="numpy").dtype == values.dtype
        assert isinstance(through(message, arrays="view"), reflow.Message)
