"""Streams: a program hands a file over piece by piece, actors compress and check it on its way."""

import hashlib
import os
import tempfile
import zlib

import reflow


@reflow.actor(inports=["in"], outports=["out"])
async def compress(ctx, stream):
    """Reads a stream and writes another one; nowhere is more of it than the streams hold."""
    packer = zlib.compressobj()
    async with ctx.open_stream(content_type="application/zlib", max_frames=4) as packed:
        await ctx.send("out", packed)
        async for frame in stream:
            await packed.awrite(packer.compress(frame))
        await packed.awrite(packer.flush())


@reflow.actor(inports=[reflow.Port("in", "stream")], outports=["digest"])
def check(ctx, stream):
    """A plain function may wait for a stream, since one of its ports has that type."""
    unpacker, digest, size = zlib.decompressobj(), hashlib.sha256(), 0
    for frame in stream:
        size += len(frame)
        digest.update(unpacker.decompress(frame))
    digest.update(unpacker.flush())
    return {"digest": {"sha256": digest.hexdigest(), "packed": size}}


def main() -> None:
    data = b"".join(b"line %d of a long file\n" % number for number in range(200_000))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "long.txt")
        with open(path, "wb") as file:
            file.write(data)
        with reflow.Network() as net:
            net.add("compress", compress).add("check", check).connect("compress.out", "check.in")
            results = net.stream("check.digest")
            with net.open_stream(content_type="text/plain", size_hint=len(data)) as stream, \
                    open(path, "rb") as file:
                net.send("compress.in", stream)
                while piece := file.read(65536):
                    stream.write(piece)  # waits when the actors are behind
            result = results.recv(timeout=60)
    print(f"{len(data):,} bytes went as {result['packed']:,}, and came as they were")
    assert result["sha256"] == hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main()
