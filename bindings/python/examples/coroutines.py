"""Coroutines as actors: thirty-two at a time on the event loop of the program, read with async for."""

import asyncio
import time

import reflow


@reflow.actor(inports=["url"], outports=["body"], max_concurrency=32)
async def fetch(ctx, url):
    """Stands for a request over the network that takes a tenth of a second."""
    await asyncio.sleep(0.1)
    return {"body": f"the page {url}"}


async def main() -> None:
    urls = [f"https://example.org/{number}" for number in range(64)]
    begin = time.monotonic()
    async with reflow.Network() as net:
        net.add("fetch", fetch)
        pages = net.stream("fetch.body")
        for url in urls:
            net.send("fetch.url", url)
        seen = []
        async for page in pages:
            seen.append(page)
            if len(seen) == len(urls):
                break
    seconds = time.monotonic() - begin
    print(f"{len(seen)} pages in {seconds:.2f} s; one after the other it would be {0.1 * len(urls):.1f} s")
    assert sorted(seen) == sorted(f"the page {url}" for url in urls)


if __name__ == "__main__":
    asyncio.run(main())
